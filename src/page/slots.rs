//! Which checkpoint is in which slot: loads, the engines that do them, and what takes the place of what is lost.

use std::collections::BTreeMap;

use super::facts::{bundled, origin};
use super::{Effect, Facts, Files, Ledger, Model, Progress, Purpose, Side};
use crate::protocol::{BackendChoice, BackendReport, Event, Failure, JobId, Request, Source};

/// What the user wants.
#[derive(Debug, Clone)]
pub enum Command {
    /// Start both engines, unless they were.
    Start,
    /// Open a checkpoint; the present one stays if this fails.
    Load {
        /// In which slot.
        side: Side,
        /// From where.
        source: Source,
        /// The files, if they are the user's.
        files: Option<Files>,
    },
    /// Stop what is being loaded.
    Cancel(Side),
    /// What went wrong with the last load is of no interest any more, if a model is there all the same.
    Dismiss(Side),
    /// Load what is missing: what is wanted; or else what the last visit used; or else the bundled pair. What is there, or
    /// on its way, stays, unless another is wanted.
    Begin {
        /// Base and tuned.
        wanted: [Option<Source>; 2],
    },
    /// This is what the last visit used.
    Remembered([Option<Source>; 2]),
    /// Have both engines compute on this, and those to come.
    Compute(BackendChoice),
}

/// Whether a model is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Nobody has asked for one, or somebody has stopped it.
    Absent,
    /// The first one is on its way.
    Coming,
    /// One is there.
    There,
    /// It could not be loaded.
    Failed,
}

/// A load in progress.
#[derive(Debug, Clone, PartialEq)]
pub struct Loading {
    /// Its job.
    pub job: JobId,
    /// From where.
    pub source: Source,
    /// How far it is.
    pub progress: Option<Progress>,
}

/// How an engine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Life {
    /// Nobody has needed it.
    #[default]
    Unborn,
    /// Its code is being fetched.
    Starting,
    Up,
    /// It never came up.
    Dead,
}

/// One slot.
#[derive(Debug, Clone, Default)]
pub struct Slot {
    life: Life,
    /// The load that the user waits for.
    pub loading: Option<Loading>,
    /// Where all loads come from that the engine has not ended: also one that was cancelled or overtaken may still succeed.
    loads: BTreeMap<JobId, Source>,
    /// Why the last one failed, or why the engine is gone.
    pub failure: Option<Failure>,
    /// Why the checkpoint will not be there on the next visit.
    pub not_kept: Option<Failure>,
    /// Where the present checkpoint came from, to load it again when it is lost.
    pub source: Option<Source>,
    /// Where the last visit's came from.
    remembered: Option<Source>,
    /// What computes, once that is decided.
    pub backend: Option<BackendReport>,
}

impl Slot {
    /// Whether it has a model, `there` or not.
    pub fn presence(&self, there: bool) -> Presence {
        match (there, &self.loading, &self.failure) {
            (true, ..) => Presence::There,
            (false, Some(_), _) => Presence::Coming,
            (false, None, Some(_)) => Presence::Failed,
            (false, None, None) => Presence::Absent,
        }
    }

    /// Whether its checkpoint is the bundled one, or will be.
    pub fn is_bundled(&self) -> bool {
        let from = self.source.as_ref().or(self.loading.as_ref().map(|l| &l.source));
        matches!(from, None | Some(Source::Bundled { .. }))
    }
}

/// What the slots may read and use: the models are theirs.
pub struct Context<'a> {
    /// Which models are there.
    pub facts: &'a mut Facts,
    /// Owns the jobs.
    pub ledger: &'a mut Ledger,
    /// What is to be done.
    pub effects: &'a mut Vec<Effect>,
}

/// Base and tuned.
#[derive(Debug, Clone, Default)]
pub struct Slots {
    sides: [Slot; 2],
    /// What the user wants to compute on.
    choice: BackendChoice,
}

impl Slots {
    /// The slot of `side`.
    pub fn slot(&self, side: Side) -> &Slot {
        &self.sides[side.index()]
    }

    /// Whether each model is there.
    pub fn presence(&self, facts: &Facts) -> [Presence; 2] {
        Side::BOTH.map(|side| self.slot(side).presence(facts.model(side).is_some()))
    }

    fn slot_mut(&mut self, side: Side) -> &mut Slot {
        &mut self.sides[side.index()]
    }

    /// Does what the user wants.
    pub fn command(&mut self, command: Command, context: &mut Context) {
        match command {
            Command::Start => Side::BOTH.into_iter().for_each(|side| self.start(side, context)),
            Command::Load { side, source, files } => self.load(side, source, files, context),
            Command::Cancel(side) => self.cancel(side, context),
            Command::Dismiss(side) => {
                if context.facts.model(side).is_some() {
                    self.slot_mut(side).failure = None;
                }
            }
            Command::Begin { wanted } => {
                Side::BOTH.into_iter().zip(wanted).for_each(|(side, wanted)| self.begin(side, wanted, context));
            }
            Command::Remembered(sources) => {
                self.sides.iter_mut().zip(sources).for_each(|(slot, source)| slot.remembered = source);
            }
            Command::Compute(choice) => {
                self.choice = choice;
                let alive = |side: &Side| matches!(self.slot(*side).life, Life::Starting | Life::Up);
                let sides = Side::BOTH.into_iter().filter(alive);
                context.effects.extend(sides.map(|side| Effect::Send(side, Request::Backend { choice })));
            }
        }
    }

    /// Starts the engine of `side`, unless it lives. One that never came up may come up now.
    fn start(&mut self, side: Side, context: &mut Context) {
        let life = &mut self.slot_mut(side).life;
        if matches!(life, Life::Unborn | Life::Dead) {
            *life = Life::Starting;
            context.effects.push(Effect::Start(side, context.ledger.epoch(side)));
        }
    }

