//! The words whose vectors are read.

use std::collections::HashSet;

/// The most words of a list that are read.
pub const MOST_WORDS: usize = 20_000;

/// Common English words: the lower-case ones of SCOWL's levels 10 and 20 (Kevin Atkinson; see `english.license.txt`).
pub fn english() -> Vec<String> {
    parse(include_str!("english.txt"))
}

/// A list with one word a line; anything after the first space or tab is left out, so that frequency tables and
/// word-vector files can be read too. Doubled words and lines that start with `#` are dropped.
pub fn parse(text: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let first = text.lines().filter_map(|l| l.split([' ', '\t', ',']).next()).map(str::trim);
    let words = first.filter(|w| !w.is_empty() && !w.starts_with('#') && w.len() <= 64);
    words.filter(|w| seen.insert(*w)).take(MOST_WORDS).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::INSTRUCTION_VERBS;

    #[test]
    fn the_bundled_list_holds_the_papers_verbs() {
        let list = english();
        assert!(list.len() > 10_000, "{}", list.len());
        let has: HashSet<&str> = list.iter().map(String::as_str).collect();
        assert!(INSTRUCTION_VERBS.iter().all(|v| has.contains(v)));
    }

    #[test]
    fn other_lists_are_read() {
        assert_eq!(parse("# words\nking 0.1 0.2\n\nqueen\t7\r\nking\nfox,3"), ["king", "queen", "fox"]);
    }
}
