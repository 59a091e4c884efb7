//! The weights of both models as they are read, layer by layer: what is asked for next, and what has come.

mod arrived;

use std::sync::Arc;

use leptos::prelude::*;
use web_sys::File;

use super::loading;
use super::engines::engine;
use super::state::{Progress, Side, Slot, State, Tab};
use crate::explain::local::{LayerAttention, LayerFiring};
use crate::explain::weights::coherence::Judged;
use crate::explain::weights::compare::HeadChange;
use crate::explain::weights::heads::Reading;
use crate::explain::weights::matching::LayerMatches;
use crate::explain::weights::{LayerConcepts, LayerHeads};
use crate::protocol::{Failure, JobId, Request};
use crate::share::screen::Inside;
pub use arrived::{attention_arrived, concepts_arrived, firing_arrived, heads_arrived, matches_arrived, words_taken};

/// Results by layer; those that have not come are missing.
pub type Layers<T> = Vec<Option<Arc<T>>>;

/// What one engine is doing about its weights.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Work {
    /// The job, and what it is for.
    job: Option<(JobId, Task)>,
    /// The sequence that it reads, if it is about one.
    ids: Vec<u32>,
    /// Of the job, if it is a long one.
    pub progress: Option<Progress>,
    /// Why the last one failed; nothing more is asked for until the user says so.
    pub failure: Option<Failure>,
    /// Which words are used, in words.
    pub words: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Task {
    Heads(usize),
    Concepts(usize),
    Match(usize),
    Attention(usize),
    Firing(usize),
    Words,
}

/// What was found on a sequence, with the sequence.
pub type Local<T> = Option<(Vec<u32>, Arc<T>)>;

/// One model's weights.
#[derive(Clone, Copy)]
pub struct Half {
    /// On the last run's sequence, the wanted layer's.
    pub attention: RwSignal<Local<LayerAttention>>,
    pub firing: RwSignal<Local<LayerFiring>>,
    pub work: RwSignal<Work>,
    pub heads: RwSignal<Layers<LayerHeads>>,
    pub concepts: RwSignal<Layers<LayerConcepts>>,
    /// What a judge says of them, where one was brought.
    pub judged_heads: RwSignal<Layers<Judged>>,
    pub judged_concepts: RwSignal<Layers<Judged>>,
}

/// Both models' weights and what tuning changed in them.
#[derive(Clone, Copy)]
pub struct Weights {
    halves: [Half; 2],
    pub reading: RwSignal<Reading>,
    /// The user's pause.
    pub paused: RwSignal<bool>,
    /// The layer that is wanted first.
    pub wanted: RwSignal<usize>,
    /// The chosen layer and head.
    pub head: RwSignal<(usize, usize)>,
    /// The layer whose concepts are shown.
    pub concepts: RwSignal<usize>,
    /// Which tabs have been opened: what they need is read also while another is on screen.
    pub opened: RwSignal<[bool; 2]>,
    pub changes: RwSignal<Layers<Vec<HeadChange>>>,
    /// What heads keep of their pairs, and of each other's.
    pub kept: RwSignal<Layers<Vec<Vec<f32>>>>,
    pub matches: RwSignal<Layers<LayerMatches>>,
}

impl Weights {
    pub fn new() -> Self {
        let half = || Half {
            attention: RwSignal::new(None),
            firing: RwSignal::new(None),
            work: RwSignal::new(Work::default()),
            heads: RwSignal::new(Vec::new()),
            concepts: RwSignal::new(Vec::new()),
            judged_heads: RwSignal::new(Vec::new()),
            judged_concepts: RwSignal::new(Vec::new()),
        };
        Self {
            halves: [half(), half()],
            reading: RwSignal::new(Reading::default()),
            paused: RwSignal::new(false),
            wanted: RwSignal::new(0),
            head: RwSignal::new((0, 0)),
            concepts: RwSignal::new(0),
            opened: RwSignal::new([false; 2]),
            changes: RwSignal::new(Vec::new()),
            kept: RwSignal::new(Vec::new()),
            matches: RwSignal::new(Vec::new()),
        }
    }

    pub fn half(&self, side: Side) -> Half {
        self.halves[usize::from(side == Side::Tuned)]
    }

