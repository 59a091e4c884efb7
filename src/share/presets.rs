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
    preset("past", "Edit", "into the past tense", "Put this in the past tense: They build a house."),
    preset("story", "Write", "a story about an owl and a lamp", "Tell me a story about an owl and a lamp."),
    preset("fruits", "List", "four fruits", "List four fruits."),
    preset("tools", "List", "three tools", "Give me three tools."),
    preset("opposite", "Opposite", "of loud", "What is the opposite of loud?"),
    preset("question", "Edit", "into a question", "Make this a question: They sing a song."),
    preset("classify", "Classify", "animal or fruit", "Classify the word camel: is it a fruit or an animal?"),
    preset("explain", "Explain", "what a duck is", "Explain what a duck is."),
    preset("sum", "Solve", "three and four", "Solve: three and four."),
    preset("repeat", "Repeat", "a word", "Repeat the word drum three times."),
];

/// The longest response that a shipped result shows, tokens.
pub const PRESET_RESPONSE: usize = 32;
