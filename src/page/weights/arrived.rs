//! What engines have read, as it comes in.

use std::sync::Arc;

use super::{Layers, Task, Weights};
use crate::explain::weights::compare::{HeadChange, kept};
use crate::explain::weights::{LayerHeads, Packed};
use crate::page::{Side, Tracked};
use crate::protocol::Event;
use crate::wording::frame as wording;

fn put<T>(layers: &mut Tracked<Layers<T>>, at: usize, value: T) {
    if let Some(place) = layers.get_mut(at) {
        *place = Some(Arc::new(value));
    }
}

impl Weights {
    /// Takes in the result of `task`. A result of another layer than was asked for is dropped.
    pub(super) fn arrived(&mut self, side: Side, task: Task, event: Event) {
        let half = &mut self.halves[side.index()];
        match (task, event) {
            (Task::Heads(layer), Event::Heads { heads, judged, .. }) if heads.layer == layer => {
                judged.into_iter().for_each(|j| put(&mut half.judged_heads, layer, j));
                self.heads_arrived(side, *heads);
            }
            (Task::Concepts(layer), Event::Concepts { mut concepts, judged, .. }) if concepts.layer == layer => {
                judged.into_iter().for_each(|j| put(&mut half.judged_concepts, layer, j));
                if side == Side::Tuned {
                    concepts.directions = Packed::default(); // its engine compares; the base's go there
                }
                put(&mut half.concepts, layer, *concepts);
            }
            (Task::Match(layer), Event::Matches { matches, .. }) if matches.layer == layer => {
                put(&mut self.matches, layer, *matches);
            }
            (Task::Attention(layer), Event::Attention { attention, .. }) if attention.layer == layer => {
                *half.attention = Some((half.work.ids.clone(), Arc::new(*attention)));
            }
            (Task::Overview(layer), Event::Attention { attention, .. }) if attention.layer == layer => {
                self.overview.arrived(side, &half.work.ids, *attention);
            }
            (Task::Firing(layer), Event::Firing { firing, .. }) if firing.layer == layer => {
                *half.firing = Some((half.work.ids.clone(), Arc::new(*firing)));
            }
            (Task::Words, Event::Words { count, vectors, judge, .. }) => self.words_taken(side, count, vectors, judge),
            _ => {}
        }
    }

    fn heads_arrived(&mut self, side: Side, heads: LayerHeads) {
        let layer = heads.layer;
        if layer == self.head.0 && self.head.1 >= heads.heads.len() {
            self.head.1 = 0; // another model's, or a link's
        }
        put(&mut self.halves[side.index()].heads, layer, heads);
        let of = |side: Side| self.half(side).heads.get(layer).cloned().flatten();
        if let (Some(base), Some(tuned)) = (of(Side::Base), of(Side::Tuned)) {
            put(&mut self.changes, layer, HeadChange::of_layer(&base, &tuned));
            put(&mut self.kept, layer, kept(&base, &tuned));
        }
    }

    /// Everything is read by the user's words from now on, also what was read by others.
    fn words_taken(&mut self, side: Side, count: usize, vectors: Option<usize>, judge: Option<usize>) {
        let by = self.words.map(|words| words.files);
        let half = &mut self.halves[side.index()];
        half.took_words = true;
        half.work.words = Some(wording::words(count, vectors, judge));
        if half.by != by {
            half.by = by;
            let layers = half.heads.len();
            half.reset(layers);
            self.forget_comparisons();
        }
    }
}