    /// Layers that both models have.
    fn shared(&self) -> usize {
        let count = |side| self.half(side).heads.with_untracked(Vec::len);
        count(Side::Base).min(count(Side::Tuned))
    }
}

/// Opens a tab, and loads and reads what it needs.
pub fn open(state: State, tab: Tab) {
    if tab != Tab::Prompt {
        loading::need(state);
    }
    show(state, tab);
}

fn show(state: State, tab: Tab) {
    state.tab.set(tab);
    match tab {
        Tab::Prompt => return,
        Tab::Heads => state.weights.opened.update(|o| o[0] = true),
        Tab::Concepts => state.weights.opened.update(|o| o[1] = true),
        Tab::Findings => state.weights.opened.set([true; 2]),
    }
    go_on(state);
}

/// Reads the layer `layer` before any other.
pub fn want(state: State, layer: usize) {
    state.weights.wanted.set(layer);
    go_on(state);
}

/// What is chosen, as a link holds it.
pub fn inside(state: State) -> Inside {
    let ((layer, head), concepts) = (state.weights.head.get(), state.weights.concepts.get());
    Inside { reading: state.weights.reading.get(), head: (layer as u32, head as u32), concepts: concepts as u32 }
}

/// What is chosen exists in one of the models, if any is loaded.
fn stay_within(state: State) {
    let layers = |slot: &Slot| slot.model.with_untracked(|m| m.info.as_ref().map(|i| i.layers));
    let Some(most) = state.slots().iter().filter_map(layers).max() else { return };
    let last = most.saturating_sub(1);
    if state.weights.head.with_untracked(|h| h.0 > last) {
        state.weights.head.set((0, 0));
    }
    for layer in [state.weights.concepts, state.weights.wanted] {
        layer.maybe_update(|l| std::mem::replace(l, (*l).min(last)) > last);
    }
}

/// Shows a tab on what a link says; whoever opens the link knows which models it needs.
pub fn look(state: State, tab: Tab, inside: Inside) {
    state.weights.head.set((inside.head.0 as usize, inside.head.1 as usize));
    state.weights.concepts.set(inside.concepts as usize);
    state.weights.wanted.set(match tab {
        Tab::Concepts => inside.concepts as usize,
        _ => inside.head.0 as usize,
    });
    stay_within(state);
    read(state, inside.reading);
    show(state, tab);
}

/// Reads heads in the other way.
pub fn read(state: State, reading: Reading) {
    let weights = state.weights;
    if weights.reading.get_untracked() == reading {
        return;
    }
    weights.reading.set(reading);
    for slot in state.slots() {
        clear(weights.half(slot.side).heads);
        clear(weights.half(slot.side).judged_heads);
        forget_job(state, slot, |task| matches!(task, Task::Heads(_)));
    }
    clear(weights.changes);
    clear(weights.kept);
    go_on(state);
}

fn clear<T: Send + Sync + 'static>(layers: RwSignal<Layers<T>>) {
    layers.update(|all| all.iter_mut().for_each(|layer| *layer = None));
}

/// Stops after the present layer, or goes on.
pub fn pause(state: State, paused: bool) {
    state.weights.paused.set(paused);
    if paused {
        for slot in state.slots() {
            forget_job(state, slot, |task| task != Task::Words);
        }
    } else {
        state.slots().iter().for_each(|s| state.weights.half(s.side).work.update(|w| w.failure = None));
        go_on(state);
    }
}

/// Reads by other words from now on; what has been read by the present ones goes.
pub fn use_words(state: State, list: Option<File>, vectors: Option<File>, judge: Option<File>) {
    loading::then(state, "your words are read", move || take_words(state, list, vectors, judge));
}

fn take_words(state: State, list: Option<File>, vectors: Option<File>, judge: Option<File>) {
    for slot in state.slots() {
        let Some(engine) = engine(slot).filter(|_| slot.model.with_untracked(|m| m.info.is_some())) else { continue };
        forget_job(state, slot, |_| true);
        let job = slot.next_job();
        state.weights.half(slot.side).work.update(|w| *w = Work { job: Some((job, Task::Words)), ..Work::default() });
        let files: Vec<File> = list.iter().chain(&vectors).chain(&judge).cloned().collect();
        let [list, vectors, judge] = [&list, &vectors, &judge].map(Option::is_some);
        engine.send(&Request::Words { job, list, vectors, judge }, &files);
    }
}

