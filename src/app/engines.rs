//! Which checkpoint the user wants where; `page::slots` decides what is loaded, and what happens when an engine is gone.

use web_sys::File;

use super::memory;
use super::state::{Side, State};
use crate::page::Msg;
use crate::page::slots::Command;
use crate::protocol::Source;

fn command(state: State, command: Command) {
    state.dispatch(Msg::Slots(command));
}

fn memory_key(side: Side) -> String {
    format!("shiftlens.{}", side.key())
}

/// Tells the core what the last visit used.
pub fn recall(state: State) {
    let remembered = |side| memory::get(&memory_key(side)).and_then(|text| serde_json::from_str(&text).ok());
    command(state, Command::Remembered(Side::BOTH.map(remembered)));
}

/// Remembers for the next visit what is in a slot.
pub fn remember(state: State, side: Side, source: &Source) {
    if let Ok(text) = serde_json::to_string(source) {
        memory::keep(state, &memory_key(side), &text);
    }
}

/// Opens a checkpoint in the slot of `side`; the present one stays if this fails.
pub fn load(state: State, side: Side, source: Source) {
    command(state, Command::Load { side, source, files: None });
}

/// The same with files of the user's.
pub fn load_files(state: State, side: Side, files: Vec<File>) {
    if !files.is_empty() {
        let names = files.iter().map(File::name).collect();
        let files = Some(state.hold(files));
        command(state, Command::Load { side, source: Source::Files { names }, files });
    }
}

/// Stops a load.
pub fn cancel_load(state: State, side: Side) {
    command(state, Command::Cancel(side));
}
