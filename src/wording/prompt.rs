//! The panel on the left: the prompt and the options of the next run.

use super::numbers::thousands;

pub const EXAMPLES: &str = "Examples";
pub const CHOOSE_AN_EXAMPLE: &str = "Choose an example…";

/// "Rewriting · Opposite".
pub fn example(kind: &str, name: &str) -> String {
    format!("{kind} · {name}")
}

pub const INSTRUCTION: &str = "Instruction";
pub const MARK: &str = "Mark the selected text";
pub const UNITE: &str = "Treat the selection as one unit";
pub const WHAT_UNITING_DOES: &str = "The selected words become one row of the matrix.";
pub const DETECT: &str = "Detect automatically";
pub const YOUR_UNITS: &str = "Your own units (when grouping by word or sentence):";
pub const SPLIT: &str = "Split";

pub fn split_again(unit: &str) -> String {
    format!("Split “{unit}” into words again")
}

pub const RESPONSE_TO_EXPLAIN: &str = "Response to explain";
pub const THE_RESPONSE_TO_EXPLAIN: &str = "The response to explain";
pub const EACH_ITS_OWN: &str = "Each its own";
pub const TUNED_MODELS: &str = "Tuned model's";
pub const BASE_MODELS: &str = "Base model's";
pub const CUSTOM: &str = "Custom";
pub const ABOUT_OWN: &str = "Each model explains its own answer.";
pub const ABOUT_TUNED: &str = "The tuned model answers; both explain that answer.";
pub const ABOUT_BASE: &str = "The base model continues; both explain that text.";
pub const ABOUT_CUSTOM: &str = "Both explain the text you type here.";

pub const CHAT_TEMPLATE: &str = "Chat template";
pub const TUNED_ONLY: &str = "Tuned only";
pub const OFF: &str = "Off";
pub const NO_TEMPLATE: &str = "The tuned model has no chat template, so the prompt is used as it is.";
pub const WHAT_THE_TUNED_READS: &str = "What the tuned model reads";

pub const OPTIONS: &str = "Options";
pub const GRADIENT_OF: &str = "Gradient of";
pub const PROBABILITY: &str = "Probability";
pub const LOG: &str = "Log";
pub const LOGIT: &str = "Logit";
pub const MODE: &str = "Mode";
pub const ABOUT_MODE: &str = "Mode (both are exact; Auto takes the cheaper one)";
pub const AUTO: &str = "Auto";
pub const FORWARD: &str = "Forward";
pub const REVERSE: &str = "Reverse";
pub const TEMPLATE_ROW: &str = "Show the chat template as one row (by word or sentence)";
pub const SAMPLING: &str = "Sampling";
pub const MOST_NEW_TOKENS: &str = "Maximum new tokens";
pub const TEMPERATURE: &str = "Temperature (0: greedy)";
pub const TOP_K: &str = "Top k (0: all)";
pub const TOP_P: &str = "Top p (1: all)";
pub const REPEAT_PENALTY: &str = "Repeat penalty (1: none)";
pub const SEED: &str = "Seed";

pub const RUN: &str = "Run";
pub const LOAD_THE_MODELS: &str = "Load the models";
pub const NOTHING_LEAVES: &str = "Everything runs in this page. Nothing you type leaves it.";

/// A prompt whose answer may be cut off: tokens of the context, those it leaves, and those the answer may have.
pub fn little_room(side: &str, context: usize, left: usize, limit: usize) -> String {
    let short = thousands(limit.saturating_sub(left) as u64);
    let [context, left, limit] = [context, left, limit].map(|n| thousands(n as u64));
    format!(
        "{side} model: its context of {context} tokens leaves room for an answer of {left}, where {limit} are asked for. Shorten the prompt by {short} if the answer is cut off."
    )
}

/// What a run takes: "3.2 GiB".
pub fn needs_memory(side: &str, memory: &str) -> String {
    format!("{side} model: this run needs about {memory} of memory.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_room_says_by_how_much_to_shorten() {
        assert_eq!(
            little_room("Base", 2_048, 56, 60),
            "Base model: its context of 2,048 tokens leaves room for an answer of 56, where 60 are asked for. Shorten the prompt by 4 if the answer is cut off."
        );
    }
}
