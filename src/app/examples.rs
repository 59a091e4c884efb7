//! The finished results that ship with the page: shown before any model has loaded.

use leptos::prelude::*;

use super::fetch_text;
use super::state::{RunState, Selection, Shown, State};
use crate::explain::view::View;
use crate::protocol::Source;
use crate::share::Export;
use crate::share::presets::Preset;

/// Shows the bundled pair's result for `preset`, unless a run is on its way or the prompt has changed meanwhile.
pub async fn show(state: State, preset: Preset) {
    let Some(export) = fetch(&preset.file()).await else { return };
    let idle = state.slots().iter().all(|s| s.run.with_untracked(|r| r.job.is_none()));
    if !idle || state.follow.get_untracked().is_some() || state.prompt.get_untracked() != preset.text {
        return;
    }
    for (slot, report) in [(state.base, export.models.base), (state.tuned, export.models.tuned)] {
        if let Some(report) = report {
            slot.run.set(RunState::of(report, export.prompt.clone(), Shown::Shipped));
            // A word of the response is chosen, so that the picture speaks at once.
            let column = slot.view.with_untracked(most_telling);
            slot.selection.set(Selection { row: None, column });
        }
    }
}

/// Whether the pair is the bundled one, or will be: with another, choosing a preset only sets the prompt.
pub fn fit(state: State) -> bool {
    state.slots().iter().all(|s| {
        let from = s.source.get_untracked().or_else(|| s.opening.get_value());
        matches!(from, None | Some(Source::Bundled { .. }))
    })
}

/// The word that most prompt units fed.
fn most_telling(view: &View) -> Option<usize> {
    let fed = |m: usize| view.levels.iter().filter(|row| row[m] > 0).count();
    let is_word = |m: &usize| view.columns[*m].text.chars().any(char::is_alphanumeric);
    (0..view.columns.len()).rev().filter(is_word).max_by_key(|&m| fed(m))
}

async fn fetch(file: &str) -> Option<Export> {
    serde_json::from_str(&fetch_text(file).await?).ok()
}
