//! Commands and events in any order: the picture is what its caption says.

use proptest::prelude::*;

use super::*;
use crate::explain::findings::PromptCase;
use crate::page::edited;
use crate::page::history::Command as Keep;
use crate::page::linked::Again;
use crate::page::runs::{self, Half};
use crate::page::scores::Command as Measure;
use crate::page::study::Command as OfStudy;
use crate::page::text as page_text;
use crate::page::weights::{Command as Look, Task, Words};
use crate::share::screen::Chat;

/// What may happen.
#[derive(Debug, Clone)]
enum Step {
    Run(usize, Whose),
    Stop,
    Mark(usize),
    Unit(usize),
    Turns(usize),
    Work(Side, bool),
    Load(Side, usize),
    CancelLoad(Side),
    Begin,
    Crash(Side),
    Frame,
    Select(Side),
    Open(Tab),
    Head(usize),
    Concepts(usize),
    Read(HeadReading),
    Pause(bool),
    Words(u32),
    Measure(Measure),
    Press,
    EndPause,
    Check(gpu_check::Command),
    List,
    Hub(hub::Command),
    Chat(Chat),
    Wait(waiting::Command),
    Link,
    Recompute,
    Method(usize),
    Why(Side, usize),
    Plain,
    CheckPicture(Side),
    StopCheck(Side),
    Text(page_text::Command),
    Word(Side, usize),
    Edited(edited::Command),
    Past(Keep),
    Study(OfStudy),
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Base), Just(Side::Tuned)]
}

fn step() -> impl Strategy<Value = Step> {
    let whose = prop_oneof![Just(Whose::Own), Just(Whose::Tuned), Just(Whose::Base), Just(Whose::Typed)];
    let tab = prop_oneof![Just(Tab::Prompt), Just(Tab::Heads), Just(Tab::Concepts), Just(Tab::Findings)];
    let reading = prop_oneof![Just(HeadReading::Relation), Just(HeadReading::Paper)];
    prop_oneof![
        3 => (0..3usize, whose).prop_map(|(i, whose)| Step::Run(i, whose)),
        1 => Just(Step::Stop),
        1 => (0..3usize).prop_map(Step::Mark),
        1 => (0..3usize).prop_map(Step::Unit),
        1 => (0..3usize).prop_map(Step::Turns),
        10 => (side(), prop::bool::weighted(0.2)).prop_map(|(side, fails)| Step::Work(side, fails)),
        1 => (side(), 0..3usize).prop_map(|(side, i)| Step::Load(side, i)),
        1 => side().prop_map(Step::CancelLoad),
        1 => Just(Step::Begin),
        1 => side().prop_map(Step::Crash),
        1 => Just(Step::Frame),
        1 => side().prop_map(Step::Select),
        2 => tab.prop_map(Step::Open),
        1 => (0..LAYERS).prop_map(Step::Head),
        1 => (0..LAYERS).prop_map(Step::Concepts),
        1 => reading.prop_map(Step::Read),
        1 => any::<bool>().prop_map(Step::Pause),
        1 => (0..2u32).prop_map(Step::Words),
        2 => measure().prop_map(Step::Measure),
        1 => Just(Step::Press),
        1 => Just(Step::EndPause),
        1 => prop_oneof![Just(gpu_check::Command::Start), Just(gpu_check::Command::Stop)].prop_map(Step::Check),
        1 => Just(Step::List),
        2 => (side(), 0..6usize).prop_map(|(side, i)| Step::Hub(hubs::command(side, i))),
        1 => prop_oneof![Just(Chat::Off), Just(Chat::Both), Just(Chat::TunedOnly)].prop_map(Step::Chat),
        1 => prop_oneof![Just(waiting::Command::Need), Just(waiting::Command::Cancel)].prop_map(Step::Wait),
        1 => Just(Step::Link),
        1 => Just(Step::Recompute),
        1 => (0..4usize).prop_map(Step::Method),
        2 => (side(), 0..5usize).prop_map(|(side, i)| Step::Why(side, i)),
        1 => Just(Step::Plain),
        2 => side().prop_map(Step::CheckPicture),
        1 => side().prop_map(Step::StopCheck),
        3 => text().prop_map(Step::Text),
        3 => (side(), 0..5usize).prop_map(|(side, i)| Step::Word(side, i)),
        1 => edit().prop_map(Step::Edited),
        3 => past().prop_map(Step::Past),
        3 => of_study().prop_map(Step::Study),
    ]
}

