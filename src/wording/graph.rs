//! Attribution as a graph: words joined by ribbons.

use super::numbers::{counted, thousands};

pub const FORM: &str = "Picture";
pub const MATRIX: &str = "Matrix";
pub const GRAPH: &str = "Graph";
pub const ABOUT_FORM: &str = "Prompt (left) → response (right)";
pub const POINT_OR_WALK: &str = "Point at a word or a ribbon, or walk with the arrow keys, to single it out.";
pub const LEGEND: &str = "What the ribbons mean";

pub fn graph_of(side: &str) -> String {
    format!("Graph of the {side} model: prompt words on the left, response words on the right. {KEYS}")
}
pub fn graph_of_difference() -> String {
    format!("Graph of what differs: prompt words on the left, response words on the right. {KEYS}")
}
const KEYS: &str = "Arrow keys move, Enter chooses, Escape shows all.";

/// How much of the graph is drawn: `drawn` ribbons of `above` over the threshold, of `all`; `hidden` is the highest level that
/// is not shown.
pub fn drawn(drawn: usize, above: usize, all: usize, hidden: u8) -> String {
    let (said, of) = (thousands(drawn as u64), counted(all, "ribbon", "ribbons"));
    match hidden {
        _ if drawn < above => {
            format!(
                "The {said} strongest of {} drawn: the {} above level {hidden} are too many to draw.",
                of,
                thousands(above as u64)
            )
        }
        0 if drawn == all => format!("All {of} drawn."),
        _ => format!("{said} of {of} drawn: those above level {hidden}. The slider b shows more or fewer."),
    }
}

pub fn left_out(words: usize) -> String {
    format!("{} without a ribbon left out.", counted(words, "prompt word", "prompt words"))
}

pub fn gained(count: usize) -> String {
    format!("gained: the tuned model only ({})", thousands(count as u64))
}
pub fn lost(count: usize) -> String {
    format!("lost: the base only, dashed ({})", thousands(count as u64))
}
pub fn kept(count: usize) -> String {
    format!("kept: both ({})", thousands(count as u64))
}

/// What a ribbon is, and how strong.
pub fn level(level: u32) -> String {
    format!("level {level}")
}
pub fn changed(how: &str, strength: &str) -> String {
    format!("{how}, {strength}")
}
pub const GAINED: &str = "gained";
pub const LOST: &str = "lost";
pub const KEPT: &str = "kept";

/// What a response word came from; what a prompt word influenced. `others` are words with what is said of each, the strongest
/// first; `more` are not named.
pub fn came_from(word: &str, others: &[(String, String)], more: usize) -> String {
    listed(&format!("“{word}” came from"), others, more)
}
pub fn influenced(word: &str, others: &[(String, String)], more: usize) -> String {
    listed(&format!("“{word}” influenced"), others, more)
}
pub fn alone(word: &str) -> String {
    format!("“{word}”: no ribbon above the threshold")
}

fn listed(start: &str, others: &[(String, String)], more: usize) -> String {
    let named: Vec<String> = others.iter().map(|(word, said)| format!("“{word}” ({said})")).collect();
    let rest = if more > 0 { format!(" and {}", counted(more, "other word", "other words")) } else { String::new() };
    format!("{start} {}{rest}", named.join(", "))
}

pub const WHAT_CHANGED: &str = "ribbons gained, lost and kept";
pub const DIFFERENCE_TITLE: &str = "What tuning changed: ribbons gained, lost and kept";
pub const BOTH_TITLE: &str = "What the words of both answers came from";
/// Beneath the difference as a file.
pub fn difference_caption(what: &str, drawn: &str, provenance: &str) -> String {
    format!(
        "Importance ({what}) of prompt words (left) for words of the same response (right), which both models explain; kept ribbons are as wide as in the tuned model. {drawn} {provenance}"
    )
}

/// Beneath both models' graphs as one file.
pub fn both_caption(what: &str, provenance: &str) -> String {
    format!(
        "Importance ({what}) of prompt words (left of each graph) for response words (right), on one scale. {provenance}"
    )
}
pub const BOTH_AS_ONE: &str = "both graphs side by side";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_says_how_much_of_it_is_drawn() {
        assert_eq!(
            drawn(24, 24, 160, 7),
            "24 of 160 ribbons drawn: those above level 7. The slider b shows more or fewer."
        );
        assert_eq!(drawn(160, 160, 160, 0), "All 160 ribbons drawn.");
        assert_eq!(
            drawn(1200, 3204, 9000, 2),
            "The 1,200 strongest of 9,000 ribbons drawn: the 3,204 above level 2 are too many to draw."
        );
    }

    #[test]
    fn a_word_names_its_strongest_and_counts_the_rest() {
        let others = [("a".to_owned(), level(10)), ("b".to_owned(), changed(KEPT, &level(8)))];
        assert_eq!(came_from("x", &others, 1), "“x” came from “a” (level 10), “b” (kept, level 8) and 1 other word");
        assert_eq!(influenced("x", &others[..1], 0), "“x” influenced “a” (level 10)");
    }
}
