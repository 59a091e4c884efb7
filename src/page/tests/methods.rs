//! Methods, questions about single words, and the check of a picture: none stands under the caption of another.

use super::*;
use crate::explain::attribution::Mode;
use crate::explain::methods::faithfulness::{Band, Curves, Faithfulness, Order};
use crate::explain::methods::{Baseline, How, Method};
use crate::page::linked::Command as LinkedCommand;
use crate::page::runs::{Ask, Checking, Other, Which, is_contrast};

/// What an engine says of a picture: which it was.
pub(super) fn checked(job: u32, model: Option<&Model>, run: &Run) -> Event {
    let weights = model.map(|m| m.info.weights.clone()).unwrap_or_default();
    let Prompt::Text { text, .. } = &run.prompt else { panic!("the page sends texts") };
    let Response::Ids { ids } = &run.response else { panic!("a picture has a response") };
    assert!(!run.how.check, "a check is asked for by itself");
    let against = match &run.how.against {
        Some(Against::Tokens(ids)) => ids.clone(),
        _ => Vec::new(),
    };
    let said = said(&weights, text, ids, run.how.method, &against);
    Event::PictureChecked { job, weights, found: Box::new(faithfulness(said, run.how.method)) }
}

fn said(weights: &str, text: &str, ids: &[u32], method: Method, against: &[u32]) -> String {
    format!("{weights} on {text}: {ids:?} by {} against {against:?}", method.name())
}

/// What was checked stands where the baseline would: sentences are those of the numbers.
fn faithfulness(checked: String, method: Method) -> Faithfulness {
    let random = Band { low: Vec::new(), mean: Vec::new(), high: Vec::new() };
    let curves = Curves { units: Vec::new(), most_first: Vec::new(), least_first: Vec::new(), random };
    let (deletion, insertion) = (curves.clone(), curves);
    let order = Order { units: 1, deletion, insertion, abpc: 0.0, beaten_by_most: 0, beaten_by_least: 0 };
    let baseline = Baseline::Text(checked);
    Faithfulness { baseline, order, cells: Vec::new(), said: String::new() }.told_anew(method)
}

/// A picture is by the method and of the question that its caption names, and so is its check.
pub(super) fn check_picture(spec: &RunSpec, report: &ModelReport) {
    let asked = match &spec.how.against {
        Some(Against::Tokens(ids)) => ids.clone(),
        _ => Vec::new(),
    };
    assert_eq!((report.method, &report.against), (spec.how.method, &asked));
    assert_eq!(report.why().is_some(), is_contrast(&spec.how) && asked != [7]);
    if let Some(found) = &report.faithfulness {
        let ids: Vec<u32> = report.response.iter().map(|t| t.id).collect();
        let weights = &report.checkpoint.weights;
        let checked = said(weights, &spec.prompt, &ids, report.method, &report.against);
        assert_eq!(found.baseline, Baseline::Text(checked));
    }
}

/// A word is two tokens if it holds a dash; "again" is what the response has.
pub(super) fn tokenized(job: u32, model: Option<&Model>, text: &str) -> Event {
    let weights = model.map(|m| m.info.weights.clone()).unwrap_or_default();
    let parts = text.split_inclusive('-').filter(|part| !part.trim().is_empty());
    let id = |part: &str| if part.trim_end_matches('-').trim() == "again" { 7 } else { 30 };
    let tokens = parts.map(|part| (id(part), part.to_owned())).collect();
    Event::Tokenized { job, weights, tokens }
}

pub(super) fn how(i: usize) -> How {
    let method = [Method::GradientInput, Method::GradientNorm, Method::IntegratedGradients, Method::Occlusion][i];
    How { method, baseline: Baseline::Text("…".into()), ..How::default() }
}

pub(super) fn other(i: usize) -> Other {
    match i {
        0 => Other::Token(7),
        1 => Other::Token(9),
        2 => Other::Text("word".into()),
        3 => Other::Text("again-st".into()),
        _ => Other::Text("two-fold".into()),
    }
}

impl Played {
    fn which(&self, side: Side) -> Option<Which> {
        Which::of(self.round(), side)
    }

    /// Why the first word of the response of `side`, and not `other`; nothing where there is no whole picture.
    pub(super) fn ask(&mut self, side: Side, other: Other) {
        if let Some(which) = self.which(side) {
            self.tell(Msg::Wish(Wish::Why(Box::new(Ask { which, token: 0, other }))));
        }
    }

