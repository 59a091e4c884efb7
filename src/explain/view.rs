//! A run as it is read: regrouped to the chosen granularity, levelled, scored. Recomputed at every turn of a slider.

use std::ops::Range;

use super::levels::{Levels, density, instruction_score, levels, normalised};
use super::report::{ResponseToken, aggregate};
use super::units::{By, Role, Unit, regroup, segment};

/// A row or column of the matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// Its text.
    pub text: String,
    /// Who wrote it.
    pub role: Role,
    /// Whether it belongs to the instruction (rows only).
    pub instruction: bool,
    /// Indices of its parts: units for rows, response tokens for columns.
    pub parts: Vec<usize>,
    /// Whether white space stands before it.
    pub spaced: bool,
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
    /// The largest magnitude among the user's rows; template rows would flatten the scale.
    pub fn extent(&self) -> f32 {
        let user = self.rows.iter().zip(&self.signed).filter(|(r, _)| r.role == Role::User);
        user.flat_map(|(_, row)| row).fold(0.0, |a, v| a.max(v.abs()))
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
    let rows = row_labels(source, by);
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
    let counts: Vec<bool> = rows.iter().map(|r| r.role == Role::User).collect();
    let levels = levels(&signed, &counts, how);
    let density = normalised(&density(&levels, how.norm));
    let marked: Vec<bool> = rows.iter().map(|r| r.instruction).collect();
    let score = (marked.contains(&true) && !source.columns.is_empty()).then(|| instruction_score(&density, &marked));
    View { rows, columns, signed, levels, density, score }
}

fn row_labels(source: &Source, by: By) -> Vec<Label> {
    let label = |unit: &Unit, parts: Vec<usize>, span: Range<usize>, text: String| Label {
        role: unit.role,
        instruction: unit.role == Role::User
            && span.start < source.instruction.end
            && source.instruction.start < span.end,
        spaced: text.starts_with(char::is_whitespace)
            || source.text.get(..span.start).is_some_and(|t| t.ends_with(char::is_whitespace)),
        text,
        parts,
    };
    if by == source.by {
        let one = |(i, u): (usize, &Unit)| label(u, vec![i], u.span.clone(), u.text.clone());
        return source.units.iter().enumerate().map(one).collect();
    }
    let own: Vec<usize> = (0..source.units.len()).filter(|&i| source.units[i].role == Role::User).collect();
    let segments = segment(source.text, by);
    if segments.is_empty() {
        return Vec::new();
    }
    let spans: Vec<Range<usize>> = own.iter().map(|&i| source.units[i].span.clone()).collect();
    regroup(source.text, &segments, &spans)
        .into_iter()
        .map(|(span, members)| {
            let text = source.text.get(span.clone()).unwrap_or_default().to_owned();
            label(&source.units[own[members[0]]], members.iter().map(|&m| own[m]).collect(), span, text)
        })
        .collect()
}

fn column_labels(response: &[ResponseToken], by: By) -> Vec<Label> {
    let plain = |text: String, parts: Vec<usize>, spaced: bool| Label {
        text,
        role: Role::User,
        instruction: false,
        parts,
        spaced,
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
        Source { text: "Tell me now", units, by: By::Token, columns, response, instruction: 0..7 }
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
