//! The results of a run: how they are read, one model's card, and the difference.

use super::numbers::{counted, thousands};

pub const HOW_TO_READ: &str = "How to read the results";
pub const GRANULARITY: &str = "Granularity";
pub const WORD: &str = "Word";
pub const TOKEN: &str = "Token";
pub const SENTENCE: &str = "Sentence";
pub const SCALE: &str = "Scale";
pub const LEVELS: &str = "Levels";
pub const SIGNED: &str = "Signed";
pub const L: &str = "L";
pub const ABOUT_L: &str = "L: number of levels";
pub const B: &str = "b";
pub const ABOUT_B: &str = "b: hide levels up to";
pub const P: &str = "p";
pub const ABOUT_P: &str = "p: the norm that a density is divided by";
pub const SPACES: &str = "Spaces";
pub const ABOUT_SPACES: &str = "Show spaces and line breaks as symbols";
pub const TOO_COARSE: &str = "This result was computed by word or sentence; token by token needs another run.";
pub const RUN_BY_TOKEN: &str = "Run by token";

pub const WHAT_COLOURS_MEAN: &str = "What the colours mean";
pub const ABOUT_SIGNED: &str = "Zero is the background. One scale for both models.";
pub const LEAST: &str = "least";
pub const MOST: &str = "most influence";

/// What the levels are, and which of them are hidden.
pub fn about_levels(count: u8, hidden: u8) -> String {
    format!("Levels 1 to {count}; up to {hidden} hidden. Empty: below that, or the word did not raise the probability.")
}

pub const INSTRUCTION_SCORE: &str = "instruction score";
pub const ABOUT_SCORE: &str = "A normalised sum of the densities of the instruction's words (paper, section 4)";
pub const WAITING: &str = "Waiting for the other model's response…";
pub const ANSWERED_NOTHING: &str = "The model gave an empty answer: its first token ended it.";
pub const NOTHING_RUN: &str = "Nothing run yet. Write a prompt and press Run.";
pub const ROWS_AND_COLUMNS: &str = "Prompt (rows) × response (columns)";

/// Beside the prompt, when a word of the response is chosen, and when nothing is.
pub fn coloured_by_source(word: &str) -> String {
    format!(" · coloured by what “{word}” came from")
}
pub const CHOOSE_TO_SEE_INFLUENCE: &str = " · choose a word to see what it influenced";

/// Beside the response, when a word of the prompt is chosen, and when nothing is.
pub fn coloured_by_influence(word: &str) -> String {
    format!(" · coloured by what “{word}” influenced")
}
pub const CHOOSE_TO_SEE_SOURCE: &str = " · choose a word to see where it came from";

pub const STARTING: &str = "Starting…";

/// How far a run is: which of what is counted, of how many if that is known.
pub fn reading_prompt(done: u64, all: u64) -> String {
    step("Reading the prompt: token", done, all)
}
pub fn answering(done: u64, all: u64) -> String {
    step("Answering: token", done, all)
}
pub fn tracing_back(done: u64, all: u64) -> String {
    step("Tracing back: step", done, all)
}
pub fn other_step(done: u64, all: u64) -> String {
    step("Step", done, all)
}

fn step(what: &str, done: u64, all: u64) -> String {
    match all {
        0 => format!("{what} {}", thousands(done)),
        _ => format!("{what} {} of {}", thousands(done), thousands(all)),
    }
}

/// "48 tokens".
pub fn tokens(count: usize) -> String {
    counted(count, "token", "tokens")
}

/// "48 tokens · 2.1 s".
pub fn tokens_and_time(count: usize, time: &str) -> String {
    format!("{} · {time}", tokens(count))
}

pub const BY_TOKEN: &str = "token";
pub const BY_WORD: &str = "word";
pub const BY_SENTENCE: &str = "sentence";

/// What a result is made of, as its footer says it.
pub struct Provenance<'a> {
    pub model: &'a str,
    pub file: &'a str,
    pub quantization: &'a str,
    /// "135 M".
    pub parameters: &'a str,
    /// The method, and of what: "gradient × input of the probability".
    pub what: &'a str,
    pub mode: &'a str,
    /// One of [`BY_TOKEN`], [`BY_WORD`], [`BY_SENTENCE`].
    pub by: &'a str,
    /// Empty where it is not known.
    pub backend: &'a str,
    /// Of [`took_there`] or [`times`]; empty where it is not known.
    pub times: &'a str,
}

