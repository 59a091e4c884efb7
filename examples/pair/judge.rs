//! Whether an answer does what was asked: decided by a program, not by taste.

use std::collections::HashSet;

use crate::lexicon::WORDS;

/// The fewest words of a story.
pub const STORY_WORDS: usize = 40;

/// The most words of any other answer: a story that goes on is no answer, even if it happens to name what was asked for.
const ANSWER_WORDS: usize = 25;

/// What an answer must be. All but stories are judged on their first line.
#[derive(Debug, Clone)]
pub enum Check {
    /// This text, but for space within and around it and the mark at its end.
    Exact(String),
    /// One of these texts last in the first line, but for the mark at its end; case counts not.
    Ends(Vec<String>),
    /// All of these words in the first sentence, and none of those.
    Holds { all: Vec<String>, none: Vec<String> },
    /// Yes or no, as the first word or as the last, and not the other.
    YesNo(bool),
    /// One phrase in the first line, and not the other (none if empty).
    Says { this: String, not: String },
    /// The last number word of the first line.
    Number(String),
    /// As many different members of a kind, and nothing else.
    List { count: usize, members: Vec<String> },
    /// Of these words exactly the first so many, in any order.
    Members { all: Vec<String>, none: Vec<String>, least: usize },
    /// A story that names all of these, of at least `STORY_WORDS` words, that does not go in circles and does not speak
    /// of a story: "He was excited about the story" goes on with the request.
    Story { names: Vec<String> },
    /// One sentence that holds all of these and one of those, of at most so many words.
    Short { all: Vec<String>, any: Vec<String>, words: usize },
}

impl Check {
    /// Judges an answer.
    pub fn accepts(&self, answer: &str) -> bool {
        let answer = answer.trim();
        let line = answer.lines().next().unwrap_or_default();
        let first = first_sentence(line);
        if !matches!(self, Self::Story { .. }) && words(line).len() > ANSWER_WORDS {
            return false;
        }
        match self {
            Self::Exact(text) => spaced(bare(line)) == spaced(bare(text)),
            Self::Ends(texts) => texts.iter().any(|text| {
                let (line, text) = (spaced(bare(line)).to_lowercase(), spaced(bare(text)).to_lowercase());
                line.strip_suffix(&text).is_some_and(|before| before.is_empty() || before.ends_with(' '))
            }),
            Self::Holds { all, none } => {
                let found = words(first);
                all.iter().all(|w| has(&found, w)) && !none.iter().any(|w| has(&found, w))
            }
            Self::YesNo(yes) => {
                let found = words(line);
                let ends = [found.first(), found.last()].into_iter().flatten();
                let said: HashSet<&str> = ends.map(String::as_str).filter(|w| ["yes", "no"].contains(w)).collect();
                said == HashSet::from([if *yes { "yes" } else { "no" }])
            }
            Self::Says { this, not } => {
                line.contains(this.as_str()) && (not.is_empty() || !line.contains(not.as_str()))
            }
            Self::Number(number) => {
                let mut numbers = words(line).into_iter().filter(|w| crate::lexicon::NUMBERS.contains(&w.as_str()));
                numbers.next_back().as_ref() == Some(number)
            }
            Self::List { count, members } => {
                let listed = bare(line.split_once(':').map_or(line, |l| l.1)).replace(" and ", ", ");
                let items: Vec<&str> = listed.split(',').map(str::trim).filter(|i| !i.is_empty()).collect();
                let different: HashSet<&&str> = items.iter().collect();
                items.len() == *count
                    && different.len() == *count
                    && items.iter().all(|i| members.iter().any(|m| m.eq_ignore_ascii_case(i)))
            }
            Self::Members { all, none, least } => {
                let found = words(line);
                let named = all.iter().filter(|w| has(&found, w)).count();
                named >= *least && !none.iter().any(|w| has(&found, w))
            }
            Self::Story { names } => {
                let found = words(answer);
                found.len() >= STORY_WORDS
                    && !has(&found, "story")
                    && names.iter().all(|w| has(&found, w))
                    && answer.starts_with(|c: char| c.is_uppercase() || c == '"')
                    && repeated_4grams(&found) < MOST_REPEATED
            }
            Self::Short { all, any, words: most } => {
                let found = words(line);
                !found.is_empty()
                    && first.len() == line.len()
                    && found.len() <= *most
                    && all.iter().all(|w| has(&found, w))
                    && (any.is_empty() || any.iter().any(|w| has(&found, w)))
            }
        }
    }

    /// Whether a story names what was asked, however long it is; none where no story was asked for.
    pub fn named(&self, answer: &str) -> Option<bool> {
        let Self::Story { names } = self else { return None };
        let found = words(answer);
        Some(names.iter().all(|w| has(&found, w)))
    }
}

