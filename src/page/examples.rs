//! The finished results that ship with the page: shown before any model has loaded.

use super::runs::{self, Round, Shown};
use super::{Effect, Msg, Page, Side, editor, linked};
use crate::explain::view::View;
use crate::share::Export;
use crate::share::link::Origin;
use crate::share::presets::PRESETS;
use crate::share::screen::Selection;

impl Page {
    /// Sets the prompt to that of an example, and asks for its result if the pair is the bundled one, or will be.
    pub(super) fn example(&self, at: usize, effects: &mut Vec<Effect>) -> Vec<Msg> {
        let Some(preset) = PRESETS.get(at) else { return Vec::new() };
        if Side::BOTH.into_iter().all(|side| self.slots.slot(side).is_bundled()) {
            effects.push(Effect::FetchExample(at));
        }
        editor::alone(preset.text)
    }

    /// Shows the result of an example, unless a run is on its way or the prompt has changed meanwhile.
    pub(super) fn example_came(&self, at: usize, export: Export) -> Vec<Msg> {
        let asked = self.facts.editor.spec();
        let wanted = PRESETS.get(at).is_some_and(|preset| asked.prompt == preset.text && asked.turns.is_empty());
        if !wanted || self.runs.round.is_running() {
            return Vec::new();
        }
        let mut round = Round::of_export(export, Shown::Shipped, [Origin::Bundled, Origin::Bundled]);
        for side in Side::BOTH {
            // a word of the response is chosen, so that the picture speaks at once
            let column = most_telling(&self.view(&round, side));
            round.selections[side.index()] = Selection { row: None, column };
        }
        vec![Msg::Linked(linked::Command::Forget), Msg::Runs(runs::Command::Show(Box::new(round)))]
    }

    /// The result of `side` as it is read now.
    fn view(&self, round: &Round, side: Side) -> View {
        round.half(side).view(&round.spec, &self.facts.editor.reading)
    }
}

/// The word that most prompt units fed.
fn most_telling(view: &View) -> Option<usize> {
    let fed = |m: usize| view.levels.iter().filter(|row| row[m] > 0).count();
    let is_word = |m: &usize| view.columns[*m].text.chars().any(char::is_alphanumeric);
    (0..view.columns.len()).rev().filter(is_word).max_by_key(|&m| fed(m))
}
