//! Finding 1's measurement as views see it; `page::scores` runs it.

use leptos::prelude::*;

use crate::app::shell::Mirror;
use crate::app::state::State;
use crate::explain::findings::{PromptCase, ScoreRow};
use crate::page::scores::{Command, Scores};
use crate::page::{Msg, Wish};

/// A set of prompts and what has been measured on it.
#[derive(Clone, Copy)]
pub struct Findings {
    /// Where the prompts come from, in words.
    pub name: ReadSignal<String>,
    pub cases: ReadSignal<Vec<PromptCase>>,
    /// The first so many cases' scores.
    pub rows: ReadSignal<Vec<ScoreRow>>,
    /// Each model its own response, or the tuned one's under both.
    pub own: ReadSignal<bool>,
    pub running: ReadSignal<bool>,
    pub failure: ReadSignal<Option<String>>,
}

/// How the shell sets it.
#[derive(Clone, Copy)]
pub struct FindingsMirror {
    name: Mirror<String>,
    cases: Mirror<Vec<PromptCase>>,
    rows: Mirror<Vec<ScoreRow>>,
    own: Mirror<bool>,
    running: Mirror<bool>,
    failure: Mirror<Option<String>>,
}

impl FindingsMirror {
    pub fn new() -> Self {
        Self {
            name: Mirror::new(),
            cases: Mirror::new(),
            rows: Mirror::new(),
            own: Mirror::new(),
            running: Mirror::new(),
            failure: Mirror::new(),
        }
    }

    /// What views see of it.
    pub fn read(&self) -> Findings {
        Findings {
            name: self.name.read(),
            cases: self.cases.read(),
            rows: self.rows.read(),
            own: self.own.read(),
            running: self.running.read(),
            failure: self.failure.read(),
        }
    }

    /// Sets what has changed.
    pub fn draw(&self, scores: &mut Scores) {
        self.name.draw(&mut scores.name);
        self.cases.draw(&mut scores.cases);
        self.rows.draw(&mut scores.rows);
        self.own.draw(&mut scores.own);
        self.running.draw(&mut scores.running);
        self.failure.draw(&mut scores.failure);
    }
}

fn command(state: State, command: Command) {
    state.dispatch(Msg::Scores(command));
}

/// Takes another set.
pub fn take(state: State, name: String, cases: Vec<PromptCase>) {
    command(state, Command::Take(name, cases));
}

/// A file is no set.
pub fn refuse(state: State, why: String) {
    command(state, Command::Refused(why));
}

/// Starts, or goes on where it was stopped, once the models are there.
pub fn start(state: State) {
    state.dispatch(Msg::Wish(Wish::Measure));
}

/// Starts again from the first prompt.
pub fn again(state: State) {
    state.dispatch(Msg::Wish(Wish::MeasureAgain));
}

/// Each model its own response, or the tuned one's under both.
pub fn set_own(state: State, own: bool) {
    command(state, Command::Own(own));
}

/// Stops; what has been measured stays.
pub fn stop(state: State) {
    command(state, Command::Stop);
}
