//! The runs of this visit, and two of them side by side.

use super::numbers::counted;

pub const TITLE: &str = "Runs of this visit";
pub const ABOUT: &str = "Kept until this tab is closed, on this machine only. Pin two to compare them.";
pub const SHOW: &str = "Show";
pub const PIN: &str = "Pin";
pub const UNPIN: &str = "Unpin";
pub const REMOVE: &str = "Remove";
pub const CLEAR: &str = "Clear all";
pub const RESTORE: &str = "Bring back what was removed";
pub const SAVE: &str = "Save all as one file";
pub const ON_SCREEN: &str = "on screen";
pub const PINNED: &str = "pinned";
pub const EARLIER: &str = "Computed earlier in this visit, or kept in a file.";
pub const ONE_PINNED: &str = "One run is pinned. Pin another one to compare them.";

/// Beside Run.
pub const UNDO: &str = "Undo";
pub const REDO: &str = "Redo";
pub fn back_to(number: u32) -> String {
    format!("Back to run {number}: its prompt, its settings and its picture")
}
pub fn on_to(number: u32) -> String {
    format!("On to run {number}: its prompt, its settings and its picture")
}

pub fn runs(count: usize) -> String {
    counted(count, "run", "runs")
}

/// "Run 3".
pub fn run(number: u32) -> String {
    format!("Run {number}")
}
pub fn do_to(what: &str, number: u32) -> String {
    format!("{what} run {number}")
}

/// A run as a button names it.
pub fn show(number: u32, prompt: &str) -> String {
    format!("{SHOW} run {number}: {prompt}")
}

/// Which models, by which method, of how many words.
pub fn about(base: Option<&str>, tuned: Option<&str>, what: &str) -> String {
    let models = [base, tuned].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    format!("{models} · {what}")
}
pub fn thumbnail_of(number: u32) -> String {
    format!("Levels of run {number}, base and tuned")
}

/// Two runs beside each other.
pub const COMPARED: &str = "Two runs side by side";
pub const WHAT_DIFFERS: &str = "What differs between the two";
pub const NOTHING_DIFFERS: &str = "Nothing differs in what was asked: same prompt, same settings, same models.";
pub const SETTING: &str = "Setting";
pub const NONE: &str = "none";
pub const NO_ANSWER: &str = "No answer.";
pub const SCORE: &str = "instruction score";
pub const AS_A_TABLE: &str = "As a table";
pub fn missing(number: u32, model: &str) -> String {
    format!("Run {number} has no result of the {} model, so there is nothing to compare.", model.to_lowercase())
}
pub const OTHER_UNITS: &str = "The two pictures measure different things, so each has a scale of its own: compare where they are strong, not how strong.";
pub const OTHER_RESPONSES: &str = "The responses differ, so their probabilities are not compared. To compare them, give both prompts the same response: Response to explain, Custom.";
pub fn same_response(before: f64, after: f64) -> String {
    let of = |nats: String| nats.replace('-', "−");
    let [change, before, after] =
        [of(format!("{:+.2}", after - before)), of(format!("{before:.2}")), of(format!("{after:.2}"))];
    format!(
        "The same response: its log-probability is {before} nats in the first run and {after} in the second ({change})."
    )
}

/// Settings that can differ.
pub const PROMPT: &str = "Prompt";
pub const TURNS: &str = "Conversation";
pub const INSTRUCTION: &str = "Instruction, as you marked it";
pub const UNITS: &str = "Units of your own";
pub const TEMPLATE_ROW: &str = "Chat template as one row";
pub const GRANULARITY: &str = "Granularity";
pub const WHOSE: &str = "Response to explain";
pub const CHAT: &str = "Chat template";
pub const TARGET: &str = "Target";
pub const METHOD: &str = "Method";
pub const BASELINE: &str = "Baseline";
pub const STEPS: &str = "Steps";
pub const AGAINST: &str = "Set against";
pub const SWITCHED: &str = "Switched off or scaled";
pub const MODE: &str = "Mode";
pub const LIMIT: &str = "Longest answer, tokens";
pub const SAMPLING: &str = "Sampling";
pub const WHOSE_OWN: &str = "each model's own";
pub const WHOSE_TUNED: &str = "the tuned model's";
pub const WHOSE_BASE: &str = "the base model's";
pub const CHAT_OFF: &str = "off";
pub const CHAT_TUNED: &str = "for the tuned model";
pub const CHAT_BOTH: &str = "for both";
pub const AGAINST_STRONGEST: &str = "the strongest other token";
pub const GREEDY: &str = "greedy";
pub fn yes(on: bool) -> &'static str {
    if on { "yes" } else { "no" }
}
pub fn against_tokens(ids: &[String]) -> String {
    format!("tokens {}", ids.join(", "))
}
pub fn model(is_base: bool) -> &'static str {
    if is_base { "Base model" } else { "Tuned model" }
}
pub fn checkpoint(name: &str, quantization: &str, weights: &str) -> String {
    format!("{name} ({quantization}, weights {weights})")
}

/// Numbers as they were set.
pub struct Sampled {
    pub temperature: f64,
    pub top_k: usize,
    pub top_p: f64,
    pub repeat_penalty: f32,
    pub seed: u64,
}
pub fn sampling(s: &Sampled) -> String {
    let penalty =
        if s.repeat_penalty == 1.0 { String::new() } else { format!(", repeat penalty {}", s.repeat_penalty) };
    if s.temperature == 0.0 {
        return format!("{GREEDY}{penalty}");
    }
    let top_k = if s.top_k == 0 { String::new() } else { format!(", top k {}", s.top_k) };
    let top_p = if s.top_p == 1.0 { String::new() } else { format!(", top p {}", s.top_p) };
    format!("temperature {}{top_k}{top_p}{penalty}, seed {}", s.temperature, s.seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sampling_names_what_is_set() {
        let greedy = Sampled { temperature: 0.0, top_k: 0, top_p: 1.0, repeat_penalty: 1.0, seed: 4 };
        assert_eq!(sampling(&greedy), "greedy");
        let warm = Sampled { temperature: 0.8, top_k: 40, ..greedy };
        assert_eq!(sampling(&warm), "temperature 0.8, top k 40, seed 4");
    }
}