fn text() -> impl Strategy<Value = page_text::Command> {
    use page_text::Command;
    prop_oneof![
        3 => prop::bool::weighted(0.8).prop_map(Command::Open),
        1 => side().prop_map(Command::Whose),
        1 => (0..3usize).prop_map(Command::Choose),
        1 => any::<bool>().prop_map(Command::Layers),
        1 => Just(Command::Cells),
        1 => Just(Command::Stop),
        1 => Just(Command::GoOn),
    ]
}

fn edit() -> impl Strategy<Value = edited::Command> {
    use edited::Command;
    prop_oneof![Just(Command::Answer), Just(Command::Stop), Just(Command::Again), Just(Command::Close)]
}

fn past() -> impl Strategy<Value = Keep> {
    prop_oneof![
        2 => (1..6u32).prop_map(Keep::Show),
        2 => Just(Keep::Back),
        1 => Just(Keep::Forward),
        1 => (1..6u32).prop_map(Keep::Pin),
        1 => (1..6u32).prop_map(Keep::Remove),
        1 => Just(Keep::Clear),
        1 => Just(Keep::Restore),
    ]
}

fn of_study() -> impl Strategy<Value = OfStudy> {
    prop_oneof![
        2 => Just(()).prop_map(|()| OfStudy::Opened("s.json".into(), Box::new(super::studies::report()))),
        1 => (0..4usize).prop_map(OfStudy::Pair),
        3 => (0..3usize).prop_map(OfStudy::Show),
        1 => Just(OfStudy::Back),
        2 => Just(OfStudy::Close),
    ]
}

fn measure() -> impl Strategy<Value = Measure> {
    let set = |n: usize| (0..n).map(|i| PromptCase { prompt: format!("Say {i}."), instruction: None, response: None });
    prop_oneof![
        (1..4usize).prop_map(move |n| Measure::Take("set".into(), set(n).collect())),
        Just(Measure::Start),
        Just(Measure::Again),
        Just(Measure::Stop),
        any::<bool>().prop_map(Measure::Own),
    ]
}

const PROMPTS: [&str; 3] = ["Say one.", "Say two to me. Please.", "Three"];

impl Played {
    fn take(&mut self, step: &Step) {
        let look = |command| Msg::Weights(command);
        match step {
            Step::Run(i, whose) => self.run(&spec(PROMPTS[*i], *whose)),
            Step::Stop => self.tell(Msg::Runs(Command::Stop)),
            Step::Mark(i) => {
                self.tell(Msg::Edit(editor::Command::Prompt(PROMPTS[*i].into())));
                self.tell(Msg::Edit(editor::Command::Mark(Some(0..3))));
            }
            Step::Unit(at) => {
                self.tell(Msg::Edit(editor::Command::Unit(2 * at..2 * at + 3)));
                self.tell(Msg::Edit(editor::Command::TemplateRow(*at == 1)));
            }
            Step::Turns(i) => {
                let turn =
                    |text: &&str| editor::Before { text: (*text).into(), explained: *i == 2, ..Default::default() };
                let before = PROMPTS[..*i].iter().map(turn).collect();
                let conversation = editor::Conversation { before, prompt_left_out: *i == 2 };
                self.tell(Msg::Edit(editor::Command::Conversation(conversation)));
            }
            Step::Work(side, fails) => _ = self.work(*side, *fails),
            Step::Load(side, i) => self.begin_load(*side, ["x", "y", "z"][*i]),
            Step::CancelLoad(side) => self.tell(Msg::Slots(slots::Command::Cancel(*side))),
            Step::Begin => {
                self.tell(Msg::Slots(slots::Command::Remembered([Some(at("x")), None])));
                self.tell(Msg::Slots(slots::Command::Begin { wanted: [None, None] }));
            }
            Step::Press => self.tell(Msg::Run),
            Step::Chat(chat) => {
                let options = Options { chat: *chat, ..(*self.page.facts.editor.options).clone() };
                self.tell(Msg::Edit(editor::Command::Options(options)));
            }
            Step::Wait(command) => self.tell(Msg::Waiting(command.clone())),
            Step::Link => {
                // what is on screen, sent to oneself
                let sent = self.link();
                if let Some(sent) = sent {
                    self.tell(Msg::Linked(linked::Command::Address(sent)));
                }
            }
            Step::Method(i) => self.tell(Msg::Edit(editor::Command::How(methods::how(*i)))),
            Step::Why(side, i) => self.ask(*side, methods::other(*i)),
            Step::Plain => self.tell(Msg::Runs(Command::Plain)),
            Step::CheckPicture(side) => self.check_picture(*side),
            Step::StopCheck(side) => self.tell(Msg::Runs(Command::StopCheck(*side))),
            Step::Text(command) => self.tell(Msg::Text(command.clone())),
            Step::Word(side, i) => self.edit(*side, super::edited::change(*i)),
            Step::Edited(command) => self.tell(Msg::Edited(command.clone())),
            Step::Past(command) => self.tell(Msg::History(command.clone())),
            Step::Study(command) => self.tell(Msg::Study(command.clone())),
            Step::Recompute => self.tell(Msg::Linked(linked::Command::Recompute)),
            Step::Crash(side) => self.crash(*side),
            Step::Frame => self.tell(Msg::Frame),
            Step::EndPause => self.end_pause(),
            Step::Check(command) => self.tell(Msg::GpuCheck(*command)),
            Step::List => self.tell(Msg::Stored(stored::Command::List)),
            Step::Hub(command) => self.tell(Msg::Hub(command.clone())),
            Step::Select(side) => {
                let selection = Selection { row: Some(0), column: None };
                self.tell(Msg::Runs(Command::Select(*side, selection)));
            }
            Step::Open(tab) => self.tell(Msg::Open(*tab)),
            Step::Head(layer) => self.tell(look(Look::Head(*layer, 1))),
            Step::Concepts(layer) => self.tell(look(Look::Concepts(*layer))),
            Step::Read(reading) => self.tell(look(Look::Read(*reading))),
            Step::Measure(command) => self.tell(Msg::Scores(command.clone())),
            Step::Pause(paused) => self.tell(look(Look::Pause(*paused))),
            Step::Words(files) => {
                let words = Words { files: Files(*files), list: true, vectors: false, judge: false };
                self.tell(look(Look::Words(words)));
            }
        }
    }

