//! Byte-level pair merging from GGUF metadata: the tokenizers library's model, with llama.cpp's pre-tokenizers.

use std::collections::HashMap;

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{PreTokenizerWrapper, SplitDelimiterBehavior};

use super::pre_tokenizers::PreTokenizer;
use super::vocabulary::Vocabulary;
use crate::checkpoint::CheckpointError;

/// Reads text without special tokens. `merges`: pairs of tokens with a space between them, the first merged first.
pub(super) fn build(
    vocabulary: &Vocabulary,
    merges: &[String],
    pre: &PreTokenizer,
) -> Result<tokenizers::Tokenizer, CheckpointError> {
    // of a repeated token the first counts, as in llama.cpp before it refused them
    let mut ids = HashMap::with_capacity(vocabulary.tokens.len());
    for (id, token, _) in vocabulary.iter() {
        ids.entry(token.to_owned()).or_insert(id);
    }
    let merges = merges.iter().map(|m| pair(m, &ids)).collect::<Result<Vec<_>, _>>()?;
    let model = BPE::builder()
        .vocab_and_merges(ids.into_iter().collect::<Vocab>(), merges)
        .ignore_merges(pre.whole)
        .build()
        .map_err(unusable)?;
    let mut steps: Vec<PreTokenizerWrapper> = Vec::new();
    for split in pre.splits {
        let pattern = SplitPattern::Regex((*split).to_owned());
        steps.push(Split::new(pattern, SplitDelimiterBehavior::Isolated, false).map_err(unusable)?.into());
    }
    steps.push(ByteLevel::new(false, false, false).into());
    let mut made = tokenizers::Tokenizer::new(model);
    made.with_pre_tokenizer(Some(Sequence::new(steps)));
    if pre.composes {
        made.with_normalizer(Some(NFC)).map_err(unusable)?;
    }
    Ok(made)
}

/// Both sides of a merge; the library counts on them, and on what they make, being tokens.
fn pair(merge: &str, ids: &HashMap<String, u32>) -> Result<(String, String), CheckpointError> {
    let (left, right) = merge
        .char_indices()
        .skip(1)
        .find_map(|(at, c)| (c == ' ').then(|| (&merge[..at], &merge[at + 1..])))
        .ok_or_else(|| CheckpointError::Tokenizer(format!("its merge “{merge}” is no pair")))?;
    let known = |token: &str| ids.contains_key(token);
    if known(left) && known(right) && known(&format!("{left}{right}")) {
        Ok((left.to_owned(), right.to_owned()))
    } else {
        Err(CheckpointError::Tokenizer(format!("its merge “{merge}” is not of tokens it has")))
    }
}

fn unusable(e: tokenizers::Error) -> CheckpointError {
    CheckpointError::Tokenizer(e.to_string())
}

/// GPT-2's printable stand-ins for bytes, read backwards.
pub(super) fn byte_of_char() -> HashMap<char, u8> {
    let printable = |b: u8| matches!(b, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let mut next = 256u32;
    (0..=255u8)
        .filter_map(|b| {
            let c = if printable(b) {
                char::from(b)
            } else {
                let c = char::from_u32(next);
                next += 1;
                c?
            };
            Some((c, b))
        })
        .collect()
}
