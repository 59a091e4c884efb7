//! The four cells {base, tuned} x {plain, template}: what the chat template changed and what the weights changed.
//!
//! A base model usually reads plain text, its tuned child a chat template, so a difference between the two has two causes. Here
//! each model reads the same text both ways, and all four runs explain **one response**. For any number `f` (a token's
//! importance, level or density, or the instruction score):
//!
//! - the effect of the **template**: `f(model, template) - f(model, plain)`, once for each model;
//! - the effect of the **weights**: `f(tuned, reading) - f(base, reading)`, once for each reading;
//! - their **interaction**: the template's effect on the tuned model minus its effect on the base,
//!   `[f(tuned, template) - f(tuned, plain)] - [f(base, template) - f(base, plain)]`. It is zero where the two effects simply add up.
//!
//! So `f(tuned, template) - f(base, plain)`, the usual comparison, is the template's effect on the base plus the weights' effect in
//! the template. Only tokens that are the same in all four runs take part: not the template's own, nor any that it makes the
//! tokenizer split differently. Levels, densities and scores are computed from these tokens alone, so that a column's maximum is
//! over the same tokens in every cell.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::levels::{Levels, density, instruction_score, levels, normalised};
use super::report::ModelReport;
use super::units::{By, PromptToken, Role};

/// A value for the plain text, and for the same text in a chat template.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Readings<T> {
    /// Read as it is.
    pub plain: T,
    /// Read in the template.
    pub template: T,
}

/// A value for both models, in both readings.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Four<T> {
    /// The base model.
    pub base: Readings<T>,
    /// Its tuned child.
    pub tuned: Readings<T>,
}

impl<T> Four<T> {
    /// Applies `f` to each cell.
    pub fn map<U>(&self, mut f: impl FnMut(&T) -> U) -> Four<U> {
        let mut both = |r: &Readings<T>| Readings { plain: f(&r.plain), template: f(&r.template) };
        Four { base: both(&self.base), tuned: both(&self.tuned) }
    }

    fn all(&self) -> [&T; 4] {
        [&self.base.plain, &self.base.template, &self.tuned.plain, &self.tuned.template]
    }
}

/// What changed a number.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Effects {
    /// The template, under the base model.
    pub template_on_base: f64,
    /// The template, under the tuned model.
    pub template_on_tuned: f64,
    /// The weights, on the plain text.
    pub weights_plain: f64,
    /// The weights, in the template.
    pub weights_in_template: f64,
    /// The template's effect on the tuned model minus its effect on the base.
    pub interaction: f64,
}

impl Effects {
    /// Of a number in each of the four cells.
    pub fn of(f: &Four<f64>) -> Self {
        let (template_on_base, template_on_tuned) = (f.base.template - f.base.plain, f.tuned.template - f.tuned.plain);
        Self {
            template_on_base,
            template_on_tuned,
            weights_plain: f.tuned.plain - f.base.plain,
            weights_in_template: f.tuned.template - f.base.template,
            interaction: template_on_tuned - template_on_base,
        }
    }
}

/// How far apart the matrices of two cells are: the sum of |A - B| over the mean of the sums of |A| and |B|. 0 for equal
/// matrices, 2 where no entry is in both.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Distances {
    /// The base model's two readings.
    pub template_on_base: f64,
    /// The tuned model's two readings.
    pub template_on_tuned: f64,
    /// The two models on the plain text.
    pub weights_plain: f64,
    /// The two models in the template.
    pub weights_in_template: f64,
}

impl Distances {
    fn of(cells: &Four<Vec<Vec<f64>>>) -> Self {
        let size = |m: &[Vec<f64>]| m.iter().flatten().map(|v| v.abs()).sum::<f64>();
        let apart = |a: &[Vec<f64>], b: &[Vec<f64>]| {
            let between: f64 = a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| (a - b).abs()).sum();
            let mean = (size(a) + size(b)) / 2.0;
            if mean > 0.0 { between / mean } else { 0.0 }
        };
        Self {
            template_on_base: apart(&cells.base.template, &cells.base.plain),
            template_on_tuned: apart(&cells.tuned.template, &cells.tuned.plain),
            weights_plain: apart(&cells.tuned.plain, &cells.base.plain),
            weights_in_template: apart(&cells.tuned.template, &cells.base.template),
        }
    }
}

