//! What an edit did to the same response, beside what the picture had said of the word.

use std::ops::Range;

use crate::explain::methods::Method;
use crate::explain::{ModelReport, Role};
use crate::model::head::Target;

/// A change of the target that is smaller than this counts as none: of a probability, or nats.
pub const LEAST: f64 = 0.005;

/// Why what the picture said cannot be held against what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoForecast {
    /// A length has no direction.
    Norm,
    /// A run does not tell its logits.
    Logit,
    /// It is about two tokens, of which a run tells one.
    Contrast,
}

/// How what happened compares with what the picture said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Neither is a change.
    Neither,
    /// In the direction that was said, and neither more than twice as much nor less than half.
    AsSaid,
    /// In the direction that was said, and more than twice as much.
    More,
    /// In the direction that was said, and less than half as much.
    Less,
    /// In the other direction.
    Against,
}

impl Verdict {
    fn of(said: f64, happened: f64) -> Self {
        match () {
            () if said.abs() < LEAST && happened.abs() < LEAST => Self::Neither,
            () if happened.abs() >= LEAST && said.abs() >= LEAST && said.signum() != happened.signum() => Self::Against,
            () if said.signum() == happened.signum() && happened.abs() > 2.0 * said.abs() => Self::More,
            () if said.signum() != happened.signum() && said.abs() < LEAST => Self::More,
            () if 2.0 * happened.abs() < said.abs() => Self::Less,
            () => Self::AsSaid,
        }
    }
}

/// One token of the response under both prompts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Token {
    /// Its probability after the prompt as it was, and as it is now.
    pub probability: [f32; 2],
    /// How its log-probability changed, nats; none where a probability is too small to have one.
    pub change: Option<f64>,
    /// What the picture said that the target would change by without the word: minus the word's importance.
    pub said: f64,
    /// What it did change by, where a run tells it.
    pub happened: Option<f64>,
}

impl Token {
    /// How both compare.
    pub fn verdict(&self) -> Option<Verdict> {
        self.happened.map(|happened| Verdict::of(self.said, happened))
    }
}

/// What an edit did.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// To every token of the response.
    pub tokens: Vec<Token>,
    /// Why the picture's forecast cannot be held against it.
    pub no_forecast: Option<NoForecast>,
    /// Whether what stands around the prompt was read as other tokens than before.
    pub frame_differs: bool,
}

impl Outcome {
    /// Compares two runs on the same response; `gone` is the word, bytes of the first one's prompt. None if the responses differ.
    pub fn of(before: &ModelReport, after: &ModelReport, gone: &Range<usize>) -> Option<Self> {
        let ids = |report: &ModelReport| report.response.iter().map(|t| t.id).collect::<Vec<_>>();
        (ids(before) == ids(after)).then_some(())?;
        let no_forecast = match (before.method, before.target) {
            _ if !before.against.is_empty() => Some(NoForecast::Contrast),
            (Method::GradientNorm, _) => Some(NoForecast::Norm),
            (_, Target::Logit) => Some(NoForecast::Logit),
            _ => None,
        };
        let word: Vec<usize> = (0..before.units.len()).filter(|n| is_part(before, *n, gone)).collect();
        let token = |m: usize| {
            let importance = word.iter().filter_map(|n| before.importance.get(*n)?.get(m)).map(|v| f64::from(*v));
            let probability = [before, after].map(|report| report.response[m].probability);
            let [was, is] = probability.map(f64::from);
            let change = (was > 0.0 && is > 0.0).then(|| is.ln() - was.ln());
            let happened = if before.target == Target::Logprob { change } else { Some(is - was) };
            let happened = happened.filter(|_| no_forecast.is_none());
            Token { probability, change, said: -importance.sum::<f64>(), happened }
        };
        let frame = |report: &ModelReport| -> Vec<u32> {
            report.prompt.iter().filter(|t| t.role == Role::Template).map(|t| t.id).collect()
        };
        let tokens = (0..before.response.len()).map(token).collect();
        Some(Self { tokens, no_forecast, frame_differs: frame(before) != frame(after) })
    }

    /// Natural logarithm of the whole response's probability, before and after; tokens without one are left out of both.
    pub fn totals(&self) -> [f64; 2] {
        let told = || self.tokens.iter().filter(|t| t.change.is_some());
        [0, 1].map(|at| told().map(|t| f64::from(t.probability[at]).ln()).sum())
    }

    /// The token whose log-probability changed most.
    pub fn most(&self) -> Option<usize> {
        let size = |m: usize| self.tokens[m].change.unwrap_or_default().abs();
        (0..self.tokens.len()).rev().max_by(|a, b| size(*a).total_cmp(&size(*b))).filter(|m| size(*m) >= LEAST)
    }

