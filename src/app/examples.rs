//! Fetches the finished results that ship with the page.

use super::fetch_text;
use super::state::State;
use crate::page::Msg;
use crate::share::Export;
use crate::share::presets::PRESETS;

/// Hands the core what ships for the example at this place of the list. Without it, the example only sets the prompt.
pub async fn fetch(state: State, at: usize) {
    let Some(preset) = PRESETS.get(at) else { return };
    let text = fetch_text(&preset.file()).await;
    if let Some(export) = text.and_then(|text| serde_json::from_str::<Export>(&text).ok()) {
        state.dispatch(Msg::ExampleCame(at, Box::new(export)));
    }
}
