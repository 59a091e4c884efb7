//! The weights of both models as they are read, layer by layer: what is chosen, what has come, what is asked for next.

mod arrived;
mod next;
mod overview;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ledger::Purpose;
use super::{Context, Effect, Files, Progress, Side, Tracked};
use crate::explain::local::{LayerAttention, LayerFiring};
use crate::explain::weights::coherence::Judged;
use crate::explain::weights::compare::HeadChange;
use crate::explain::weights::heads::Reading;
use crate::explain::weights::matching::LayerMatches;
use crate::explain::weights::{LayerConcepts, LayerHeads};
use crate::model::{ModelError, Shortage};
use crate::protocol::{Event, Failure, JobId, Request};
use crate::share::screen::{Inside, Tab};

pub use overview::{Overview, Shown, Whose};

/// Results by layer; those that have not come are missing.
pub type Layers<T> = Vec<Option<Arc<T>>>;

/// What was found on a sequence, with the sequence.
pub type Local<T> = Option<(Vec<u32>, Arc<T>)>;

/// What an engine can be asked about its weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// Take the user's words.
    Words,
    /// A layer's heads.
    Heads(usize),
    /// A layer's feed-forward components.
    Concepts(usize),
    /// The base's components of a layer held against the tuned model's.
    Match(usize),
    /// A layer's attention on the sequence on screen.
    Attention(usize),
    /// Which of a layer's components fire on it.
    Firing(usize),
    /// A layer's attention on the text of the overview.
    Overview(usize),
}

impl Task {
    /// Whether it is about a sequence.
    fn is_local(self) -> bool {
        matches!(self, Self::Attention(_) | Self::Firing(_) | Self::Overview(_))
    }
}

impl Work {
    /// Why memory cannot hold what `task`, of any layer, finds on the sequence `ids`, if it was refused.
    pub fn refused(&self, task: Task, ids: &[u32]) -> Option<&Shortage> {
        let same = |of: &Task| std::mem::discriminant(of) == std::mem::discriminant(&task);
        self.refused.as_ref().filter(|(of, known, _)| same(of) && known == ids).map(|(.., why)| why)
    }
}

/// What the user wants.
#[derive(Debug, Clone)]
pub enum Command {
    /// Look at a head: layer, head.
    Head(usize, usize),
    /// Look at a layer's concepts.
    Concepts(usize),
    /// Open the overview of all heads, or close it.
    Overview(bool),
    /// Look at what a link names.
    Look(Inside),
    /// Read heads in another way.
    Read(Reading),
    /// Stop after the present layer, or go on.
    Pause(bool),
    /// Read by other words from now on.
    Words(Words),
}

/// The user's files: a list of words, vectors that say which are related, vectors that judge. Those that are there are
/// attached in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// The files.
    pub files: Files,
    /// Whether there is a list.
    pub list: bool,
    /// Whether there are vectors.
    pub vectors: bool,
    /// Whether there is a judge.
    pub judge: bool,
}

/// What one engine is doing about its weights.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Work {
    /// The job, and what it is for.
    pub job: Option<(JobId, Task)>,
    /// The sequence that it reads, if it is about one.
    ids: Vec<u32>,
    /// Of the job, if it is a long one.
    pub progress: Option<Progress>,
    /// Why the last one failed; nothing more is asked for until the user says so.
    pub failure: Option<Failure>,
    /// What memory cannot hold of a sequence: the task, the sequence, and why. It is not asked for again.
    pub refused: Option<(Task, Vec<u32>, Shortage)>,
    /// Which words are used, in words.
    pub words: Option<String>,
}

/// What is known of one model's weights.
#[derive(Debug, Clone, Default)]
pub struct Half {
    /// The fingerprint of the model that it was read from, and the words by which.
    of: Option<String>,
    by: Option<Files>,
    /// Whether the present engine has taken the user's words for the present model.
    took_words: bool,
    /// How often the engine has died at a task.
    deaths: BTreeMap<Task, u32>,
    /// What its engine is doing.
    pub work: Tracked<Work>,
    /// What its heads relate.
    pub heads: Tracked<Layers<LayerHeads>>,
    /// Its feed-forward components.
    pub concepts: Tracked<Layers<LayerConcepts>>,
    /// What a judge says of the heads, where one was brought.
    pub judged_heads: Tracked<Layers<Judged>>,
    /// What a judge says of the components.
    pub judged_concepts: Tracked<Layers<Judged>>,
    /// On the sequence on screen.
    pub attention: Tracked<Local<LayerAttention>>,
    /// On the sequence on screen.
    pub firing: Tracked<Local<LayerFiring>>,
}