    pub(super) fn check_picture(&mut self, side: Side) {
        if let Some(which) = self.which(side) {
            self.tell(Msg::Wish(Wish::Check(Box::new(which))));
        }
    }

    fn note(&self) -> Option<&str> {
        self.page.runs.questions.asked.note.as_ref().map(|(_, note)| note.as_str())
    }

    fn found(&self, side: Side) -> Option<&str> {
        match &self.round().half(side).report.as_ref()?.faithfulness.as_ref()?.baseline {
            Baseline::Text(checked) => Some(checked),
            _ => None,
        }
    }

    fn why(&self, side: Side) -> Option<String> {
        Some(self.round().half(side).report.as_ref()?.why()?.words())
    }
}

fn after_a_run(whose: Whose) -> Played {
    let mut played = Played::with_both();
    played.run(&spec("one two", whose));
    played.finish();
    played
}

fn last_run(played: &Played, side: Side) -> Run {
    let runs = played.asked[side.index()].iter().rev();
    runs.clone().find_map(|r| if let Request::Run { run, .. } = r { Some(run.clone()) } else { None }).unwrap()
}

/// What is chosen is asked of both models, stays with the result, and is set again by its file and its link.
#[test]
fn a_method_is_frozen_into_the_run_and_travels_with_it() {
    let mut played = Played::with_both();
    played.tell(Msg::Edit(editor::Command::Prompt("one two".into())));
    let chosen = How { steps: Some(64), ..how(2) };
    played.tell(Msg::Edit(editor::Command::How(chosen.clone())));
    played.tell(Msg::Run);
    played.finish();
    assert_eq!(Side::BOTH.map(|side| last_run(&played, side).how), [chosen.clone(), chosen.clone()]);
    // another choice changes nothing of what is on screen
    played.tell(Msg::Edit(editor::Command::How(how(3))));
    assert_eq!(played.round().spec.how, chosen);
    let link = played.link().unwrap();
    played.tell(Msg::Linked(LinkedCommand::Address(link)));
    assert_eq!((&*played.page.facts.editor.how, &played.round().spec.how), (&chosen, &chosen));
    assert_eq!(
        played.round().report(Side::Tuned).unwrap().what(),
        "integrated gradients of the probability, against \"…\""
    );
    // and "Recompute here" asks for it again, whatever is chosen meanwhile
    played.tell(Msg::Edit(editor::Command::How(how(0))));
    played.tell(Msg::Linked(LinkedCommand::Recompute));
    played.finish();
    assert_eq!(last_run(&played, Side::Base).how, chosen);
}

/// A method has a need of its own of memory, which is asked for before the run.
#[test]
fn another_method_asks_what_the_run_needs() {
    let mut played = Played::with_both();
    played.end_pause();
    let mut asked = |how: How| {
        played.tell(Msg::Edit(editor::Command::How(how)));
        played.end_pause();
        let last = played.asked[1].iter().rev().find_map(|r| match r {
            Request::Prepare { how, mode, .. } => Some((how.method, *mode)),
            _ => None,
        });
        last.unwrap()
    };
    assert_eq!(asked(how(3)), (Method::Occlusion, Mode::Auto));
    assert_eq!(asked(how(2)), (Method::IntegratedGradients, Mode::Auto));
    assert_eq!(how(2).mode(Mode::Forward), Mode::Reverse, "its gradients go backwards");
}

/// A question is put to both models, about the same response; one click leads back to the picture as it was.
#[test]
fn a_question_explains_the_same_response_again_and_leads_back() {
    let mut played = after_a_run(Whose::Own);
    let before = played.round().clone();
    played.ask(Side::Tuned, Other::Token(9));
    assert!(played.round().is_running() && played.round().spec.options.whose == Whose::Tuned);
    for side in Side::BOTH {
        let run = last_run(&played, side);
        assert_eq!(run.response, Response::Ids { ids: vec![7] });
        assert_eq!(run.how.against, Some(Against::Tokens(vec![9])));
    }
    played.finish();
    assert_eq!(
        Side::BOTH.map(|side| played.why(side)),
        [(); 2].map(|()| Some("why \"again\" and not \"other 9\"".into()))
    );
    assert!(played.round().half(Side::Base).view(&played.round().spec, &Default::default()).score.is_none());
    // a question from there goes back to the same picture
    played.ask(Side::Base, Other::Token(11));
    played.finish();
    assert_eq!(played.why(Side::Tuned).as_deref(), Some("why \"again\" and not \"other 11\""));
    assert!(played.page.runs.questions.asked.back_to.is_some());
    played.tell(Msg::Runs(Command::Plain));
    assert_eq!(*played.round(), before);
    assert!(played.page.runs.questions.asked.back_to.is_none());
}

