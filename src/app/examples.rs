//! The finished results that ship with the page: shown before any model has loaded.

use leptos::prelude::*;

use super::fetch_text;
use super::share::linked;
use super::state::{Selection, Shown, Side, State};
use crate::explain::view::View;
use crate::page::Msg;
use crate::page::runs::{Command, Round};
use crate::page::slots::Slot;
use crate::protocol::Source;
use crate::share::Export;
use crate::share::link::Origin;
use crate::share::presets::Preset;

/// Shows the bundled pair's result for `preset`, unless a run is on its way or the prompt has changed meanwhile.
pub async fn show(state: State, preset: Preset) {
    let Some(export) = fetch(&preset.file()).await else { return };
    if untrack(|| state.running()) || state.prompt.get_untracked() != preset.text {
        return;
    }
    linked::forget(state);
    let round = Round::of_export(export, Shown::Shipped, [Origin::Bundled, Origin::Bundled]);
    state.dispatch(Msg::Runs(Command::Show(Box::new(round))));
    for slot in state.slots() {
        // A word of the response is chosen, so that the picture speaks at once.
        let column = slot.view.with_untracked(most_telling);
        state.select(slot.side, Selection { row: None, column });
    }
}

/// Whether the pair is the bundled one, or will be: with another, choosing a preset only sets the prompt.
pub fn fit(state: State) -> bool {
    let bundled = |slot: &Slot| {
        let from = slot.source.as_ref().or(slot.loading.as_ref().map(|l| &l.source));
        matches!(from, None | Some(Source::Bundled { .. }))
    };
    state.shell.with(|page| Side::BOTH.into_iter().all(|side| bundled(page.slots.slot(side))))
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
