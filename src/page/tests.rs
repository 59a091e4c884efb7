//! The page as a whole, with engines that only pretend to compute.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::runs::{Command, Phase, Round, Shown, spec_of_link};
use super::*;
use crate::explain::{By, CheckpointInfo, ModelReport, PromptToken, ResponseToken, Role, Seconds, Unit};
use crate::protocol::{Prompt, Response, Run};
use crate::share::link::{Link, Origin, Precision};
use crate::share::screen::{Inside, Options, Reading, Selection, Tab, Whose};
use crate::share::{Export, RunSpec};

fn model(weights: &str) -> Model {
    let info = CheckpointInfo {
        name: format!("Model {weights}"),
        weights: weights.to_owned(),
        tokenizer: "words".into(),
        parameters: 1_000_000_000,
        ..CheckpointInfo::default()
    };
    Model { info, template: None, origin: Origin::Urls(vec![format!("https://models.example/{weights}")]) }
}

fn token(id: u32, text: &str) -> ResponseToken {
    let (top, top_text) = (Vec::new(), Vec::new());
    ResponseToken { id, text: text.into(), bytes: None, probability: 0.5, rank: 1, entropy: 1.0, top, top_text }
}

/// What an engine that has `info` loaded says to `run`: a response that names what was asked, and of which model.
fn report(info: &CheckpointInfo, run: &Run) -> ModelReport {
    let Prompt::Text { text, .. } = &run.prompt else { panic!("the page sends texts") };
    let said = match &run.response {
        Response::Own { .. } => vec![token(7, &format!("{} on {text}", info.weights))],
        Response::Text { text } => vec![token(8, text)],
        Response::Ids { ids } => ids.iter().map(|id| token(*id, "again")).collect(),
    };
    let unit = Unit { text: text.clone(), tokens: vec![0], span: 0..text.len(), role: Role::User };
    let instruction = run.instruction.clone().unwrap_or_else(|| crate::explain::find_instruction(text));
    let mut report = ModelReport {
        checkpoint: info.clone(),
        prompt: vec![PromptToken { id: 1, text: text.clone(), bytes: None, span: 0..text.len(), role: Role::User }],
        importance: vec![vec![1.0; said.len()]],
        response: said,
        units: vec![unit],
        levels: Vec::new(),
        density: Vec::new(),
        instruction_score: None,
        instruction,
        target: run.target,
        by: run.by,
        mode: "forward".into(),
        backend: String::new(),
        seconds: Seconds::default(),
    };
    report.score(Default::default());
    report
}

/// A page with two engines that take requests in order.
#[derive(Default)]
struct Played {
    page: Page,
    queues: [VecDeque<Request>; 2],
    frame: bool,
}

impl Played {
    fn with_both() -> Self {
        let mut played = Self::default();
        played.tell(Msg::Model(Side::Base, Some(model("b"))));
        played.tell(Msg::Model(Side::Tuned, Some(model("t"))));
        played
    }

    fn tell(&mut self, msg: Msg) {
        for effect in self.page.update(msg) {
            match effect {
                Effect::Send(side, request) => self.queues[side.index()].push_back(request),
                Effect::Frame => self.frame = true,
            }
        }
    }

    fn hear(&mut self, side: Side, event: Event) {
        let epoch = self.page.ledger.epoch(side);
        self.tell(Msg::Engine { side, epoch, event, at: 0.0 });
    }

    fn cancelled(&self, side: Side, job: u32) -> bool {
        self.queues[side.index()].iter().any(|r| matches!(r, Request::Cancel { job: j } if *j == job))
    }

    /// The engine of `side` does its next request; tells whether there was one.
    fn work(&mut self, side: Side, fails: bool) -> bool {
        let Some(request) = self.queues[side.index()].pop_front() else { return false };
        let Request::Run { job, run } = request else { return true };
        let info = self.page.facts.model(side).expect("an engine runs what it has").info.clone();
        let whole = report(&info, &run);
        if self.cancelled(side, job) {
            self.hear(side, Event::Failed { job, failure: Failure::Cancelled });
            return true;
        }
        self.hear(side, Event::Started { job, prompt: whole.prompt.clone(), units: whole.units.clone() });
        let end = match fails {
            true => Event::Failed { job, failure: Failure::Cancelled },
            false => {
                let (token, column) = (whole.response[0].clone(), Some(vec![1.0]));
                self.hear(side, Event::Token { job, token, column });
                Event::Finished { job, report: Box::new(whole), memory: 0 }
            }
        };
        self.hear(side, end);
        true
    }

