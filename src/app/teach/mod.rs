//! Teaching with the page: lessons that point at it, guesses, a presenter's view, and what its words mean.

mod coach;
mod explain;
mod guess;
mod learn;
mod lesson;
mod presenter;
mod slides;

use leptos::prelude::*;

use super::state::State;
use crate::teach::Deed;

pub use coach::Coach;
pub use explain::{Explain, NotShown};
pub use guess::GuessPanel;
pub use learn::LearnDialog;
pub use lesson::open_fragment;
pub use presenter::Presenter;

/// What a class is doing.
#[derive(Clone, Copy)]
pub struct Teach {
    /// The lesson on screen.
    pub lesson: RwSignal<Option<lesson::Current>>,
    /// What the reader has done since its step began.
    deeds: RwSignal<Vec<Deed>>,
    /// A guess, if colours are hidden until one is made.
    pub guess: RwSignal<Option<guess::Guess>>,
    pub presenting: RwSignal<bool>,
    pub learn_open: RwSignal<bool>,
}

impl Teach {
    pub fn new() -> Self {
        Self {
            lesson: RwSignal::new(None),
            deeds: RwSignal::new(Vec::new()),
            guess: RwSignal::new(None),
            presenting: RwSignal::new(false),
            learn_open: RwSignal::new(false),
        }
    }
}

/// Notes what the reader has done; a lesson that waits for it goes on.
pub fn did(state: State, deed: Deed) {
    state.teach.deeds.update(|all| {
        if !all.contains(&deed) {
            all.push(deed);
        }
    });
}

/// Follows lessons and guesses, and opens what the address asks for.
pub fn begin(state: State) {
    lesson::follow(state);
    guess::follow(state);
    lesson::open_address(state);
    if super::parameter("guess").is_some() {
        guess::start(state);
    }
    if super::parameter("present").is_some() {
        state.teach.presenting.set(true);
    }
}
