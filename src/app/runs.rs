//! Runs of the prompt, as the page asks for them.

use leptos::prelude::*;

use super::engines::engine;
use super::loading;
use super::share::linked;
use super::state::{Side, Slot, State, Whose};
use crate::page::Msg;
use crate::page::runs::Command;
use crate::protocol::{Prompt, Request, Response, Template};
use crate::share::RunSpec;

/// What waits for the models, in words, when Run is pressed before they are there.
pub const A_RUN: &str = "the prompt is run";

/// What the editor and the options say now.
fn asked(state: State) -> RunSpec {
    RunSpec {
        prompt: state.prompt.get_untracked(),
        marked: state.marked.get_untracked(),
        options: state.options.get_untracked(),
        by: state.reading.with_untracked(|r| r.by),
    }
}

/// Runs the prompt on every loaded model, as the options say now, once they are there.
pub fn run(state: State) {
    let spec = asked(state);
    loading::then(state, A_RUN, move || {
        linked::forget(state);
        start(state, spec);
    });
}

/// Runs what `spec` says.
pub fn start(state: State, spec: RunSpec) {
    state.dispatch(Msg::Runs(Command::Run(spec)));
}

/// Stops whatever runs.
pub fn cancel(state: State) {
    state.dispatch(Msg::Runs(Command::Stop));
}

/// Marks another instruction in the editor's text, and in the result if it is of that text.
pub fn mark(state: State, marked: Option<std::ops::Range<usize>>) {
    state.marked.set(marked.clone());
    state.dispatch(Msg::Runs(Command::Mark { prompt: state.prompt.get_untracked(), marked }));
}

/// The template that `side` uses under the present options.
pub fn template(state: State, side: Side) -> Template {
    let chat = state.options.with(|o| o.chat);
    state.shell.with(|page| page.facts.template(chat, side))
}

/// Asks how the present prompt will be read, and whether it fits; a newer question makes an older one moot.
pub fn prepare(state: State, slot: Slot) {
    let engine = engine(slot).filter(|_| slot.model.with_untracked(|m| m.info.is_some()));
    let Some(engine) = engine else { return slot.prepared.set(None) };
    let (text, template) = untrack(|| (state.prompt.get(), template(state, slot.side)));
    let response = state.options.with_untracked(|o| match o.whose {
        Whose::Typed => Response::Text { text: o.typed.clone() },
        _ => Response::Own { limit: o.limit, sampling: o.sampling },
    });
    let job = slot.next_job();
    slot.preparing.set_value(Some(job));
    engine.send(&Request::Prepare { job, prompt: Prompt::Text { text, template }, response }, &[]);
}
