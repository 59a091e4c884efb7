//! Reading units: tokens grouped to the words and sentences of the text they spell.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use crate::checkpoint::{Own, Piece, Rendered, Tokenizer};

/// The granularity of an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Every token, the template's and BOS included.
    Token,
    /// Words of the user's text.
    #[default]
    Word,
    /// Sentences of the user's text.
    Sentence,
}

/// Models below this many parameters are explained by token whatever is set: it costs them nothing.
const SMALL: u64 = 30_000_000;

impl By {
    /// The granularity by which a model of so many parameters is run where this one is set.
    pub fn with(self, parameters: u64) -> Self {
        if parameters < SMALL { Self::Token } else { self }
    }
}

/// Who wrote a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The chat template, a turn that is not explained, or the beginning-of-sequence token.
    Template,
    /// Whoever wrote the text that is explained.
    User,
}

/// A token of the prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptToken {
    /// Its id.
    pub id: u32,
    /// Its text; U+FFFD where its bytes are part of a character.
    pub text: String,
    /// Its bytes, where they are no text on their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Vec<u8>>,
    /// Who wrote it.
    pub role: Role,
    /// The bytes of the user's prompt it stands for; empty for the template's tokens.
    pub span: Range<usize>,
}

/// Tokens that are explained together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    /// The text, without the space before it.
    pub text: String,
    /// Indices of its tokens.
    pub tokens: Vec<usize>,
    /// Who wrote it.
    pub role: Role,
    /// The bytes of the user's prompt it stands for.
    pub span: Range<usize>,
}

/// A token's text, and its bytes where these are no text on their own.
pub(crate) fn spell(bytes: &[u8]) -> (String, Option<Vec<u8>>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (String::from_utf8_lossy(bytes).into_owned(), Some(bytes.to_vec())),
    }
}

/// The pieces of a rendered prompt as tokens with their authors; spans are bytes of the text that is explained.
pub fn prompt_tokens(tokenizer: &Tokenizer, rendered: &Rendered, pieces: &[Piece]) -> Vec<PromptToken> {
    let own = |span: &Range<usize>| {
        let within = |own: &Own| {
            let (start, end) = (span.start.max(own.at.start), span.end.min(own.at.end));
            (start < end).then(|| own.from + start - own.at.start..own.from + end - own.at.start)
        };
        rendered.own.iter().find_map(within)
    };
    let token = |p: &Piece| {
        let (text, bytes) = spell(tokenizer.token_bytes(p.id));
        let span = own(&p.span);
        let role = if span.is_some() { Role::User } else { Role::Template };
        PromptToken { id: p.id, text, bytes, role, span: span.unwrap_or(0..0) }
    };
    pieces.iter().map(token).collect()
}

/// The words or sentences of `text`, without the white space around them.
pub fn segment(text: &str, by: By) -> Vec<Range<usize>> {
    let trim = |(at, part): (usize, &str)| {
        let start = at + (part.len() - part.trim_start().len());
        start..start + part.trim().len()
    };
    let parts: Vec<Range<usize>> = match by {
        By::Sentence => text.split_sentence_bound_indices().map(trim).collect(),
        By::Word | By::Token => text.split_word_bound_indices().map(trim).collect(),
    };
    parts.into_iter().filter(|r| !r.is_empty()).collect()
}

