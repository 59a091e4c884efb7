//! Words as one model's vectors.

use candle_core::Tensor;

use crate::checkpoint::{Checkpoint, Tokenizer};
use crate::model::ModelError;

/// Words that take more tokens are left out: their mean vector says little.
const MOST_TOKENS: usize = 2;
/// A vocabulary smaller than this that writes at least so many of the words with a single token is read by those alone:
/// it makes the others of pieces that its model hardly ever saw together.
const SMALL_VOCABULARY: usize = 16_384;
const ENOUGH_WORDS: usize = 1_000;

/// Words that a model writes with one or two tokens, those first that its vocabulary learned first.
#[derive(Debug, Clone, PartialEq)]
pub struct Words {
    /// The words.
    pub words: Vec<String>,
    tokens: Vec<Vec<u32>>,
}

impl Words {
    /// Those of `list` that fit. A byte-pair vocabulary is in the order of frequency, so the order of ids stands in for
    /// that of the words' frequency (a deviation from the paper, which takes it from a corpus).
    pub fn of(list: &[String], tokenizer: &Tokenizer) -> Result<Self, ModelError> {
        let mut found = Vec::new();
        for word in list {
            let tokens = tokens(word, tokenizer)?;
            if (1..=MOST_TOKENS).contains(&tokens.len()) {
                found.push((tokens, word.clone()));
            }
        }
        let single = found.iter().filter(|(tokens, _)| tokens.len() == 1).count();
        if tokenizer.vocab() < SMALL_VOCABULARY && single >= ENOUGH_WORDS {
            found.retain(|(tokens, _)| tokens.len() == 1);
        }
        found.sort_by_key(|(tokens, _)| (tokens.len(), tokens.iter().copied().max()));
        let (tokens, words) = found.into_iter().unzip();
        Ok(Self { words, tokens })
    }

    /// The mean of each word's rows of matrix `name`: `[words, width]`.
    pub fn vectors(&self, checkpoint: &Checkpoint, name: &str) -> Result<Tensor, ModelError> {
        let part = |i: usize| self.tokens.iter().map(|t| t[i.min(t.len() - 1)]).collect::<Vec<u32>>();
        let sum = (checkpoint.rows(name, &part(0))? + checkpoint.rows(name, &part(1))?)?;
        Ok((sum * 0.5)?)
    }

    /// The words' input embeddings, `[words, width]`.
    pub fn input(&self, checkpoint: &Checkpoint) -> Result<Tensor, ModelError> {
        self.vectors(checkpoint, "token_embd.weight")
    }

    /// The words' rows of the head, `[words, width]`.
    pub fn output(&self, checkpoint: &Checkpoint) -> Result<Tensor, ModelError> {
        self.vectors(checkpoint, if checkpoint.tied() { "token_embd.weight" } else { "output.weight" })
    }
}

/// The tokens of a word inside a text, so with the space before it.
fn tokens(word: &str, tokenizer: &Tokenizer) -> Result<Vec<u32>, ModelError> {
    let mut ids: Vec<u32> = tokenizer.encode(&format!(" {word}"))?.iter().map(|p| p.id).collect();
    // SentencePiece sets a space of its own before the text's
    if ids.len() > 1 && tokenizer.token_bytes(ids[0]) == b" " && tokenizer.token_bytes(ids[1]).starts_with(b" ") {
        ids.remove(0);
    }
    Ok(ids)
}
