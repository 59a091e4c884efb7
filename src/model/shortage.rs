//! What memory cannot hold, and what would fit.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What needs the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Needing {
    /// A run.
    Run,
    /// A sequence that is read layer by layer.
    Sequence,
    /// A layer's attention on a sequence, as a view takes it.
    Attention,
}

/// What would fit. Any one of those that are named is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Remedy {
    /// The other exact method.
    Auto,
    /// Words in place of tokens.
    Words,
    /// A prompt of so many tokens.
    Prompt(usize),
    /// An answer of at most so many tokens.
    Answer(usize),
    /// A given response of so many tokens.
    Response(usize),
    /// A prompt and an answer of so many tokens together.
    Together(usize),
}

/// Something that memory cannot hold. Crosses the worker boundary as a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortage {
    /// What needs it.
    pub needing: Needing,
    /// Bytes that it needs beside the model.
    pub need: u64,
    /// Bytes that there are for it.
    pub room: u64,
    /// What would fit.
    pub remedies: Vec<Remedy>,
}

/// Bytes in words: "1.9 GB", "410 MB".
pub fn in_words(bytes: u64) -> String {
    match bytes {
        0..1_000_000_000 => format!("{:.0} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

fn tokens(n: usize) -> String {
    if n == 1 { "1 token".to_owned() } else { format!("{n} tokens") }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match *self {
            Self::Auto => f.write_str("choose the method “Auto” under Options"),
            Self::Words => f.write_str("explain by word"),
            Self::Prompt(n) => write!(f, "shorten the prompt to {}", tokens(n)),
            Self::Answer(n) => write!(f, "ask for at most {} under Options", tokens(n).replace("token", "new token")),
            Self::Response(n) => write!(f, "shorten the response to {}", tokens(n)),
            Self::Together(n) => write!(f, "shorten the prompt and its answer to {} together", tokens(n)),
        }
    }
}

/// What needs how much, how much there is, and what to do.
impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (need, room) = (in_words(self.need), in_words(self.room));
        match self.needing {
            Needing::Run => {
                write!(f, "This run needs about {need} of memory, but only {room} is left beside the model.")
            }
            Needing::Sequence => write!(
                f,
                "Reading such a long sequence layer by layer needs about {need} of memory, but only {room} is left beside the model."
            ),
            Needing::Attention => write!(
                f,
                "The attention of all heads on such a long sequence needs about {need} of memory, but it may take only {room}."
            ),
        }?;
        let all: Vec<String> = self.remedies.iter().map(Remedy::to_string).collect();
        let said = match all.as_slice() {
            [] => "choose a smaller model, or one with fewer bits for each weight".to_owned(),
            [one] => one.clone(),
            [first @ .., last] => format!("{}, or {last}", first.join(", ")),
        };
        let (first, rest) = said.split_at(1); // a letter
        write!(f, " {}{rest}.", first.to_uppercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_the_need_the_room_and_what_to_do() {
        let run = Shortage {
            needing: Needing::Run,
            need: 5_230_000_000,
            room: 410_000_000,
            remedies: vec![Remedy::Auto, Remedy::Prompt(900), Remedy::Answer(1)],
        };
        assert_eq!(
            run.to_string(),
            "This run needs about 5.2 GB of memory, but only 410 MB is left beside the model. Choose the method “Auto” under Options, shorten the prompt to 900 tokens, or ask for at most 1 new token under Options."
        );
        let nothing = Shortage { remedies: Vec::new(), ..run.clone() };
        assert!(nothing.to_string().ends_with(" Choose a smaller model, or one with fewer bits for each weight."));
        let view = Shortage { needing: Needing::Attention, remedies: vec![Remedy::Together(2000)], ..run };
        assert!(view.to_string().ends_with(" Shorten the prompt and its answer to 2000 tokens together."), "{view}");
    }
}
