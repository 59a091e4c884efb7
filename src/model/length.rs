//! How many tokens a run takes, and whether a model's context holds them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Tokens of a run beside the model's context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Length {
    /// Of the prompt, with what the template puts around it and BOS.
    pub prompt: usize,
    /// Of these, the template's and BOS; 0 where only ids are known.
    pub template: usize,
    /// Of a given response; the model's own, absent here, has to have room for one token at least.
    pub response: Option<usize>,
    /// What the model reads at most.
    pub context: usize,
}

impl Length {
    /// A sequence of which nothing more is known.
    pub fn of(tokens: usize, context: usize) -> Self {
        Self { prompt: tokens, template: 0, response: Some(0), context }
    }

    /// By how many tokens it is too long; 0 where it fits.
    pub fn over(&self) -> usize {
        (self.prompt + self.response.unwrap_or(1)).saturating_sub(self.context)
    }

    /// Tokens that are left for an answer.
    pub fn left(&self) -> usize {
        self.context.saturating_sub(self.prompt)
    }
}

fn tokens(n: usize) -> String {
    if n == 1 { "1 token".to_owned() } else { format!("{n} tokens") }
}

/// What is too long, by how much, and what to shorten.
impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { prompt, template, response, context } = *self;
        let over = tokens(self.over());
        let around = match template {
            0 | 1 => String::new(), // BOS alone is no template
            n => format!(" ({n} of them the chat template's)"),
        };
        match response.filter(|n| *n > 0) {
            Some(given) if prompt <= context => write!(
                f,
                "The prompt and its response are too long by {over}: they take {prompt}{around} and {given}, and this model reads at most {context}. Shorten the response or the prompt."
            ),
            Some(_) => write!(
                f,
                "The prompt is too long by {}, without its response: it takes {prompt}{around}, and this model reads at most {context}. Shorten the prompt.",
                tokens(prompt - context)
            ),
            None => write!(
                f,
                "The prompt is too long by {over}: it takes {prompt}{around}, and this model reads at most {context}, its answer included. Shorten the prompt."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_is_too_long_and_by_how_much() {
        let own = Length { prompt: 256, template: 12, response: None, context: 256 };
        assert_eq!((own.over(), own.left()), (1, 0));
        assert_eq!(
            own.to_string(),
            "The prompt is too long by 1 token: it takes 256 (12 of them the chat template's), and this model reads at most 256, its answer included. Shorten the prompt."
        );
        assert_eq!(Length { prompt: 255, ..own }.over(), 0);
        let given = Length { prompt: 200, response: Some(90), ..own };
        assert_eq!(given.over(), 34);
        assert!(given.to_string().starts_with("The prompt and its response are too long by 34 tokens: they take 200 "));
        assert!(given.to_string().contains(" and 90, and this model reads at most 256. Shorten the response"));
        let both = Length { prompt: 300, ..given };
        assert_eq!(both.over(), 134);
        assert!(
            both.to_string().starts_with("The prompt is too long by 44 tokens, without its response: it takes 300")
        );
        assert_eq!(Length { prompt: 166, ..given }.over(), 0);
        assert_eq!((Length::of(256, 256).over(), Length::of(300, 256).over()), (0, 44));
    }
}