    fn begin(&mut self, side: Side, wanted: Option<Source>, context: &mut Context) {
        let slot = self.slot(side);
        let there = slot.loading.is_some() || context.facts.model(side).is_some();
        let here = slot.loading.as_ref().map(|l| &l.source).or(slot.source.as_ref());
        let source = match wanted {
            Some(source) if there && here == Some(&source) => return,
            Some(source) => source,
            None if there => return,
            None => slot.remembered.clone().unwrap_or_else(|| bundled(side)),
        };
        self.load(side, source, None, context);
    }

    fn load(&mut self, side: Side, source: Source, files: Option<Files>, context: &mut Context) {
        self.start(side, context);
        self.cancel(side, context);
        let job = context.ledger.open(side, Purpose::Load);
        let slot = self.slot_mut(side);
        slot.loads.insert(job, source.clone());
        slot.loading = Some(Loading { job, source: source.clone(), progress: None });
        (slot.failure, slot.not_kept) = (None, None);
        // what is to compute is known before there is something to
        context.effects.push(Effect::Send(side, Request::Backend { choice: self.choice }));
        let request = Request::Load { job, source };
        match files {
            Some(files) => {
                context.effects.push(Effect::SendFiles(side, request, files));
                context.effects.push(Effect::DropFiles(files));
            }
            None => context.effects.push(Effect::Send(side, request)),
        }
    }

    /// The user does not wait for it any more.
    fn cancel(&mut self, side: Side, context: &mut Context) {
        if let Some(loading) = self.slot_mut(side).loading.take() {
            context.effects.push(Effect::Send(side, Request::Cancel { job: loading.job }));
        }
    }

    /// What computes for `side` is decided.
    pub fn backend(&mut self, side: Side, report: BackendReport) {
        self.slot_mut(side).backend = Some(report);
    }

    /// The engine of `side` has started.
    pub fn ready(&mut self, side: Side) {
        self.slot_mut(side).life = Life::Up;
    }

    /// Takes in an event of a load, at so many seconds. Tells whether another model is there now.
    pub fn event(&mut self, (side, job): (Side, JobId), event: Event, at: f64, context: &mut Context) -> bool {
        let slot = self.slot_mut(side);
        let awaited = slot.loading.as_ref().is_some_and(|l| l.job == job);
        match event {
            Event::Progress { stage, done, total, .. } => {
                if let Some(loading) = slot.loading.as_mut().filter(|l| l.job == job) {
                    loading.progress = Some(Progress::next(loading.progress, (stage, done, total), at));
                }
                false
            }
            Event::Unloaded { .. } => {
                context.facts.set(side, None);
                false
            }
            Event::Loaded { info, template, stored, not_kept, .. } => {
                context.ledger.close(side, job);
                if stored.is_some() {
                    context.effects.push(Effect::Persist);
                }
                let from = slot.loads.remove(&job);
                // others find it where it came from, and not in this browser's storage
                let origin = origin(from.as_ref(), &info.file);
                let source = stored.map(|key| Source::Stored { key }).or(from);
                context.facts.set(side, Some(Model { info: *info, template, origin }));
                if awaited {
                    // a failure that is still on screen says why this model took another's place
                    (slot.loading, slot.not_kept) = (None, not_kept);
                }
                // what is not kept cannot be found again on the next visit
                if let Some(source @ (Source::Stored { .. } | Source::Bundled { .. })) = &source {
                    context.effects.push(Effect::Remember(side, source.clone()));
                    slot.remembered = Some(source.clone());
                }
                slot.source = source;
                true
            }
            Event::Failed { failure, .. } => {
                context.ledger.close(side, job);
                let failed = slot.loads.remove(&job);
                if awaited {
                    slot.loading = None;
                    slot.failure = (failure != Failure::Cancelled).then_some(failure);
                }
                self.replace_lost(side, failed, context);
                false
            }
            _ => false,
        }
    }

    /// The engine is gone, and its model with it: another is started with the same checkpoint. What crashed it while it was
    /// loaded is not loaded again, and an engine that never came up will not come up now. Gives the reason in words.
    pub fn crashed(&mut self, side: Side, message: String, context: &mut Context) -> Failure {
        context.facts.set(side, None);
        context.ledger.engine_gone(side);
        let slot = self.slot_mut(side);
        let up = slot.life == Life::Up;
        let failure = if up { Failure::Crashed(message) } else { Failure::NoEngine(message) };
        let opening = slot.loading.take().map(|l| l.source);
        slot.loads.clear();
        (slot.not_kept, slot.backend) = (None, None);
        slot.failure = Some(failure.clone());
        slot.life = Life::Dead;
        if up {
            self.start(side, context);
            self.replace_lost(side, opening, context);
        }
        failure
    }

    /// When nothing is loaded any more, the checkpoint that was last there, or else the bundled one, takes its place under
    /// the message, unless it is itself what `failed`. Each is tried once. A first load that was stopped leaves nothing
    /// behind that should come back.
    fn replace_lost(&mut self, side: Side, failed: Option<Source>, context: &mut Context) {
        let slot = self.slot_mut(side);
        let stopped = slot.failure.is_none() && slot.source.is_none();
        if context.facts.model(side).is_some() || slot.loading.is_some() || stopped {
            return;
        }
        let again = |s: &Source| !matches!(s, Source::Files { .. }) && failed.as_ref() != Some(s);
        let candidates = [slot.source.take(), Some(bundled(side))];
        if let Some(source) = candidates.into_iter().flatten().find(again) {
            let message = slot.failure.take();
            self.load(side, source, None, context);
            self.slot_mut(side).failure = message;
        }
    }
}
