//! The lesson on screen: where it came from, its present step, and when that is done.

use std::sync::Arc;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::guess;
use crate::app::state::{Reading, Side, State, Tab, Whose};
use crate::app::{examples, fetch_text, memory, parameter, weights, window};
use crate::share::presets::PRESETS;
use crate::teach::lesson::{Setting, is_name};
use crate::teach::{Deed, Lesson, LessonError, Step};

/// Under this name a lesson that was left is remembered.
const KEPT: &str = "shiftlens.lesson";

/// The lesson with its present step.
#[derive(Debug, Clone, PartialEq)]
pub struct Current {
    pub lesson: Arc<Lesson>,
    pub step: usize,
    /// How the page was read, and whose response explained, when the step began.
    began: (Reading, Whose),
    /// What the step asks for was so from the beginning.
    already: bool,
}

impl Current {
    pub fn step(&self) -> Option<&Step> {
        self.lesson.steps.get(self.step)
    }

    /// What the reader is asked to do, if it is still to be done.
    pub fn waits_for(&self) -> Option<Deed> {
        self.step().and_then(|s| s.until).filter(|_| !self.already)
    }
}

/// A lesson that was left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Left {
    pub lesson: Lesson,
    pub step: usize,
}

/// The lesson that was left, if one was.
pub fn left() -> Option<Left> {
    let left: Left = serde_json::from_str(&memory::get(KEPT)?).ok()?;
    (left.step < left.lesson.steps.len()).then_some(left)
}

fn remember(state: State) {
    let text = state.teach.lesson.with_untracked(|c| {
        let current = c.as_ref()?;
        serde_json::to_string(&Left { lesson: (*current.lesson).clone(), step: current.step }).ok()
    });
    if let Some(text) = text {
        memory::set(KEPT, &text);
    }
}

/// Begins `lesson` at `step`.
pub fn start(state: State, lesson: Lesson, step: usize) {
    state.teach.learn_open.set(false);
    let began = (state.reading.get_untracked(), state.options.with_untracked(|o| o.whose));
    state.teach.lesson.set(Some(Current { lesson: Arc::new(lesson), step, began, already: false }));
    enter(state, step);
}

/// Goes to a step, past the last one: ends.
pub fn enter(state: State, step: usize) {
    let Some(mut current) = state.teach.lesson.get_untracked() else { return };
    let Some(found) = current.lesson.steps.get(step).cloned() else { return finish(state) };
    apply(state, &found.set);
    state.teach.deeds.set(Vec::new());
    current.step = step;
    current.began = (state.reading.get_untracked(), state.options.with_untracked(|o| o.whose));
    current.already = found.until.is_some_and(|deed| untrack(|| is_done(state, deed, &current)));
    state.teach.lesson.set(Some(current));
    remember(state);
}

/// Leaves the lesson; it can be gone on with.
pub fn leave(state: State) {
    state.teach.lesson.set(None);
}

fn finish(state: State) {
    state.teach.lesson.set(None);
    memory::remove(KEPT);
}

/// Sets the page as a step asks.
fn apply(state: State, set: &Setting) {
    if let Some(tab) = set.tab {
        weights::open(state, tab);
    }
    state.options.update(|o| {
        o.whose = set.whose.unwrap_or(o.whose);
        o.chat = set.chat.unwrap_or(o.chat);
        if let Some(text) = &set.typed {
            (o.whose, o.typed) = (Whose::Typed, text.clone());
        }
    });
    state.reading.update(|r| {
        r.scale = set.scale.unwrap_or(r.scale);
        r.by = set.by.unwrap_or(r.by);
    });
    if let Some(text) = &set.prompt {
        state.prompt.set(text.clone());
        state.marked.set(None);
        let preset = PRESETS.iter().find(|p| p.text == text);
        if let Some(preset) = preset.filter(|_| examples::fit(state)) {
            leptos::task::spawn_local(examples::show(state, *preset));
        }
    }
    match set.guess {
        Some(true) => guess::start(state),
        Some(false) => guess::stop(state),
        None => {}
    }
}

/// Whether `deed` has been done in the present step; reactive.
fn is_done(state: State, deed: Deed, current: &Current) -> bool {
    let (reading, whose) = current.began;
    let all_read = |count: &dyn Fn(Side) -> (usize, usize)| {
        [Side::Base, Side::Tuned].into_iter().map(count).all(|(read, all)| all > 0 && read == all)
    };
    match deed {
        Deed::OpenPrompt => state.tab.get() == Tab::Prompt,
        Deed::OpenHeads => state.tab.get() == Tab::Heads,
        Deed::OpenConcepts => state.tab.get() == Tab::Concepts,
        Deed::OpenFindings => state.tab.get() == Tab::Findings,
        Deed::Read => state.reading.get() != reading,
        Deed::Signed => state.reading.get().scale == crate::app::state::Scale::Signed,
        Deed::Whose => state.options.with(|o| o.whose) != whose,
        Deed::HeadsRead => {
            all_read(&|side| state.weights.half(side).heads.with(|h| (h.iter().flatten().count(), h.len())))
        }
        Deed::ConceptsRead => {
            all_read(&|side| state.weights.half(side).concepts.with(|c| (c.iter().flatten().count(), c.len())))
        }
        Deed::Measure => {
            let all = state.findings.cases.with(Vec::len);
            all > 0 && state.findings.rows.with(Vec::len) == all && !state.findings.running.get()
        }
        Deed::Run | Deed::ChooseWord | Deed::ChooseHead | Deed::ChooseLayer | Deed::Guess => {
            state.teach.deeds.with(|all| all.contains(&deed))
        }
    }
}

/// Goes on when the reader has done what a step asks.
pub fn follow(state: State) {
    Effect::new(move |_| {
        let Some(current) = state.teach.lesson.get() else { return };
        if current.waits_for().is_some_and(|deed| is_done(state, deed, &current)) {
            enter(state, current.step + 1);
        }
    });
    // a run that has come to its end
    Effect::new(move |before: Option<bool>| {
        let running = state.running();
        let whole = state.slots().iter().any(|s| s.run.with_untracked(|r| r.report.is_some() && r.failure.is_none()));
        if before == Some(true) && !running && whole {
            super::did(state, Deed::Run);
        }
        running
    });
}

/// The shipped lesson of this name.
pub async fn fetch(name: &str) -> Result<Lesson, LessonError> {
    let missing = || LessonError::Missing(name.to_owned());
    if !is_name(name) {
        return Err(missing());
    }
    let text = fetch_text(&format!("lessons/{name}.json")).await.ok_or_else(missing)?;
    Lesson::read(&text)
}

/// Names of the lessons that ship.
pub async fn names() -> Vec<String> {
    let text = fetch_text("lessons/index.json").await.unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Begins the lesson that the address's fragment carries, or says why not. Tells whether there is one in it.
pub fn open_fragment(state: State) -> bool {
    let fragment = window().location().hash().unwrap_or_default();
    let found = Lesson::decode(&fragment);
    let is_there = found.is_some();
    match found {
        Some(Ok(lesson)) => start(state, lesson, 0),
        Some(Err(e)) => state.notice.set(Some(e.to_string())),
        None => {}
    }
    is_there
}

/// Begins the lesson that the address carries or names, or says why not.
pub fn open_address(state: State) {
    if open_fragment(state) {
        return;
    }
    if let Some(name) = parameter("lesson") {
        leptos::task::spawn_local(async move {
            match fetch(&name).await {
                Ok(lesson) => start(state, lesson, 0),
                Err(e) => state.notice.set(Some(e.to_string())),
            }
        });
    }
}
