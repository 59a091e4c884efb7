//! A run as it is read: regrouped to the chosen granularity, levelled, scored. Recomputed at every turn of a slider.

use std::ops::Range;

use super::levels::{Levels, density, instruction_score, levels, normalised};
use super::report::{ResponseToken, aggregate};
use super::units::{By, Role, TEMPLATE_ROW, Unit, regroup, segment, segments};

/// A row or column of the matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// Its text.
    pub text: String,
    /// Who wrote it.
    pub role: Role,
    /// Whether it has levels and a share of the density (rows only): by token, the template's tokens have not.
    pub counted: bool,
    /// Whether it belongs to the instruction (rows only).
    pub instruction: bool,
    /// Indices of its parts: units for rows, response tokens for columns.
    pub parts: Vec<usize>,
    /// Whether white space stands before it.
    pub spaced: bool,
    /// Whether it is a part of the prompt that the user made one unit (rows only).
    pub own: bool,
}

/// One model's matrix, ready to draw.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct View {
    /// Prompt units.
    pub rows: Vec<Label>,
    /// Response units.
    pub columns: Vec<Label>,
    /// Signed importance `[rows][columns]`: a merged column is the sum of its tokens' columns.
    pub signed: Vec<Vec<f32>>,
    /// Levels `[rows][columns]`.
    pub levels: Vec<Vec<u8>>,
    /// Normalised density of every row.
    pub density: Vec<f64>,
    /// Instruction score, where an instruction is marked.
    pub score: Option<f64>,
}

impl View {
    /// What its rows are where they are not all words, tokens or sentences, in the words of a caption.
    pub fn other_rows(&self) -> Option<String> {
        let template = self.rows.iter().any(|row| row.role == Role::Template && row.text == TEMPLATE_ROW);
        let own = match self.rows.iter().filter(|row| row.own).count() {
            0 => None,
            1 => Some("One row is a unit the user chose.".to_owned()),
            count => Some(format!("{count} rows are units the user chose.")),
        };
        let template = template.then(|| "The chat template is one row.".to_owned());
        let all: Vec<String> = own.into_iter().chain(template).collect();
        (!all.is_empty()).then(|| all.join(" "))
    }

    /// The largest magnitude among the rows that count; the template's tokens would flatten the scale.
    pub fn extent(&self) -> f32 {
        let counted = self.rows.iter().zip(&self.signed).filter(|(r, _)| r.counted);
        counted.flat_map(|(_, row)| row).fold(0.0, |a, v| a.max(v.abs()))
    }
}

/// What a view is made from; in a run that goes on, columns grow.
pub struct Source<'a> {
    /// The user's text.
    pub text: &'a str,
    /// Rows of the run.
    pub units: &'a [Unit],
    /// The granularity of the run's rows.
    pub by: By,
    /// Parts of `text` that are one row each where it is not read by token; in order.
    pub spans: &'a [Range<usize>],
    /// Whether the template's tokens are one row where it is not read by token.
    pub template_row: bool,
    /// `[response][units]`: columns as they arrive.
    pub columns: &'a [Vec<f32>],
    /// The response so far.
    pub response: &'a [ResponseToken],
    /// The instruction, bytes of `text`.
    pub instruction: Range<usize>,
}

/// Whether rows of granularity `have` can be shown by `want` without running again.
pub fn can_show(have: By, want: By) -> bool {
    let rank = |by| match by {
        By::Token => 0,
        By::Word => 1,
        By::Sentence => 2,
    };
    rank(have) <= rank(want)
}

