//! Reading units: tokens grouped to the words and sentences of the text they spell.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use crate::checkpoint::{Piece, Rendered, Tokenizer};

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

/// Who wrote a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The chat template, or the beginning-of-sequence token.
    Template,
    /// The user.
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

/// The pieces of a rendered prompt as tokens with their authors; spans count from the start of the user's text.
pub fn prompt_tokens(tokenizer: &Tokenizer, rendered: &Rendered, pieces: &[Piece]) -> Vec<PromptToken> {
    pieces
        .iter()
        .map(|p| {
            let (text, bytes) = spell(tokenizer.token_bytes(p.id));
            let (start, end) = (p.span.start.max(rendered.user.start), p.span.end.min(rendered.user.end));
            let role = if start < end { Role::User } else { Role::Template };
            let span = if start < end { start - rendered.user.start..end - rendered.user.start } else { 0..0 };
            PromptToken { id: p.id, text, bytes, role, span }
        })
        .collect()
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
/// Gives, for each segment in which a token begins, its bytes and its tokens; a segment that lies wholly within another's
/// token (`,"` is one token of two) goes with that one.
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
    let whole = |(segment, tokens): (usize, Vec<usize>)| {
        let reach = tokens.last().map_or(0, |t| spans[*t].end);
        let within = segments[segment..].iter().take_while(|s| s.end <= reach).last();
        let end = within.map_or(segments[segment].end, |s| s.end);
        (segments[segment].start..end, tokens)
    };
    groups.into_iter().map(whole).collect()
}

/// The units of a prompt. By token: every token. By word or sentence: those of the user's text, `text`.
pub fn units(tokens: &[PromptToken], text: &str, by: By) -> Vec<Unit> {
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
    regroup(text, &segments, &spans)
        .into_iter()
        .map(|(span, tokens)| Unit {
            text: text.get(span.clone()).unwrap_or_default().to_owned(),
            tokens: tokens.into_iter().map(|t| own[t]).collect(),
            role: Role::User,
            span,
        })
        .collect()
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
    fn template_tokens_are_no_words() {
        let token = |text: &str, role, span| PromptToken { id: 0, text: text.into(), bytes: None, role, span };
        let tokens =
            [token("<u>", Role::Template, 0..0), token("Hi", Role::User, 0..2), token(" you", Role::User, 2..6)];
        let words = units(&tokens, "Hi you", By::Word);
        assert_eq!(words.iter().map(|u| (u.text.as_str(), u.tokens[0])).collect::<Vec<_>>(), [("Hi", 1), ("you", 2)]);
        assert_eq!(units(&tokens, "Hi you", By::Token).len(), 3);
        assert!(units(&tokens[..1], "", By::Word).is_empty());
    }
}