/// A token of the prompt that is the same in all four runs, and what changed for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenEffects {
    /// Its id.
    pub id: u32,
    /// Its text.
    pub text: String,
    /// The bytes of the user's prompt it stands for.
    pub span: Range<usize>,
    /// Whether it is part of the instruction.
    pub instruction: bool,
    /// Its signed importance, summed over the response.
    pub importance: Effects,
    /// The mean of its levels over the response.
    pub level: Effects,
    /// Its normalised density.
    pub density: Effects,
}

/// The four cells, and what changed between them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cells {
    /// The tokens of the prompt that are the same in all four runs.
    pub tokens: Vec<TokenEffects>,
    /// How many tokens of the user's text are not the same in all four runs, and so take no part.
    pub left_out: usize,
    /// The response's token ids.
    pub response: Vec<u32>,
    /// Signed importance, `[tokens][response]`.
    pub importance: Four<Vec<Vec<f32>>>,
    /// Levels among these tokens, `[tokens][response]`.
    pub levels: Four<Vec<Vec<u8>>>,
    /// Instruction scores; absent where none of these tokens is part of an instruction.
    pub scores: Option<Four<f64>>,
    /// What changed the instruction score.
    pub score: Option<Effects>,
    /// How far apart the importances of two cells are.
    pub importance_apart: Distances,
    /// The same for their levels, which do not change when a model is more certain of every token.
    pub levels_apart: Distances,
}

/// Why four runs do not make up four cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CellsError {
    /// They explain different responses.
    #[error("The four runs explain different responses. Force all of them through the same one.")]
    OtherResponse,
    /// They were not run by token.
    #[error("The four runs have to be by token, each with its importance.")]
    NotByToken,
    /// No token is the same in all four.
    #[error(
        "The four runs have no token of the prompt in common. Use one prompt, and two models with the same tokenizer."
    )]
    NothingInCommon,
}

impl Cells {
    /// From four runs by token that explain one response to the same text.
    pub fn of(reports: &Four<ModelReport>, how: Levels) -> Result<Self, CellsError> {
        let first = &reports.base.plain;
        let ids = |r: &ModelReport| r.response.iter().map(|t| t.id).collect::<Vec<_>>();
        let response = ids(first);
        if reports.all().iter().any(|r| ids(r) != response) {
            return Err(CellsError::OtherResponse);
        }
        if reports.all().iter().any(|r| r.by != By::Token || r.importance.len() != r.units.len()) {
            return Err(CellsError::NotByToken);
        }
        let (common, most) = common(reports);
        if common.is_empty() {
            return Err(CellsError::NothingInCommon);
        }
        let importance = rows(reports, &common);
        let counts = vec![true; common.len()];
        let leveled = importance.map(|rows| levels(rows, &counts, how));
        let dense = leveled.map(|levels| normalised(&density(levels, how.norm)));
        let marked: Vec<bool> = common
            .iter()
            .map(|t| t.span.start < first.instruction.end && first.instruction.start < t.span.end)
            .collect();
        let scores = marked.contains(&true).then(|| dense.map(|density| instruction_score(density, &marked)));
        let (signed, level) = (importance.map(|rows| wide(rows)), leveled.map(|rows| wide(rows)));
        let columns = response.len().max(1) as f64;
        let tokens = common.iter().enumerate().map(|(n, token)| TokenEffects {
            id: token.id,
            text: token.text.clone(),
            span: token.span.clone(),
            instruction: marked[n],
            importance: Effects::of(&signed.map(|rows| rows[n].iter().sum())),
            level: Effects::of(&level.map(|rows| rows[n].iter().sum::<f64>() / columns)),
            density: Effects::of(&dense.map(|d| d[n])),
        });
        Ok(Self {
            tokens: tokens.collect(),
            left_out: most - common.len(),
            importance_apart: Distances::of(&signed),
            levels_apart: Distances::of(&level),
            response,
            score: scores.as_ref().map(Effects::of),
            scores,
            importance,
            levels: leveled,
        })
    }
}

