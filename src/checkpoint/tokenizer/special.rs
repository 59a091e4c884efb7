//! Special tokens are found in a text before its words are read.

use std::collections::HashMap;
use std::ops::Range;

/// A stretch of a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    /// Text between special tokens.
    Text(Range<usize>),
    /// A special token, with the bytes that it takes: its own, and the white space that it swallows.
    Token(u32, Range<usize>),
}

/// The special tokens of a vocabulary, in the order llama.cpp looks for them: the longest first, anywhere in the text.
#[derive(Debug, Default)]
pub(super) struct Special {
    /// Longest first.
    by_length: Vec<Length>,
    ids: HashMap<Box<str>, Token>,
}

#[derive(Debug, Clone, Copy)]
struct Token {
    id: u32,
    /// Whether it swallows the white space that follows it.
    strips: bool,
}

/// Tokens of one length in bytes.
#[derive(Debug)]
struct Length {
    bytes: usize,
    /// Which bytes such a token begins with.
    first: [bool; 256],
}

impl Special {
    /// `tokens`: text, id, and whether the token swallows the white space after it. Of equal texts the first is taken.
    pub fn new<'a>(tokens: impl Iterator<Item = (&'a str, u32, bool)>) -> Self {
        let mut ids = HashMap::new();
        let mut firsts: HashMap<usize, [bool; 256]> = HashMap::new();
        for (text, id, strips) in tokens {
            let Some(&first) = text.as_bytes().first() else { continue };
            ids.entry(Box::from(text)).or_insert(Token { id, strips });
            firsts.entry(text.len()).or_insert([false; 256])[usize::from(first)] = true;
        }
        let mut by_length: Vec<Length> = firsts.into_iter().map(|(bytes, first)| Length { bytes, first }).collect();
        by_length.sort_by_key(|l| std::cmp::Reverse(l.bytes));
        Self { by_length, ids }
    }

    /// The parts of `text`, in order; none of an empty text.
    pub fn split(&self, text: &str) -> Vec<Part> {
        let mut parts = if text.is_empty() { Vec::new() } else { vec![Part::Text(0..text.len())] };
        for length in self.by_length.iter().filter(|l| l.bytes <= text.len()) {
            let mut split = Vec::with_capacity(parts.len());
            for part in parts {
                match part {
                    Part::Text(range) => self.split_part(text, range, length, &mut split),
                    token => split.push(token),
                }
            }
            parts = split;
        }
        parts
    }

    fn split_part(&self, text: &str, range: Range<usize>, length: &Length, into: &mut Vec<Part>) {
        let (mut rest, mut at) = (range.start, range.start);
        while at + length.bytes <= range.end {
            let found = match length.first[usize::from(text.as_bytes()[at])] {
                true => text.get(at..at + length.bytes).and_then(|t| self.ids.get(t)),
                false => None,
            };
            let Some(&Token { id, strips }) = found else {
                at += 1;
                continue;
            };
            if at > rest {
                into.push(Part::Text(rest..at));
            }
            rest = at + length.bytes;
            if strips {
                // white space as C's isspace has it
                let space = |b: &u8| matches!(b, b' ' | b'\t'..=b'\r');
                rest += text.as_bytes()[rest..range.end].iter().take_while(|b| space(b)).count();
            }
            into.push(Part::Token(id, at..rest));
            at = rest;
        }
        if rest < range.end {
            into.push(Part::Text(rest..range.end));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn special() -> Special {
        Special::new([("<a>", 1, false), ("<a><b>", 2, false), ("<b>", 3, true), ("", 4, false)].into_iter())
    }

    #[test]
    fn the_longest_is_found_first() {
        use Part::*;
        assert_eq!(special().split("x<a><a><b>"), [Text(0..1), Token(1, 1..4), Token(2, 4..10)]);
        assert_eq!(special().split("é<a"), [Text(0..4)]);
        assert_eq!(special().split(""), []);
    }

    #[test]
    fn white_space_is_swallowed_up_to_the_next_token() {
        use Part::*;
        assert_eq!(special().split("<b> \n\tx"), [Token(3, 0..6), Text(6..7)]);
        assert_eq!(special().split("<b>  <a> "), [Token(3, 0..5), Token(1, 5..8), Text(8..9)]);
        assert_eq!(special().split("<b>\u{a0}"), [Token(3, 0..3), Text(3..5)]);
    }
}