/// The view of `source` by `by`, or by its own granularity if that is coarser.
pub fn present(source: &Source, by: By, how: Levels) -> View {
    let by = if can_show(source.by, by) { by } else { source.by };
    let mut rows = row_labels(source, by);
    if by != By::Token
        && let [Label { role: Role::Template, .. }, first, ..] = rows.as_mut_slice()
    {
        first.spaced = true; // the text begins there, but not the line
    }
    let columns = column_labels(source.response, by);
    let raw: Vec<Vec<f32>> = (0..source.units.len())
        .map(|n| source.columns.iter().map(|c| c.get(n).copied().unwrap_or(0.0)).collect())
        .collect();
    let by_row = aggregate(&raw, &rows.iter().map(|r| r.parts.clone()).collect::<Vec<_>>());
    // A response token without its column yet (reverse mode) leaves its cells out.
    let ready: Vec<Vec<usize>> =
        columns.iter().map(|c| c.parts.iter().copied().filter(|&m| m < source.columns.len()).collect()).collect();
    let signed: Vec<Vec<f32>> =
        by_row.iter().map(|row| ready.iter().map(|parts| parts.iter().map(|&m| row[m]).sum()).collect()).collect();
    let counts: Vec<bool> = rows.iter().map(|r| r.counted).collect();
    let levels = levels(&signed, &counts, how);
    let density = normalised(&density(&levels, how.norm));
    let marked: Vec<bool> = rows.iter().map(|r| r.instruction).collect();
    let score = (marked.contains(&true) && !source.columns.is_empty()).then(|| instruction_score(&density, &marked));
    View { rows, columns, signed, levels, density, score }
}

fn row_labels(source: &Source, by: By) -> Vec<Label> {
    // a run by sentence cannot be cut any finer
    let spans = if source.by == By::Sentence { &[] } else { source.spans };
    let label = |unit: &Unit, parts: Vec<usize>, span: Range<usize>, text: String| Label {
        role: unit.role,
        counted: unit.role == Role::User || by != By::Token,
        instruction: unit.role == Role::User
            && span.start < source.instruction.end
            && source.instruction.start < span.end,
        spaced: text.starts_with(char::is_whitespace)
            || source.text.get(..span.start).is_some_and(|t| t.ends_with(char::is_whitespace)),
        own: by != By::Token && spans.contains(&span),
        text,
        parts,
    };
    if by == By::Token || by == source.by && spans.is_empty() {
        let one = |(i, u): (usize, &Unit)| label(u, vec![i], u.span.clone(), u.text.clone());
        return source.units.iter().enumerate().map(one).collect();
    }
    let own: Vec<usize> = (0..source.units.len()).filter(|&i| source.units[i].role == Role::User).collect();
    let segments = segments(source.text, by, spans);
    if segments.is_empty() {
        return Vec::new();
    }
    let places: Vec<Range<usize>> = own.iter().map(|&i| source.units[i].span.clone()).collect();
    let words = regroup(source.text, &segments, &places).into_iter().map(|(span, members)| {
        let text = source.text.get(span.clone()).unwrap_or_default().to_owned();
        label(&source.units[own[members[0]]], members.iter().map(|&m| own[m]).collect(), span, text)
    });
    template_label(source).into_iter().chain(words).collect()
}

/// The row of the template's tokens, if it is asked for and there are any.
fn template_label(source: &Source) -> Option<Label> {
    // the first token is in no row, as in a run that makes the row itself
    let is_part = |u: &(usize, &Unit)| u.1.role == Role::Template && u.1.tokens.first().is_some_and(|t| *t > 0);
    let parts: Vec<usize> = source.units.iter().enumerate().filter(is_part).map(|(i, _)| i).collect();
    (source.template_row && !parts.is_empty()).then(|| Label {
        text: TEMPLATE_ROW.into(),
        role: Role::Template,
        counted: true,
        instruction: false,
        parts,
        spaced: true,
        own: false,
    })
}

