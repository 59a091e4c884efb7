//! What the view of concepts remembers: the layer, what was sought, and the user's own labels.

use std::collections::HashMap;

use leptos::prelude::*;

use crate::app::shell::Mirror;
use crate::app::state::State;
use crate::app::{memory, weights};
use crate::explain::weights::NamedComponent;
use crate::explain::weights::scorer::{self, Label, Task};

/// A component: model, layer, number.
pub type Place = (bool, usize, usize);

/// Where the user's own labels are remembered.
const LABELS: &str = "shiftlens.labels";

/// What the view remembers while it is open.
#[derive(Clone, Copy)]
pub struct View {
    pub layer: Mirror<usize>,
    /// A component to be shown first, found by a search.
    pub sought: RwSignal<Option<Place>>,
    /// What the user says a component is about, by [`View::key`].
    pub tasks: RwSignal<HashMap<String, Task>>,
}

impl View {
    pub fn new(state: State) -> Self {
        let known = memory::get(LABELS).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        Self { layer: state.weights.concepts, sought: RwSignal::new(None), tasks: RwSignal::new(known) }
    }

    pub fn choose(self, state: State, layer: usize) {
        self.sought.set(None);
        weights::choose_concepts(state, layer);
    }

    /// Names a component of the model that is loaded.
    pub fn key(state: State, (tuned, layer, component): Place) -> String {
        let slot = if tuned { state.tuned } else { state.base };
        let model =
            slot.model.with(|m| m.info.as_ref().map_or_else(String::new, |i| format!("{} {}", i.name, i.weights)));
        format!("{model} {layer} {component}")
    }

    /// The user's word on a component's task, or the estimate with its evidence.
    pub fn task(self, state: State, place: Place, component: &NamedComponent) -> (Label<Task>, bool) {
        let key = Self::key(state, place);
        match self.tasks.with(|t| t.get(&key).copied()) {
            Some(value) => (Label { value, evidence: Vec::new() }, true),
            None => (scorer::task(component), false),
        }
    }

    /// Takes the user's word, or goes back to the estimate.
    pub fn relabel(self, state: State, place: Place, task: Option<Task>) {
        let key = Self::key(state, place);
        self.tasks.update(|all| match task {
            Some(task) => drop(all.insert(key, task)),
            None => drop(all.remove(&key)),
        });
        if let Ok(text) = self.tasks.with_untracked(serde_json::to_string) {
            memory::keep(state, LABELS, &text);
        }
    }
}