/// The same numbers in f64.
fn wide<V: Copy + Into<f64>>(rows: &[Vec<V>]) -> Vec<Vec<f64>> {
    rows.iter().map(|row| row.iter().map(|v| (*v).into()).collect()).collect()
}

/// A token of the prompt that every cell has, with its row in each.
struct Common {
    id: u32,
    text: String,
    span: Range<usize>,
    rows: Four<usize>,
}

/// The row of the unit that is this token alone, if the run has one.
fn row_of(report: &ModelReport, token: &PromptToken) -> Option<usize> {
    let at = report.prompt.iter().position(|t| t.role == Role::User && t.id == token.id && t.span == token.span)?;
    report.units.iter().position(|unit| unit.tokens == [at])
}

/// The user's tokens that all four have, and the most that any of them has.
fn common(reports: &Four<ModelReport>) -> (Vec<Common>, usize) {
    let own = |r: &ModelReport| r.prompt.iter().filter(|t| t.role == Role::User).count();
    let most = reports.all().into_iter().map(own).max().unwrap_or(0);
    let users = reports.base.plain.prompt.iter().filter(|t| t.role == Role::User);
    let in_all = users.filter_map(|token| {
        let found = reports.map(|r| row_of(r, token));
        let rows = Four {
            base: Readings { plain: found.base.plain?, template: found.base.template? },
            tuned: Readings { plain: found.tuned.plain?, template: found.tuned.template? },
        };
        Some(Common { id: token.id, text: token.text.clone(), span: token.span.clone(), rows })
    });
    (in_all.collect(), most)
}

