//! The turns before the prompt.

use super::numbers::thousands;

pub const SYSTEM: &str = "System";
pub const USER: &str = "User";
pub const ASSISTANT: &str = "Assistant";

pub const ABOUT: &str =
    "Add a system prompt or earlier turns of the conversation. Both models read them before the prompt.";
pub const ADD: &str = "Add a turn";
pub const EXPLAIN_THE_PROMPT: &str = "Explain the prompt too";
pub const EXPLAIN: &str = "Explain";
pub const REMOVE: &str = "Remove";
pub const BLANK_IS_LEFT_OUT: &str = "A blank turn is left out.";

/// How many there are.
pub fn turns(count: usize) -> String {
    match count {
        0 => "Turns before the prompt: none".into(),
        n => format!("Turns before the prompt: {}", thousands(n as u64)),
    }
}

pub fn turn(number: usize) -> String {
    format!("Turn {number}")
}

pub fn speaker_of(number: usize) -> String {
    format!("Speaker of turn {number}")
}

pub fn remove_turn(number: usize) -> String {
    format!("Remove turn {number}")
}

pub fn text_of(number: usize) -> String {
    format!("Text of turn {number}")
}