fn column_labels(response: &[ResponseToken], by: By) -> Vec<Label> {
    let plain = |text: String, parts: Vec<usize>, spaced: bool| Label {
        text,
        role: Role::User,
        counted: true,
        instruction: false,
        parts,
        spaced,
        own: false,
    };
    if by == By::Token {
        let one =
            |(i, t): (usize, &ResponseToken)| plain(t.text.clone(), vec![i], t.text.starts_with(char::is_whitespace));
        return response.iter().enumerate().map(one).collect();
    }
    let (mut text, mut spans) = (Vec::new(), Vec::new());
    for token in response {
        let start = text.len();
        text.extend(token.bytes.as_deref().unwrap_or(token.text.as_bytes()));
        spans.push(start..text.len());
    }
    // An unfinished character at the end of a growing text keeps its length, so that the spans stay true.
    let text = match String::from_utf8(text) {
        Ok(text) => text,
        Err(e) => e.as_bytes().iter().map(|&b| if b.is_ascii() { char::from(b) } else { '?' }).collect(),
    };
    let segments = segment(&text, by);
    if segments.is_empty() {
        return Vec::new();
    }
    regroup(&text, &segments, &spans)
        .into_iter()
        .map(|(span, parts)| {
            let spaced = text.get(..span.start).is_some_and(|t| t.ends_with(char::is_whitespace));
            plain(text.get(span).unwrap_or_default().to_owned(), parts, spaced)
        })
        .collect()
}