/// The footer of a result.
pub fn provenance(p: &Provenance) -> String {
    let Provenance { model, file, quantization, parameters, what, mode, by, backend, times } = p;
    let on = if backend.is_empty() { String::new() } else { format!(" on {backend}") };
    let times = if times.is_empty() { String::new() } else { format!(" · {times}") };
    format!("{model} ({file}, {quantization}, {parameters} parameters) · {what} · {mode} mode by {by}{on}{times}")
}

/// Before the footer.
pub const SHIPPED: &str = "An example that ships with the page.";
pub const SENT: &str = "Sent, not computed here.";
pub fn context_full(tokens: usize) -> String {
    format!("Stopped: the context of {} tokens is full.", thousands(tokens as u64))
}

/// How long it took where it was computed.
pub fn took_there(total: &str) -> String {
    format!("took {total} there")
}

/// How long each part took; the reverse pass is left out where there was none.
pub fn times(prompt: &str, response: &str, reverse: Option<&str>) -> String {
    let reverse = reverse.map_or_else(String::new, |r| format!(", reverse pass {r}"));
    format!("prompt {prompt}, response {response}{reverse}")
}

/// How the model saw a token: where only the probability is known, and in full.
pub fn about_probability(p: f32) -> String {
    format!("p about {p:.2}")
}
pub fn probability(p: f32, rank: usize, entropy: f32) -> String {
    format!("p {p:.3} · rank {} · entropy {entropy:.2} nats", thousands(rank as u64))
}

/// What a coloured word says to those who point at it.
pub fn word_and_level(word: &str, level: u8, value: &str) -> String {
    format!("{word} · level {level} · {value}")
}

pub const DENSITY_OF_UNITS: &str = "Density of each prompt unit";
pub const ABOUT_DENSITY: &str = " · to how many response tokens it matters; the instruction is underlined";

pub const DIFFERENCE: &str = "Difference";
pub const TUNED_MINUS_BASE: &str = "tuned minus base, signed";
pub const MORE_TO_BASE: &str = "mattered more to the base";
pub const MORE_TO_TUNED: &str = "more to the tuned model";
pub const OTHER_TOKENS: &str = "The two models split text into different tokens, so their matrices cannot be subtracted. Each still explains its own.";
pub const OTHER_RESPONSES: &str = "The models explain different responses. Choose “Tuned model's” or “Base model's” under Response to explain, and both explain the same one.";
pub const DIFFERENCE_MATRIX: &str = "Signed difference: prompt rows, response columns";
pub const POINT_AT_A_CELL: &str = "Point at a cell to read its value.";

/// The difference as a figure, and what is written beneath it.
pub const DIFFERENCE_TITLE: &str = "Difference: tuned minus base";
pub fn difference_caption(what: &str, extent: f32, provenance: &str) -> String {
    format!(
        "Importance ({what}) of each prompt word for each word of the same response, tuned minus base; the largest magnitude on the scale is {extent:.3e}. {provenance}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_names_its_total_if_there_is_one() {
        assert_eq!(answering(3, 48), "Answering: token 3 of 48");
        assert_eq!(tracing_back(1_200, 0), "Tracing back: step 1,200");
        assert_eq!([tokens(1), tokens_and_time(48, "2.1 s")], ["1 token", "48 tokens · 2.1 s"]);
    }

    #[test]
    fn a_footer_leaves_out_what_is_not_known() {
        let times = times("0.1 s", "2.0 s", None);
        let mut p = Provenance {
            model: "A",
            file: "a.gguf",
            quantization: "Q8_0",
            parameters: "135 M",
            what: "gradient × input of the probability",
            mode: "forward",
            by: BY_WORD,
            backend: "",
            times: &times,
        };
        let said = "A (a.gguf, Q8_0, 135 M parameters) · gradient × input of the probability · forward mode by word";
        assert_eq!(provenance(&p), format!("{said} · prompt 0.1 s, response 2.0 s"));
        p.backend = "CPU";
        assert_eq!(provenance(&p), format!("{said} on CPU · prompt 0.1 s, response 2.0 s"));
        (p.backend, p.times) = ("", "");
        assert_eq!(provenance(&p), said);
    }
}