/// Groups tokens with `(span, bytes of the text)` into the segments of `text`; white space goes with what follows it.
/// Gives, for each segment in which a token begins, its bytes and its tokens, in the order of the text: a template can place a
/// later turn before an earlier one. A segment that lies wholly within another's token (`,"` is one token of two) goes with
/// that one.
pub fn regroup(text: &str, segments: &[Range<usize>], spans: &[Range<usize>]) -> Vec<(Range<usize>, Vec<usize>)> {
    let mut groups: Vec<(usize, Vec<usize>)> = Vec::new();
    for (token, span) in spans.iter().enumerate() {
        let bytes = text.as_bytes().get(span.clone()).unwrap_or_default();
        let blank = bytes.iter().take_while(|b| b.is_ascii_whitespace()).count();
        let at = span.start + if blank == bytes.len() { 0 } else { blank };
        let segment = segments.partition_point(|s| s.end <= at).min(segments.len().saturating_sub(1));
        match groups.last_mut() {
            Some((last, tokens)) if *last == segment => tokens.push(token),
            _ => groups.push((segment, vec![token])),
        }
    }
    groups.sort_by_key(|(segment, _)| *segment);
    let whole = |(segment, tokens): (usize, Vec<usize>)| {
        let reach = tokens.last().map_or(0, |t| spans[*t].end);
        let within = segments[segment..].iter().take_while(|s| s.end <= reach).last();
        let end = within.map_or(segments[segment].end, |s| s.end);
        (segments[segment].start..end, tokens)
    };
    groups.into_iter().map(whole).collect()
}

/// The words or sentences of `text`, with each of `spans` (in order, not overlapping) as one segment of its own.
pub fn segments(text: &str, by: By, spans: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut all = spans.to_vec();
    for segment in segment(text, by) {
        let mut from = segment.start;
        let first = spans.partition_point(|s| s.end <= segment.start);
        let cuts = spans[first..].iter().take_while(|s| s.start < segment.end);
        for next in cuts.cloned().chain(std::iter::once(segment.end..segment.end)) {
            let part = text.get(from..next.start.min(segment.end)).unwrap_or_default();
            let start = from + (part.len() - part.trim_start().len());
            if !part.trim().is_empty() {
                all.push(start..start + part.trim().len());
            }
            from = next.end;
        }
    }
    all.sort_by_key(|s| s.start);
    all
}

/// What the row of the template's tokens is called.
pub const TEMPLATE_ROW: &str = "(template)";

/// The tokens that are not part of the explained text, as one group: all but the first of the sequence, on which attention
/// rests whatever it says.
fn template_row(tokens: &[PromptToken]) -> Option<Unit> {
    let tokens: Vec<usize> = (1..tokens.len()).filter(|&i| tokens[i].role == Role::Template).collect();
    let unit = |tokens| Unit { text: TEMPLATE_ROW.into(), tokens, role: Role::Template, span: 0..0 };
    (!tokens.is_empty()).then(|| unit(tokens))
}