    /// Of the tokens whose target changed, how many changed in the direction that the picture had said, and how many there are.
    pub fn agreement(&self) -> Option<[usize; 2]> {
        let changed: Vec<(f64, f64)> = self
            .tokens
            .iter()
            .filter_map(|t| Some((t.said, t.happened.filter(|happened| happened.abs() >= LEAST)?)))
            .collect();
        let right =
            changed.iter().filter(|(said, happened)| *said != 0.0 && said.signum() == happened.signum()).count();
        self.no_forecast.is_none().then_some([right, changed.len()])
    }

    /// The largest change of a log-probability.
    pub fn extent(&self) -> f64 {
        self.tokens.iter().filter_map(|t| t.change).fold(0.0, |most, change| most.max(change.abs()))
    }
}

/// Whether unit `n` stands for a part of `word` and not only for white space beside it.
fn is_part(report: &ModelReport, n: usize, word: &Range<usize>) -> bool {
    let unit = &report.units[n];
    let blank = unit.text.len() - unit.text.trim_start().len();
    let start = unit.span.start + if unit.span.len() == unit.text.len() { blank } else { 0 };
    unit.role == Role::User && start < word.end && word.start < unit.span.end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::{ResponseToken, Unit};
    use crate::page::tests::report_of;

    fn token(probability: f32) -> ResponseToken {
        ResponseToken { probability, ..crate::page::tests::token(7, " a") }
    }

    fn report(probabilities: &[f32], units: &[(&str, Range<usize>, f32)]) -> ModelReport {
        let unit = |(at, (text, span, _)): (usize, &(&str, Range<usize>, f32))| Unit {
            text: (*text).into(),
            tokens: vec![at],
            role: Role::User,
            span: span.clone(),
        };
        ModelReport {
            response: probabilities.iter().map(|p| token(*p)).collect(),
            units: units.iter().enumerate().map(unit).collect(),
            importance: units.iter().map(|(_, _, v)| vec![*v; probabilities.len()]).collect(),
            ..report_of("Tell me now")
        }
    }

    fn before(probabilities: &[f32]) -> ModelReport {
        report(probabilities, &[("Tell", 0..4, 0.5), (" me", 4..7, 0.25), (" now", 7..11, -0.125)])
    }

    #[test]
    fn the_change_stands_beside_what_the_picture_said_of_the_word() {
        let (a, b) = (before(&[0.5, 0.8, 0.0]), before(&[0.25, 0.8, 0.1]));
        // a word goes with the space before it, in which no other token's word is
        let found = Outcome::of(&a, &b, &(4..7)).unwrap();
        assert_eq!(found.tokens[0].said, -0.25);
        assert_eq!(found.tokens[0].happened, Some(-0.25));
        assert!((found.tokens[0].change.unwrap() + std::f64::consts::LN_2).abs() < 1e-12);
        assert_eq!(found.tokens[2].change, None, "ln 0");
        let verdicts: Vec<_> = found.tokens.iter().map(|t| t.verdict().unwrap()).collect();
        assert_eq!(verdicts, [Verdict::AsSaid, Verdict::Less, Verdict::Against]);
        assert_eq!((found.most(), found.agreement()), (Some(0), Some([1, 2])));
        let [was, is] = found.totals();
        assert!((was - is - std::f64::consts::LN_2).abs() < 1e-7, "{was} {is}");
        // a space after it is the next token's
        assert_eq!(Outcome::of(&a, &b, &(0..5)).unwrap().tokens[0].said, -0.5);
        let of = |target| Outcome::of(&ModelReport { target, ..a.clone() }, &b, &(4..7)).unwrap();
        assert_eq!(of(Target::Logprob).tokens[0].happened, found.tokens[0].change);
        assert_eq!((of(Target::Logit).no_forecast, of(Target::Logit).agreement()), (Some(NoForecast::Logit), None));
        let other = ModelReport { response: vec![token(0.5)], ..b };
        assert_eq!(Outcome::of(&a, &other, &(4..7)), None, "another response");
    }

    #[test]
    fn what_was_said_is_held_against_what_happened() {
        let verdict = |said, happened| Verdict::of(said, happened);
        assert_eq!(verdict(0.001, -0.002), Verdict::Neither);
        assert_eq!(verdict(0.1, 0.15), Verdict::AsSaid);
        assert_eq!(verdict(-0.1, -0.3), Verdict::More);
        assert_eq!(verdict(0.0, 0.3), Verdict::More, "nothing was said");
        assert_eq!(verdict(0.001, -0.3), Verdict::More);
        assert_eq!(verdict(-0.3, -0.1), Verdict::Less);
        assert_eq!(verdict(-0.3, 0.001), Verdict::Less);
        assert_eq!(verdict(-0.3, 0.1), Verdict::Against);
    }
}
