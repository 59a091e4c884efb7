//! What the user has set: the prompt and the options of the next run, and how results are read.

use std::ops::Range;

use super::{Msg, Tracked};
use crate::checkpoint::conversation::{compose, messages};
use crate::checkpoint::{Speaker, Turn};
use crate::explain::methods::How;
use crate::explain::{By, segment};
use crate::share::RunSpec;
use crate::share::screen::{Options, Reading};

/// What the user changes.
#[derive(Debug, Clone)]
pub enum Command {
    /// The prompt's text; a mark in the old text is void.
    Prompt(String),
    /// The turns before the prompt.
    Conversation(Conversation),
    /// The instruction, bytes of the prompt; found automatically if absent.
    Mark(Option<Range<usize>>),
    /// Bytes of the prompt that are to be read as one unit, as whole words; what it touches becomes a part of it.
    Unit(Range<usize>),
    /// The unit of this number is no more.
    RemoveUnit(usize),
    /// Whether the template's tokens make up a row of the next run.
    TemplateRow(bool),
    /// The options of the next run.
    Options(Options),
    /// By which method the next run is explained.
    How(How),
    /// How results are read.
    Reading(Reading),
    /// Everything as a run was asked.
    As(Box<RunSpec>),
}

/// Sets the prompt to `text`, with no turns before it.
pub fn alone(text: &str) -> Vec<Msg> {
    [Command::Conversation(Conversation::default()), Command::Prompt(text.to_owned())].map(Msg::Edit).into()
}

/// The turns before the prompt, which is the user's last turn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conversation {
    /// From the first on.
    pub before: Vec<Before>,
    /// Whether the prompt is only read, not explained. It is explained all the same if no other turn is.
    pub prompt_left_out: bool,
}

/// A turn before the prompt.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Before {
    /// Who says it.
    pub speaker: Speaker,
    /// What. A blank turn is left out of the run.
    pub text: String,
    /// Whether its words are explained.
    pub explained: bool,
}

impl Before {
    fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

impl Conversation {
    /// Whether any of the turns before the prompt is explained.
    pub fn explains_another(&self) -> bool {
        self.before.iter().any(|turn| turn.explained && !turn.is_blank())
    }

    /// Whether the prompt is explained.
    pub fn explains_prompt(&self) -> bool {
        !(self.prompt_left_out && self.explains_another())
    }
}

/// The settings on screen. Results never read them: they carry the [`RunSpec`] that they were asked by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Editor {
    /// The prompt's text.
    pub prompt: Tracked<String>,
    /// The turns before it.
    pub conversation: Tracked<Conversation>,
    /// The user's mark in the prompt.
    pub marked: Tracked<Option<Range<usize>>>,
    /// Parts of the prompt that are read as one unit each, in order.
    pub units: Tracked<Vec<Range<usize>>>,
    /// Whether the template's tokens make up a row.
    pub template_row: Tracked<bool>,
    /// Of the next run.
    pub options: Tracked<Options>,
    /// By which method it is explained. A question about one word, and the check of a picture, are asked at a result.
    pub how: Tracked<How>,
    /// How results are read.
    pub reading: Tracked<Reading>,
}

impl Editor {
    /// Takes in a change.
    pub fn command(&mut self, command: Command) {
        match command {
            Command::Prompt(text) => (*self.prompt, *self.marked, *self.units) = (text, None, Vec::new()),
            Command::Conversation(conversation) => *self.conversation = conversation,
            Command::Mark(marked) => *self.marked = marked,
            Command::Unit(span) => self.add_unit(span),
            Command::RemoveUnit(at) if at < self.units.len() => drop(self.units.remove(at)),
            Command::RemoveUnit(_) => {}
            Command::TemplateRow(on) => *self.template_row = on,
            Command::Options(options) => *self.options = options,
            Command::How(how) => *self.how = settings(how),
            Command::Reading(reading) => *self.reading = reading,
            Command::As(spec) => {
                let Parts { prompt, conversation, marked, units } = Parts::of(&spec);
                (*self.prompt, *self.conversation, *self.marked, *self.units) = (prompt, conversation, marked, units);
                (*self.options, *self.template_row) = (spec.options, spec.template_row);
                *self.how = settings(spec.how);
                self.reading.by = spec.by;
            }
        }
    }

    fn add_unit(&mut self, span: Range<usize>) {
        let touches = |other: &Range<usize>| other.start < span.end && span.start < other.end;
        let words = segment(&self.prompt, By::Word);
        let touched = words.iter().chain(self.units.iter()).filter(|other| touches(other));
        let Some(whole) = touched.cloned().reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)) else { return };
        self.units.retain(|other| !touches(other));
        self.units.push(whole);
        self.units.sort_by_key(|unit| unit.start);
    }

    /// What is run if Run is pressed now.
    pub fn spec(&self) -> RunSpec {
        let (prompt, turns, start) = self.composed();
        let marked = start.zip(self.marked.as_ref()).map(|(start, m)| start + m.start..start + m.end);
        let spans = start.map(|start| self.units.iter().map(|u| start + u.start..start + u.end).collect());
        RunSpec {
            prompt,
            turns,
            marked,
            spans: spans.unwrap_or_default(),
            template_row: *self.template_row,
            options: (*self.options).clone(),
            how: (*self.how).clone(),
            by: self.reading.by,
        }
    }

    /// The text that is explained, the turns over it, and where the prompt begins in it, if it is explained.
    fn composed(&self) -> (String, Vec<Turn>, Option<usize>) {
        let explained = self.conversation.explains_prompt();
        let before = self.conversation.before.iter().filter(|turn| !turn.is_blank());
        let mut turns: Vec<_> = before.map(|turn| (turn.speaker, turn.text.as_str(), turn.explained)).collect();
        turns.push((Speaker::User, &self.prompt, explained));
        let (text, turns) = compose(&turns);
        let start = explained.then(|| text.len() - self.prompt.len());
        (text, turns, start)
    }
}

