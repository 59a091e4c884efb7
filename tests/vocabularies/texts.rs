//! Random texts: every script, emoji, bytes that are no text, white space, and special tokens.

use std::ops::RangeInclusive;

/// Blocks to draw characters from.
const BLOCKS: &[RangeInclusive<u32>] = &[
    0x20..=0x7E, // ASCII, three times as likely
    0x20..=0x7E,
    0x20..=0x7E,
    0x00..=0x1F,       // control characters
    0x80..=0x24F,      // Latin
    0x300..=0x36F,     // combining marks
    0x370..=0x52F,     // Greek, Cyrillic
    0x530..=0x6FF,     // Armenian, Hebrew, Arabic
    0x900..=0xDFF,     // India
    0xE00..=0xFFF,     // Thai, Lao, Tibetan
    0x10A0..=0x139F,   // Georgian, Hangul Jamo, Ethiopic
    0x13A0..=0x17FF,   // Cherokee, Canadian, Khmer
    0x2000..=0x206F,   // spaces and marks of all widths
    0x2070..=0x2BFF,   // symbols, numbers, arrows
    0x3000..=0x31FF,   // Kana, Bopomofo
    0x4E00..=0x9FFF,   // Han
    0xAC00..=0xD7A3,   // Hangul
    0xE000..=0xF8FF,   // private
    0xFB00..=0xFFFF,   // forms
    0x10000..=0x104FF, // ancient scripts
    0x1D400..=0x1D7FF, // mathematical letters
    0x1F000..=0x1FAFF, // emoji
    0x20000..=0x2A6DF, // rare Han
    0xE0000..=0x10FFFF,
];

/// What texts are made of that single characters would rarely be.
const PHRASES: &[&str] = &[
    "Hello",
    " world",
    "I'm",
    "WE'LL",
    "don't",
    "fooBar_baz",
    "x = 3.14;",
    "1234567",
    "http://a.b/c?d=e",
    "\n\n",
    "\r\n",
    " \n ",
    "\t\t",
    "e\u{301}",
    "ﬁ",
    "👩‍👩‍👧",
    "🇩🇪",
    "你好",
    "Привет",
    "مرحبا",
    "हिन्दी",
    "한국어",
    "<0x41>",
    "<|",
    "|>",
    "</",
    "<s>",
    "\u{feff}",
    "\u{200d}",
];

/// The block element that SentencePiece writes for a space: llama.cpp and tokenizer.json read it in different ways.
const SPACE_MARK: char = '▁';

/// A seeded stream of texts, with `special` tokens among the words.
pub struct Texts {
    state: u64,
    special: Vec<String>,
}

impl Texts {
    pub fn new(seed: u64, special: Vec<String>) -> Self {
        Self { state: seed, special }
    }

    fn below(&mut self, n: usize) -> usize {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.state >> 33) as usize) % n
    }

    fn character(&mut self, block: &RangeInclusive<u32>) -> char {
        let code = block.start() + self.below((block.end() - block.start() + 1) as usize) as u32;
        char::from_u32(code).filter(|c| *c != SPACE_MARK).unwrap_or('\u{FFFD}')
    }

    fn part(&mut self) -> String {
        match self.below(10) {
            0..=2 => PHRASES[self.below(PHRASES.len())].to_owned(),
            3 if !self.special.is_empty() => {
                let which = self.below(self.special.len());
                self.special[which].clone()
            }
            4 => " ".repeat(1 + self.below(40)),
            5 => {
                let bytes: Vec<u8> = (0..1 + self.below(12)).map(|_| self.below(256) as u8).collect();
                String::from_utf8_lossy(&bytes).into_owned()
            }
            _ => {
                let block = BLOCKS[self.below(BLOCKS.len())].clone();
                (0..1 + self.below(10)).map(|_| self.character(&block)).collect()
            }
        }
    }
}

impl Iterator for Texts {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let parts = self.below(14);
        Some((0..parts).map(|_| self.part()).collect())
    }
}