/// Each cell's rows of the common tokens.
fn rows(reports: &Four<ModelReport>, common: &[Common]) -> Four<Vec<Vec<f32>>> {
    let of = |report: &ModelReport, row: fn(&Four<usize>) -> usize| {
        common.iter().map(|token| report.importance[row(&token.rows)].clone()).collect()
    };
    Four {
        base: Readings {
            plain: of(&reports.base.plain, |r| r.base.plain),
            template: of(&reports.base.template, |r| r.base.template),
        },
        tuned: Readings {
            plain: of(&reports.tuned.plain, |r| r.tuned.plain),
            template: of(&reports.tuned.template, |r| r.tuned.template),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::{CheckpointInfo, ResponseToken, Seconds, Unit};
    use crate::model::head::Target;

    fn said(id: u32) -> ResponseToken {
        ResponseToken {
            id,
            text: String::new(),
            bytes: None,
            probability: 0.5,
            rank: 1,
            entropy: 0.0,
            top: Vec::new(),
            top_text: Vec::new(),
        }
    }

    /// A run on "Say it", one token a word, with `before` tokens of a template; the template's rows are large.
    fn report(before: usize, rows: [[f32; 2]; 2]) -> ModelReport {
        let template = (0..before).map(|_| (99, Role::Template, 0..0));
        let prompt: Vec<PromptToken> = template
            .chain([(1, Role::User, 0..3), (2, Role::User, 3..6)])
            .map(|(id, role, span)| PromptToken { id, text: format!("#{id}"), bytes: None, role, span })
            .collect();
        let unit = |(at, t): (usize, &PromptToken)| Unit {
            text: t.text.clone(),
            tokens: vec![at],
            role: t.role,
            span: t.span.clone(),
        };
        ModelReport {
            checkpoint: CheckpointInfo::default(),
            units: prompt.iter().enumerate().map(unit).collect(),
            prompt,
            response: vec![said(7), said(8)],
            importance: vec![vec![50.0, 50.0]; before].into_iter().chain(rows.map(Vec::from)).collect(),
            levels: Vec::new(),
            density: Vec::new(),
            instruction_score: None,
            instruction: 0..3,
            target: Target::Prob,
            method: Default::default(),
            baseline: None,
            steps: None,
            completeness: Vec::new(),
            faithfulness: None,
            against: Vec::new(),
            against_text: Vec::new(),
            interventions: Vec::new(),
            without: Vec::new(),
            by: By::Token,
            mode: "reverse".into(),
            backend: String::new(),
            seconds: Seconds::default(),
        }
    }

    fn four() -> Four<ModelReport> {
        Four {
            base: Readings {
                plain: report(0, [[1.0, 0.0], [0.5, 1.0]]),
                template: report(3, [[2.0, 1.0], [0.5, 1.0]]),
            },
            tuned: Readings {
                plain: report(0, [[1.5, 0.0], [0.5, 1.0]]),
                template: report(3, [[4.0, 3.0], [0.5, 0.0]]),
            },
        }
    }

    #[test]
    fn template_and_weights_are_told_apart() {
        let cells = Cells::of(&four(), Levels { floor: 0, ..Levels::default() }).unwrap();
        assert_eq!((cells.tokens.len(), cells.left_out, cells.response.as_slice()), (2, 0, [7, 8].as_slice()));
        let first = &cells.tokens[0].importance;
        // sums 1, 3 (base), 1.5, 7 (tuned)
        assert_eq!((first.template_on_base, first.template_on_tuned), (2.0, 5.5));
        assert_eq!((first.weights_plain, first.weights_in_template, first.interaction), (0.5, 4.0, 3.5));
        let usual = 7.0 - 1.0;
        assert_eq!(
            first.template_on_base + first.weights_in_template,
            usual,
            "the usual comparison is the sum of both"
        );
        assert_eq!(first.template_on_tuned + first.weights_plain, usual);
        assert_eq!(cells.levels.base.template, [[10, 10], [3, 10]], "the template's rows set no maximum");
        // |1| + |1| over (2.5 + 4.5) / 2
        assert!((cells.importance_apart.template_on_base - 2.0 / 3.5).abs() < 1e-12);
    }

    #[test]
    fn the_score_moves_as_its_cells_do() {
        let cells = Cells::of(&four(), Levels::default()).unwrap();
        let (scores, moved) = (cells.scores.unwrap(), cells.score.unwrap());
        assert_eq!(moved.template_on_base, scores.base.template - scores.base.plain);
        assert_eq!(moved.weights_in_template, scores.tuned.template - scores.base.template);
        let unmarked = four().map(|r| ModelReport { instruction: 0..0, ..r.clone() });
        assert_eq!(Cells::of(&unmarked, Levels::default()).unwrap().scores, None);
    }

    #[test]
    fn a_token_that_one_reading_cuts_differently_is_left_out() {
        let mut reports = four();
        reports.tuned.template.prompt[3].id = 77;
        let cells = Cells::of(&reports, Levels::default()).unwrap();
        assert_eq!((cells.tokens.len(), cells.left_out, cells.tokens[0].id), (1, 1, 2));
    }

    #[test]
    fn runs_that_make_up_no_cells_are_refused() {
        let mut other = four();
        other.base.template.response.pop();
        assert_eq!(Cells::of(&other, Levels::default()), Err(CellsError::OtherResponse));
        let mut words = four();
        words.tuned.plain.by = By::Word;
        assert_eq!(Cells::of(&words, Levels::default()), Err(CellsError::NotByToken));
        let none = four().map(|r| ModelReport {
            prompt: r.prompt.iter().map(|t| PromptToken { role: Role::Template, ..t.clone() }).collect(),
            ..r.clone()
        });
        assert_eq!(Cells::of(&none, Levels::default()), Err(CellsError::NothingInCommon));
    }
}
