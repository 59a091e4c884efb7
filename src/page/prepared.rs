//! The prompt in the editor as each model will read it, and how much of its context that takes: asked of the models' own
//! tokenizers once typing pauses.

use super::{Context, Effect, Facts, Purpose, Side, Tracked};
use crate::explain::PromptToken;
use crate::model::Length;
use crate::protocol::{Event, JobId, Need, Request, Response};
use crate::share::RunSpec;
use crate::share::screen::Whose;

/// Bytes of a run's memory from which on it is said.
pub const LARGE: u64 = 128 << 20;

/// A prompt as a model will read it.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// Its tokens.
    pub tokens: Vec<PromptToken>,
    /// What it takes of the context.
    pub length: Length,
    /// What a run of it takes of memory, where that is known.
    pub need: Option<Need>,
}

/// What the answers depend on.
#[derive(Debug, Clone, PartialEq)]
struct Question {
    /// Without the mark of the instruction, which changes nothing.
    spec: RunSpec,
    weights: [Option<String>; 2],
}

impl Question {
    fn of(facts: &Facts) -> Self {
        let weights = Side::BOTH.map(|side| facts.model(side).map(|m| m.info.weights.clone()));
        Self { spec: Self::spec(facts), weights }
    }

    fn spec(facts: &Facts) -> RunSpec {
        RunSpec { marked: None, ..facts.editor.spec() }
    }

    /// Whether it is still what `facts` ask.
    fn is_of(&self, facts: &Facts) -> bool {
        let model = |side: Side| facts.model(side).map(|m| &m.info.weights) == self.weights[side.index()].as_ref();
        self.spec == Self::spec(facts) && Side::BOTH.into_iter().all(model)
    }
}

/// What the models say to the prompt in the editor.
#[derive(Debug, Clone, Default)]
pub struct Preparing {
    /// Base and tuned; none without a model, or where the prompt cannot be read, which a run will explain.
    pub prepared: Tracked<[Option<Prepared>; 2]>,
    jobs: [Option<JobId>; 2],
    /// What was asked last, or will be after the pause.
    asked: Option<Question>,
}

impl Preparing {
    /// Asks for a pause, if there is something new to ask. An engine that runs has no time for questions.
    pub fn go_on(&mut self, is_running: bool, facts: &Facts, effects: &mut Vec<Effect>) {
        if !is_running && !self.asked.as_ref().is_some_and(|q| q.is_of(facts)) {
            self.asked = Some(Question::of(facts));
            effects.push(Effect::Pause);
        }
    }

    /// Typing has paused: both models are asked. A newer question makes an older one moot.
    pub fn paused(&mut self, is_running: bool, context: &mut Context) {
        if is_running {
            self.asked = None; // when the run is over
            return;
        }
        Side::BOTH.into_iter().for_each(|side| self.ask(side, context));
    }

    fn ask(&mut self, side: Side, context: &mut Context) {
        if let Some(before) = self.jobs[side.index()].take() {
            context.ledger.close(side, before);
        }
        let Some(model) = context.facts.model(side) else { return self.set(side, None) };
        let spec = context.facts.editor.spec();
        let (by, options) = (spec.run_by().with(model.info.parameters), &spec.options);
        let response = match options.whose {
            Whose::Typed => Response::Text { text: options.typed.clone() },
            _ => Response::Own { limit: options.limit, sampling: options.sampling },
        };
        let template = context.facts.template(options.chat, side);
        let (prompt, mode, how) = (spec.prompt_in(template), options.mode, spec.how.of_model(side.of()));
        let job = context.ledger.open(side, Purpose::Prepare);
        self.jobs[side.index()] = Some(job);
        context.effects.push(Effect::Send(side, Request::Prepare { job, prompt, response, by, mode, how }));
    }

    fn set(&mut self, side: Side, found: Option<Prepared>) {
        if self.prepared[side.index()] != found {
            self.prepared[side.index()] = found;
        }
    }

    /// Takes in an event of one of these jobs.
    pub fn event(&mut self, (side, job): (Side, JobId), event: Event, context: &mut Context) {
        let found = match event {
            Event::Prepared { prompt: tokens, length, need, .. } => Some(Prepared { tokens, length, need }),
            Event::Failed { .. } => None,
            _ => return,
        };
        context.ledger.close(side, job);
        self.jobs[side.index()] = None;
        self.set(side, found);
    }

    /// Another backend computes: a run on it needs other memory, so the models are asked again.
    pub fn backend_changed(&mut self) {
        self.asked = None;
    }

    /// The engine of `side` is gone: its model may be back before anything else has changed.
    pub fn engine_gone(&mut self, side: Side) {
        self.asked = None;
        self.jobs[side.index()] = None;
        self.set(side, None);
    }

    /// The job that is open.
    #[cfg(test)]
    pub(super) fn job(&self, side: Side) -> Option<JobId> {
        self.jobs[side.index()]
    }
}
