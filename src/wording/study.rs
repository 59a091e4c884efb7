//! The report of a study: its chain, curves, tables and prompts.

use super::numbers::{counted, thousands};

pub const TAB: &str = "Study";
pub const REPORT: &str = "Report of a study";
pub const CHAIN: &str = "The chain of checkpoints";
pub const CLOSE: &str = "Close the report";
pub const ABOUT_CLOSING: &str = "Closes the report and brings back what was on screen before";
pub const BACK: &str = "Back to the report";

/// The study's own name, or the ends of its chain.
pub fn title(name: &str, checkpoints: &[&str]) -> String {
    match (name, checkpoints) {
        ("", [first, .., last]) => format!("Study: from {first} to {last}"),
        ("", [only]) => format!("Study of {only}"),
        ("", []) => TAB.to_owned(),
        (name, _) => name.to_owned(),
    }
}

/// Which file, and what wrote it.
pub fn source(file: &str, generator: &str) -> String {
    format!("From {file}, made by {generator}.")
}

/// Which prompts: every set with how many it has.
pub fn sets(all: &[(&str, usize)]) -> String {
    let one = |(name, count): &(&str, usize)| format!("{name} ({})", counted(*count, "prompt", "prompts"));
    format!("Prompt sets: {}.", all.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// How every prompt was run.
pub fn settings(own: bool, limit: usize, by: &str, target: &str) -> String {
    let whose = if own { "its own response" } else { "the last checkpoint's response" };
    format!(
        "Each checkpoint explains {whose}, of at most {}, by {by}: gradient × input of the {target}.",
        counted(limit, "token", "tokens")
    )
}
pub const PROBABILITY: &str = "probability";
pub const LOGPROB: &str = "log-probability";
pub const LOGIT: &str = "logit";
pub const BY_TOKEN: &str = "token";
pub const BY_WORD: &str = "word";
pub const BY_SENTENCE: &str = "sentence";

pub fn layers(count: usize) -> String {
    counted(count, "layer", "layers")
}
pub const NO_TEMPLATE: &str = "no chat template";
pub fn weights(hash: &str) -> String {
    format!("weights {hash}")
}
pub fn unreadable(why: &str) -> String {
    format!("could not be read: {why}")
}

/// Curves.
pub const CURVES: &str = "Over the chain";
pub const ABOUT_CURVES: &str = "Bars are 95 % confidence intervals of a mean, by Student's t.";
pub const NO_CURVES: &str = "Nothing was measured over the chain.";
pub const CHECKPOINTS: &str = "checkpoint, in the chain's order";
pub const AS_A_TABLE: &str = "As a table";
pub fn curve(title: &str, axis: &str) -> String {
    format!("{title}: {axis} at each checkpoint of the chain. The table beneath has the numbers.")
}
/// The title of one of several drawings of the same curve.
pub fn part(title: &str, number: usize, of: usize) -> String {
    if of == 1 { title.to_owned() } else { format!("{title} ({number} of {of})") }
}
/// A point, where the pointer rests on it.
pub fn point(line: &str, checkpoint: &str, mean: &str, interval: Option<&str>, n: Option<usize>) -> String {
    let interval = interval.map_or_else(String::new, |interval| format!(", {interval} (95 %)"));
    let n = n.map_or_else(String::new, |n| format!(", {}", counted(n, "prompt", "prompts")));
    format!("{line}, {checkpoint}: {mean}{interval}{n}")
}
pub fn interval(low: &str, high: &str) -> String {
    format!("{low} to {high}")
}
pub const LINE: &str = "Line";
pub const CHECKPOINT: &str = "Checkpoint";
pub const MEAN: &str = "Mean";
pub const INTERVAL: &str = "95 % interval";
pub const DEVIATION: &str = "Deviation";
pub const N: &str = "Prompts";

/// Tables.
pub const TABLES: &str = "Tables";
pub fn rows(count: usize) -> String {
    counted(count, "row", "rows")
}
/// Where a table is longer than what the file has of it.
pub fn first_rows(shown: usize, of: usize, name: &str) -> String {
    format!("The first {} of {}. All of them are in {name}.csv.", thousands(shown as u64), rows(of))
}
pub const NO_ROWS: &str = "No rows.";

/// Prompts.
pub const PROMPTS: &str = "Prompts";
pub const ABOUT_PROMPTS: &str = "Choose two checkpoints that follow one another, and show what they made of a prompt.";
pub const PAIR: &str = "Checkpoints";
pub const SET: &str = "Set";
pub const EVERY_SET: &str = "All";
pub const NUMBER: &str = "No.";
pub const PROMPT: &str = "Prompt";
pub const SCORE: &str = "Instruction score";
pub const SHOW: &str = "Show";
pub const NO_RESULT: &str = "No result";
pub const ON_SCREEN: &str = "on screen";
pub const NO_PICTURES: &str =
    "This file has no prompt's picture. Published matrices have none: they are levels without importance.";
pub fn pair(base: Option<&str>, tuned: &str) -> String {
    base.map_or_else(|| tuned.to_owned(), |base| format!("{base} → {tuned}"))
}
/// How many of the study's prompts have a picture.
pub fn held(with: usize, all: usize) -> String {
    let of = format!("{} of {}", thousands(with as u64), counted(all, "prompt", "prompts"));
    if with < all { format!("{of} are in the file, which is kept small enough to open.") } else { format!("{of}.") }
}
pub fn show(set: &str, index: usize) -> String {
    format!("{SHOW} prompt {index} of {set}")
}
/// Where a picture came from.
pub fn picture_of(file: &str, set: &str, index: usize) -> String {
    format!("{file} ({set}, prompt {index})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_study_without_a_name_is_called_after_its_chain() {
        assert_eq!(title("Stories", &["base", "tuned"]), "Stories");
        assert_eq!(title("", &["base", "sft", "dpo"]), "Study: from base to dpo");
        assert_eq!(title("", &["base"]), "Study of base");
    }

    #[test]
    fn what_is_left_out_is_said() {
        assert_eq!(held(3, 3), "3 of 3 prompts.");
        assert!(held(1_000, 20_000).starts_with("1,000 of 20,000 prompts are in the file"));
        assert_eq!(
            first_rows(1_000, 100_000, "scores"),
            "The first 1,000 of 100,000 rows. All of them are in scores.csv."
        );
        assert_eq!(point("LIMA", "sft", "0.412", None, Some(1)), "LIMA, sft: 0.412, 1 prompt");
    }
}
