//! What several features say alike.

pub const BASE: &str = "Base";
pub const TUNED: &str = "Tuned";
pub const BOTH: &str = "Both";

pub const CANCEL: &str = "Cancel";
pub const CLOSE: &str = "Close";
pub const DELETE: &str = "Delete";
pub const RESUME: &str = "Resume";
pub const STOP: &str = "Stop";

pub const PROMPT: &str = "Prompt";
pub const RESPONSE: &str = "Response";

pub const COPIED: &str = "Copied";
pub const COPYING_BLOCKED: &str = "The browser blocked copying.";

pub const NOT_READ_YET: &str = "Not read yet";
pub const READ_NO_LAYER_YET: &str = "This layer has not been read yet for both models.";

/// What is so of one of the models: "Tuned model: …".
pub fn of_model(side: &str, what: &str) -> String {
    format!("{side} model: {what}")
}

/// What is so of one of the models, where two lines stand beneath each other: "Tuned: …".
pub fn of(side: &str, what: &str) -> String {
    format!("{side}: {what}")
}

/// Names a model's part of the page: "Tuned model".
pub fn model(side: &str) -> String {
    format!("{side} model")
}

/// "Layer 3".
pub fn layer(layer: usize) -> String {
    format!("Layer {layer}")
}

/// "Layer 3, head 0".
pub fn head(layer: usize, head: usize) -> String {
    format!("Layer {layer}, head {head}")
}

/// Beside what was copied, or could not be.
pub fn copied(done: bool) -> &'static str {
    if done { COPIED } else { COPYING_BLOCKED }
}

/// "“two” → “three”: …".
pub fn from_to(row: &str, column: &str, what: &str) -> String {
    format!("“{row}” → “{column}”: {what}")
}

/// "3 of 12".
pub fn of_all(done: usize, all: usize) -> String {
    format!("{done} of {all}")
}

/// One sentence after another; empty ones are left out.
pub fn sentences(all: &[&str]) -> String {
    all.iter().filter(|s| !s.is_empty()).copied().collect::<Vec<_>>().join(" ")
}
