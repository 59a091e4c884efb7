//! The dialog that opens models: what is in a slot, repositories, known pairs, what is kept, and whether it will run.

use super::numbers::{counted, thousands};

pub const MODELS: &str = "Models";
pub const ABOUT: &str = "A base model and the model that was tuned from it: a repository of huggingface.co by its name or address, GGUF files, or safetensors with config.json and tokenizer.json, of the Llama, Mistral, Qwen 2 and 3, Gemma 3, OLMo 2, Granite, SmolLM3 or Phi-3 family. Files can also be dropped anywhere on the page. The hub learns which repositories you ask for, and nothing else.";

pub const NO_MODEL_LOADED: &str = "No model loaded";

/// What is in a slot; `from` says where it came from, if that is known.
pub fn in_slot(name: &str, quantization: &str, parameters: &str, size: &str, context: usize, from: &str) -> String {
    let context = thousands(context as u64);
    let from = if from.is_empty() { String::new() } else { format!(" · {from}") };
    format!("{name} · {quantization} · {parameters} parameters · {size} · context {context}{from}")
}

/// A label for a slot's files, and one for its address; `side` is "base" or "tuned".
pub fn files_of(side: &str) -> String {
    format!("Files of the {side} model")
}
pub fn address_of(side: &str) -> String {
    format!("Repository or address of the {side} model")
}

pub const REPOSITORY_OR_ADDRESS: &str = "owner/model, or https://…";
pub const DOWNLOAD: &str = "Download";
pub const LOOK: &str = "Look up";

pub const ASK_THIS_HOST: &str = "Ask this host?";
pub fn what_a_host_learns(host: &str) -> String {
    format!(
        "This asks {host} for the file. It will learn your network address and which file you want, as with any download; your prompts stay here. "
    )
}
pub fn ask(host: &str) -> String {
    format!("Ask {host}")
}

/// A repository that is asked for.
pub fn looking_up(repository: &str) -> String {
    format!("Looking up {repository} on the hub…")
}

/// After a repository's name.
pub fn at_commit(commit: &str, licence: Option<&str>) -> String {
    let licence = licence.map_or_else(String::new, |l| format!(" · licence {l}"));
    format!(" at commit {commit}{licence}")
}

pub const FILE_TO_OPEN: &str = "File to open";
pub const DOWNLOAD_AND_OPEN: &str = "Download and open";

/// What is to be said of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    None,
    Proposed,
    TooLarge,
}

/// A file of a repository: "Q8_0, 639 MB (proposed)".
pub fn file(safetensors: bool, storage: &str, size: &str, mark: Mark) -> String {
    let kind = if safetensors { "safetensors, " } else { "" };
    let mark = match mark {
        Mark::None => "",
        Mark::Proposed => " (proposed)",
        Mark::TooLarge => " (too large)",
    };
    format!("{kind}{storage}, {size}{mark}")
}

pub const CHECKED: &str = "The weights will be checked against the hub's checksum.";
pub const NOT_CHECKED: &str = "The hub lists no checksum for the weights, so they cannot be checked.";

/// Whether it runs, how long it takes, and whether it can be checked.
pub fn fits_and_checked(verdict: &str, time: &str, checked: &str) -> String {
    format!("{verdict}; {time}. {checked}")
}

pub fn cannot_be_opened(files: usize) -> String {
    format!("{} that cannot be opened", counted(files, "file", "files"))
}
pub fn path_and_why(path: &str, why: &str) -> String {
    format!("{path} {why}.")
}

/// The other half of a pair.
pub const BASE_MODEL: &str = "base model";
pub const TUNED_MODEL: &str = "tuned model";
pub fn by_card(half: &str, name: &str) -> String {
    format!("According to its model card, the {half} is {name}.")
}
pub fn by_name(half: &str, name: &str) -> String {
    format!("Judging by its name, the {half} may be {name}.")
}
pub fn in_a_card(half: &str) -> String {
    format!("The {half} may be listed in the card of the model it was made from.")
}
pub fn find(half: &str) -> String {
    format!("Find the {half}")
}

pub const KNOWN_PAIRS: &str = "Known pairs";
pub const ABOUT_KNOWN_PAIRS: &str = "Sizes are estimated from the number of parameters. When you open a pair, the hub (huggingface.co) gives the exact sizes and the commit, and each file is checked against the SHA-256 that it gives.";
pub const LOAD_BOTH: &str = "Load both";
pub const DOWNLOAD_BOTH: &str = "Download both";
pub fn download_both_of(pair: &str) -> String {
    format!("Download both models of {pair}")
}
pub fn stage_of(pair: &str) -> String {
    format!("Stage of tuning of {pair}")
}