/// What was marked meanwhile is marked in the picture that returns.
#[test]
fn a_mark_reaches_the_picture_behind_a_question() {
    let mut played = Played::with_both();
    played.tell(Msg::Edit(editor::Command::Prompt("one two".into())));
    played.tell(Msg::Run);
    played.finish();
    played.ask(Side::Tuned, Other::Token(9));
    played.finish();
    played.tell(Msg::Edit(editor::Command::Mark(Some(0..3))));
    played.tell(Msg::Runs(Command::Plain));
    assert_eq!(played.round().spec.marked, Some(0..3));
}

/// A question that is stopped leaves the picture that it was put to, and another run has no way back to it.
#[test]
fn a_question_of_which_nothing_comes_leaves_its_picture() {
    let mut played = after_a_run(Whose::Tuned);
    let before = played.round().spec.clone();
    played.ask(Side::Tuned, Other::Token(9));
    played.tell(Msg::Stop);
    while Side::BOTH.into_iter().any(|side| played.work(side, true)) {}
    assert_eq!((&played.round().spec, played.page.runs.questions.asked.back_to), (&before, None));
    assert!(played.round().report(Side::Base).is_some());
    played.ask(Side::Tuned, Other::Token(9));
    played.finish();
    played.run(&spec("three", Whose::Own));
    assert!(played.page.runs.questions.asked.back_to.is_none());
    // nothing comes of that run: the question is there again, with its way back
    while Side::BOTH.into_iter().any(|side| played.work(side, true)) {}
    assert!(is_contrast(&played.round().spec.how) && played.page.runs.questions.asked.back_to.is_some());
}

/// A word that is typed is read by the engine; what cannot be asked is said, and what is asked about instead.
#[test]
fn a_typed_word_is_asked_about_by_its_first_token() {
    let mut played = after_a_run(Whose::Own);
    for (typed, note) in [("", "Type the word"), ("again", "is the word that"), ("again-st", "begins with")] {
        played.ask(Side::Tuned, Other::Text(typed.into()));
        played.finish();
        assert!(played.note().is_some_and(|said| said.contains(note)), "{typed}: {:?}", played.note());
        assert!(!is_contrast(&played.round().spec.how));
    }
    played.ask(Side::Tuned, Other::Text("two-fold".into()));
    assert_eq!(played.note(), None, "what was said of another word is gone");
    assert_eq!(played.page.runs.questions.asked.reading, Some(Side::Tuned));
    played.finish();
    assert!(played.note().unwrap().contains("as 2 tokens") && played.why(Side::Tuned).is_some());
    played.tell(Msg::Runs(Command::Plain));
    assert_eq!(played.note(), None);
}

/// A word that is read for one picture is not asked of another that has come meanwhile.
#[test]
fn a_word_comes_too_late_for_another_picture() {
    let mut played = after_a_run(Whose::Own);
    played.ask(Side::Tuned, Other::Text("word".into()));
    played.run(&spec("three", Whose::Own));
    played.finish();
    assert!(!is_contrast(&played.round().spec.how) && played.round().spec.prompt == "three");
}

/// Tokens are numbers of one vocabulary: a model with another is not asked about them.
#[test]
fn a_model_with_other_tokens_is_not_asked() {
    let mut played = after_a_run(Whose::Own);
    let mut other = played.page.facts.model(Side::Base).unwrap().clone();
    other.info.tokenizer = "pieces".into();
    played.page.facts.set(Side::Base, Some(other));
    played.ask(Side::Tuned, Other::Token(9));
    played.finish();
    assert!(played.why(Side::Tuned).is_some() && played.round().half(Side::Base).is_empty());
}

/// A model with other tokens that comes between a question and its answer does not answer it.
#[test]
fn a_model_that_comes_meanwhile_does_not_answer() {
    let mut played = after_a_run(Whose::Own);
    played.ask(Side::Tuned, Other::Token(9));
    let Some(Request::Run { job, run }) = played.next_request(Side::Tuned) else { panic!() };
    let mut other = model("t").info;
    other.tokenizer = "pieces".into();
    let report = Box::new(report(&other, &run));
    played.hear(Side::Tuned, Event::Finished { job, report, memory: 0, threads: 1 });
    played.finish();
    assert_eq!(played.round().half(Side::Tuned).failure, Some(Failure::OtherModel));
    assert!(played.why(Side::Tuned).is_none() && played.why(Side::Base).is_some());
}