/// Both models' weights and what tuning changed in them.
#[derive(Debug, Clone, Default)]
pub struct Weights {
    /// Base and tuned.
    pub halves: [Half; 2],
    /// How heads are read.
    pub reading: Tracked<Reading>,
    /// The user's pause.
    pub paused: Tracked<bool>,
    /// The chosen layer and head.
    pub head: Tracked<(usize, usize)>,
    /// The layer whose concepts are shown.
    pub concepts: Tracked<usize>,
    /// What changed, head by head.
    pub changes: Tracked<Layers<Vec<HeadChange>>>,
    /// What heads keep of their pairs, and of each other's.
    pub kept: Tracked<Layers<Vec<Vec<f32>>>>,
    /// The components of both, matched.
    pub matches: Tracked<Layers<LayerMatches>>,
    /// All heads on one text.
    pub overview: Overview,
    /// Whether heads and concepts have been opened: what they need is read also while another tab is on screen.
    opened: [bool; 2],
    /// The words that the user brought.
    words: Option<Words>,
}

fn clear<T>(layers: &mut Tracked<Layers<T>>) {
    layers.iter_mut().for_each(|layer| *layer = None);
}

fn resize<T>(layers: &mut Tracked<Layers<T>>, count: usize) {
    layers.clear();
    layers.resize_with(count, || None);
}

impl Half {
    /// Nothing is known of a model of so many layers.
    fn reset(&mut self, layers: usize) {
        resize(&mut self.heads, layers);
        resize(&mut self.concepts, layers);
        resize(&mut self.judged_heads, layers);
        resize(&mut self.judged_concepts, layers);
        *self.attention = None;
        *self.firing = None;
        self.work.refused = None;
        self.deaths.clear();
    }

    fn idle(&self) -> bool {
        self.work.job.is_none() && self.work.failure.is_none()
    }
}

impl Weights {
    /// What is known of `side`.
    pub fn half(&self, side: Side) -> &Half {
        &self.halves[side.index()]
    }

    /// What is chosen, as a link holds it.
    pub fn inside(&self) -> Inside {
        let (layer, head) = *self.head;
        Inside { reading: *self.reading, head: (layer as u32, head as u32), concepts: *self.concepts as u32 }
    }

    /// Does what the user wants.
    pub fn command(&mut self, command: Command, context: &mut Context) {
        match command {
            Command::Head(layer, head) => *self.head = (layer, head),
            Command::Concepts(layer) => *self.concepts = layer,
            Command::Overview(open) => self.overview.open = open,
            Command::Look(inside) => {
                *self.head = (inside.head.0 as usize, inside.head.1 as usize);
                *self.concepts = inside.concepts as usize;
                self.stay_within(context);
                self.read(inside.reading, context);
            }
            Command::Read(reading) => self.read(reading, context),
            Command::Pause(true) => {
                *self.paused = true;
                Side::BOTH.into_iter().for_each(|side| self.drop_job(side, |task| task != Task::Words, context));
            }
            Command::Pause(false) => {
                *self.paused = false;
                for half in &mut self.halves {
                    half.work.failure = None;
                    half.deaths.clear();
                }
            }
            Command::Words(words) => {
                if let Some(before) = self.words.replace(words) {
                    context.effects.push(Effect::DropFiles(before.files));
                }
                for side in Side::BOTH {
                    self.drop_job(side, |_| true, context);
                    let half = &mut self.halves[side.index()];
                    half.took_words = false;
                    half.work.failure = None;
                }
            }
        }
    }

    /// Reads heads in another way: what was read in the present one goes.
    fn read(&mut self, reading: Reading, context: &mut Context) {
        if *self.reading == reading {
            return;
        }
        *self.reading = reading;
        for side in Side::BOTH {
            self.drop_job(side, |task| matches!(task, Task::Heads(_)), context);
            let half = &mut self.halves[side.index()];
            clear(&mut half.heads);
            clear(&mut half.judged_heads);
        }
        clear(&mut self.changes);
        clear(&mut self.kept);
    }

    /// A tab is on screen.
    pub fn opened(&mut self, tab: Tab) {
        match tab {
            Tab::Prompt | Tab::Study => {}
            Tab::Heads => self.opened[0] = true,
            Tab::Concepts => self.opened[1] = true,
            Tab::Findings => self.opened = [true; 2],
        }
    }

