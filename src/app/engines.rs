//! Both engines as the page uses them; `page::slots` decides what they load, and what happens when one is gone.

use leptos::prelude::*;
use web_sys::File;

use super::engine::Engine;
use super::state::{Side, Slot, State};
use super::{backend, memory};
use crate::page::Msg;
use crate::page::slots::Command;
use crate::protocol::Source;

/// Tells the core what the last visit used.
pub fn recall(state: State) {
    command(state, Command::Compute(backend::wanted()));
    let remembered = |side| memory::get(&memory_key(side)).and_then(|text| serde_json::from_str(&text).ok());
    command(state, Command::Remembered(Side::BOTH.map(remembered)));
}

fn command(state: State, command: Command) {
    state.dispatch(Msg::Slots(command));
}

fn memory_key(side: Side) -> String {
    format!("shiftlens.{}", side.key())
}

/// Remembers for the next visit what is in a slot.
pub fn remember(side: Side, source: &Source) {
    if let Ok(text) = serde_json::to_string(source) {
        memory::set(&memory_key(side), &text);
    }
}

pub fn engine(slot: Slot) -> Option<Engine> {
    slot.engine.get_value()
}

/// Starts the worker of `epoch` in place of the one before.
pub fn start(state: State, side: Side, epoch: u32) {
    let slot = state.slot(side);
    match engine(slot) {
        Some(engine) => engine.restart(epoch),
        None => {
            // events can come before the engine is in its place
            let engine = Engine::new(move |epoch, event| state.hear(side, epoch, event));
            slot.engine.set_value(Some(engine.clone()));
            engine.restart(epoch);
        }
    }
}

/// Opens a checkpoint in `slot`; the present one stays if this fails.
pub fn load(state: State, side: Side, source: Source) {
    command(state, Command::Load { side, source, files: None });
}

/// The same with files of the user's.
pub fn load_files(state: State, side: Side, files: Vec<File>) {
    if !files.is_empty() {
        let names = files.iter().map(File::name).collect();
        let files = Some(state.shell.hold(files));
        command(state, Command::Load { side, source: Source::Files { names }, files });
    }
}

/// Stops a load.
pub fn cancel_load(state: State, side: Side) {
    command(state, Command::Cancel(side));
}