fn forget_job(state: State, slot: Slot, which: impl Fn(Task) -> bool) {
    let work = state.weights.half(slot.side).work;
    let Some((job, _)) = work.with_untracked(|w| w.job).filter(|(_, task)| which(*task)) else { return };
    work.update(|w| (w.job, w.progress) = (None, None));
    if let Some(engine) = engine(slot) {
        engine.send(&Request::Cancel { job }, &[]);
    }
}

/// Another model is loaded: nothing is known of it.
pub fn another_model(state: State, slot: Slot) {
    let layers = slot.model.with_untracked(|m| m.info.as_ref().map_or(0, |i| i.layers));
    let half = state.weights.half(slot.side);
    stay_within(state);
    half.heads.set(vec![None; layers]);
    half.concepts.set(vec![None; layers]);
    half.judged_heads.set(vec![None; layers]);
    half.judged_concepts.set(vec![None; layers]);
    half.attention.set(None);
    half.firing.set(None);
    half.work.update(|w| *w = Work { words: w.words.take(), ..Work::default() });
    let shared = state.weights.shared();
    state.weights.changes.set(vec![None; shared]);
    state.weights.kept.set(vec![None; shared]);
    state.weights.matches.set(vec![None; shared]);
    go_on(state);
}

/// The engine has crashed; what it read stays.
pub fn engine_gone(state: State, slot: Slot) {
    state.weights.half(slot.side).work.update(|w| (w.job, w.progress) = (None, None));
}

/// Takes in the progress of a job, if it is one of these.
pub fn advance(state: State, side: Side, job: JobId, next: impl Fn(Option<Progress>) -> Progress) -> bool {
    let work = state.weights.half(side).work;
    let ours = work.with_untracked(|w| w.job.is_some_and(|(j, _)| j == job));
    if ours {
        work.update(|w| w.progress = Some(next(w.progress)));
    }
    ours
}

/// Takes in a failure, if it is of one of these jobs.
pub fn failed(state: State, slot: Slot, job: JobId, failure: &Failure) -> bool {
    let work = state.weights.half(slot.side).work;
    let ours = work.with_untracked(|w| w.job.is_some_and(|(j, _)| j == job));
    if ours {
        work.update(|w| {
            (w.job, w.progress) = (None, None);
            w.failure = (*failure != Failure::Cancelled).then(|| failure.clone());
        });
    }
    // what was cancelled on the way has been forgotten already
    ours || *failure == Failure::Cancelled
}

/// Whether `job` is what the engine of `slot` is doing; it is done now.
fn done(state: State, slot: Slot, job: JobId) -> bool {
    let work = state.weights.half(slot.side).work;
    let ours = work.with_untracked(|w| w.job.is_some_and(|(j, _)| j == job));
    if ours {
        work.update(|w| (w.job, w.progress) = (None, None));
    }
    ours
}

/// The sequence of the run on screen, for the model that is loaded to read; see [`Round::sequence`].
///
/// [`Round::sequence`]: crate::page::runs::Round::sequence
pub fn sequence(slot: Slot) -> Vec<u32> {
    slot.shell.with(|page| page.runs.round.sequence(slot.side, &page.facts))
}

/// The same, looked at again when another run or another model comes.
pub fn follow_sequence(slot: Slot) -> Vec<u32> {
    slot.run.track();
    slot.model.track();
    sequence(slot)
}

/// Whether either model has read a sequence whose inside can be looked at.
pub fn has_sequence(state: State) -> bool {
    state.slots().into_iter().any(|slot| !follow_sequence(slot).is_empty())
}

/// What is known of the wanted layer on the last run's sequence.
pub fn present<T>(local: &Local<T>, ids: &[u32], layer: usize, layer_of: fn(&T) -> usize) -> Option<Arc<T>> {
    local.as_ref().filter(|(of, found)| of == ids && layer_of(found) == layer).map(|(_, found)| found.clone())
}