    /// What is chosen exists in one of the models, if any is loaded.
    fn stay_within(&mut self, context: &Context) {
        let Some(most) = Side::BOTH.iter().filter_map(|s| Some(context.facts.model(*s)?.info.layers)).max() else {
            return;
        };
        let last = most.saturating_sub(1);
        if self.head.0 > last {
            *self.head = (0, 0);
        }
        if *self.concepts > last {
            *self.concepts = last;
        }
    }

    /// Stops the job of `side` if it is one of `which`.
    fn drop_job(&mut self, side: Side, which: impl Fn(Task) -> bool, context: &mut Context) {
        let work = &mut self.halves[side.index()].work;
        let Some((job, _)) = work.job.filter(|(_, task)| which(*task)) else { return };
        (work.job, work.progress) = (None, None);
        context.ledger.close(side, job);
        context.effects.push(Effect::Send(side, Request::Cancel { job }));
    }

    /// `side` has another model, or the same again: what was read of it stays.
    pub fn model_changed(&mut self, side: Side, context: &mut Context) {
        let Some(info) = context.facts.model(side).map(|m| &m.info) else { return };
        let (weights, layers) = (info.weights.clone(), info.layers);
        self.drop_job(side, |_| true, context);
        let half = &mut self.halves[side.index()];
        half.took_words = false;
        half.work.failure = half.work.failure.take().filter(|_| half.of.as_ref() == Some(&weights));
        if half.of.as_ref() != Some(&weights) {
            half.of = Some(weights);
            half.reset(layers);
            self.forget_comparisons();
        }
        self.stay_within(context);
    }

    /// Nothing is known of what tuning changed.
    fn forget_comparisons(&mut self) {
        let [base, tuned] = self.halves.each_ref().map(|half| half.heads.len());
        let shared = base.min(tuned);
        resize(&mut self.changes, shared);
        resize(&mut self.kept, shared);
        resize(&mut self.matches, shared);
    }

    /// The engine of `side` is gone; what it has read stays. What kills two engines is not asked for a third time.
    pub fn engine_gone(&mut self, side: Side, failure: &Failure) {
        let half = &mut self.halves[side.index()];
        half.took_words = false;
        let Some((_, task)) = half.work.job else { return };
        (half.work.job, half.work.progress) = (None, None);
        let deaths = half.deaths.entry(task).or_default();
        *deaths += 1;
        if *deaths >= 2 {
            half.work.failure = Some(Failure::StoppedTwice(failure.to_string()));
        }
    }

    /// Takes in an event of one of these jobs, at so many seconds.
    pub fn event(&mut self, (side, job, task): (Side, JobId, Task), event: Event, at: f64, context: &mut Context) {
        let work = &mut self.halves[side.index()].work;
        match event {
            Event::Progress { stage, done, total, .. } => {
                work.progress = Some(Progress::next(work.progress, (stage, done, total), at));
                return;
            }
            Event::Failed { failure: Failure::Model(ModelError::Memory(why)), .. }
                if matches!(task, Task::Overview(_)) =>
            {
                self.overview.refuse(side, why)
            }
            Event::Failed { failure: Failure::Model(ModelError::Memory(why)), .. } if task.is_local() => {
                work.refused = Some((task, work.ids.clone(), why));
            }
            Event::Failed { failure, .. } => work.failure = (failure != Failure::Cancelled).then_some(failure),
            event => self.arrived(side, task, event),
        }
        context.ledger.close(side, job);
        let work = &mut self.halves[side.index()].work;
        (work.job, work.progress) = (None, None);
    }

    /// Asks each idle engine for what is missing; `sequence` gives the ids of the run on screen.
    pub fn go_on(&mut self, sequence: impl Fn(Side) -> Vec<u32>, context: &mut Context) {
        if *self.paused || self.opened == [false; 2] && self.words.is_none() {
            return;
        }
        if self.overview.open && context.facts.tab == Tab::Heads {
            self.overview.look(&sequence, context.facts);
        }
        for side in Side::BOTH {
            if context.facts.model(side).is_none() || !self.half(side).idle() {
                continue;
            }
            let ids = match context.facts.tab {
                Tab::Heads | Tab::Concepts => sequence(side),
                _ => Vec::new(),
            };
            let Some(task) = self.next(side, &ids, context.facts) else { continue };
            let ids = if matches!(task, Task::Overview(_)) { self.overview.ids(side).to_vec() } else { ids };
            let job = context.ledger.open(side, Purpose::Weights(task));
            let Some(effect) = self.request(side, job, task, &ids) else {
                context.ledger.close(side, job);
                continue;
            };
            let work = &mut self.halves[side.index()].work;
            (work.job, work.ids) = (Some((job, task)), ids);
            context.effects.push(effect);
        }
    }
}
