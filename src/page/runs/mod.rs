//! Runs of the prompt: started, followed and stopped.

mod checks;
mod round;
mod which;
mod why;

pub use checks::Checking;
pub use round::{Half, Phase, Round, Shown, is_given, spec_of_link};
pub use which::Which;
pub use why::{Ask, Asked, Other, Questions, is_contrast};

use std::sync::Arc;

use super::ledger::Purpose;
use super::{Context, Effect, Progress, Side, Tracked};
use crate::explain::ResponseToken;
use crate::protocol::{Event, Failure, JobId, Request, Response, Run};
use crate::share::RunSpec;
use crate::share::link::Origin;
use crate::share::screen::{Selection, Whose};

/// What the user wants.
#[derive(Debug, Clone)]
pub enum Command {
    /// Run this on every loaded model.
    Run(Box<RunSpec>),
    /// Stop whatever runs.
    Stop,
    /// Show finished results that were not computed here.
    Show(Box<Round>),
    /// Look at a word.
    Select(Side, Selection),
    /// Ask why a word, and not another.
    Why(Box<Ask>),
    /// Go back to the picture in which that was asked.
    Plain,
    /// Check this picture.
    Check(Box<Which>),
    /// Check the picture of this model no more.
    StopCheck(Side),
}

/// A response token with its column, in forward mode.
type Arrived = (ResponseToken, Option<Vec<f32>>);

/// The run on screen, and what it takes to go back to the one before.
#[derive(Debug, Clone, Default)]
pub struct Runs {
    /// The run on screen.
    pub round: Round,
    /// How far each model's job is. Apart from the round, as it changes far more often.
    pub progress: Tracked<[Option<Progress>; 2]>,
    /// Questions about single words.
    pub questions: Questions,
    /// The checks of both pictures.
    pub checks: Tracked<[Checking; 2]>,
    /// The finished results that the present run replaces, with their own way back: they come back if nothing comes of it.
    before: Option<Box<(Round, Option<why::Plain>)>>,
    /// Tokens can arrive faster than they can be drawn: these wait for the next frame.
    arrived: [Vec<Arrived>; 2],
    frame_asked: bool,
}

impl Runs {
    /// Does what the user wants. Tells whether a question has begun another picture.
    pub fn command(&mut self, command: Command, context: &mut Context) -> bool {
        match command {
            Command::Run(spec) => self.run(*spec, context),
            Command::Stop => self.stop(context),
            Command::Show(round) => {
                self.withdraw(context);
                self.before = None;
                self.round = *round;
                self.questions.begin(None);
            }
            Command::Select(side, selection) => self.round.selections[side.index()] = selection,
            Command::Why(ask) => return self.ask(*ask, context),
            Command::Plain => self.back_to_plain(context),
            Command::Check(which) => self.check(*which, context),
            Command::StopCheck(side) => self.stop_check(side, context),
        }
        false
    }

    /// Other parts were marked in the prompt that `asked` holds; results of other prompts keep theirs.
    pub fn mark(&mut self, asked: RunSpec) {
        mark(&mut self.round, &asked);
        self.questions.mark(&asked);
    }

    fn run(&mut self, spec: RunSpec, context: &mut Context) {
        self.withdraw(context);
        self.keep_finished();
        self.round = Round::new(spec);
        self.questions.begin(None);
        let spec = self.round.spec.clone();
        let loaded = |side: Side| context.facts.model(side).is_some();
        let (speakers, listener): (Vec<Side>, _) = match spec.options.whose {
            Whose::Own | Whose::Typed => (Side::BOTH.into_iter().filter(|s| loaded(*s)).collect(), None),
            Whose::Tuned => (vec![Side::Tuned], Some(Side::Base)),
            Whose::Base => (vec![Side::Base], Some(Side::Tuned)),
        };
        let waits = listener.filter(|side| loaded(*side) && loaded(side.other()));
        let response = match spec.options.whose {
            Whose::Typed => Response::Text { text: spec.options.typed.clone() },
            _ => spec.own_response(),
        };
        if speakers.is_empty() {
            self.round.halves.iter_mut().for_each(|half| half.failure = Some(Failure::NotLoaded));
        }
        for side in speakers {
            self.start(side, response.clone(), context);
        }
        if let Some(side) = waits {
            self.round.half_mut(side).phase = Phase::Waits;
        }
        self.settle();
    }

    /// The results on screen return if nothing comes of what replaces them; half a run does not.
    fn keep_finished(&mut self) {
        let halves = &self.round.halves;
        if halves.iter().any(|half| half.report.is_some()) {
            self.before = Some(Box::new((self.round.clone(), self.questions.way_back())));
        } else if halves.iter().any(|half| !half.is_empty()) {
            self.before = None;
        }
    }

    fn start(&mut self, side: Side, response: Response, context: &mut Context) {
        let spec = self.round.spec.clone();
        let half = self.round.half_mut(side);
        let Some(model) = context.facts.model(side) else {
            half.end(Some(Failure::NotLoaded));
            return;
        };
        let by = spec.run_by().with(model.info.parameters);
        let job = context.ledger.open(side, Purpose::Run);
        *half = Half { phase: Phase::Runs(job), by, origin: Some(model.origin.clone()), ..Half::default() };
        self.arrived[side.index()].clear();
        self.progress[side.index()] = None;
        let template = context.facts.template(spec.options.chat, side);
        let run = Run {
            prompt: spec.prompt_in(template),
            response,
            by,
            target: spec.options.target,
            mode: spec.options.mode,
            instruction: spec.mark(),
            template_row: spec.template_row,
            how: spec.how.of_model(side.of()),
        };
        context.effects.push(Effect::Send(side, Request::Run { job, run }));
    }