/// What the tab on screen wants of the last run.
fn next_local(state: State, slot: Slot) -> Option<Task> {
    let half = state.weights.half(slot.side);
    let (ids, layer) = (sequence(slot), state.weights.wanted.get_untracked());
    let layers = slot.model.with_untracked(|m| m.info.as_ref().map_or(0, |i| i.layers));
    if ids.is_empty() || layer >= layers {
        return None;
    }
    let attention = || half.attention.with_untracked(|a| present(a, &ids, layer, |a| a.layer).is_some());
    let firing = || half.firing.with_untracked(|f| present(f, &ids, layer, |f| f.layer).is_some());
    match state.tab.get_untracked() {
        Tab::Heads if !attention() => Some(Task::Attention(layer)),
        Tab::Concepts if !firing() => Some(Task::Firing(layer)),
        _ => None,
    }
}

fn put<T: Send + Sync + 'static>(layers: RwSignal<Layers<T>>, at: usize, value: T) {
    layers.update(|all| {
        if let Some(place) = all.get_mut(at) {
            *place = Some(Arc::new(value));
        }
    });
}

/// Asks each idle engine for what is missing: the wanted layer first, then the others from the first on.
pub fn go_on(state: State) {
    if state.weights.paused.get_untracked() {
        return;
    }
    for slot in state.slots() {
        let work = state.weights.half(slot.side).work;
        let idle = work.with_untracked(|w| w.job.is_none() && w.failure.is_none());
        let (Some(engine), Some(task)) = (engine(slot), next(state, slot)) else { continue };
        if !idle || slot.model.with_untracked(|m| m.info.is_none()) {
            continue;
        }
        let job = slot.next_job();
        let (reading, ids) = (state.weights.reading.get_untracked(), sequence(slot));
        work.update(|w| w.ids = ids.clone());
        let request = match task {
            Task::Heads(layer) => Request::Heads { job, layer, reading },
            Task::Concepts(layer) => Request::Concepts { job, layer },
            Task::Match(layer) => {
                let base = state.weights.half(Side::Base).concepts.with_untracked(|c| c[layer].clone());
                let Some(base) = base else { continue };
                Request::Match { job, base: Box::new((*base).clone()) }
            }
            Task::Attention(layer) => Request::Attention { job, ids, layer },
            Task::Firing(layer) => Request::Firing { job, ids, layer },
            Task::Words => continue,
        };
        work.update(|w| w.job = Some((job, task)));
        engine.send(&request, &[]);
    }
}

fn next(state: State, slot: Slot) -> Option<Task> {
    let weights = state.weights;
    let half = weights.half(slot.side);
    let wanted = weights.wanted.get_untracked();
    let [heads, concepts] = weights.opened.get_untracked();
    let next_heads = || heads.then(|| half.heads.with_untracked(|h| missing(h, wanted))).flatten().map(Task::Heads);
    let next_concepts = || {
        let read = || half.concepts.with_untracked(|c| missing(c, wanted)).map(Task::Concepts);
        // layer by layer: a match as soon as both are there
        let matched = || (slot.side == Side::Tuned).then(|| unmatched(weights, wanted)).flatten().map(Task::Match);
        concepts.then(|| matched().or_else(read)).flatten()
    };
    if let Some(task) = next_local(state, slot) {
        return Some(task);
    }
    match state.tab.get_untracked() {
        Tab::Concepts => next_concepts().or_else(next_heads),
        _ => next_heads().or_else(next_concepts),
    }
}

fn missing<T>(layers: &Layers<T>, wanted: usize) -> Option<usize> {
    let open = |i: &usize| layers.get(*i).is_some_and(Option::is_none);
    Some(wanted).filter(open).or_else(|| (0..layers.len()).find(open))
}

/// A layer whose components are there for both models, and not compared.
fn unmatched(weights: Weights, wanted: usize) -> Option<usize> {
    let has = |side, i: usize| weights.half(side).concepts.with_untracked(|c| c.get(i).is_some_and(Option::is_some));
    let ready = |i: &usize| has(Side::Base, *i) && has(Side::Tuned, *i);
    weights.matches.with_untracked(|m| {
        let open = |i: &usize| m.get(*i).is_some_and(Option::is_none) && ready(i);
        Some(wanted).filter(open).or_else(|| (0..m.len()).find(open))
    })
}
