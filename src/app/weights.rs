//! The weights as views see them, and what the user does with them; `page::weights` decides what is read next.

use std::sync::Arc;

use leptos::prelude::*;
use web_sys::File;

use super::state::{Slot, State, Tab};
use crate::explain::weights::heads::Reading;
use crate::page::Msg;
use crate::page::weights::{Command, Words};
pub use crate::page::weights::{Layers, Local, Task};
use crate::share::screen::Inside;
use crate::wording::common;

/// Why memory cannot hold what `task`, of any layer, finds on the sequence of `slot`, if it was refused; reactive.
pub fn refused(state: State, slot: Slot, task: Task) -> Option<String> {
    let ids = sequence(slot);
    let side = slot.side.name();
    state
        .weights
        .half(slot.side)
        .work
        .with(|work| work.refused(task, &ids).map(|why| common::of_model(side, &why.to_string())))
}

/// Opens a tab, and loads and reads what it needs.
pub fn open(state: State, tab: Tab) {
    state.dispatch(Msg::Open(tab));
}

fn command(state: State, command: Command) {
    state.dispatch(Msg::Weights(command));
}

/// Chooses a head; its layer is read next if it has not been.
pub fn choose_head(state: State, layer: usize, head: usize) {
    command(state, Command::Head(layer, head));
}

/// Opens the overview of all heads, or closes it.
pub fn overview(state: State, open: bool) {
    command(state, Command::Overview(open));
}

/// Chooses a layer of concepts; it is read next if it has not been.
pub fn choose_concepts(state: State, layer: usize) {
    command(state, Command::Concepts(layer));
}

/// What is chosen, as a link holds it; reactive.
pub fn inside(state: State) -> Inside {
    let weights = state.weights;
    weights.head.track();
    weights.concepts.track();
    weights.reading.track();
    state.shell.with(|page| page.weights.inside())
}

/// Reads heads in the other way.
pub fn read(state: State, reading: Reading) {
    command(state, Command::Read(reading));
}

/// Stops after the present layer, or goes on.
pub fn pause(state: State, paused: bool) {
    command(state, Command::Pause(paused));
}

/// Reads by other words from now on, in every engine and every model to come; what has been read by the present ones goes.
pub fn use_words(state: State, list: Option<File>, vectors: Option<File>, judge: Option<File>) {
    let there = [&list, &vectors, &judge].map(Option::is_some);
    let files = state.hold(list.into_iter().chain(vectors).chain(judge).collect());
    let [list, vectors, judge] = there;
    command(state, Command::Words(Words { files, list, vectors, judge }));
}

/// The sequence of the run on screen, for the model that is loaded to read; see [`Round::sequence`]. Reactive.
///
/// [`Round::sequence`]: crate::page::runs::Round::sequence
pub fn sequence(slot: Slot) -> Vec<u32> {
    slot.run.track();
    slot.model.track();
    slot.shell.with(|page| page.runs.round.sequence(slot.side, &page.facts))
}

/// Whether either model has read a sequence whose inside can be looked at.
pub fn has_sequence(state: State) -> bool {
    state.slots().into_iter().any(|slot| !sequence(slot).is_empty())
}

/// What is known of the wanted layer on the last run's sequence.
pub fn present<T>(local: &Local<T>, ids: &[u32], layer: usize, layer_of: fn(&T) -> usize) -> Option<Arc<T>> {
    local.as_ref().filter(|(of, found)| of == ids && layer_of(found) == layer).map(|(_, found)| found.clone())
}
