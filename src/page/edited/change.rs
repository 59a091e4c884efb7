//! A word of a prompt is taken out or replaced: the run that is asked then, with every place in the text moved along.

use std::ops::Range;

use crate::checkpoint::conversation::{Said, Turn};
use crate::share::RunSpec;
use crate::wording::edited as wording;

/// What becomes of the word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is taken out, with the space beside it.
    TakeOut,
    /// This stands in its place.
    Replace(String),
}

/// Why an edit cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The prompt does not have the word there.
    Gone,
    /// What is chosen is white space, or a part of a character.
    NoWord,
    /// Nothing was typed to stand in its place.
    Nothing,
    /// What was typed stands there already.
    Same,
    /// No word of the prompt would be left.
    Empty,
    /// No word of one turn would be left.
    EmptyTurn,
    /// It is a part of more than one turn.
    Turns,
}

impl Refusal {
    /// What is wrong, and what to do.
    pub fn words(self) -> &'static str {
        match self {
            Self::Gone => wording::GONE,
            Self::NoWord => wording::NO_WORD,
            Self::Nothing => wording::NOTHING,
            Self::Same => wording::SAME,
            Self::Empty => wording::EMPTY,
            Self::EmptyTurn => wording::EMPTY_TURN,
            Self::Turns => wording::TURNS,
        }
    }
}

/// A prompt with one word changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// What is asked: all else as it was.
    pub spec: RunSpec,
    /// What went, bytes of the prompt before.
    pub gone: Range<usize>,
    /// What came in its place, bytes of the prompt now.
    pub new: Range<usize>,
}

impl Edit {
    /// Changes the bytes `span` of the prompt of `spec`, at which `word` stands.
    pub fn of(spec: &RunSpec, span: Range<usize>, word: &str, change: &Change) -> Result<Self, Refusal> {
        spec.prompt.get(span.clone()).ok_or(Refusal::Gone)?;
        let at = bare(&spec.prompt, span).ok_or(Refusal::NoWord)?;
        let before = &spec.prompt[at.clone()];
        if before != word.trim() {
            return Err(Refusal::Gone);
        }
        let turn = turn_of(spec, &at)?;
        let (gone, put) = match change {
            Change::TakeOut => (with_space(&spec.prompt, at, &turn), ""),
            Change::Replace(put) => (at, put.trim()),
        };
        match change {
            Change::Replace(_) if put.is_empty() => return Err(Refusal::Nothing),
            Change::Replace(_) if put == before => return Err(Refusal::Same),
            _ => {}
        }
        let mut prompt = spec.prompt.clone();
        prompt.replace_range(gone.clone(), put);
        let moved = Moved { gone: gone.clone(), put: put.len() };
        if prompt.get(moved.range(&turn)).is_none_or(|left| left.trim().is_empty()) {
            return Err(if prompt.trim().is_empty() { Refusal::Empty } else { Refusal::EmptyTurn });
        }
        let said = |turn: &Turn| match &turn.said {
            Said::Explained(range) => Turn { said: Said::Explained(moved.range(range)), ..turn.clone() },
            Said::Other(_) => turn.clone(),
        };
        let turns = spec.turns.iter().map(said).collect();
        let left = |range: &Range<usize>| bare(&prompt, moved.range(range));
        let marked = spec.mark().and_then(|mark| left(&mark));
        let spans = spec.spans.iter().filter_map(left).collect();
        let new = gone.start..gone.start + put.len();
        Ok(Self { spec: RunSpec { prompt, turns, marked, spans, ..spec.clone() }, gone, new })
    }
}

/// The turn that `at` is a part of, bytes of the prompt.
fn turn_of(spec: &RunSpec, at: &Range<usize>) -> Result<Range<usize>, Refusal> {
    if spec.turns.is_empty() {
        return Ok(0..spec.prompt.len());
    }
    let mut explained = spec.turns.iter().filter_map(|turn| match &turn.said {
        Said::Explained(range) => Some(range.clone()),
        Said::Other(_) => None,
    });
    explained.find(|turn| turn.start <= at.start && at.end <= turn.end).ok_or(Refusal::Turns)
}

/// `at` with the one space that is too many once it is gone: the one before it, or else the one after.
fn with_space(prompt: &str, at: Range<usize>, turn: &Range<usize>) -> Range<usize> {
    let is_space = |at: usize| prompt.as_bytes().get(at) == Some(&b' ');
    if at.start > turn.start && is_space(at.start - 1) {
        return at.start - 1..at.end;
    }
    if at.end < turn.end && is_space(at.end) { at.start..at.end + 1 } else { at }
}

/// Where bytes of a text are once the bytes `gone` of it are `put` others.
struct Moved {
    gone: Range<usize>,
    put: usize,
}

impl Moved {
    /// What is left of `range`, with what came instead if it began no later than what went and ended no earlier.
    fn range(&self, range: &Range<usize>) -> Range<usize> {
        let new_end = self.gone.start + self.put;
        let after = |at: usize| new_end + (at - self.gone.end);
        let start = match range.start {
            at if at <= self.gone.start => at,
            at if at >= self.gone.end => after(at),
            _ => new_end,
        };
        let end = if range.end >= self.gone.end { after(range.end) } else { range.end.min(self.gone.start) };
        start..end.max(start)
    }
}

