//! The page as a whole, with engines that only pretend to compute.

mod any_order;
mod edited;
mod history;
mod hubs;
mod linked_pictures;
mod loads;
mod measured;
mod methods;
mod overview;
mod prepared;
mod runs;
mod switching;
mod taught;
mod text;
mod waits;
mod weights;

use std::collections::VecDeque;

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

/// What an engine that has `info` loaded says to `run`: a response that names what was asked, and of which model.
fn report(info: &CheckpointInfo, run: &Run) -> ModelReport {
    let Prompt::Text { text, turns, .. } = &run.prompt else { panic!("the page sends texts") };
    let said = match &run.response {
        Response::Own { .. } => vec![token(7, &format!("{} on {text}", info.weights))],
        Response::Text { text } => vec![token(8, text)],
        Response::Ids { ids } => ids.iter().map(|id| token(*id, "again")).collect(),
    };
    let against = match &run.how.against {
        Some(Against::Tokens(ids)) => ids.clone(),
        _ => Vec::new(),
    };
    let unit = Unit { text: text.clone(), tokens: vec![0], span: 0..text.len(), role: Role::User };
    let instruction = run.instruction.clone().unwrap_or_else(|| crate::explain::find_instruction_of(text, turns));
    let mut report = ModelReport {
        checkpoint: info.clone(),
        prompt: vec![PromptToken {
            id: 1,
            text: conversation(text, turns),
            bytes: None,
            span: 0..text.len(),
            role: Role::User,
        }],
        importance: vec![vec![1.0; said.len()]],
        response: said,
        units: vec![unit],
        levels: Vec::new(),
        density: Vec::new(),
        instruction_score: None,
        instruction,
        target: run.target,
        method: run.how.method,
        baseline: run.how.method.has_baseline().then(|| run.how.baseline.clone()),
        steps: None,
        completeness: Vec::new(),
        faithfulness: None,
        against_text: against.iter().map(|id| if *id == 7 { String::new() } else { format!(" other {id}") }).collect(),
        against,
        without: if run.how.interventions.is_empty() { Vec::new() } else { vec![token(7, "without")] },
        interventions: run.how.interventions.clone(),
        by: run.by,
        mode: "forward".into(),
        backend: String::new(),
        seconds: Seconds::default(),
    };
    report.score(Default::default());
    report
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

fn job_of(request: &Request) -> u32 {
    let value = serde_json::to_value(request).unwrap();
    value["job"].as_u64().unwrap() as u32
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
            starting.into_iter().for_each(|side| self.hear(side, Event::Ready));
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

    /// The engine of `side` does its next request; tells whether there was one.
    fn work(&mut self, side: Side, fails: bool) -> bool {
        let engine = &mut self.engines[side.index()];
        while engine.queue.front().is_some_and(|(r, _)| matches!(r, Request::Cancel { .. })) {
            engine.queue.pop_front(); // heard when it comes, and nothing to do of its own
        }
        let Some((request, files)) = engine.queue.pop_front() else { return false };
        let cancelled = |job: u32| {
            engine.queue.iter().any(|(r, _)| matches!(r, Request::Cancel { job: cancelled } if *cancelled == job))
        };
        let without = matches!(
            request,
            Request::Load { .. } | Request::List { .. } | Request::CheckGpu { .. } | Request::Ask { .. }
        );
        if !without && engine.model.is_none() {
            let job = job_of(&request);
            self.hear(side, Event::Failed { job, failure: Failure::NotLoaded });
            return true;
        }
        let event = match request {
            Request::Load { job, source } => return self.do_load(side, job, &source, fails),
            Request::Run { job, .. }
            | Request::Heads { job, .. }
            | Request::Words { job, .. }
            | Request::CheckPicture { job, .. }
                if cancelled(job) =>
            {
                Event::Failed { job, failure: Failure::Cancelled }
            }
            Request::CheckPicture { job, .. } if fails => {
                Event::Failed { job, failure: Failure::Model(ModelError::OtherPicture) }
            }
            Request::CheckPicture { job, run, .. } => methods::checked(job, engine.model.as_ref(), &run),
            Request::Tokenize { job, text } => methods::tokenized(job, engine.model.as_ref(), &text),
            Request::Text { job, .. } if cancelled(job) || fails => Event::Failed { job, failure: Failure::Cancelled },
            Request::Text { job, question } => {
                let name = engine.model.as_ref().map_or("", |m| &m.info.weights);
                Event::Text { job, answer: Box::new(text::answer(name, question)) }
            }
            Request::CheckGpu { job } if cancelled(job) => Event::Failed { job, failure: Failure::Cancelled },
            Request::CheckGpu { job } => Event::Checked { job, gpu: "a GPU".into(), checked: Vec::new() },
            Request::Ask { job, .. } if fails => {
                Event::Failed { job, failure: Failure::Network { url: String::new(), message: "no network".into() } }
            }
            Request::Ask { job, url, .. } => hubs::answer(job, &url),
            Request::List { job } if fails => Event::Failed { job, failure: Failure::NotLoaded },
            Request::List { job } => Event::Listed { job, entries: Vec::new(), results: 1, free: None },
            Request::Prepare { job, prompt, .. } => {
                let Prompt::Text { text, turns, .. } = prompt else { panic!("the page sends texts") };
                let (span, said) = (0..text.len(), conversation(&text, &turns));
                let token = PromptToken { id: 1, text: said, bytes: None, span, role: Role::User };
                Event::Prepared { job, prompt: vec![token], length: Length::of(1, 256), need: None }
            }
            Request::Run { job, run } => return self.do_run(side, job, &run, fails),
            Request::Words { job, .. } => {
                engine.lexicon = files;
                Event::Words { job, count: 100, vectors: None, judge: None }
            }
            Request::Heads { job, layer, reading } => {
                let name = engine.model.as_ref().map_or("", |m| &m.info.weights);
                let words = format!("{name} {:?} {reading:?}", engine.lexicon);
                let heads = LayerHeads { layer, words, heads: vec![NamedHead::default(); 2] };
                Event::Heads { job, reading, heads: Box::new(heads), judged: None }
            }
            Request::Concepts { job, layer } => {
                let concepts = LayerConcepts { layer, ..LayerConcepts::default() };
                Event::Concepts { job, concepts: Box::new(concepts), judged: None }
            }
            Request::Match { job, base } => {
                let (matches, principal, control) = (Vec::new(), Vec::new(), Default::default());
                let matches = LayerMatches { layer: base.layer, matches, principal, control };
                Event::Matches { job, matches: Box::new(matches) }
            }
            Request::Attention { job, layer, .. } => {
                // the second token's attention is the model's own
                let first = if engine.model.as_ref().is_some_and(|m| m.info.weights == "b") { 0.25 } else { 0.75 };
                let heads = vec![Packed(vec![1.0, first, 1.0 - first])];
                let attention = LayerAttention { layer, tokens: 2, heads, rollout: Packed::default() };
                Event::Attention { job, attention: Box::new(attention) }
            }
            Request::Firing { job, layer, .. } => {
                Event::Firing { job, firing: Box::new(LayerFiring { layer, tokens: Vec::new() }) }
            }
            _ => return true,
        };
        self.hear(side, event);
        true
    }

    /// A load that is past its last look at what was cancelled succeeds all the same.
    fn do_load(&mut self, side: Side, job: u32, source: &Source, fails: bool) -> bool {
        if fails {
            let failure = Failure::Http { url: String::new(), status: 404 };
            self.hear(side, Event::Failed { job, failure });
            return true;
        }
        let model = model(&name_of(source));
        self.engines[side.index()].model = Some(model.clone());
        let (info, template, stored, not_kept) = (Box::new(model.info), model.template, None, None);
        self.hear(side, Event::Loaded { job, info, template, stored, not_kept, memory: 0 });
        true
    }

    fn do_run(&mut self, side: Side, job: u32, run: &Run, fails: bool) -> bool {
        let info = self.engines[side.index()].model.as_ref().expect("an engine runs what it has").info.clone();
        let whole = match &run.prompt {
            Prompt::Ids { ids } => text::goes_on(&info, ids, run),
            Prompt::Text { .. } => report(&info, run),
        };
        self.hear(side, Event::Started { job, prompt: whole.prompt.clone(), units: whole.units.clone() });
        let end = match fails {
            true => Event::Failed { job, failure: Failure::Cancelled },
            false => {
                let (token, column) = (whole.response[0].clone(), Some(vec![1.0]));
                self.hear(side, Event::Token { job, token, column });
                Event::Finished { job, report: Box::new(whole), memory: 0, threads: 1 }
            }
        };
        self.hear(side, end);
        true
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
