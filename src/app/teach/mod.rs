//! Teaching with the page: lessons that point at it, guesses, a presenter's view, and what its words mean.

mod coach;
mod explain;
mod guess;
mod learn;
pub mod lesson;
mod presenter;
mod slides;

use leptos::prelude::Set;

use super::state::State;
use crate::page::Msg;
use crate::page::guess::Command;

pub use coach::Coach;
pub use explain::{Explain, NotShown};
pub use guess::GuessPanel;
pub use learn::LearnDialog;
pub use presenter::Presenter;

/// Opens what the address asks for.
pub fn begin(state: State) {
    lesson::open_named(state);
    if super::parameter("guess").is_some() {
        state.dispatch(Msg::Guess(Command::Start));
    }
    if super::parameter("present").is_some() {
        state.presenting.set(true);
    }
}