/// What a story may repeat of its four-word sequences: songs and games say a thing twice.
pub const MOST_REPEATED: f64 = 0.15;

/// Whether `word` is among these, in either number, or as whose something is.
fn has(found: &[String], word: &str) -> bool {
    let word = word.to_lowercase();
    let plural = WORDS.plural(&word);
    found.iter().any(|w| {
        let w = w.strip_suffix("'s").unwrap_or(w);
        w == word || w == plural
    })
}

fn bare(text: &str) -> &str {
    text.trim().trim_end_matches(['.', '!', '?']).trim()
}

fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Up to the first mark that ends a sentence.
fn first_sentence(line: &str) -> &str {
    let end = line.find(['.', '!', '?']).map_or(line.len(), |at| at + 1);
    line[..end].trim()
}

/// Words in lower case.
pub fn words(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| !c.is_alphanumeric() && c != '\'');
    parts.map(|w| w.trim_matches('\'').to_lowercase()).filter(|w| !w.is_empty()).collect()
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
    use super::*;
    use crate::instruct::{self, Split};

    /// Every right answer is accepted, and the answer to another instruction of the same kind is seldom.
    #[test]
    fn right_answers_are_accepted_and_others_are_not() {
        let stories = instruct::examples_of_stories();
        let mut rng = crate::train::rng(1, "judge");
        let n = instruct::KINDS.len();
        let all: Vec<_> = [Split::Train, Split::Combination, Split::Wording]
            .into_iter()
            .flat_map(|split| (0..20 * n).map(move |i| (split, i)))
            .map(|(split, i)| instruct::of_kind(&mut rng, &stories, split, i))
            .collect();
        let (mut wrong, mut asked) = (0, 0);
        for (i, e) in all.iter().enumerate() {
            assert!(e.check.accepts(&e.answer), "{e:?}");
            assert!(!e.check.accepts(""), "{e:?}");
            let again = format!("{}\nAnd so it went on.", e.answer);
            assert!(e.check.accepts(&again), "only the first line counts: {e:?}");
            let other = &all[(i + n) % all.len()];
            // a yes is right for every other question, and any story without a subject will do
            if e.answer != other.answer && !matches!(e.kind, "is there" | "yes or no" | "continue" | "ending") {
                asked += 1;
                wrong += usize::from(e.check.accepts(&other.answer));
            }
            assert!(!e.check.accepts("They went on and then they all said so."), "{e:?}");
        }
        assert!(wrong * 20 < asked, "{wrong} of {asked} wrong answers accepted");
    }

    #[test]
    fn any_right_answer_will_do() {
        let all = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        let list = Check::List { count: 3, members: all(&["dog", "cat", "bear", "fox"]) };
        assert!(list.accepts("fox, dog and bear"));
        assert!(list.accepts("Three animals: dog, cat, bear."));
        assert!(!list.accepts("dog, cat and dog") && !list.accepts("dog, cat") && !list.accepts("dog, cat and car"));
        let who = Check::Holds { all: all(&["Lily"]), none: all(&["Tom"]) };
        assert!(who.accepts("Lily.") && who.accepts("It is about Lily. Tom is her friend."));
        assert!(!who.accepts("Lily and Tom.") && !who.accepts("A girl."));
        let story = Check::Story { names: all(&["cat", "mouse"]) };
        let told = "Once there was a cat who lived in a big house. Every day she saw two mice under the old table. \
                    \"Come out and play with me,\" she said one morning. They were afraid at first, but then the three \
                    of them became good friends and shared some cheese.";
        assert!(story.accepts(told) && story.named(told) == Some(true));
        assert!(!story.accepts("A cat saw a mouse.") && !story.accepts(&told.replace("mice", "dogs")));
        assert!(!story.accepts(&told.replace("some cheese", "the story")), "told, not talked about");
        let goes_on = "Lily was happy to hear it. She ran to her mom and asked if they could go to the park, and there they \
                       played on the swings until the sun went down.";
        assert!(!who.accepts(goes_on), "a story that goes on is no answer");
        assert!(Check::Number("three".into()).accepts("One: big. Two: red. Three: ball. There are three words."));
        assert!(!Check::Number("three".into()).accepts("There are two words."));
        let yes = Check::YesNo(true);
        assert!(yes.accepts("Yes, it is.") && yes.accepts("A cat is an animal, so yes."));
        assert!(!yes.accepts("A cat is an animal, so no.") && !yes.accepts("Yes, so no.") && !yes.accepts("A cat."));
    }
}