/// What of `how` holds for any run: tokens to set a response against are those of one response, and a check is of one picture.
fn settings(how: How) -> How {
    How { against: None, check: false, ..how.sound() }
}

/// A run's text and turns, taken apart for the editor.
struct Parts {
    prompt: String,
    conversation: Conversation,
    marked: Option<Range<usize>>,
    units: Vec<Range<usize>>,
}

impl Parts {
    fn of(spec: &RunSpec) -> Self {
        let turns = messages(&spec.prompt, &spec.turns).unwrap_or_default();
        let Some((last, before)) = turns.split_last() else {
            let (prompt, conversation) = (spec.prompt.clone(), Conversation::default());
            return Self { prompt, conversation, marked: spec.mark(), units: spec.spans.clone() };
        };
        let of_last = |span: Range<usize>| {
            let start = last.explained?;
            let (from, to) = (span.start.checked_sub(start)?, span.end.checked_sub(start)?);
            last.text.get(from..to).map(|_| from..to)
        };
        let marked = spec.mark().and_then(of_last);
        let units = spec.spans.iter().cloned().filter_map(of_last).collect();
        let before = before.iter().map(|turn| Before {
            speaker: turn.speaker,
            text: turn.text.to_owned(),
            explained: turn.explained.is_some(),
        });
        let conversation = Conversation { before: before.collect(), prompt_left_out: last.explained.is_none() };
        Self { prompt: last.text.to_owned(), conversation, marked, units }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(speaker: Speaker, text: &str, explained: bool) -> Before {
        Before { speaker, text: text.into(), explained }
    }

    fn editor() -> Editor {
        let mut editor = Editor::default();
        editor.command(Command::Prompt("Name two. Be quick.".into()));
        editor.command(Command::Mark(Some(10..19)));
        let before = vec![
            before(Speaker::System, "Be kind.", true),
            before(Speaker::User, "Name one.", false),
            before(Speaker::Assistant, "  ", true),
            before(Speaker::Assistant, "Red.", false),
        ];
        editor.command(Command::Conversation(Conversation { before, prompt_left_out: false }));
        editor
    }

    #[test]
    fn a_run_is_asked_with_the_turns_on_screen_and_sets_them_again() {
        let editor = editor();
        let spec = editor.spec();
        assert_eq!(spec.prompt, "Be kind.\n\nName two. Be quick.");
        assert_eq!(&spec.prompt[spec.mark().unwrap()], "Be quick.");
        let said: Vec<_> = messages(&spec.prompt, &spec.turns).unwrap().iter().map(|m| m.text).collect();
        assert_eq!(said, ["Be kind.", "Name one.", "Red.", "Name two. Be quick."], "a blank turn is left out");
        let mut other = Editor::default();
        other.command(Command::As(Box::new(spec.clone())));
        assert_eq!(other.spec(), spec);
        assert_eq!((&*other.prompt, other.conversation.before.len()), (&*editor.prompt, 3));
        assert_eq!(*other.marked, Some(10..19));
    }

    #[test]
    fn a_prompt_that_is_not_explained_has_no_mark_unless_nothing_else_is_explained() {
        let mut editor = editor();
        editor.conversation.prompt_left_out = true;
        let spec = editor.spec();
        assert_eq!((spec.prompt.as_str(), spec.marked.clone()), ("Be kind.", None));
        let mut other = Editor::default();
        other.command(Command::As(Box::new(spec.clone())));
        assert_eq!(other.spec(), spec);
        assert_eq!(*other.prompt, "Name two. Be quick.");
        editor.conversation.before[0].explained = false;
        assert_eq!(&editor.spec().prompt[editor.spec().mark().unwrap()], "Be quick.");
    }

    #[test]
    fn units_take_whole_words_and_what_they_touch() {
        let mut editor = editor();
        let texts = |editor: &Editor| -> Vec<String> {
            let spec = editor.spec();
            spec.spans.iter().map(|s| spec.prompt[s.clone()].to_owned()).collect()
        };
        editor.command(Command::Unit(13..16));
        editor.command(Command::Unit(1..6));
        assert_eq!(texts(&editor), ["Name two", "quick"]);
        let mut other = Editor::default();
        other.command(Command::As(Box::new(editor.spec())));
        assert_eq!(*other.units, *editor.units);
        editor.command(Command::Unit(6..14));
        assert_eq!(texts(&editor), ["Name two. Be quick"]);
        editor.command(Command::RemoveUnit(0));
        editor.command(Command::Unit(4..5)); // a space
        assert!(texts(&editor).is_empty());
        editor.command(Command::Unit(0..4));
        editor.command(Command::Prompt("Na".into()));
        assert!(texts(&editor).is_empty(), "another text has none of them");
    }

    #[test]
    fn an_instruction_is_looked_for_in_the_prompt_alone() {
        let mut editor = editor();
        editor.command(Command::Mark(None));
        let spec = editor.spec();
        assert_eq!(&spec.prompt[spec.instruction()], "Name two.");
        let mut plain = Editor::default();
        plain.command(Command::Prompt("Hi".into()));
        assert_eq!((plain.spec().prompt.as_str(), plain.spec().turns.len()), ("Hi", 0));
    }
}
