//! What of two models can be compared, and what cannot.

use super::numbers::{counted, thousands};

pub const WHAT_CAN_BE_COMPARED: &str = "What can be compared";
pub const ONLY_IN_PART: &str = "These two models can be compared only in part.";
pub const SEE: &str = "See what can be compared";

pub const SAME_TWICE: &str = "The same model twice";
pub const ZERO: &str = "Nothing was tuned between the two: every difference will be zero.";

pub const SWAPPED: &str = "Base and tuned may be swapped";
pub const OPEN_IN_PLACE: &str = "The base has a chat template and the tuned model has none. If the two are swapped, open each in the other's place.";

pub const OTHER_TOKENS: &str = "Different tokenization";
pub fn other_vocabularies(base: usize, tuned: usize) -> String {
    format!("Different vocabularies ({} and {} tokens)", thousands(base as u64), thousands(tuned as u64))
}
pub const BY_WORD_ONLY: &str = "Can be compared: both answers to a prompt, and the same response under both with their difference, by word or sentence; heads and concepts, by the words that both write with one or two tokens. Cannot be compared: anything by token.";

pub fn other_widths(base: usize, tuned: usize) -> String {
    format!("Different widths ({base} and {tuned})")
}
pub const NOT_DIRECTIONS: &str = "Can be compared: answers, heads, findings 1 and 2, and the words of concepts. Cannot be compared: the directions of concepts (angles, matched components).";

pub fn other_layers(base: usize, tuned: usize) -> String {
    format!("Different numbers of layers ({base} and {tuned})")
}
pub fn first_layers(count: usize) -> String {
    let first = counted(count, "layer", "layers");
    format!(
        "Can be compared: whole answers, and the heads and concepts of the first {first}, matched by number; layers of one number need not do the same work. Cannot be compared: the remaining layers."
    )
}

pub fn other_heads(base: usize, tuned: usize) -> String {
    format!("Different numbers of heads per layer ({base} and {tuned})")
}
pub fn first_heads(count: usize) -> String {
    let first = counted(count, "head", "heads");
    format!(
        "Can be compared: answers, concepts, and the first {first} of each layer, matched by number. Cannot be compared: the remaining heads."
    )
}

pub const OTHER_STORAGE: &str = "Stored in different types";
pub const STORAGE_MAY_DIFFER: &str = "Everything can be compared; small differences may come from how the weights are stored, and not from tuning. Open both in the same type to be sure.";
