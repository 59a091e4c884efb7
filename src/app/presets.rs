//! Prompts to begin with, over several kinds of task.

/// A prompt and the kind of task it stands for.
pub struct Preset {
    pub kind: &'static str,
    pub name: &'static str,
    pub text: &'static str,
}

const fn preset(kind: &'static str, name: &'static str, text: &'static str) -> Preset {
    Preset { kind, name, text }
}

/// The bundled pair knows all of these kinds. The first one's finished result ships as `public/examples/first.json`.
pub const PRESETS: &[Preset] = &[
    preset("Edit", "into the past tense", "Put this in the past tense: They build a house."),
    preset("Write", "a story about a fox and a boat", "Write a short story about a fox and a boat. Keep it happy."),
    preset("Write", "a story about an owl and a lamp", "Tell me a story about an owl and a lamp."),
    preset("List", "four fruits", "List four fruits."),
    preset("List", "three tools", "Give me three tools."),
    preset("Opposite", "of loud", "What is the opposite of loud?"),
    preset("Edit", "into a question", "Make this a question: They sing a song."),
    preset("Classify", "animal or fruit", "Classify the word camel: is it a fruit or an animal?"),
    preset("Explain", "what a duck is", "Explain what a duck is."),
    preset("Solve", "three and four", "Solve: three and four."),
    preset("Repeat", "a word", "Repeat the word drum three times."),
];
