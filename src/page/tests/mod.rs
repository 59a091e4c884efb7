//! The page as a whole, with engines that only pretend to compute.

mod any_order;
mod edited;
mod engine;
mod history;
mod hubs;
mod linked_pictures;
mod loads;
mod measured;
mod methods;
mod overview;
mod prepared;
mod runs;
mod studies;
mod switching;
mod taught;
mod text;
mod waits;
mod weights;

use std::collections::VecDeque;

use engine::report;

use super::runs::{Command, Phase, Round, Shown, spec_of_link};
use super::*;
use crate::checkpoint::Turn;
use crate::checkpoint::conversation::messages;
use crate::explain::attribution::Against;
use crate::explain::local::{LayerAttention, LayerFiring};
use crate::explain::weights::heads::Reading as HeadReading;
use crate::explain::weights::matching::LayerMatches;
use crate::explain::weights::{LayerConcepts, LayerHeads, NamedHead, Packed};
use crate::explain::{By, CheckpointInfo, ModelReport, PromptToken, ResponseToken, Role, Seconds, Unit};
use crate::model::{Length, ModelError};
use crate::protocol::{Failure, Prompt, Request, Response, Run, Source};
use crate::share::link::{Link, Origin, Precision};
use crate::share::screen::{Chat, Options, Selection, Whose};
use crate::share::{Export, RunSpec};

const LAYERS: usize = 3;

fn model(weights: &str) -> Model {
    let info = CheckpointInfo {
        name: format!("Model {weights}"),
        weights: weights.to_owned(),
        tokenizer: "words".into(),
        parameters: 1_000_000_000,
        layers: LAYERS,
        ..CheckpointInfo::default()
    };
    // one of them has a chat template
    let template = (weights == "y").then(|| "a template".to_owned());
    Model { info, template, origin: Origin::Urls(vec![format!("https://models.example/{weights}")]) }
}

pub(super) fn token(id: u32, text: &str) -> ResponseToken {
    let (top, top_text) = (Vec::new(), Vec::new());
    ResponseToken { id, text: text.into(), bytes: None, probability: 0.5, rank: 1, entropy: 1.0, top, top_text }
}

/// All that is said in a conversation over `text`.
fn conversation(text: &str, turns: &[Turn]) -> String {
    let said = messages(text, turns).expect("the page's turns fit its text");
    said.iter().map(|m| m.text).collect::<Vec<_>>().join(" | ")
}

/// What is said on `text` where nothing else is asked.
pub(super) fn report_of(text: &str) -> ModelReport {
    let prompt = Prompt::text(text, Default::default());
    report(&model("x").info, &Run::by_token(prompt, Response::Ids { ids: vec![7] }))
}

fn at(name: &str) -> Source {
    Source::Url { urls: vec![format!("https://models.example/{name}")] }
}

fn name_of(source: &Source) -> String {
    match source {
        Source::Url { urls } => urls[0].rsplit('/').next().unwrap_or_default().to_owned(),
        _ => "bundled".to_owned(),
    }
}

/// An engine that pretends: it takes requests in order.
#[derive(Default)]
struct FakeEngine {
    queue: VecDeque<(Request, Option<Files>)>,
    /// What it has loaded.
    model: Option<Model>,
    /// The words that it reads by.
    lexicon: Option<Files>,
}

/// A page with two engines.
#[derive(Default)]
struct Played {
    page: Page,
    engines: [FakeEngine; 2],
    frame: bool,
    pause: bool,
    starting: Vec<Side>,
    /// What was written down, and how often.
    written: Option<String>,
    writes: usize,
    /// The runs that were written down.
    history: Option<String>,
    /// Engines do not come up.
    never_up: bool,
    /// The lesson that was written down.
    lesson: Option<String>,
    /// Whether the address names a picture.
    address: bool,
    /// What was asked of each engine, in order.
    asked: [Vec<Request>; 2],
}

impl Played {
    fn with_both() -> Self {
        let mut played = Self::default();
        played.load(Side::Base, "b");
        played.load(Side::Tuned, "t");
        played
    }

    /// Loads the model `name` and lets the engine come to its end.
    fn load(&mut self, side: Side, name: &str) {
        self.begin_load(side, name);
        while self.work(side, false) {}
    }

    fn begin_load(&mut self, side: Side, name: &str) {
        self.tell(Msg::Slots(slots::Command::Load { side, source: at(name), files: None }));
    }

