//! SentencePiece's pairwise merging by the tokens' scores, as llama.cpp does it.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};
use std::ops::Range;

use super::Piece;
use super::vocabulary::{Kind, Vocabulary, byte_token};

/// What stands for a space in the tokens.
const SPACE: &str = "▁";

/// Token texts with their scores, and a token for every byte.
pub(super) struct SentencePiece {
    ids: HashMap<Box<str>, u32>,
    scores: Vec<f32>,
    bytes: [Option<u32>; 256],
    unknown: u32,
    /// Whether a text gets a space in front.
    prefix: bool,
}

impl SentencePiece {
    /// `scores`: one for each token, the best merged first. `unknown` stands for a character that has neither token nor bytes.
    pub fn new(vocabulary: &Vocabulary, scores: Vec<f32>, unknown: u32, prefix: bool) -> Self {
        let mut ids = HashMap::with_capacity(vocabulary.tokens.len());
        let mut bytes = [None; 256];
        for (id, (token, kind)) in (0u32..).zip(vocabulary.tokens.iter().zip(&vocabulary.kinds)) {
            if let Some(byte) = byte_token(token) {
                bytes[usize::from(byte)].get_or_insert(id);
            }
            // a byte's token is never spelled out
            if *kind != Kind::Byte && !token.is_empty() {
                ids.entry(Box::from(token.as_str())).or_insert(id);
            }
        }
        Self { ids, scores, bytes, unknown, prefix }
    }

    /// Reads `text`, which lies at `at` of a longer one.
    pub fn encode(&self, text: &str, at: usize, into: &mut Vec<Piece>) {
        Merging::new(self, text, at).run(into);
    }

    fn byte_pieces(&self, bytes: &[u8], raw: &Range<usize>, into: &mut Vec<Piece>) {
        let ids: Option<Vec<u32>> = bytes.iter().map(|b| self.bytes[usize::from(*b)]).collect();
        match ids {
            Some(ids) => into.extend(ids.iter().enumerate().map(|(i, &id)| {
                let start = (raw.start + i).min(raw.end);
                let end = if i + 1 == ids.len() { raw.end } else { (start + 1).min(raw.end) };
                Piece { id, span: start..end }
            })),
            None => into.push(Piece { id: self.unknown, span: raw.clone() }),
        }
    }
}

/// A stretch that is to become a token: at first a character.
struct Symbol {
    /// Where it is in the text with its spaces replaced; empty once it is merged into the one before it.
    text: Range<usize>,
    /// Where it is in the text as it was.
    raw: Range<usize>,
    before: Option<usize>,
    after: Option<usize>,
}

/// Two neighbours that together are a token.
struct Merge {
    score: f32,
    left: usize,
    right: usize,
    length: usize,
}

impl Ord for Merge {
    /// The greatest is merged first: the best score, then the leftmost.
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.left.cmp(&self.left))
    }
}
impl PartialOrd for Merge {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Merge {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Merge {}

struct Merging<'a> {
    model: &'a SentencePiece,
    text: String,
    symbols: Vec<Symbol>,
    queue: BinaryHeap<Merge>,
}

impl<'a> Merging<'a> {
    fn new(model: &'a SentencePiece, raw: &str, at: usize) -> Self {
        let mut text = String::with_capacity(raw.len() + SPACE.len());
        let mut symbols: Vec<Symbol> = Vec::with_capacity(raw.len() + 1);
        let mut push = |c: &str, raw: Range<usize>| {
            let (start, index) = (text.len(), symbols.len());
            text.push_str(c);
            symbols.push(Symbol { text: start..text.len(), raw, before: index.checked_sub(1), after: Some(index + 1) });
        };
        if model.prefix {
            push(SPACE, at..at);
        }
        for (start, c) in raw.char_indices() {
            let end = start + c.len_utf8();
            push(if c == ' ' { SPACE } else { &raw[start..end] }, at + start..at + end);
        }
        if let Some(last) = symbols.last_mut() {
            last.after = None;
        }
        Self { model, text, symbols, queue: BinaryHeap::new() }
    }

    fn run(mut self, into: &mut Vec<Piece>) {
        for right in 1..self.symbols.len() {
            self.offer(Some(right - 1), Some(right));
        }
        while let Some(Merge { left, right, length, .. }) = self.queue.pop() {
            let (l, r) = (self.symbols[left].text.len(), self.symbols[right].text.len());
            if l > 0 && r > 0 && l + r == length {
                self.merge(left, right);
            }
        }
        for symbol in self.symbols.iter().filter(|s| !s.text.is_empty()) {
            let text = &self.text[symbol.text.clone()];
            match self.model.ids.get(text) {
                Some(&id) => into.push(Piece { id, span: symbol.raw.clone() }),
                None => self.model.byte_pieces(text.as_bytes(), &symbol.raw, into),
            }
        }
    }

    fn merge(&mut self, left: usize, right: usize) {
        let (text, raw, after) = {
            let right = &mut self.symbols[right];
            let end = right.text.end;
            right.text.start = end;
            (end, right.raw.end, right.after)
        };
        let merged = &mut self.symbols[left];
        merged.text.end = text;
        merged.raw.end = raw;
        merged.after = after;
        let before = merged.before;
        if let Some(after) = after {
            self.symbols[after].before = Some(left);
        }
        self.offer(before, Some(left));
        self.offer(Some(left), after);
    }

    fn offer(&mut self, left: Option<usize>, right: Option<usize>) {
        let (Some(left), Some(right)) = (left, right) else { return };
        let range = self.symbols[left].text.start..self.symbols[right].text.end;
        let length = range.len();
        let Some(&id) = self.model.ids.get(&self.text[range]) else { return };
        let score = self.model.scores.get(id as usize).copied().unwrap_or(0.0);
        self.queue.push(Merge { score, left, right, length });
    }
}
