//! The weights as views see them, and what the user does with them; `page::weights` decides what is read next.

use std::sync::Arc;

use leptos::prelude::*;
use web_sys::File;

use super::shell::Mirror;
use super::state::{Side, Slot, State, Tab};
use crate::explain::local::{LayerAttention, LayerFiring};
use crate::explain::weights::coherence::Judged;
use crate::explain::weights::compare::HeadChange;
use crate::explain::weights::heads::Reading;
use crate::explain::weights::matching::LayerMatches;
use crate::explain::weights::{LayerConcepts, LayerHeads};
use crate::page::Msg;
use crate::page::weights::{self as core, Command, Words, Work};
pub use crate::page::weights::{Layers, Local};
use crate::share::screen::Inside;

/// One model's weights.
#[derive(Clone, Copy)]
pub struct Half {
    pub work: ReadSignal<Work>,
    pub heads: ReadSignal<Layers<LayerHeads>>,
    pub concepts: ReadSignal<Layers<LayerConcepts>>,
    /// What a judge says of them, where one was brought.
    pub judged_heads: ReadSignal<Layers<Judged>>,
    pub judged_concepts: ReadSignal<Layers<Judged>>,
    /// On the sequence on screen, the visible layer's.
    pub attention: ReadSignal<Local<LayerAttention>>,
    pub firing: ReadSignal<Local<LayerFiring>>,
}

/// Both models' weights and what tuning changed in them.
#[derive(Clone, Copy)]
pub struct Weights {
    halves: [Half; 2],
    pub reading: ReadSignal<Reading>,
    /// The user's pause.
    pub paused: ReadSignal<bool>,
    /// The chosen layer and head.
    pub head: ReadSignal<(usize, usize)>,
    /// The layer whose concepts are shown.
    pub concepts: ReadSignal<usize>,
    pub changes: ReadSignal<Layers<Vec<HeadChange>>>,
    /// What heads keep of their pairs, and of each other's.
    pub kept: ReadSignal<Layers<Vec<Vec<f32>>>>,
    pub matches: ReadSignal<Layers<LayerMatches>>,
}

/// How the shell sets one model's.
#[derive(Clone, Copy)]
struct HalfMirror {
    work: Mirror<Work>,
    heads: Mirror<Layers<LayerHeads>>,
    concepts: Mirror<Layers<LayerConcepts>>,
    judged_heads: Mirror<Layers<Judged>>,
    judged_concepts: Mirror<Layers<Judged>>,
    attention: Mirror<Local<LayerAttention>>,
    firing: Mirror<Local<LayerFiring>>,
}

/// How the shell sets all of it.
#[derive(Clone, Copy)]
pub struct WeightsMirror {
    halves: [HalfMirror; 2],
    reading: Mirror<Reading>,
    paused: Mirror<bool>,
    head: Mirror<(usize, usize)>,
    concepts: Mirror<usize>,
    changes: Mirror<Layers<Vec<HeadChange>>>,
    kept: Mirror<Layers<Vec<Vec<f32>>>>,
    matches: Mirror<Layers<LayerMatches>>,
}

impl HalfMirror {
    fn new() -> Self {
        Self {
            work: Mirror::new(),
            heads: Mirror::new(),
            concepts: Mirror::new(),
            judged_heads: Mirror::new(),
            judged_concepts: Mirror::new(),
            attention: Mirror::new(),
            firing: Mirror::new(),
        }
    }

    fn read(&self) -> Half {
        Half {
            work: self.work.read(),
            heads: self.heads.read(),
            concepts: self.concepts.read(),
            judged_heads: self.judged_heads.read(),
            judged_concepts: self.judged_concepts.read(),
            attention: self.attention.read(),
            firing: self.firing.read(),
        }
    }

    fn draw(&self, half: &mut core::Half) {
        self.work.draw(&mut half.work);
        self.heads.draw(&mut half.heads);
        self.concepts.draw(&mut half.concepts);
        self.judged_heads.draw(&mut half.judged_heads);
        self.judged_concepts.draw(&mut half.judged_concepts);
        self.attention.draw(&mut half.attention);
        self.firing.draw(&mut half.firing);
    }
}

impl WeightsMirror {
    pub fn new() -> Self {
        Self {
            halves: [HalfMirror::new(), HalfMirror::new()],
            reading: Mirror::new(),
            paused: Mirror::new(),
            head: Mirror::new(),
            concepts: Mirror::new(),
            changes: Mirror::new(),
            kept: Mirror::new(),
            matches: Mirror::new(),
        }
    }

    /// What views see of it.
    pub fn read(&self) -> Weights {
        Weights {
            halves: self.halves.each_ref().map(HalfMirror::read),
            reading: self.reading.read(),
            paused: self.paused.read(),
            head: self.head.read(),
            concepts: self.concepts.read(),
            changes: self.changes.read(),
            kept: self.kept.read(),
            matches: self.matches.read(),
        }
    }

    /// Sets what has changed.
    pub fn draw(&self, weights: &mut core::Weights) {
        self.halves.iter().zip(&mut weights.halves).for_each(|(set, half)| set.draw(half));
        self.reading.draw(&mut weights.reading);
        self.paused.draw(&mut weights.paused);
        self.head.draw(&mut weights.head);
        self.concepts.draw(&mut weights.concepts);
        self.changes.draw(&mut weights.changes);
        self.kept.draw(&mut weights.kept);
        self.matches.draw(&mut weights.matches);
    }
}

impl Weights {
    pub fn half(&self, side: Side) -> Half {
        self.halves[side.index()]
    }
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
    let files = state.shell.hold(list.into_iter().chain(vectors).chain(judge).collect());
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
