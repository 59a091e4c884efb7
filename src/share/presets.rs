//! Prompts to begin with, over many kinds of task. The bundled pair's finished results for them ship with the page.

/// A prompt and the kind of task it stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preset {
    /// Names its shipped result: `examples/ID.json`.
    pub id: &'static str,
    /// The kind of task, by its verb.
    pub kind: &'static str,
    /// What it is about.
    pub name: &'static str,
    /// The prompt.
    pub text: &'static str,
}

impl Preset {
    /// Where the finished result lies, relative to the page.
    pub fn file(&self) -> String {
        format!("examples/{}.json", self.id)
    }
}

const fn preset(id: &'static str, kind: &'static str, name: &'static str, text: &'static str) -> Preset {
    Preset { id, kind, name, text }
}

/// All presets; the first is what a first visit shows.
pub const PRESETS: &[Preset] = &[
    preset("question", "Make", "a question of a sentence", "Make this a question: She can repair the boat."),
    preset("story", "Write", "a story about a fox and a boat", "Write a story about a fox and a boat."),
    preset("continue", "Continue", "a story", "Continue this story: One day Anna found a key."),
    preset("list", "List", "four fruits", "List four fruits."),
    preset("opposites", "Find", "opposites", "Find the opposites of the words hot and old."),
    preset("translate", "Translate", "into French", "Translate into French: red and flower"),
    preset(
        "summary",
        "Summarize",
        "a small text",
        "Summarize this story: It was a rainy morning. Anna was walking by the river. Anna found a golden coin.",
    ),
    preset(
        "answer",
        "Answer",
        "from a text",
        "Read this: Anna has a red kite. Ben has a magic lamp. What does Ben have?",
    ),
    preset("classify", "Classify", "instrument or fruit", "Is violin a fruit or an instrument?"),
    preset("explain", "Explain", "where an otter lives", "Explain where an otter lives."),
    preset("correct", "Correct", "a mistake", "Correct this sentence: Anna are painting the fence."),
    preset("capitals", "Revise", "into capital letters", "Write this in capital letters: golden teapot"),
    preset("polite", "Help", "to be polite", "Say this politely: Open the window!"),
    preset("past", "Edit", "into the past tense", "Put this in the past tense: She will open the gate."),
    preset("country", "Identify", "a capital", "What is the capital of Japan?"),
    preset("sum", "Solve", "seven plus five", "How much is seven plus five?"),
];

/// The longest response that a shipped result shows, tokens.
pub const PRESET_RESPONSE: usize = 32;
