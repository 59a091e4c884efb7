//! What frames the page: its header and tabs, and what concerns all of it.

use super::numbers::thousands;

/// The page's name, in two parts that are drawn differently.
pub const SHIFT: &str = "Shift";
pub const LENS: &str = "lens";

pub const SKIP_TO_RESULTS: &str = "Skip to the results";
pub const OPEN_IN_SHIFTLENS: &str = "Open in Shiftlens";
pub const RESULTS: &str = "Results";

pub const VIEWS: &str = "Views";
pub const WHAT_TO_LOOK_AT: &str = "What to look at";
pub const TAB_PROMPT: &str = "Prompt";
pub const TAB_HEADS: &str = "Attention heads";
pub const TAB_CONCEPTS: &str = "Concepts";
pub const TAB_FINDINGS: &str = "Findings";

pub const CHOOSE_THE_MODELS: &str = "Choose the models";
pub const CHANGE: &str = "Change…";
pub const LEARN: &str = "Learn";
pub const SHARE: &str = "Share…";
pub const LIGHT: &str = "Light";
pub const DARK: &str = "Dark";

pub const DOWNLOADING: &str = "downloading";
pub const STORING: &str = "storing";
pub const OPENING: &str = "opening";
pub const OPENING_NOW: &str = "opening…";
pub const NO_MODEL: &str = "none";
pub const NOT_LOADED_YET: &str = "not loaded yet";

/// How far a load is: "downloading 40 %".
pub fn loading(verb: &str, percent: u64) -> String {
    format!("{verb} {percent} %")
}

/// The model in a slot: "SmolLM2 · Q8_0".
pub fn model(name: &str, quantization: &str) -> String {
    format!("{name} · {quantization}")
}

pub const NEWER_VERSION: &str = "A newer version of Shiftlens is ready.";
pub const RELOAD: &str = "Reload and use it";
pub const LATER: &str = "Later";

pub const STORAGE_FULL: &str = "The browser's storage is full: your settings will be forgotten when the page is closed. Delete stored models under Change to make room.";

/// Why an engine stopped; a part of the sentence that says so.
pub const MESSAGE_UNREADABLE: &str = "its message cannot be read";
pub const CODE_NOT_RUN: &str = "its code could not be run";
pub const WORKER_NOT_STARTED: &str = "the worker could not be started";

/// How far the weights have been read: "Base: 3 of 12 layers of heads".
pub fn read(side: &str, (done, all): (usize, usize), of: &str) -> String {
    format!("{side}: {done} of {all} {of}")
}

pub fn not_loaded_yet(side: &str) -> String {
    format!("{side}: {NOT_LOADED_YET}")
}

/// What is done beside it, after the layers.
pub fn comparing_words(percent: u64) -> String {
    format!(" · comparing words, {percent} %")
}

/// The same, in bytes that are read already.
pub fn reading_vectors(done: &str, all: &str) -> String {
    format!(" · reading vectors, {done} of {all}")
}

pub const TRY_AGAIN: &str = "Try again";
pub const PAUSE: &str = "Pause";

/// The words that the weights are read by: how many, how many of them have vectors, and how many the judge knows.
pub fn words(count: usize, vectors: Option<usize>, judge: Option<usize>) -> String {
    let number = |n: usize| thousands(n as u64);
    let mut said = super::numbers::counted(count, "word", "words");
    if let Some(n) = vectors {
        said.push_str(&format!(", {} with vectors of their own", number(n)));
    }
    if let Some(n) = judge {
        said.push_str(&format!(", {} known to the judge", number(n)));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_what_is_known_of_them() {
        assert_eq!(words(1, None, None), "1 word");
        assert_eq!(
            words(10_901, Some(4_000), Some(12)),
            "10,901 words, 4,000 with vectors of their own, 12 known to the judge"
        );
    }
}