    fn tell(&mut self, msg: Msg) {
        let mut recalls = false;
        for effect in self.page.update(msg) {
            let (side, request, files) = match effect {
                // heard, with nothing to say to it
                Effect::Send(_, Request::Backend { .. }) => continue,
                Effect::Send(side, request) => (side, request, None),
                Effect::SendFiles(side, request, files) => (side, request, Some(files)),
                // what came beside the event is not looked at here
                Effect::SendRows(side, request) => (side, request, None),
                Effect::Start(side, _) => {
                    self.engines[side.index()] = FakeEngine::default();
                    self.starting.push(side);
                    continue;
                }
                Effect::WriteScores(text) => {
                    self.written = Some(text);
                    self.writes += 1;
                    continue;
                }
                Effect::WriteHistory(text) => {
                    self.history = Some(text);
                    continue;
                }
                Effect::RecallScores => {
                    recalls = true;
                    continue;
                }
                Effect::Remember(..) | Effect::DropFiles(_) | Effect::FetchExample(_) => continue,
                Effect::Persist | Effect::KeepSpeed(_) => continue,
                Effect::Pause => {
                    self.pause = true;
                    continue;
                }
                Effect::KeepLesson(text) => {
                    self.lesson = Some(text);
                    continue;
                }
                Effect::ForgetLesson => {
                    self.lesson = None;
                    continue;
                }
                Effect::ClearAddress => {
                    self.address = false;
                    continue;
                }
                Effect::Frame => {
                    self.frame = true;
                    continue;
                }
            };
            self.asked[side.index()].push(request.clone());
            self.engines[side.index()].queue.push_back((request, files));
        }
        if recalls {
            self.tell(Msg::Scores(scores::Command::Recalled(self.written.clone())));
        }
        if !self.never_up {
            let starting = std::mem::take(&mut self.starting);
            starting.into_iter().for_each(|side| self.hear(side, Event::Ready {}));
        }
    }

    /// The pause that was asked for is over, if one was.
    fn end_pause(&mut self) {
        if std::mem::take(&mut self.pause) {
            self.tell(Msg::Paused);
        }
    }

    fn hear(&mut self, side: Side, event: Event) {
        let epoch = self.page.ledger.epoch(side);
        self.tell(Msg::Engine { side, epoch, event: Box::new(event), at: 0.0 });
    }

    fn next_request(&mut self, side: Side) -> Option<Request> {
        self.engines[side.index()].queue.pop_front().map(|(request, _)| request)
    }

    fn finish(&mut self) {
        while Side::BOTH.into_iter().any(|side| self.work(side, false)) {}
    }

    /// The engine of `side` dies; another comes up.
    fn crash(&mut self, side: Side) {
        self.hear(side, Event::Crashed { message: "boom".into() });
    }

    /// The same, and the other loads what was there.
    fn crash_and_load(&mut self, side: Side) {
        self.crash(side);
        assert!(self.work(side, false), "the model is loaded again");
    }

    fn run(&mut self, spec: &RunSpec) {
        self.tell(Msg::Runs(Command::Run(Box::new(spec.clone()))));
    }

    /// The address of what is on screen, if anything is.
    fn link(&self) -> Option<String> {
        let (round, editor) = (self.round(), &self.page.facts.editor);
        let seen = Side::BOTH.map(|side| round.seen(side));
        seen.iter().any(Option::is_some).then_some(())?;
        let link = Link {
            prompt: round.spec.prompt.clone(),
            turns: round.spec.turns.clone(),
            marked: round.spec.mark(),
            spans: round.spec.spans.clone(),
            template_row: round.spec.template_row,
            options: round.spec.options.clone(),
            how: round.spec.how.clone(),
            reading: *editor.reading,
            tab: self.page.facts.tab,
            inside: self.page.weights.inside(),
            seen,
            precision: Precision::ladder(editor.reading.how).remove(0),
        };
        Some(link.encode(0).0)
    }

    fn round(&self) -> &Round {
        &self.page.runs.round
    }

    fn said(&self, side: Side) -> String {
        self.round().half(side).response.iter().map(|t| t.text.as_str()).collect()
    }
}

fn spec(prompt: &str, whose: Whose) -> RunSpec {
    let options = Options { whose, typed: "typed".into(), ..Options::default() };
    RunSpec { prompt: prompt.into(), options, ..RunSpec::default() }
}
