//! Whether an answer does what was asked: decided by a program, not by taste.

use std::collections::HashSet;

/// What an answer must be.
#[derive(Debug, Clone)]
pub enum Check {
    /// This text, but for space around it and the mark at its end.
    Exact(String),
    /// This text last, but for the mark at its end.
    Ends(String),
    /// All of these words and none of those.
    Holds { all: Vec<String>, none: Vec<String> },
    /// One phrase, and not the other (none if empty).
    Says { this: String, not: String },
    /// As many different members of a kind, one in each numbered line.
    List { count: usize, members: Vec<String> },
    /// A story that names both, of at least so many sentences, that ends and does not go in circles.
    Story { names: [String; 2], sentences: usize },
    /// One sentence with these words, of at most so many words.
    Summary { all: Vec<String>, words: usize },
}

impl Check {
    /// Judges an answer.
    pub fn accepts(&self, answer: &str) -> bool {
        let answer = answer.trim();
        let found = words(answer);
        let has = |word: &String| found.contains(&word.to_lowercase());
        match self {
            Self::Exact(text) => bare(answer) == bare(text),
            Self::Ends(text) => bare(answer).strip_suffix(bare(text)).is_some_and(|before| before.ends_with(' ')),
            Self::Holds { all, none } => all.iter().all(has) && !none.iter().any(has),
            Self::Says { this, not } => {
                answer.contains(this.as_str()) && (not.is_empty() || !answer.contains(not.as_str()))
            }
            Self::List { count, members } => {
                let numbered = answer.lines().filter(|l| l.starts_with(|c: char| c.is_ascii_digit()));
                let lines: Vec<&str> = numbered.map(|l| l.trim_start_matches(|c: char| !c.is_alphabetic())).collect();
                let different: HashSet<&&str> = lines.iter().collect();
                lines.len() == *count
                    && different.len() == *count
                    && lines.iter().all(|l| members.iter().any(|m| m.eq_ignore_ascii_case(bare(l))))
            }
            Self::Story { names, sentences: least } => {
                let all = sentences(answer);
                let different: HashSet<&str> = all.iter().copied().collect();
                names.iter().all(has)
                    && all.len() >= *least
                    && different.len() == all.len()
                    && answer.ends_with(['.', '!', '?', '"'])
                    && repeated_4grams(&found) < 0.1
            }
            Self::Summary { all, words } => {
                all.iter().all(has) && sentences(answer).len() == 1 && found.len() <= *words && answer.ends_with('.')
            }
        }
    }
}

fn bare(text: &str) -> &str {
    text.trim().trim_end_matches(['.', '!', '?']).trim()
}

/// Words in lower case.
pub fn words(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| !c.is_alphanumeric() && c != '\'');
    parts.map(|w| w.trim_matches('\'').to_lowercase()).filter(|w| !w.is_empty()).collect()
}

fn sentences(text: &str) -> Vec<&str> {
    text.split_inclusive(['.', '!', '?']).map(str::trim).filter(|s| s.chars().any(char::is_alphabetic)).collect()
}

/// The share of four-word sequences that occurred before in the same text.
pub fn repeated_4grams(words: &[String]) -> f64 {
    let mut seen = HashSet::new();
    let total = words.len().saturating_sub(3);
    let repeated = words.windows(4).filter(|w| !seen.insert(*w)).count();
    repeated as f64 / total.max(1) as f64
}

#[cfg(test)]
mod tests {
    use crate::instruct::{self, Split};

    /// Every right answer is accepted, and the answer to another instruction is hardly ever.
    #[test]
    fn right_answers_are_accepted_and_others_are_not() {
        let mut rng = crate::train::rng(1, "judge");
        let mut wrong = 0;
        let all: Vec<_> = [Split::Train, Split::Combination, Split::Wording]
            .into_iter()
            .flat_map(|split| (0..20 * instruct::kind_count()).map(move |i| (split, i)))
            .map(|(split, i)| instruct::of_kind(&mut rng, split, i))
            .collect();
        for (i, e) in all.iter().enumerate() {
            assert!(e.check.accepts(&e.answer), "{e:?}");
            let other = &all[(i + instruct::kind_count()) % all.len()];
            wrong += usize::from(e.answer != other.answer && e.check.accepts(&other.answer));
            assert!(!e.check.accepts(""), "{e:?}");
        }
        assert!(wrong * 20 < all.len(), "{wrong} of {} wrong answers accepted", all.len());
    }
}