    fn finish(&mut self) {
        while Side::BOTH.into_iter().any(|side| self.work(side, false)) {}
    }

    fn run(&mut self, spec: &RunSpec) {
        self.tell(Msg::Runs(Command::Run(spec.clone())));
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

/// Issue 14, point 3: the listener explains the speaker's answer under the prompt it was given to, whatever is typed
/// meanwhile. The core has no editor to read; what is run is what was asked.
#[test]
fn the_listener_is_asked_what_the_speaker_was() {
    let mut played = Played::with_both();
    played.run(&spec("one", Whose::Tuned));
    assert_eq!(played.round().half(Side::Base).phase, Phase::Waits);
    played.work(Side::Tuned, false);
    let asked = played.queues[0].front().cloned();
    let Some(Request::Run { run, .. }) = asked else { panic!("the base is asked: {asked:?}") };
    assert_eq!(run.prompt, Prompt::Text { text: "one".into(), template: Default::default() });
    assert_eq!(run.response, Response::Ids { ids: vec![7] });
    played.finish();
    assert!(!played.round().is_running() && played.round().half(Side::Base).given);
}

/// Point 4: each report is exported under the prompt, the mark and the checkpoint that made it.
#[test]
fn what_is_exported_is_what_was_asked_and_where_it_came_from() {
    let mut played = Played::with_both();
    let asked = RunSpec { marked: Some(0..3), ..spec("one two", Whose::Own) };
    played.run(&asked);
    played.finish();
    played.tell(Msg::Model(Side::Base, Some(model("another"))));
    let export = played.round().export().unwrap();
    assert_eq!((export.prompt.as_str(), export.spec.as_ref()), ("one two", Some(&asked)));
    assert_eq!(export.models.base.as_ref().unwrap().instruction, 0..3);
    let origin = played.round().half(Side::Base).origin.clone();
    assert_eq!(origin, Some(Origin::Urls(vec!["https://models.example/b".into()])));
    let text = serde_json::to_string(&export).unwrap();
    let read = Export::read("it.json", &text).unwrap();
    let again = Round::of_export(read, Shown::Linked, [(); 2].map(|()| Origin::Elsewhere));
    assert_eq!(again.export().unwrap(), export);
}

/// Point 5: a mark belongs to the prompt in which it was made.
#[test]
fn a_mark_in_an_edited_prompt_leaves_the_old_result_alone() {
    let mut played = Played::with_both();
    played.run(&spec("Say hello to everyone here.", Whose::Own));
    played.finish();
    let before = played.round().report(Side::Tuned).unwrap();
    let mark = |prompt: &str| Msg::Runs(Command::Mark { prompt: prompt.into(), marked: Some(0..3) });
    played.tell(mark("Say hello to nobody."));
    assert_eq!(played.round().report(Side::Tuned).unwrap(), before);
    played.tell(mark("Say hello to everyone here."));
    assert_eq!(played.round().report(Side::Tuned).unwrap().instruction, 0..3);
}

/// Point 6: what a link shows is computed again as the link says, not as the page is set.
#[test]
fn a_link_is_computed_again_as_it_says() {
    let mut played = Played::with_both();
    let asked = RunSpec { marked: Some(0..3), by: By::Sentence, ..spec("one two", Whose::Typed) };
    played.run(&asked);
    played.finish();
    let link = Link {
        prompt: asked.prompt.clone(),
        marked: asked.marked.clone(),
        options: asked.options.clone(),
        reading: Reading { by: By::Word, ..Reading::default() },
        tab: Tab::Prompt,
        inside: Inside::default(),
        seen: Side::BOTH.map(|side| played.round().seen(side)),
        precision: Precision::ladder(Default::default()).remove(0),
    };
    let sent = Link::decode(&link.encode(0).0).unwrap().unwrap();
    assert_eq!(spec_of_link(&sent), asked);
    assert_eq!(*Round::of_link(&sent).spec.as_ref(), asked);
}

/// Point 1: what is looked into is what the model that is there has read.
#[test]
fn another_models_tokens_are_not_read_by_this_one() {
    let mut played = Played::with_both();
    played.run(&spec("one", Whose::Own));
    played.finish();
    let sequence = |played: &Played| played.round().sequence(Side::Base, &played.page.facts);
    assert_eq!(sequence(&played), [1, 7]);
    played.tell(Msg::Model(Side::Base, Some(model("another"))));
    assert!(sequence(&played).is_empty());
    played.tell(Msg::Model(Side::Base, Some(model("b"))));
    assert_eq!(sequence(&played), [1, 7]);
}

/// A file from before specifications were kept still tells what was asked.
#[test]
fn an_old_file_is_computed_again_as_it_was() {
    let mut played = Played::with_both();
    let asked = RunSpec { marked: Some(0..3), by: By::Word, ..spec("one two", Whose::Typed) };
    played.run(&asked);
    played.finish();
    let export = Export { spec: None, ..played.round().export().unwrap() };
    let found = export.asked();
    let options = Options { chat: crate::share::screen::Chat::Off, ..asked.options.clone() };
    assert_eq!(found, RunSpec { options, ..asked });
}

/// A run of which nothing comes leaves the results before it; those of another run never stand beside new ones.
#[test]
fn results_of_two_runs_never_stand_side_by_side() {
    let mut played = Played::with_both();
    played.run(&spec("one", Whose::Own));
    played.finish();
    played.run(&spec("two", Whose::Own));
    played.work(Side::Base, true);
    assert_eq!((played.round().spec.prompt.as_str(), played.said(Side::Base).as_str()), ("two", ""));
    played.work(Side::Tuned, false);
    assert_eq!((played.said(Side::Base).as_str(), played.said(Side::Tuned).as_str()), ("", "t on two"));
    // and when nothing comes of either, what was there is there again, under the reason
    played.run(&spec("three", Whose::Own));
    assert!(played.work(Side::Base, true) && played.work(Side::Tuned, true));
    assert_eq!((played.round().spec.prompt.as_str(), played.said(Side::Tuned).as_str()), ("two", "t on two"));
    assert_eq!(played.round().half(Side::Base).failure, Some(Failure::Cancelled));
}

#[test]
fn a_run_that_begins_while_another_is_on_its_way_takes_its_place() {
    let mut played = Played::with_both();
    played.run(&spec("one", Whose::Tuned));
    played.run(&spec("two", Whose::Own));
    played.finish();
    assert_eq!((played.said(Side::Base).as_str(), played.said(Side::Tuned).as_str()), ("b on two", "t on two"));
}

#[test]
fn with_one_model_the_other_half_is_empty_and_with_none_the_page_says_so() {
    let mut played = Played::with_both();
    played.run(&spec("one", Whose::Own));
    played.finish();
    played.tell(Msg::Model(Side::Base, None));
    played.run(&spec("two", Whose::Own));
    played.finish();
    assert!(played.round().half(Side::Base).is_empty(), "the base's result is of another prompt");
    assert_eq!(played.said(Side::Tuned), "t on two");
    let mut alone = Played::default();
    alone.run(&spec("one", Whose::Own));
    assert_eq!(alone.round().half(Side::Base).failure, Some(Failure::NotLoaded));
}

#[test]
fn an_engine_that_is_gone_ends_its_run_and_is_not_heard_any_more() {
    let mut played = Played::with_both();
    played.run(&spec("one", Whose::Tuned));
    let Some(Request::Run { job, run }) = played.queues[1].pop_front() else { panic!() };
    played.tell(Msg::Gone(Side::Tuned, Failure::Crashed("boom".into())));
    assert!(!played.round().is_running());
    let late = Event::Finished { job, report: Box::new(report(&model("t").info, &run)), memory: 0 };
    played.tell(Msg::Engine { side: Side::Tuned, epoch: 0, event: late, at: 0.0 });
    assert!(played.round().half(Side::Tuned).is_empty());
    assert_eq!(played.round().half(Side::Tuned).failure, Some(Failure::Crashed("boom".into())));
}

#[test]
fn tokens_are_drawn_once_a_frame() {
    let mut played = Played::with_both();
    played.run(&spec("one", Whose::Own));
    let Some(Request::Run { job, .. }) = played.queues[0].pop_front() else { panic!() };
    for i in 0..3 {
        played.hear(Side::Base, Event::Token { job, token: token(i, "x"), column: Some(vec![1.0]) });
    }
    assert!(played.frame && played.said(Side::Base).is_empty());
    played.tell(Msg::Frame);
    assert_eq!(played.said(Side::Base), "xxx");
}

/// What may happen, in any order.
#[derive(Debug, Clone)]
enum Step {
    Run(usize, Whose),
    Stop,
    Mark(usize),
    Work(Side, bool),
    Model(Side, Option<usize>),
    Crash(Side),
    Frame,
    Select(Side),
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Base), Just(Side::Tuned)]
}

