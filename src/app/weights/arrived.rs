//! What engines have read, as it comes in.

use std::sync::Arc;

use leptos::prelude::*;

use super::{another_model, done, go_on, put};
use crate::app::state::{Side, Slot, State};
use crate::explain::local::{LayerAttention, LayerFiring};
use crate::explain::weights::coherence::Judged;
use crate::explain::weights::compare::{HeadChange, kept};
use crate::explain::weights::heads::Reading;
use crate::explain::weights::matching::LayerMatches;
use crate::explain::weights::{LayerConcepts, LayerHeads, Packed};
use crate::protocol::JobId;

pub fn heads_arrived(
    state: State,
    slot: Slot,
    job: JobId,
    reading: Reading,
    heads: LayerHeads,
    judged: Option<Judged>,
) {
    let weights = state.weights;
    if !done(state, slot, job) || reading != weights.reading.get_untracked() {
        return;
    }
    let layer = heads.layer;
    if weights.head.with_untracked(|h| h.1 >= heads.heads.len()) {
        weights.head.update(|h| h.1 = 0); // another model's, or a link's
    }
    put(weights.half(slot.side).heads, layer, heads);
    judged.into_iter().for_each(|j| put(weights.half(slot.side).judged_heads, layer, j));
    let of = |side| weights.half(side).heads.with_untracked(|h| h.get(layer).cloned().flatten());
    if let (Some(base), Some(tuned)) = (of(Side::Base), of(Side::Tuned)) {
        put(weights.changes, layer, HeadChange::of_layer(&base, &tuned));
        put(weights.kept, layer, kept(&base, &tuned));
    }
    go_on(state);
}

pub fn concepts_arrived(state: State, slot: Slot, job: JobId, mut concepts: LayerConcepts, judged: Option<Judged>) {
    if done(state, slot, job) {
        let half = state.weights.half(slot.side);
        judged.into_iter().for_each(|j| put(half.judged_concepts, concepts.layer, j));
        if slot.side == Side::Tuned {
            concepts.directions = Packed::default(); // its engine compares; the base's go there
        }
        put(state.weights.half(slot.side).concepts, concepts.layer, concepts);
        go_on(state);
    }
}

pub fn matches_arrived(state: State, slot: Slot, job: JobId, matches: LayerMatches) {
    if done(state, slot, job) {
        put(state.weights.matches, matches.layer, matches);
        go_on(state);
    }
}

pub fn attention_arrived(state: State, slot: Slot, job: JobId, attention: LayerAttention) {
    if done(state, slot, job) {
        let half = state.weights.half(slot.side);
        half.attention.set(Some((half.work.with_untracked(|w| w.ids.clone()), Arc::new(attention))));
        go_on(state);
    }
}

pub fn firing_arrived(state: State, slot: Slot, job: JobId, firing: LayerFiring) {
    if done(state, slot, job) {
        let half = state.weights.half(slot.side);
        half.firing.set(Some((half.work.with_untracked(|w| w.ids.clone()), Arc::new(firing))));
        go_on(state);
    }
}

pub fn words_taken(state: State, slot: Slot, job: JobId, count: usize, vectors: Option<usize>, judge: Option<usize>) {
    if !done(state, slot, job) {
        return;
    }
    let mut words = format!("{count} words");
    if let Some(n) = vectors {
        words.push_str(&format!(", {n} with vectors of their own"));
    }
    if let Some(n) = judge {
        words.push_str(&format!(", {n} known to the judge"));
    }
    another_model(state, slot); // everything is to be read again
    state.weights.half(slot.side).work.update(|w| w.words = Some(words));
    go_on(state);
}
