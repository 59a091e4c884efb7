//! Teaching with the page: lessons that point at it, guesses, a presenter's view, and what its words mean.

mod coach;
mod explain;
mod guess;
mod learn;
pub mod lesson;
mod presenter;
mod slides;

use leptos::prelude::*;

use super::shell::Drawn;
use super::state::State;
use crate::page::Msg;
use crate::page::guess::{Command, Guess};
use crate::page::lesson::Current;

pub use coach::Coach;
pub use explain::{Explain, NotShown};
pub use guess::GuessPanel;
pub use learn::LearnDialog;
pub use presenter::Presenter;

/// What a class is doing.
#[derive(Clone, Copy)]
pub struct Teach {
    /// The lesson on screen.
    pub lesson: ReadSignal<Option<Current>>,
    /// A guess, if colours are hidden until one is made.
    pub guess: ReadSignal<Option<Guess>>,
    pub presenting: RwSignal<bool>,
    pub learn_open: RwSignal<bool>,
}

impl Teach {
    pub fn new(drawn: &Drawn) -> Self {
        Self {
            lesson: drawn.lesson,
            guess: drawn.guess,
            presenting: RwSignal::new(false),
            learn_open: RwSignal::new(false),
        }
    }
}

/// Opens what the address asks for.
pub fn begin(state: State) {
    lesson::open_named(state);
    if super::parameter("guess").is_some() {
        state.dispatch(Msg::Guess(Command::Start));
    }
    if super::parameter("present").is_some() {
        state.teach.presenting.set(true);
    }
}