fn step() -> impl Strategy<Value = Step> {
    let whose = prop_oneof![Just(Whose::Own), Just(Whose::Tuned), Just(Whose::Base), Just(Whose::Typed)];
    prop_oneof![
        3 => (0..3usize, whose).prop_map(|(i, whose)| Step::Run(i, whose)),
        1 => Just(Step::Stop),
        1 => (0..3usize).prop_map(Step::Mark),
        6 => (side(), prop::bool::weighted(0.2)).prop_map(|(side, fails)| Step::Work(side, fails)),
        1 => (side(), prop::option::weighted(0.8, 0..2usize)).prop_map(|(side, i)| Step::Model(side, i)),
        1 => side().prop_map(Step::Crash),
        1 => Just(Step::Frame),
        1 => side().prop_map(Step::Select),
    ]
}

const PROMPTS: [&str; 3] = ["Say one.", "Say two to me. Please.", "Three"];

impl Played {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Run(i, whose) => self.run(&spec(PROMPTS[*i], *whose)),
            Step::Stop => self.tell(Msg::Runs(Command::Stop)),
            Step::Mark(i) => {
                self.tell(Msg::Runs(Command::Mark { prompt: PROMPTS[*i].into(), marked: Some(0..3) }));
            }
            Step::Work(side, fails) => _ = self.work(*side, *fails),
            // an engine takes a model when it has done what it was asked before
            Step::Model(side, i) => {
                while self.work(*side, false) {}
                self.tell(Msg::Model(*side, i.map(|i| model(["x", "y"][i]))));
            }
            Step::Crash(side) => {
                self.queues[side.index()].clear();
                self.tell(Msg::Gone(*side, Failure::Crashed("boom".into())));
                self.tell(Msg::Model(*side, Some(model("again"))));
            }
            Step::Frame => self.tell(Msg::Frame),
            Step::Select(side) => {
                let selection = Selection { row: Some(0), column: None };
                self.tell(Msg::Runs(Command::Select(*side, selection)));
            }
        }
    }

    /// What must hold at any time.
    fn check(&self) {
        let round = self.round();
        let options = &round.spec.options;
        for side in Side::BOTH {
            let half = round.half(side);
            // every job that is shown is in the ledger, and every job in it is shown
            let open: Vec<u32> = self.page.ledger.open_jobs(side).map(|(job, _)| job).collect();
            assert_eq!(open, half.job().into_iter().collect::<Vec<_>>());
            let Some(report) = &half.report else { continue };
            // a result is of the prompt and the response that its round asks for
            assert_eq!(report.prompt[0].text, round.spec.prompt);
            let said: String = report.response.iter().map(|t| t.text.as_str()).collect();
            match options.whose {
                Whose::Typed => assert_eq!(said, options.typed),
                Whose::Own => assert!(said.ends_with(&format!(" on {}", round.spec.prompt)), "{said}"),
                Whose::Tuned => assert_eq!(half.given, side == Side::Base),
                Whose::Base => assert_eq!(half.given, side == Side::Tuned),
            }
            assert_eq!(round.report(side).unwrap().instruction, round.spec.instruction());
        }
        if let Some(export) = round.export() {
            let read = Export::read("it", &serde_json::to_string(&export).unwrap()).unwrap();
            let again = Round::of_export(read, Shown::Linked, [(); 2].map(|()| Origin::Elsewhere));
            assert_eq!(again.export().unwrap(), export);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn in_any_order_the_picture_is_what_was_asked(steps in prop::collection::vec(step(), 1..40)) {
        let mut played = Played::with_both();
        for step in &steps {
            played.take(step);
            played.check();
        }
        played.finish();
        played.check();
        prop_assert!(!played.round().is_running(), "nothing is at work when the engines are done");
    }
}