    /// What must hold at any time.
    fn check(&self) {
        for side in Side::BOTH {
            // every job that is shown is in the ledger, and every job in it is shown
            let open: Vec<(u32, Purpose)> = self.page.ledger.open_jobs(side).collect();
            let open: Vec<_> = open.into_iter().filter(|(_, purpose)| *purpose != Purpose::Load).collect();
            let run = self.round().half(side).job().map(|job| (job, Purpose::Run));
            let work = self.page.weights.half(side).work.job.map(|(job, task)| (job, Purpose::Weights(task)));
            let score = self.page.scores.job(side).map(|job| (job, Purpose::Score));
            let prepare = self.page.preparing.job(side).map(|job| (job, Purpose::Prepare));
            let asked = side == gpu_check::ENGINE;
            let check = self.page.gpu_check.job().filter(|_| asked).map(|job| (job, Purpose::Check));
            let store = self.page.stored.jobs().filter(|_| asked).map(|job| (job, Purpose::Store));
            let look = self.page.hub.job(side).map(|job| (job, Purpose::Look));
            let picture = self.page.runs.checks[side.index()].job().map(|job| (job, Purpose::Picture));
            let word =
                self.page.runs.questions.job().filter(|(of, _)| *of == side).map(|(_, job)| (job, Purpose::Word));
            let run = run.into_iter().chain(picture).chain(word);
            let text = self.page.text.jobs(side);
            let all = run.chain(work).chain(score).chain(prepare).chain(check).chain(store).chain(look);
            let mut shown: Vec<(u32, Purpose)> = all.chain(text).chain(self.page.edited.jobs(side)).collect();
            shown.sort_by_key(|(job, _)| *job);
            assert_eq!(open, shown);
            // the chip names what the engine has
            let has = self.engines[side.index()].model.as_ref().map(|m| &m.info.weights);
            assert_eq!(self.page.facts.model(side).map(|m| &m.info.weights), has);
            self.check_result(side);
            self.check_weights(side);
        }
        let can_return = self.page.runs.questions.asked.back_to.is_some();
        assert!(!can_return || runs::is_contrast(&self.round().spec.how), "there is a way back from a question alone");
        self.check_text();
        self.check_edited();
        self.check_history();
        self.check_study();
        if let Some(picture) = &*self.page.linked.picture
            && let Again::Done(found) = &picture.again
        {
            assert_eq!(self.round().shown, Shown::Computed);
            assert_eq!(found.len(), picture.sent.iter().flatten().count());
        }
        if let Some(link) = self.link() {
            let read = Link::decode(&link).unwrap().unwrap();
            assert_eq!(
                spec_of_link(&read),
                RunSpec { marked: self.round().spec.mark(), ..(**self.round().spec).clone() }
            );
            let said = |round: &Round| {
                let text = |half: &Half| half.response.iter().map(|t| t.text.as_str()).collect::<String>();
                Side::BOTH.map(|side| round.half(side).report.is_some().then(|| text(round.half(side))))
            };
            assert_eq!(said(&Round::of_link(&read)), said(self.round()));
        }
        if let Some(export) = self.round().export() {
            let read = Export::read("it", &serde_json::to_string(&export).unwrap()).unwrap();
            let again = Round::of_export(read, Shown::Linked, [(); 2].map(|()| Origin::Elsewhere));
            assert_eq!(again.export().unwrap(), export);
        }
    }

