//! Learning and teaching: lessons, guesses, explanations, the presenter's view. What the page's own words mean is data, in
//! `teach::terms`; the lessons are files.

use super::numbers::{counted, thousands};

pub const LEARN_AND_TEACH: &str = "Learn and teach";
pub const IN_CLASS: &str = "In class";
pub const LESSONS: &str = "Lessons";
pub const ABOUT_LESSONS: &str = "Each lesson points at this page and moves on when you have done what it asks. You can leave at any time and resume later.";
pub const OPEN_A_LESSON: &str = "Open a lesson’s file";
pub const THE_WORDS: &str = "The words on this page";
pub const START: &str = "Start";
pub const COPY_LINK: &str = "Copy link";
pub const LINK_COPIED: &str = "The link is copied.";
pub fn link_not_copied(link: &str) -> String {
    format!("The browser blocked copying. The link: {link}")
}
pub fn left_at(lesson: &str, step: usize, steps: usize) -> String {
    format!("You left “{lesson}” at step {step} of {steps}. ")
}
/// After what a lesson is about.
pub fn minutes(count: u32) -> String {
    format!(" · {}", counted(count as usize, "minute", "minutes"))
}
/// A file that is no lesson.
pub fn in_file(file: &str, why: &str) -> String {
    format!("{file}: {why}")
}
/// By how much it is too long; a part of the sentence that says so.
pub fn too_many_bytes(bytes: f64, most: usize) -> String {
    format!("{bytes} bytes; the limit is {most}")
}

/// The card of a lesson's step.
pub const LESSON: &str = "Lesson";
pub const PROGRESS: &str = "Progress of the lesson";
pub const SKIP: &str = "Skip";
pub const FINISH: &str = "Finish";
pub const NEXT: &str = "Next";
pub const BACK: &str = "Back";
pub const LEAVE: &str = "Leave";
pub fn where_in_lesson(lesson: &str, step: usize, steps: usize) -> String {
    format!("{lesson} · step {step} of {steps}")
}

/// Explanations in place.
pub const NOT_SHOWN: &str = "What this does not show";
pub fn what_words_mean(panel: &str) -> String {
    format!("What the words mean: {panel}")
}

/// Guessing.
pub const GUESS_FIRST: &str = "Guess first";
pub const ABOUT_GUESSING: &str = " · Hides the colours until you have marked the words that you think mattered.";
pub const GUESS: &str = "Guess";
pub const ANSWERING: &str = "The models are answering…";
pub const RUN_TO_GUESS: &str = "Run a prompt: its answer will be shown here without its colours.";
pub const DONE: &str = "Done";
pub const SHOW_EVERYTHING: &str = "Show everything";
pub const WHICH_WORDS: &str = "Which words of the prompt does this response depend on most? Mark them, then look.";
pub const WORDS_OF_PROMPT: &str = "Words of the prompt";
pub const LOOK: &str = "Look";
pub const GUESS_AGAIN: &str = "Guess again";
pub const ABOUT_MARKS: &str = "✓ you and the model · ○ only you · + only the model, by the words’ density over the whole response. The colours are below.";
pub const YOU_AND_MODEL: &str = "you and the model";
pub const ONLY_YOU: &str = "only you";
pub const ONLY_MODEL: &str = "only the model";
pub const NEITHER: &str = "neither";
pub fn response_of(side: &str) -> String {
    format!("{side} model’s response")
}
pub fn marked(count: usize) -> String {
    match count {
        0 => "No word is marked.".into(),
        1 => "One word is marked.".into(),
        n => format!("{} words are marked.", thousands(n as u64)),
    }
}

/// Presenting.
pub const PRESENT: &str = "Present";
pub const ABOUT_PRESENTING: &str = " · One view at a time, in large type, for a projector; arrow keys step.";
pub const PRESENTER: &str = "Presenter";
pub const NOTHING_TO_PRESENT: &str = "There is nothing to present yet: leave, run a prompt, and come back.";
pub const STEPS: &str = "Steps";
pub const SLIDE_BACK: &str = "‹ Back";
pub const SLIDE_NEXT: &str = "Next ›";
pub const KEYS: &str = "← → step · F full screen · Esc leave";
pub const FULL_SCREEN: &str = "Full screen";

/// The slides.
pub const SLIDE_PROMPT: &str = "The prompt";
pub const SLIDE_BASE: &str = "The base model continues";
pub const SLIDE_TUNED: &str = "The tuned model answers";
pub const SLIDE_BOTH: &str = "Which words mattered to the whole response";
pub const SLIDE_BASE_MATRIX: &str = "Base model: prompt (rows) × response (columns)";
pub const SLIDE_TUNED_MATRIX: &str = "Tuned model: prompt (rows) × response (columns)";
pub const SLIDE_HEAD: &str = "The attention head that tuning changed most";
pub const UNDERLINED: &str = "The instruction is underlined.";
pub const CHOOSE_A_WORD: &str = "Choose a word to see where it came from.";
pub fn darker_influenced_it(word: &str) -> String {
    format!("The darker a word, the more it influenced “{word}”.")
}
pub fn darker_it_influenced(word: &str) -> String {
    format!("The darker a word, the more “{word}” influenced it.")
}
pub const INSTRUCTION_SCORE: &str = " instruction score ";
pub const ABOUT_BOTH: &str = "Density: how much of the response a word mattered to. Outlined: base; filled: tuned. The words in which they differ most.";
pub const ONLY_THE_TUNED: &str = "Only the tuned model";
pub const ONLY_THE_BASE: &str = "Only the base";
pub const NO_PAIRS: &str = "none";
/// What the head is, and by how much it changed: "12 pairs gained, 9 lost".
pub fn about_head(head: &str, changed: &str) -> String {
    format!("{head}: {changed}. Which words look for which.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_minutes_are_counted() {
        assert_eq!([0, 1, 3].map(marked), ["No word is marked.", "One word is marked.", "3 words are marked."]);
        assert_eq!([minutes(1), minutes(12)], [" · 1 minute", " · 12 minutes"]);
    }
}
