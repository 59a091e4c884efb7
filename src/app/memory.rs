//! Small things that outlive a visit, in the browser's own storage for the page.

use super::state::State;
use super::window;
use crate::wording::frame as wording;

/// Under this name it is remembered how fast this machine is.
pub const SPEED: &str = "shiftlens.speed-1";

/// What was set under `key`.
pub fn get(key: &str) -> Option<String> {
    window().local_storage().ok()??.get_item(key).ok()?
}

/// Forgets it.
pub fn remove(key: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = storage.remove_item(key);
    }
}

/// Tells whether there was room for it.
pub fn set(key: &str, value: &str) -> bool {
    match window().local_storage() {
        Ok(Some(storage)) => storage.set_item(key, value).is_ok(),
        _ => true, // where nothing is kept, there is no room to make
    }
}

/// The same, and says so if there was no room.
pub fn keep(state: State, key: &str, value: &str) {
    if !set(key, value) {
        state.notify(wording::STORAGE_FULL.to_owned());
    }
}