/// Tuned minus base, where both explain the same response: rows are those of the user's text, which both share.
/// Nothing where they differ.
pub fn difference(base: &View, tuned: &View) -> Option<(Vec<Label>, Vec<Vec<f32>>)> {
    let user = |v: &View| -> Vec<usize> { (0..v.rows.len()).filter(|&n| v.rows[n].role == Role::User).collect() };
    let (b, t) = (user(base), user(tuned));
    let same_rows =
        b.len() == t.len() && b.iter().zip(&t).all(|(&b, &t)| base.rows[b].text.trim() == tuned.rows[t].text.trim());
    let same_columns = base.columns.iter().map(|c| &c.text).eq(tuned.columns.iter().map(|c| &c.text));
    if !same_rows || !same_columns || base.columns.is_empty() {
        return None;
    }
    let values =
        b.iter().zip(&t).map(|(&b, &t)| tuned.signed[t].iter().zip(&base.signed[b]).map(|(t, b)| t - b).collect());
    Some((t.iter().map(|&t| tuned.rows[t].clone()).collect(), values.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(text: &str, token: usize, span: Range<usize>, role: Role) -> Unit {
        Unit { text: text.into(), tokens: vec![token], role, span }
    }

    fn said(text: &str) -> ResponseToken {
        ResponseToken {
            id: 0,
            text: text.into(),
            bytes: None,
            probability: 0.5,
            rank: 1,
            entropy: 0.0,
            top: vec![],
            top_text: vec![],
        }
    }

    fn source<'a>(units: &'a [Unit], columns: &'a [Vec<f32>], response: &'a [ResponseToken]) -> Source<'a> {
        Source {
            text: "Tell me now",
            units,
            by: By::Token,
            spans: &[],
            template_row: false,
            columns,
            response,
            instruction: 0..7,
        }
    }

    #[test]
    fn marked_spans_and_the_template_are_rows_where_they_are_asked_for() {
        let unit = |at, role, span: Range<usize>| Unit { text: String::new(), tokens: vec![at], role, span };
        let parts = [
            (Role::Template, 0..0),
            (Role::Template, 0..0),
            (Role::User, 0..4),
            (Role::User, 4..7),
            (Role::User, 7..11),
        ];
        let units: Vec<Unit> = parts.into_iter().enumerate().map(|(at, (role, span))| unit(at, role, span)).collect();
        let columns = [vec![16.0, 8.0, 1.0, 2.0, 4.0]];
        let response = [said("no")];
        let spans: Vec<Range<usize>> = std::iter::once(5..11).collect();
        let asked = Source { spans: &spans, template_row: true, ..source(&units, &columns, &response) };
        let view = present(&asked, By::Word, Levels::default());
        let rows: Vec<&str> = view.rows.iter().map(|r| r.text.as_str()).collect();
        assert_eq!(rows, [TEMPLATE_ROW, "Tell", "me now"]);
        assert_eq!(view.other_rows().unwrap(), "One row is a unit the user chose. The chat template is one row.");
        assert_eq!(present(&asked, By::Token, Levels::default()).other_rows(), None);
        assert!(view.rows[1].spaced, "the template's row does not run into the first word");
        assert_eq!(view.signed, [[8.0], [1.0], [6.0]], "the first token is in no row");
        assert_eq!(view.levels[0][0], 10, "a row that was asked for counts");
        assert_eq!(view.extent(), 8.0);
        assert_eq!(present(&asked, By::Token, Levels::default()).extent(), 4.0, "the template's tokens do not");
        assert_eq!(present(&asked, By::Token, Levels::default()).rows.len(), 5);
        // a span from one sentence into the next
        let whole = |text: &str, at, span| Unit { text: text.into(), ..unit(at, Role::User, span) };
        let sentences = [whole("Tell me.", 2, 0..8), whole("Now go.", 3, 9..16)];
        let text = "Tell me. Now go.";
        let spans: Vec<Range<usize>> = std::iter::once(5..12).collect();
        let coarse = Source { text, units: &sentences, by: By::Sentence, spans: &spans, ..asked };
        let rows = present(&coarse, By::Sentence, Levels::default()).rows;
        let rows: Vec<&str> = rows.iter().map(|r| r.text.as_str()).collect();
        assert_eq!(rows, ["Tell me.", "Now go."], "what was explained by sentence cannot be cut");
        let plain = present(&source(&units, &columns, &response), By::Word, Levels::default());
        assert_eq!(plain.rows.iter().map(|r| r.text.as_str()).collect::<Vec<_>>(), ["Tell", "me", "now"]);
        assert_eq!(plain.other_rows(), None);
    }

    #[test]
    fn coarser_rows_and_columns_are_sums() {
        let units = [
            unit("<s>", 0, 0..0, Role::Template),
            unit("Te", 1, 0..2, Role::User),
            unit("ll", 2, 2..4, Role::User),
            unit(" me", 3, 4..7, Role::User),
            unit(" now", 4, 7..11, Role::User),
        ];
        let columns = [vec![9.0, 1.0, 2.0, -1.0, 0.5], vec![9.0, 0.5, 0.5, 0.0, 1.0]];
        let response = [said("A"), said("ha")];
        let view = present(&source(&units, &columns, &response), By::Word, Levels::default());
        assert_eq!(view.rows.iter().map(|r| r.text.as_str()).collect::<Vec<_>>(), ["Tell", "me", "now"]);
        assert_eq!(view.columns.len(), 1);
        assert_eq!(view.columns[0].text, "Aha");
        assert_eq!(view.signed, [[4.0], [-1.0], [1.5]]);
        assert_eq!(view.levels, [[10], [0], [0]]);
        assert_eq!(view.rows.iter().map(|r| r.instruction).collect::<Vec<_>>(), [true, true, false]);
        let tokens = present(&source(&units, &columns, &response), By::Token, Levels::default());
        assert_eq!((tokens.rows.len(), tokens.levels[0][0], tokens.extent()), (5, 0, 2.0));
        let growing = present(&source(&units, &columns[..1], &response), By::Token, Levels::default());
        assert_eq!(growing.signed[1], [1.0, 0.0]);
    }

    #[test]
    fn differences_need_the_same_rows_and_response() {
        let units = [unit("Tell", 0, 0..4, Role::User), unit("me", 1, 5..7, Role::User)];
        let (a, b) = ([vec![1.0, 2.0]], [vec![4.0, 1.0]]);
        let (yes, no) = ([said("Yes")], [said("No")]);
        let view = |c, r| present(&Source { by: By::Word, ..source(&units, c, r) }, By::Word, Levels::default());
        let (_, d) = difference(&view(&a, &yes), &view(&b, &yes)).unwrap();
        assert_eq!(d, [[3.0], [-1.0]]);
        assert!(difference(&view(&a, &yes), &view(&b, &no)).is_none());
    }
}
