//! Finding the instruction in a prompt.

use std::ops::Range;

use super::units::{By, segment};
use crate::checkpoint::Turn;
use crate::checkpoint::conversation::last_explained;

/// The paper's instruction verbs (METHODS.md, section 2).
pub const INSTRUCTION_VERBS: &[&str] = &[
    "translate",
    "explain",
    "summarize",
    "retrieve",
    "revise",
    "generate",
    "describe",
    "classify",
    "create",
    "evaluate",
    "correct",
    "develop",
    "identify",
    "analyze",
    "compose",
    "demonstrate",
    "interpret",
    "design",
    "solve",
    "follow",
    "clarify",
    "say",
    "help",
    "act",
    "recommend",
    "estimate",
    "edit",
    "format",
    "repeat",
    "write",
    "give",
    "find",
    "make",
    "have",
    "tell",
    "output",
    "predict",
    "detect",
];

/// Imperatives that are common in prompts beside the paper's verbs.
const OTHER_VERBS: &[&str] = &[
    "summarise",
    "analyse",
    "list",
    "name",
    "answer",
    "compare",
    "convert",
    "rewrite",
    "continue",
    "complete",
    "add",
    "calculate",
    "compute",
    "put",
    "turn",
    "choose",
    "suggest",
    "provide",
    "show",
    "draft",
    "rank",
    "extract",
    "count",
    "sort",
    "spell",
    "define",
    "discuss",
];

/// The bytes of `prompt` that hold its instruction: the first sentence that opens with an instruction verb (after a
/// "please" or the like), else the first that contains one of the paper's verbs, else the first question, else all.
pub fn find_instruction(prompt: &str) -> Range<usize> {
    let sentences = segment(prompt, By::Sentence);
    let words = |r: &Range<usize>| -> Vec<String> {
        segment(&prompt[r.clone()], By::Word).into_iter().map(|w| prompt[r.clone()][w].to_lowercase()).collect()
    };
    let verb = |w: &String| INSTRUCTION_VERBS.contains(&w.as_str()) || OTHER_VERBS.contains(&w.as_str());
    let opens = |r: &&Range<usize>| {
        let words = words(r);
        let first =
            words.iter().find(|w| !matches!(w.as_str(), "please" | "now" | "then" | "first" | "," | "\"" | "-" | "*"));
        first.is_some_and(verb)
    };
    let contains = |r: &&Range<usize>| {
        words(r).iter().any(|w| INSTRUCTION_VERBS.contains(&w.as_str()) && w != "have" && w != "act")
    };
    let asks = |r: &&Range<usize>| prompt[(*r).clone()].ends_with('?');
    let found = sentences
        .iter()
        .find(opens)
        .or_else(|| sentences.iter().find(contains))
        .or_else(|| sentences.iter().find(asks));
    found.cloned().unwrap_or_else(|| {
        let start = prompt.len() - prompt.trim_start().len();
        start..start + prompt.trim().len()
    })
}

/// The instruction of a conversation over `text`: that of its last turn, where that is explained.
pub fn find_instruction_of(text: &str, turns: &[Turn]) -> Range<usize> {
    let last = last_explained(text, turns);
    let found = find_instruction(&text[last.clone()]);
    last.start + found.start..last.start + found.end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_with_the_instruction_is_found() {
        for (prompt, instruction) in [
            ("Write a story about a fox. Keep it happy.", "Write a story about a fox."),
            ("I lost my keys. Please help me find them!", "Please help me find them!"),
            ("The sky is grey. What colour is it?", "What colour is it?"),
            ("It rained. Can you explain why?", "Can you explain why?"),
            ("  just words  ", "just words"),
            ("", ""),
        ] {
            assert_eq!(&prompt[find_instruction(prompt)], instruction);
        }
    }
}
