//! The lesson on screen: its present step, what the page is set to for it, and when it is done.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Effect, Facts, Msg, Tracked, editor, guess, linked};
use crate::share::presets::PRESETS;
use crate::share::screen::{Reading, Scale, Tab, Whose};
use crate::teach::lesson::Setting;
use crate::teach::{Deed, Lesson, Step};

/// What the reader wants.
#[derive(Debug, Clone)]
pub enum Command {
    /// Begin the lesson at a step.
    Start(Box<Lesson>, usize),
    /// Begin the lesson that an address's fragment carries, if it carries one.
    Address(String),
    /// Go to a step; past the last one, the lesson ends.
    Enter(usize),
    /// The page is set as this step asks.
    Entered(usize),
    /// Leave the lesson; it can be gone on with.
    Leave,
}

/// A lesson that was left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Left {
    /// All of it.
    pub lesson: Lesson,
    /// The step that was on screen.
    pub step: usize,
}

impl Left {
    /// From what [`Effect::KeepLesson`] had written down.
    pub fn read(text: &str) -> Option<Self> {
        let left: Self = serde_json::from_str(text).ok()?;
        (left.step < left.lesson.steps.len()).then_some(left)
    }
}

/// The lesson with its present step.
#[derive(Debug, Clone, PartialEq)]
pub struct Current {
    /// All of it.
    pub lesson: Arc<Lesson>,
    /// The present step's place.
    pub step: usize,
    /// How the page was read, and whose response explained, when the step began.
    began: (Reading, Whose),
    /// What the step asks for was so from the beginning.
    already: bool,
}

impl Current {
    /// The present step.
    pub fn step(&self) -> Option<&Step> {
        self.lesson.steps.get(self.step)
    }

    /// What the reader is asked to do, if it is still to be done.
    pub fn waits_for(&self) -> Option<Deed> {
        self.step().and_then(|s| s.until).filter(|_| !self.already)
    }
}

/// What only other features know of a step's end.
#[derive(Debug, Clone, Copy, Default)]
pub struct Done {
    /// The heads of both models' layers have all been read.
    pub heads: bool,
    /// So have their concepts.
    pub concepts: bool,
    /// The set of prompts has been measured.
    pub measured: bool,
    /// A model is at work on a run.
    pub running: bool,
    /// A run has come to its end with a result.
    pub has_run: bool,
}

/// The lesson, if one is on screen.
#[derive(Debug, Clone, Default)]
pub struct Lessons {
    /// With its present step.
    pub current: Tracked<Option<Current>>,
    /// What the reader has done since the step began.
    deeds: Vec<Deed>,
    was_running: bool,
}

impl Lessons {
    /// Does what the reader wants: what others have to do for it comes back as messages.
    pub fn command(&mut self, command: Command, facts: &Facts, done: Done, effects: &mut Vec<Effect>) -> Vec<Msg> {
        match command {
            Command::Start(lesson, step) => {
                *self.current = Some(Current {
                    lesson: Arc::new(*lesson),
                    step,
                    began: (*facts.editor.reading, facts.editor.options.whose),
                    already: false,
                });
                self.enter(step, facts, effects)
            }
            Command::Address(fragment) => match Lesson::decode(&fragment) {
                None => Vec::new(),
                Some(Ok(lesson)) => vec![Msg::Lesson(Command::Start(Box::new(lesson), 0))],
                Some(Err(e)) => vec![Msg::Linked(linked::Command::Notice(Some(e.to_string())))],
            },
            Command::Enter(step) => self.enter(step, facts, effects),
            Command::Entered(step) => {
                self.entered(step, facts, done, effects);
                Vec::new()
            }
            Command::Leave => {
                *self.current = None;
                Vec::new()
            }
        }
    }

