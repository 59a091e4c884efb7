//! What the user wants of the first finding's measurement; `page::scores` runs it.

use crate::app::state::State;
use crate::explain::findings::PromptCase;
use crate::page::scores::Command;
use crate::page::{Msg, Wish};

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
