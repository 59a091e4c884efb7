//! Heads and concepts that are switched off or scaled for a run.

/// At an open head.
pub const SWITCH_HEAD_OFF: &str = "Switch this head off for the next run";
pub const IN_BOTH: &str = "In both models";
pub const IN_BASE: &str = "In the base";
pub const IN_TUNED: &str = "In the tuned model";

/// At a concept: by how much it is multiplied.
pub const IN_THE_NEXT_RUN: &str = "In the next run";
pub const AS_IT_IS: &str = "Next run: as it is";
pub const OFF: &str = "Next run: off";
pub const HALF: &str = "Next run: × ½";
pub const DOUBLE: &str = "Next run: × 2";
pub const FOURFOLD: &str = "Next run: × 4";
pub const REVERSED: &str = "Next run: × −1";

/// Beside Run.
pub const CHANGED: &str = "Changed in the next run";
pub const ON_THE_CPU: &str = "Such a run is computed on the CPU: the GPU cannot change parts of a model.";
pub const RUN_SO: &str = "Run the prompt with it";

pub fn chip(of: &str, what: &str) -> String {
    format!("{of}: {what}")
}
pub fn undo(what: &str) -> String {
    format!("Undo: {what}")
}

/// Beneath a response that was made so.
pub fn without(what: &str) -> String {
    format!("Without that change ({what})")
}
pub const NOTHING: &str = "(no answer: it ends at once)";
pub fn parts_at(word: usize, without: &str, with: &str) -> String {
    format!("The answers part at token {word}: “{without}” without the change, “{with}” with it.")
}
pub fn ends_at(word: usize) -> String {
    format!("The answers are the same up to token {word}, where one of them ends.")
}
pub fn same(before: f64, after: f64) -> String {
    format!(
        "The answer is the same. Its tokens' mean log-probability is {} without the change and {} with it.",
        nats(before),
        nats(after)
    )
}
fn nats(value: f64) -> String {
    format!("{value:.2}").replace('-', "−")
}

/// While a run answers a second time.
pub fn answering(done: u64, all: u64) -> String {
    format!("Answering without the change: token {done} of up to {all}")
}

/// In views of a run's text that read the model as it is.
pub fn whole(what: &str) -> String {
    format!(
        "The run on screen was made with {what}. What is shown here is of the whole model, which reads the same text."
    )
}