    fn enter(&mut self, step: usize, facts: &Facts, effects: &mut Vec<Effect>) -> Vec<Msg> {
        let Some(current) = &*self.current else { return Vec::new() };
        let Some(found) = current.lesson.steps.get(step) else {
            *self.current = None;
            effects.push(Effect::ForgetLesson);
            return Vec::new();
        };
        let mut then = settings(&found.set, facts);
        then.push(Msg::Lesson(Command::Entered(step)));
        then
    }

    fn entered(&mut self, step: usize, facts: &Facts, done: Done, effects: &mut Vec<Effect>) {
        self.deeds.clear();
        let Some(mut current) = (*self.current).clone() else { return };
        current.step = step;
        current.began = (*facts.editor.reading, facts.editor.options.whose);
        let until = current.step().and_then(|s| s.until);
        current.already = until.is_some_and(|deed| self.is_done(deed, &current, facts, done));
        let left = Left { lesson: (*current.lesson).clone(), step };
        // plain data of our own: there is nothing in it that JSON refuses
        effects.push(Effect::KeepLesson(serde_json::to_string(&left).unwrap_or_default()));
        *self.current = Some(current);
    }

    /// Notes what the reader has done.
    pub fn did(&mut self, deed: Deed) {
        if self.current.is_some() && !self.deeds.contains(&deed) {
            self.deeds.push(deed);
        }
    }

    /// Whether `deed` has been done in the present step.
    fn is_done(&self, deed: Deed, current: &Current, facts: &Facts, done: Done) -> bool {
        let (reading, whose) = current.began;
        match deed {
            Deed::OpenPrompt => facts.tab == Tab::Prompt,
            Deed::OpenHeads => facts.tab == Tab::Heads,
            Deed::OpenConcepts => facts.tab == Tab::Concepts,
            Deed::OpenFindings => facts.tab == Tab::Findings,
            Deed::Read => *facts.editor.reading != reading,
            Deed::Signed => facts.editor.reading.scale == Scale::Signed,
            Deed::Whose => facts.editor.options.whose != whose,
            Deed::HeadsRead => done.heads,
            Deed::ConceptsRead => done.concepts,
            Deed::Measure => done.measured,
            Deed::Run | Deed::ChooseWord | Deed::ChooseHead | Deed::ChooseLayer | Deed::Guess => {
                self.deeds.contains(&deed)
            }
        }
    }

    /// Goes on when the reader has done what the step asks.
    pub fn go_on(&mut self, facts: &Facts, done: Done) -> Option<Msg> {
        if std::mem::replace(&mut self.was_running, done.running) && !done.running && done.has_run {
            self.did(Deed::Run);
        }
        let current = self.current.as_ref()?;
        let deed = current.waits_for()?;
        let next = current.step + 1;
        self.is_done(deed, current, facts, done).then_some(Msg::Lesson(Command::Enter(next)))
    }
}

/// Sets the page as a step asks.
fn settings(set: &Setting, facts: &Facts) -> Vec<Msg> {
    let mut options = (*facts.editor.options).clone();
    options.whose = set.whose.unwrap_or(options.whose);
    options.chat = set.chat.unwrap_or(options.chat);
    if let Some(text) = &set.typed {
        (options.whose, options.typed) = (Whose::Typed, text.clone());
    }
    let mut reading = *facts.editor.reading;
    reading.scale = set.scale.unwrap_or(reading.scale);
    reading.by = set.by.unwrap_or(reading.by);
    let mut all: Vec<Msg> = set.tab.map(Msg::Open).into_iter().collect();
    all.extend([editor::Command::Options(options), editor::Command::Reading(reading)].map(Msg::Edit));
    all.extend(set.prompt.iter().flat_map(|text| match PRESETS.iter().position(|p| p.text == text) {
        Some(at) => vec![Msg::Example(at)],
        None => editor::alone(text),
    }));
    all.extend(set.guess.map(|on| Msg::Guess(if on { guess::Command::Start } else { guess::Command::Stop })));
    all
}