/// `range` of `text` without the white space around it; none if nothing else is left.
fn bare(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let part = text.get(range.clone())?;
    let start = range.start + (part.len() - part.trim_start().len());
    (!part.trim().is_empty()).then(|| start..start + part.trim().len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Speaker;
    use crate::checkpoint::conversation::{compose, messages};

    fn spec(prompt: &str) -> RunSpec {
        RunSpec { prompt: prompt.into(), ..RunSpec::default() }
    }

    fn edit(spec: &RunSpec, word: &str, change: &Change) -> Result<Edit, Refusal> {
        let start = spec.prompt.find(word).unwrap();
        Edit::of(spec, start..start + word.len(), word, change)
    }

    fn without(prompt: &str, word: &str) -> String {
        edit(&spec(prompt), word, &Change::TakeOut).unwrap().spec.prompt
    }

    fn put(text: &str) -> Change {
        Change::Replace(text.into())
    }

    #[test]
    fn a_word_goes_with_one_space() {
        assert_eq!(without("Tell me now.", "me"), "Tell now.");
        assert_eq!(without("Tell me now.", " me"), "Tell now.", "a token begins with its space");
        assert_eq!(without("Tell me now.", "Tell"), "me now.");
        assert_eq!(without("Tell me now.", "now"), "Tell me.");
        assert_eq!(without("Tell me now.", "."), "Tell me now");
        assert_eq!(without("a\nfox b", "fox"), "a\nb");
        assert_eq!(without("né à Paris", "à"), "né Paris");
    }

    #[test]
    fn a_word_is_replaced_in_its_place() {
        let edit = edit(&spec("Tell me now."), "me", &put(" all of us ")).unwrap();
        assert_eq!(edit.spec.prompt, "Tell all of us now.");
        assert_eq!((&edit.spec.prompt[edit.new], edit.gone), ("all of us", 5..7));
    }

    #[test]
    fn what_cannot_be_edited_is_refused() {
        let all = spec("Tell me now.");
        let refused = |span: Range<usize>, word: &str, change: &Change| Edit::of(&all, span, word, change).unwrap_err();
        assert_eq!(refused(5..7, "us", &Change::TakeOut), Refusal::Gone);
        assert_eq!(refused(5..70, "me", &Change::TakeOut), Refusal::Gone);
        assert_eq!(refused(4..5, " ", &Change::TakeOut), Refusal::NoWord);
        assert_eq!(refused(5..7, "me", &put(" \n")), Refusal::Nothing);
        assert_eq!(refused(5..7, "me", &put(" me")), Refusal::Same);
        assert_eq!(edit(&spec(" Hi "), "Hi", &Change::TakeOut), Err(Refusal::Empty));
        assert_eq!(Edit::of(&spec("é"), 0..1, "é", &Change::TakeOut), Err(Refusal::Gone), "a part of a character");
        for refusal in [Refusal::Gone, Refusal::NoWord, Refusal::Nothing, Refusal::Same, Refusal::Empty] {
            assert!(refusal.words().ends_with('.'));
        }
    }

    #[test]
    fn marks_and_units_move_along() {
        let text = "Now tell me all. Quick.";
        let at = |word: &str| text.find(word).map(|start| start..start + word.len()).unwrap();
        let spec = RunSpec { marked: Some(at("tell me all.")), spans: vec![at("Now"), at("me all")], ..spec(text) };
        let parts = |edit: Edit| {
            let of = |range: &Range<usize>| edit.spec.prompt[range.clone()].to_owned();
            let spans: Vec<String> = edit.spec.spans.iter().map(of).collect();
            (edit.spec.marked.as_ref().map(of).unwrap_or_default(), spans)
        };
        let found = |word: &str, change: &Change| parts(edit(&spec, word, change).unwrap());
        let both = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
        assert_eq!(found("Now", &Change::TakeOut), ("tell me all.".into(), vec!["me all".into()]));
        assert_eq!(found("tell", &put("show")), ("show me all.".into(), both("Now", "me all")));
        assert_eq!(found("me", &Change::TakeOut), ("tell all.".into(), both("Now", "all")));
        assert_eq!(found("all", &put("everything")), ("tell me everything.".into(), both("Now", "me everything")));
        assert_eq!(found("Quick", &Change::TakeOut), ("tell me all.".into(), both("Now", "me all")));
        assert_eq!(found("tell me all.", &Change::TakeOut), (String::new(), vec!["Now".into()]));
    }

    #[test]
    fn only_one_turn_of_a_conversation_changes() {
        let turns =
            [(Speaker::System, "Be kind.", true), (Speaker::User, "One", false), (Speaker::User, "Say two.", true)];
        let (prompt, turns) = compose(&turns);
        let spec = RunSpec { prompt, turns, ..RunSpec::default() };
        let texts = |edit: &Edit| -> Vec<String> {
            let said = messages(&edit.spec.prompt, &edit.spec.turns).unwrap();
            said.iter().map(|m| m.text.to_owned()).collect()
        };
        assert_eq!(texts(&edit(&spec, "kind", &put("very brief")).unwrap()), ["Be very brief.", "One", "Say two."]);
        assert_eq!(texts(&edit(&spec, "Say", &Change::TakeOut).unwrap()), ["Be kind.", "One", "two."]);
        assert_eq!(edit(&spec, "Say two.", &Change::TakeOut), Err(Refusal::EmptyTurn));
        assert_eq!(edit(&spec, "kind.\n\nSay", &Change::TakeOut), Err(Refusal::Turns));
    }
}
