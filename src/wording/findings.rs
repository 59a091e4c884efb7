//! The paper's three findings, put to the test.

pub const LIMITS: &str = "Limits";
pub const NOT_ALL_READ: &str = "all layers of both models have to be read first";

/// Columns of the tables.
pub const WELCH_T: &str = "Welch's t";
pub const WELCH_P: &str = "Welch's p, one-sided";
pub const EFFECT: &str = "Effect (d)";
pub const PERMUTATION_P: &str = "Permutation p";
pub const P_AFTER_HOLM: &str = "p after Holm";
pub const BASE_MEAN: &str = "Base, mean ± sd";
pub const THIS_PAIR: &str = "This pair";
pub const PAPER: &str = "Paper";
pub const CSV: &str = "CSV";

/// A mean with its deviation.
pub fn mean_and_deviation(mean: f64, deviation: f64, digits: usize) -> String {
    format!("{mean:.digits$} ± {deviation:.digits$}")
}

/// A figure of dots: its label, and what is written beneath it as a file.
pub const DOTS: &str = "Each dot is one value; the line is the mean, the band one standard deviation";
pub fn dots_caption(provenance: &str) -> String {
    format!("Each dot is one value, the line the mean, the band one standard deviation. {provenance}")
}

/// Copying a table.
pub const THE_TABLE_AS: &str = "The table as";
pub const MARKDOWN: &str = "Markdown";
pub const LATEX: &str = "LaTeX";
pub fn finding_and_verdict(finding: &str, verdict: &str) -> String {
    format!("{finding}. {verdict}")
}

/// Finding 1.
pub const FINDING_1: &str = "Finding 1";
pub const TITLE_1: &str = "Finding 1: the tuned model relies more on the instruction's words";
pub const ABOUT_1: &str = "The instruction score of every prompt of a set: a normalised sum of the densities of the instruction's words. The finding holds if the tuned model's score is higher on the same prompts (Wilcoxon's signed-rank test), and higher than with as many random words in place of the instruction. The chat template is used as set in the first tab; responses have at most 60 tokens.";
pub const BUNDLED_SET: &str = "held-out instructions of the bundled pair";
pub const NO_BUNDLED_SET: &str = "The bundled set could not be fetched. Check the connection, or choose a file.";
pub const WHOSE_RESPONSE: &str = "Whose response is scored";
pub const TUNED_UNDER_BOTH: &str = "Tuned model's under both";
pub const EACH_ITS_OWN: &str = "Each its own";
pub const MEASURE: &str = "Measure";
pub const MEASURE_AGAIN: &str = "Measure again";
pub const ANOTHER_SET: &str = "Another set";
pub const ABOUT_SETS: &str = "A set: one prompt a line, and after tabs its instruction and a response if you like; or JSON lines with “prompt”, “instruction”, “response”.";
pub const PROMPTS_MEASURED: &str = "Prompts measured";
pub const PROMPTS: &str = "Prompts";
pub const N: &str = "n";
pub const P_PAIRED: &str = "p, paired";
pub const ABOUT_P_PAIRED: &str = "Wilcoxon's signed-rank test on the same prompts";
pub const ABOUT_PERMUTATION_1: &str =
    "The share of 2,000 random choices of the instruction's words with a rise as large";
pub const ABOUT_HOLM_1: &str = "The larger of the paired p and the permutation p, corrected for two tests";

/// How far the measurement is, of which set.
pub fn measured(done: usize, all: usize, set: &str) -> String {
    format!("{done} of {all} · {set}")
}
/// A row with numbers of the paper's.
pub fn of_paper(set: &str) -> String {
    format!("Paper: {set}")
}
/// What a file is that could not be taken.
pub fn unreadable(file: &str) -> String {
    format!("{file} could not be read. Check that it is still there, and choose it again.")
}
pub fn not_a_set(file: &str, why: &str) -> String {
    format!("{file}: {why}")
}
pub const STORAGE_FULL: &str = "The browser's storage is full: what is measured will not be here on the next visit. Delete stored models to make room.";
pub const ENGINE_STOPPED: &str = "The engine stopped unexpectedly. What was measured is kept: resume when it is back.";

/// Finding 2.
pub const FINDING_2: &str = "Finding 2";
pub const TITLE_2: &str =
    "Finding 2: heads relate more words to instruction verbs, in the lower and middle layers above all";
pub const ABOUT_2: &str = "For each verb: of the heads whose number of pairs with it changed by tuning, the share in which it rose. The paper's instruction verbs are compared with 64 general verbs, and with 2,000 random permutations of these labels.";
pub const LAYERS: &str = "Layers";
pub const VERBS: &str = "verbs, general / instruction";
pub const GENERAL: &str = "General";
pub const INSTRUCTION: &str = "Instruction";
pub const ABOUT_PERMUTATION_2: &str =
    "The share of 2,000 random permutations of the verbs' labels (instruction, general) with a difference as large";
pub const ABOUT_HOLM_2: &str = "The permutation p, corrected for three groups of layers";
pub const PAPER_2: &str = "LLaMA-7B to Vicuna-7B: more words related to instruction verbs than to general verbs, in the lower and middle layers above all.";
/// A group of layers: "lower layers".
pub fn layers_of(group: &str) -> String {
    format!("{group} layers")
}

/// Finding 3.
pub const FINDING_3: &str = "Finding 3";
pub const TITLE_3: &str = "Finding 3: concepts rotate toward users' tasks, while linguistic levels stay";
pub const ABOUT_3: &str = "For each layer: the share of its components that are about writing, math, coding or translation, by the scorer of the Concepts tab and your own labels there. The finding holds if that share rises by more than with permuted labels, and the shares of linguistic levels differ by no more than 5 % or than by chance. It cannot be told where over 90 % of the components have no task label, where components are rotated as far as unrelated ones, or where their words are no closer than random words.";
pub const SHARE_ABOUT_A_TASK: &str = "Share about a task";
pub const N_LAYERS: &str = "n, layers";
pub const ABOUT_PERMUTATION_3: &str =
    "The share of 2,000 random permutations of the labels among both models' components with a result as large";
pub const ABOUT_HOLM_3: &str = "The permutation p, corrected for two tests: of tasks and of levels";
pub const COMPONENTS: &str = "Components";
pub const THEIR_WORDS: &str = "Their words";
pub const LEVELS: &str = "Levels";
pub const NO_LABEL: &str = "No label";
pub const PAPER_3: &str = "LLaMA-7B to Vicuna-7B: feed-forward concepts rotate toward user-oriented tasks, while the shares of linguistic levels barely move.";
/// How far the levels' shares differ, and by chance.
pub fn levels_differ(by: &str, by_chance: &str) -> String {
    format!("differ by {by}, by chance by {by_chance}")
}
pub fn of_components(percent: &str) -> String {
    format!("{percent} of both models' components")
}
