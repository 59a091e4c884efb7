//! Which part of a long response is drawn.

use super::numbers::thousands;

pub const FIRST_WORD: &str = "First word shown";
pub const LAST_WORD: &str = "Last word shown";
pub const SHOW_ALL: &str = "Show all";
pub const ABOUT: &str = "Drag over the strip or over the response to choose a part; arrow keys move its ends, Page Up and Page Down all of it.";

/// "Words 12 to 60 of 512". Counted from one, the last one included.
pub fn part(first: usize, last: usize, all: usize) -> String {
    let [first, last, all] = [first, last, all].map(|n| thousands(n as u64));
    format!("Words {first} to {last} of {all}")
}
pub fn all(count: usize) -> String {
    format!("All {} words", thousands(count as u64))
}

/// What an end of the part says to screen readers.
pub fn at_word(number: usize, word: &str) -> String {
    format!("word {}, “{word}”", thousands(number as u64))
}
pub fn of_response(side: &str) -> String {
    format!("Which part of the {side} model's response is drawn")
}