/// A question, or a check, of a picture whose model is not there any more is refused in words.
#[test]
fn another_model_is_not_asked_about_a_picture() {
    let mut played = after_a_run(Whose::Own);
    played.load(Side::Tuned, "another");
    played.ask(Side::Tuned, Other::Token(9));
    assert!(played.note().unwrap().starts_with("Another model") && !played.round().is_running());
    played.check_picture(Side::Tuned);
    assert_eq!(played.page.runs.checks[1], Checking::Failed(Failure::OtherModel));
    // one that is on its way when the check is asked for
    played.begin_load(Side::Base, "another");
    played.check_picture(Side::Base);
    played.finish();
    assert_eq!(played.found(Side::Base), None);
}

/// The result of a check is the picture's: it leaves with it, and returns with it.
#[test]
fn a_check_belongs_to_its_picture() {
    let mut played = after_a_run(Whose::Own);
    played.check_picture(Side::Tuned);
    played.finish();
    let found = played.found(Side::Tuned).unwrap().to_owned();
    assert!(found.starts_with("t on one two") && played.found(Side::Base).is_none());
    assert!(played.round().export().unwrap().models.tuned.unwrap().faithfulness.is_some(), "a file holds it");
    played.ask(Side::Tuned, Other::Token(9));
    played.finish();
    assert_eq!(played.found(Side::Tuned), None);
    played.check_picture(Side::Tuned);
    played.finish();
    assert!(played.found(Side::Tuned).unwrap().ends_with("against [9]"));
    played.tell(Msg::Runs(Command::Plain));
    assert_eq!(played.found(Side::Tuned), Some(found.as_str()));
}

/// Stopped, or overtaken by another run, a check leaves nothing behind.
#[test]
fn a_check_that_is_overtaken_is_not_shown() {
    let mut played = after_a_run(Whose::Own);
    played.check_picture(Side::Tuned);
    let Some(Request::CheckPicture { job, run, prompt, importance }) = played.next_request(Side::Tuned) else {
        panic!()
    };
    assert_eq!((prompt, importance), (vec![1], vec![vec![1.0]]));
    played.run(&spec("one two", Whose::Own));
    played.finish();
    let late = checked(job, played.page.facts.model(Side::Tuned), &run);
    played.hear(Side::Tuned, late);
    assert_eq!((played.found(Side::Tuned), played.page.runs.checks[1].clone()), (None, Checking::No));
    played.check_picture(Side::Tuned);
    played.tell(Msg::Runs(Command::StopCheck(Side::Tuned)));
    played.finish();
    assert_eq!((played.found(Side::Tuned), played.page.runs.checks[1].clone()), (None, Checking::No));
    played.check_picture(Side::Base);
    played.crash(Side::Base);
    assert_eq!(played.page.runs.checks[0], Checking::Failed(Failure::Crashed("boom".into())));
}

/// What ships with the page can be asked about before any model is there: they are loaded for it.
#[test]
fn a_question_waits_for_the_models() {
    let (mut played, asked) = (after_a_run(Whose::Own), spec("one two", Whose::Own));
    let export = played.round().export().unwrap();
    let mut played_again = Played::default();
    played_again.tell(Msg::Slots(slots::Command::Remembered([Some(at("b")), Some(at("t"))])));
    let origins = [(); 2].map(|()| Origin::Urls(vec!["https://models.example/x".into()]));
    let round = Round::of_export(export, Shown::Shipped, origins);
    played_again.tell(Msg::Runs(Command::Show(Box::new(round))));
    played_again.ask(Side::Tuned, Other::Token(9));
    assert_eq!(played_again.page.waiting.wishes.len(), 1);
    // what was pressed is still about the same picture when they have come
    played_again.finish();
    assert!(played_again.why(Side::Tuned).is_some());
    // a link holds no ids: there is nothing to ask about
    let link = played.link().unwrap();
    played.tell(Msg::Linked(LinkedCommand::Address(link)));
    assert!(played.which(Side::Tuned).is_none());
    assert_eq!(played.round().spec.prompt, asked.prompt);
}