    /// Asks the engines to stop; what has come so far stays.
    fn stop(&mut self, context: &mut Context) {
        for side in Side::BOTH {
            match self.round.half(side).phase {
                Phase::Runs(job) => context.effects.push(Effect::Send(side, Request::Cancel { job })),
                Phase::Waits => self.round.half_mut(side).phase = Phase::Over,
                Phase::Over => {}
            }
        }
        self.settle();
    }

    /// Takes back what runs: something else takes its place on screen.
    fn withdraw(&mut self, context: &mut Context) {
        self.withdraw_checks(context);
        self.withdraw_word(context);
        for side in Side::BOTH {
            if let Some(job) = self.round.half(side).job() {
                context.ledger.close(side, job);
                context.effects.push(Effect::Send(side, Request::Cancel { job }));
            }
            self.draw_arrived(side);
            self.forget_way(side);
            if self.round.half(side).phase != Phase::Over {
                self.round.half_mut(side).end(None);
            }
        }
    }

    /// Takes in an event of one of these jobs, at so many seconds.
    pub fn event(&mut self, (side, job): (Side, JobId), event: Event, at: f64, context: &mut Context) {
        match event {
            Event::Progress { stage, done, total, .. } => {
                let progress = &mut self.progress[side.index()];
                *progress = Some(Progress::next(*progress, (stage, done, total), at));
            }
            Event::Started { prompt, units, .. } => {
                self.arrived[side.index()].clear(); // a run that starts again forgets what it has said
                let half = self.round.half_mut(side);
                (half.prompt, half.units) = (prompt, units);
                half.response.clear();
                half.columns.clear();
            }
            Event::Token { token, column, .. } => {
                self.arrived[side.index()].push((token, column));
                if !std::mem::replace(&mut self.frame_asked, true) {
                    context.effects.push(Effect::Frame);
                }
            }
            Event::Finished { report, .. } => {
                context.ledger.close(side, job);
                if !self.questions.are_of(&report) {
                    return self.end(side, Failure::OtherModel);
                }
                self.forget_way(side);
                let half = self.round.half_mut(side);
                let there = context.facts.model(side).filter(|m| m.info.weights == report.checkpoint.weights);
                let origin = there.map(|m| m.origin.clone()).or(half.origin.take()).unwrap_or(Origin::Elsewhere);
                *half = Half::of(*report, origin);
                self.follow(side, context);
            }
            Event::Failed { failure, .. } => {
                context.ledger.close(side, job);
                self.end(side, failure);
            }
            _ => {}
        }
    }

    /// The speaker is done: the listener explains the same response.
    fn follow(&mut self, speaker: Side, context: &mut Context) {
        let listener = speaker.other();
        if self.round.half(listener).phase != Phase::Waits {
            return;
        }
        let half = self.round.half(speaker);
        let spoke = half.report.as_ref().map(|r| r.checkpoint.tokenizer.as_str());
        let same = context.facts.model(listener).map(|m| m.info.tokenizer.as_str()) == spoke;
        if !same && is_contrast(&self.round.spec.how) {
            self.round.half_mut(listener).phase = Phase::Over; // the tokens that are named are the speaker's
            return;
        }
        let response = match same {
            true => Response::Ids { ids: half.response.iter().map(|t| t.id).collect() },
            false => Response::Text { text: half.response.iter().map(|t| t.text.as_str()).collect() },
        };
        self.start(listener, response, context);
        self.settle();
    }

    /// A run has ended early, and nobody waits for it any more.
    fn end(&mut self, side: Side, failure: Failure) {
        self.draw_arrived(side);
        self.forget_way(side);
        self.round.half_mut(side).end(Some(failure));
        let other = self.round.half_mut(side.other());
        if other.phase == Phase::Waits {
            other.phase = Phase::Over;
        }
        self.settle();
    }

    fn forget_way(&mut self, side: Side) {
        self.arrived[side.index()].clear();
        self.progress[side.index()] = None;
    }

    /// When nothing has come of a run, the results before it return, under the reason.
    fn settle(&mut self) {
        if self.round.is_running() || !self.round.halves.iter().all(|half| half.is_empty()) {
            return;
        }
        let Some(before) = self.before.take() else { return };
        let (mut before, way_back) = *before;
        for (old, new) in before.halves.iter_mut().zip(&self.round.halves) {
            old.failure = new.failure.clone().or(old.failure.take());
        }
        self.round = before.afresh();
        self.questions.begin(way_back);
    }

    /// The engine of `side` is gone.
    pub fn engine_gone(&mut self, side: Side, failure: &Failure) {
        self.check_gone(side, failure);
        self.word_gone(side, failure);
        if self.round.half(side).job().is_some() {
            self.end(side, failure.clone());
        }
    }

    /// Shows what has arrived since the last frame.
    pub fn frame(&mut self) {
        self.frame_asked = false;
        Side::BOTH.into_iter().for_each(|side| self.draw_arrived(side));
    }

    fn draw_arrived(&mut self, side: Side) {
        let arrived = std::mem::take(&mut self.arrived[side.index()]);
        if arrived.is_empty() {
            return;
        }
        let half = self.round.half_mut(side);
        for (token, column) in arrived {
            half.response.push(token);
            half.columns.extend(column);
        }
    }
}

/// Marks in `round` what is marked in the prompt that `asked` holds, if it is the same.
fn mark(round: &mut Round, asked: &RunSpec) {
    let spec = &**round.spec;
    if spec.prompt == asked.prompt && spec.turns == asked.turns {
        let (marked, spans) = (asked.marked.clone(), asked.spans.clone());
        *round.spec = Arc::new(RunSpec { marked, spans, ..spec.clone() });
    }
}
