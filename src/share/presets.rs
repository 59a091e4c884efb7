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
    preset("past", "Change", "into the past", "Put this in the past: Tom will wash the car."),
    preset("story", "Write", "a story about a cat and a mouse", "Write a story about a cat and a mouse."),
    preset("continue", "Continue", "a story", "Continue this story: One day, a little girl named Mia found a key."),
    preset("list", "List", "four fruits", "List four fruits."),
    preset(
        "answer",
        "Answer",
        "from a text",
        "Read this: Anna has a red kite. Ben has a blue hat. What does Ben have?",
    ),
    preset(
        "who",
        "Find",
        "whom a story is about",
        "Read this: Once upon a time, there was a little dog named Max. Max saw a bird in the park. Who is it about?",
    ),
    preset(
        "ending",
        "Decide",
        "how a story ends",
        "Does this story end happily or sadly? The boat was gone. Tim sat down and cried. He was very sad.",
    ),
    preset(
        "retell",
        "Retell",
        "a story in one sentence",
        "Tell this story in one sentence: One day, a girl named Sue went to the beach. She saw a big shell and took it home.",
    ),
    preset("opposites", "Say", "opposites", "Write the opposite of sad and the opposite of high."),
    preset("classify", "Classify", "fruit or animal", "Is a banana a fruit or an animal?"),
    preset("correct", "Correct", "a mistake", "Correct this sentence: Sam are eating the cake."),
    preset("question", "Make", "a question of a sentence", "Make this a question: She can open the box."),
    preset("polite", "Help", "to be polite", "Say this politely: Open the window!"),
    preset("capitals", "Revise", "into capital letters", "Write this in capital letters: red ball"),
    preset("rhyme", "Choose", "a rhyme", "Which word rhymes with cat: hat or dog?"),
    preset("plural", "Form", "plurals", "Write the plural of bird and box."),
];

/// The longest response that a shipped result shows, tokens.
pub const PRESET_RESPONSE: usize = 32;