/// The units of a prompt. By token: every token. By word or sentence: those of the user's text, `text`; before them the
/// template's tokens as one unit if `template` asks for it and there are any.
pub fn units(tokens: &[PromptToken], text: &str, by: By, template: bool) -> Vec<Unit> {
    if by == By::Token {
        let unit = |(i, t): (usize, &PromptToken)| Unit {
            text: t.text.clone(),
            tokens: vec![i],
            role: t.role,
            span: t.span.clone(),
        };
        return tokens.iter().enumerate().map(unit).collect();
    }
    let own: Vec<usize> = (0..tokens.len()).filter(|&i| tokens[i].role == Role::User).collect();
    let spans: Vec<Range<usize>> = own.iter().map(|&i| tokens[i].span.clone()).collect();
    let segments = segment(text, by);
    if segments.is_empty() {
        return Vec::new();
    }
    let words = regroup(text, &segments, &spans).into_iter().map(|(span, tokens)| Unit {
        text: text.get(span.clone()).unwrap_or_default().to_owned(),
        tokens: tokens.into_iter().map(|t| own[t]).collect(),
        role: Role::User,
        span,
    });
    template_row(tokens).filter(|_| template).into_iter().chain(words).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_sentences_leave_the_spaces_out() {
        let text = "Write  a story. Don't stop!\nOk 🙂";
        let words: Vec<&str> = segment(text, By::Word).into_iter().map(|r| &text[r]).collect();
        assert_eq!(words, ["Write", "a", "story", ".", "Don't", "stop", "!", "Ok", "🙂"]);
        let sentences: Vec<&str> = segment(text, By::Sentence).into_iter().map(|r| &text[r]).collect();
        assert_eq!(sentences, ["Write  a story.", "Don't stop!", "Ok 🙂"]);
    }

    #[test]
    fn tokens_go_with_the_word_they_begin() {
        let text = "un believ able. So";
        // "un", " bel", "iev", " ", "able", ".", " So"
        let spans = [0..2, 2..6, 6..9, 9..10, 10..14, 14..15, 15..18];
        let groups = regroup(text, &segment(text, By::Word), &spans);
        assert_eq!(
            groups,
            [(0..2, vec![0]), (3..9, vec![1, 2]), (10..14, vec![3, 4]), (14..15, vec![5]), (16..18, vec![6])]
        );
    }

    #[test]
    fn a_token_of_two_segments_loses_neither() {
        let text = "in,\" said";
        // "in", ",\"", " said"
        let groups = regroup(text, &segment(text, By::Word), &[0..2, 2..4, 4..9]);
        let texts: Vec<&str> = groups.iter().map(|(span, _)| &text[span.clone()]).collect();
        assert_eq!(texts, ["in", ",\"", "said"]);
    }

    #[test]
    fn words_keep_the_order_of_the_text_where_a_template_moves_a_turn() {
        let text = "Be brief.\n\nHi fox";
        // "Hi", " fox", then "Be", " brief", "."
        let spans = [11..13, 13..17, 0..2, 2..8, 8..9];
        let groups = regroup(text, &segment(text, By::Word), &spans);
        let words: Vec<(&str, &[usize])> = groups.iter().map(|(span, t)| (&text[span.clone()], &t[..])).collect();
        assert_eq!(words, [("Be", &[2][..]), ("brief", &[3]), (".", &[4]), ("Hi", &[0]), ("fox", &[1])]);
    }

    #[test]
    fn template_tokens_are_no_words() {
        let token = |text: &str, role, span| PromptToken { id: 0, text: text.into(), bytes: None, role, span };
        let tokens =
            [token("<u>", Role::Template, 0..0), token("Hi", Role::User, 0..2), token(" you", Role::User, 2..6)];
        let words = units(&tokens, "Hi you", By::Word, true); // the first token is in no row
        assert_eq!(words.iter().map(|u| (u.text.as_str(), u.tokens[0])).collect::<Vec<_>>(), [("Hi", 1), ("you", 2)]);
        assert_eq!(units(&tokens, "Hi you", By::Token, true).len(), 3);
        assert!(units(&tokens[..1], "", By::Word, true).is_empty());
    }

    #[test]
    fn the_templates_tokens_make_up_one_row_where_asked() {
        let token = |text: &str, role, span| PromptToken { id: 0, text: text.into(), bytes: None, role, span };
        let tokens = [
            token("<s>", Role::Template, 0..0),
            token("<u>", Role::Template, 0..0),
            token("Hi", Role::User, 0..2),
            token("</u>", Role::Template, 0..0),
        ];
        let tokens_of =
            |template| units(&tokens, "Hi", By::Word, template).into_iter().map(|u| u.tokens).collect::<Vec<_>>();
        assert_eq!(tokens_of(true), [vec![1, 3], vec![2]]);
        assert_eq!(tokens_of(false), [vec![2]]);
    }

    #[test]
    fn a_marked_span_is_one_segment_and_cuts_those_it_touches() {
        let text = "Write a story now. Don't stop!";
        let cut = |by, spans: &[(usize, usize)]| -> Vec<&str> {
            let spans: Vec<Range<usize>> = spans.iter().map(|(start, end)| *start..*end).collect();
            segments(text, by, &spans).into_iter().map(|r| &text[r]).collect()
        };
        assert_eq!(cut(By::Word, &[]), cut(By::Word, &[(0, 5)]));
        assert_eq!(cut(By::Word, &[(6, 13)]), ["Write", "a story", "now", ".", "Don't", "stop", "!"]);
        assert_eq!(cut(By::Sentence, &[(6, 13), (14, 17)]), ["Write", "a story", "now", ".", "Don't stop!"]);
        assert_eq!(cut(By::Sentence, &[(14, 24)]), ["Write a story", "now. Don't", "stop!"]);
    }
}