    /// A result is of the prompt and the response that its round asks for.
    fn check_result(&self, side: Side) {
        let (round, half) = (self.round(), self.round().half(side));
        let options = &round.spec.options;
        let Some(report) = &half.report else { return };
        methods::check_picture(&round.spec, report);
        if runs::is_contrast(&round.spec.how) {
            return;
        }
        assert_eq!(report.prompt[0].text, conversation(&round.spec.prompt, &round.spec.turns));
        let said: String = report.response.iter().map(|t| t.text.as_str()).collect();
        match options.whose {
            Whose::Typed => assert_eq!(said, options.typed),
            Whose::Own => assert!(said.ends_with(&format!(" on {}", round.spec.prompt)), "{said}"),
            Whose::Tuned | Whose::Base => {
                let own = said.ends_with(&format!(" on {}", round.spec.prompt));
                assert_eq!(own, !round.is_given(side), "{said}");
            }
        }
        assert_eq!(round.report(side).unwrap().instruction, round.spec.instruction());
    }

    /// What was read is the loaded model's, by the present words and in the present way.
    fn check_weights(&self, side: Side) {
        let (weights, half) = (&self.page.weights, self.page.weights.half(side));
        let Some(model) = self.page.facts.model(side) else { return };
        let lexicon = self.engines[side.index()].lexicon;
        for (layer, heads) in half.heads.iter().enumerate().filter_map(|(i, h)| Some((i, h.as_ref()?))) {
            assert_eq!(heads.layer, layer);
            let [of, _, reading] = [0, 1, 2].map(|i| heads.words.splitn(3, ' ').nth(i).unwrap());
            assert_eq!(of, model.info.weights);
            assert!(reading.ends_with(&format!("{:?}", *weights.reading)), "{}", heads.words);
        }
        // once the engine has taken the user's words, nothing that was read by others is left
        if half.work.words.is_some() && !matches!(half.work.job, Some((_, Task::Words))) && lexicon.is_some() {
            let by = format!(" {lexicon:?} ");
            assert!(half.heads.iter().flatten().all(|heads| heads.words.contains(&by)));
        }
    }

    /// What must hold when the engines have nothing left to do.
    fn check_rest(&self) {
        assert!(!self.round().is_running() && !*self.page.scores.running);
        assert!(self.page.waiting.wishes.is_empty(), "nothing waits for what will not come");
        assert!(!matches!(*self.page.gpu_check.0, gpu_check::Check::Running(..)));
        assert!(self.page.runs.questions.asked.reading.is_none());
        for side in Side::BOTH {
            // once it has had its pause, a model has read the prompt that is in the editor
            let prepared = self.page.preparing.prepared[side.index()].as_ref().map(|p| &p.tokens[0].text);
            let there = self.page.facts.model(side).is_some();
            let asked = self.page.facts.editor.spec();
            assert_eq!(prepared, there.then(|| conversation(&asked.prompt, &asked.turns)).as_ref());
        }
        let again = self.page.linked.picture.as_ref().map(|p| p.again.clone());
        assert!(!matches!(again, Some(Again::Loading | Again::Running)), "{again:?}");
        self.check_text_at_rest();
        self.check_edited_at_rest();
        assert!(!self.page.hub.looks.iter().any(|look| matches!(look, hub::Look::Asking(_))));
        for side in Side::BOTH {
            assert!(self.page.slots.slot(side).loading.is_none());
            assert_eq!(self.page.ledger.open_jobs(side).count(), 0, "no job is left without an end");
        }
        if *self.page.weights.paused {
            return;
        }
        for side in Side::BOTH.into_iter().filter(|s| self.page.facts.model(*s).is_some()) {
            let half = self.page.weights.half(side);
            if half.work.failure.is_some() || self.round().sequence(side, &self.page.facts).is_empty() {
                continue;
            }
            let attention = half.attention.as_ref().map(|a| a.1.layer);
            let firing = half.firing.as_ref().map(|f| f.1.layer);
            match self.page.facts.tab {
                Tab::Heads => assert_eq!(attention, Some(self.page.weights.head.0)),
                Tab::Concepts => assert_eq!(firing, Some(*self.page.weights.concepts)),
                _ => {}
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn in_any_order_the_picture_is_what_was_asked(steps in prop::collection::vec(step(), 1..50)) {
        let mut played = Played::with_both();
        for step in &steps {
            played.take(step);
            played.check();
        }
        played.finish();
        played.end_pause();
        played.finish();
        played.check();
        played.check_rest();
    }
}
