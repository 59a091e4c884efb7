//! The byte-level BPE tokenizer both models share.

use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{AddedToken, Tokenizer, models::TrainerWrapper};

/// Control tokens, in the order of their ids.
pub const CONTROL: &[&str] = &["<|endoftext|>", "<|user|>", "<|assistant|>", "<|end|>"];

/// Trains a tokenizer of at most `size` tokens on `texts`.
pub fn train(texts: &[String], size: usize) -> Result<Tokenizer, Box<dyn std::error::Error>> {
    let mut tokenizer = Tokenizer::new(BPE::default());
    tokenizer.with_pre_tokenizer(Some(ByteLevel::new(false, false, true)));
    tokenizer.with_decoder(Some(ByteLevel::new(false, false, true)));
    let trainer = BpeTrainer::builder()
        .vocab_size(size)
        .min_frequency(2)
        .show_progress(false)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .special_tokens(CONTROL.iter().map(|t| AddedToken::from(*t, true)).collect())
        .build();
    let mut trainer = TrainerWrapper::from(trainer);
    tokenizer.train(&mut trainer, texts.iter().map(String::as_str)).map_err(|e| e.to_string())?;
    Ok(tokenizer)
}