/// "2 x about 145 MB (Q8_0), 240 MB of memory each, context 2,048".
pub fn sizes(file: &str, storage: &str, memory: &str, context: u64) -> String {
    format!("2 x about {file} ({storage}), {memory} of memory each, context {}", thousands(context))
}

/// After what stands against a pair.
pub fn nearest(pair: &str) -> String {
    format!(" The nearest that runs: {pair}.")
}

/// Whether it runs, and how long it takes.
pub fn fits(verdict: &str, time: &str) -> String {
    format!("{verdict}; {time}.")
}

pub const ONLY_FROM_FILES: &str = "Its publisher gives the files only to people who have agreed to its terms, and Shiftlens signs in nowhere. Agree there, download one .gguf file of each, or the .safetensors with config.json, tokenizer.json and tokenizer_config.json, and choose them above:";
/// Before and after the links to its terms.
pub const ASKS_TO_AGREE: &str = "Its publisher asks for an agreement:";
pub const COPIES: &str = ". What is fetched here are copies that others publish. The terms are the same.";

pub const KEPT: &str = "Kept in this browser";
pub const NOTHING_KEPT: &str =
    "Nothing yet. Models that you open or download are kept here, so that the next visit does not fetch them again.";
pub const AS_BASE: &str = "As base";
pub const AS_TUNED: &str = "As tuned";
/// After its name: how large it is, and whether it is there in full.
pub fn kept_size(size: &str, complete: bool) -> String {
    if complete { format!(" · {size}") } else { format!(" · {size} · incomplete") }
}
pub const READ_FROM_WEIGHTS: &str = "Heads and concepts read from weights";
pub const MAY_BE_DELETED: &str = "The browser may delete these when the disk is full.";
pub fn room_left(free: &str) -> String {
    format!("The browser has room for {free} more.")
}

/// How long a run of 48 tokens takes: known by a run that was timed, or not.
pub fn takes_about(time: &str) -> String {
    format!("a run of 48 tokens takes about {time}")
}
pub fn takes_less_than(time: &str) -> String {
    format!("a run of 48 tokens probably takes less than {time}")
}

/// By what run times are known; `backend` is empty where it is not.
pub fn times_by(model: &str, backend: &str) -> String {
    let on = if backend.is_empty() { String::new() } else { format!(" on {backend}") };
    format!("Times are scaled by the number of parameters from a run of {model}{on} on this machine.")
}
pub const TIMES_ARE_GUESSES: &str = "Times are cautious guesses until a run has been timed on this machine.";

/// Whether it will run here, with what stands against it.
pub const RUNS_HERE: &str = "Runs here";
pub fn does_not_run(reasons: &str) -> String {
    format!("Does not run here: {reasons}")
}
pub fn may_not_run(reasons: &str) -> String {
    format!("May not run here: {reasons}")
}

/// Reasons against it; sizes are written out.
pub fn engine_too_small(need: &str, most: &str) -> String {
    format!("one model needs {need} of memory, and a browser lets an engine use at most {most}")
}
pub fn device_too_small(need: &str, have: &str) -> String {
    format!("both models need {need} of memory, and this device reports {have}")
}
pub fn context_too_short(tokens: u64, needed: u64) -> String {
    format!("it reads {tokens} tokens; a short prompt with its answer takes {needed}")
}
pub fn storage_too_small(need: &str, have: &str) -> String {
    format!(
        "the files take {need}, and the browser has room for {have}: the models will run, but will be downloaded again next time"
    )
}
/// Why nothing in a repository is proposed; a part of the sentence that says so.
pub fn nothing_as_context_too_short(tokens: u64, needed: u64) -> String {
    format!("it reads {tokens} tokens, and a short prompt with its answer takes {needed}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_counted_and_marked() {
        assert_eq!(file(false, "Q8_0", "639 MB", Mark::Proposed), "Q8_0, 639 MB (proposed)");
        assert_eq!(file(true, "BF16", "3.1 GB", Mark::TooLarge), "safetensors, BF16, 3.1 GB (too large)");
        assert_eq!(cannot_be_opened(1), "1 file that cannot be opened");
        assert_eq!(cannot_be_opened(3), "3 files that cannot be opened");
    }

    #[test]
    fn a_slot_says_where_its_model_came_from_if_that_is_known() {
        let of = |from| in_slot("A", "Q8_0", "135 M", "98 MB", 8_192, from);
        assert_eq!(of(""), "A · Q8_0 · 135 M parameters · 98 MB · context 8,192");
        assert_eq!(of("a/b@1234567"), "A · Q8_0 · 135 M parameters · 98 MB · context 8,192 · a/b@1234567");
    }
}
