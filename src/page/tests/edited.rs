//! A word is taken out or replaced, and both pictures are of the same response.

use super::*;
use crate::page::edited::{Ask, Change, Command as Edit, Found, Refusal, Task};
use crate::page::runs::Which;

/// One of some edits: of a first word, of a last, by another, and three that cannot be made.
pub(super) fn change(i: usize) -> (usize, Change) {
    match i {
        0 => (0, Change::TakeOut),
        1 => (1, Change::TakeOut),
        2 => (0, Change::Replace("Whisper".into())),
        3 => (0, Change::Replace("  ".into())),
        _ => (99, Change::TakeOut),
    }
}

impl Played {
    /// Changes word number `at` of the prompt that `side` has explained; nothing where there is no whole picture.
    pub(super) fn edit(&mut self, side: Side, (at, change): (usize, Change)) {
        let Some(which) = Which::of(self.round(), side) else { return };
        let prompt = self.round().spec.prompt.clone();
        let words = crate::explain::segment(&prompt, By::Word);
        let span = words.get(at).cloned().unwrap_or(900..903);
        let word = prompt.get(span.clone()).unwrap_or("gone").to_owned();
        self.tell(Msg::Wish(Wish::Edited(Box::new(Ask { which, span, word, change }))));
    }

    fn refusal(&self) -> Option<&str> {
        self.page.edited.refused.as_ref().map(|(_, why)| why.as_str())
    }

    /// What was edited is compared with the picture on screen, and with no other.
    pub(super) fn check_edited(&self) {
        let edited = &self.page.edited;
        if let Some((which, _)) = &*edited.refused {
            assert!(which.is_in(self.round()));
        }
        let Some(trial) = (*edited.trial).clone() else {
            assert_eq!((&*edited.same, &*edited.answer), (&Found::No, &Found::No));
            assert!(edited.outcome.is_none());
            return;
        };
        let which = &trial.ask.which;
        assert!(which.is_in(self.round()), "it is of the picture on screen");
        let (before, spec) = (&self.round().spec, &trial.edit.spec);
        assert_ne!(before.prompt, spec.prompt);
        let options = RunSpec { prompt: before.prompt.clone(), ..spec.clone() };
        let alike = |spec: &RunSpec| (spec.options.clone(), spec.how.clone(), spec.by, spec.template_row);
        assert_eq!(alike(&options), alike(before), "all else is as it was");
        assert_eq!(edited.outcome.is_some(), edited.same.done().is_some());
        for found in [&edited.same, &edited.answer] {
            let Some(report) = found.done() else { continue };
            assert!(which.is_by(&report.checkpoint.weights));
            assert_eq!(report.prompt[0].text, conversation(&spec.prompt, &spec.turns));
        }
        if let Some(report) = edited.same.done() {
            let ids: Vec<u32> = report.response.iter().map(|t| t.id).collect();
            assert_eq!(ids, which.response());
            assert_eq!(report.method, before.how.method);
        }
    }

    /// Nothing is left at work.
    pub(super) fn check_edited_at_rest(&self) {
        let edited = &self.page.edited;
        assert!(![&edited.same, &edited.answer].iter().any(|found| matches!(&***found, Found::Runs(_))));
    }
}

fn after_a_run(prompt: &str) -> Played {
    let mut played = Played::with_both();
    played.run(&spec(prompt, Whose::Own));
    played.finish();
    played
}

fn last_run(played: &Played, side: Side) -> Run {
    let runs = played.asked[side.index()].iter().rev();
    runs.clone().find_map(|r| if let Request::Run { run, .. } = r { Some(run.clone()) } else { None }).unwrap()
}

#[test]
fn the_same_response_is_explained_after_the_edited_prompt() {
    let mut played = after_a_run("Say two to me. Please.");
    let before = last_run(&played, Side::Tuned);
    played.edit(Side::Tuned, change(1));
    let run = last_run(&played, Side::Tuned);
    let Prompt::Text { text, .. } = &run.prompt else { panic!() };
    assert_eq!(text, "Say to me. Please.");
    assert_eq!(run.response, Response::Ids { ids: vec![7] });
    assert_eq!((run.by, run.target, run.mode, &run.how), (before.by, before.target, before.mode, &before.how));
    played.finish();
    played.check_edited();
    let outcome = (*played.page.edited.outcome).clone().unwrap();
    // the pretended report has one unit, whose value is one
    assert_eq!((outcome.tokens.len(), outcome.tokens[0].said, outcome.tokens[0].happened), (1, -1.0, Some(0.0)));
    // the picture stays, and so does the editor
    assert_eq!(played.said(Side::Tuned), "t on Say two to me. Please.");
    assert_eq!(played.round().spec.prompt, "Say two to me. Please.");
    // its own answer, with the sampling of the run
    played.tell(Msg::Edited(Edit::Answer));
    assert_eq!(last_run(&played, Side::Tuned).response, played.round().spec.own_response());
    played.finish();
    let answer = played.page.edited.answer.done().unwrap().response[0].text.clone();
    assert_eq!(answer, "t on Say to me. Please.");
    // another edit takes its place, another picture takes it away
    played.edit(Side::Base, change(2));
    assert_eq!(*played.page.edited.answer, Found::No);
    played.finish();
    played.check_edited();
    played.tell(Msg::Run);
    assert!(played.page.edited.trial.is_none());
}

#[test]
fn what_cannot_be_edited_is_said_and_nothing_is_run() {
    let mut played = after_a_run("Three");
    let asked = played.asked.clone();
    played.edit(Side::Tuned, change(0));
    assert_eq!(played.refusal(), Some(Refusal::Empty.words()));
    played.edit(Side::Tuned, change(3));
    assert_eq!(played.refusal(), Some(Refusal::Nothing.words()));
    played.edit(Side::Tuned, change(4));
    assert_eq!(played.refusal(), Some(Refusal::Gone.words()));
    assert_eq!(played.asked, asked);
    // a model that is no longer there
    played.load(Side::Tuned, "x");
    played.edit(Side::Tuned, change(2));
    assert_eq!(played.refusal(), Some(Failure::OtherModel.to_string().as_str()));
    // an edit of a picture that has gone meanwhile
    let which = Which::of(played.round(), Side::Base).unwrap();
    let ask = Ask { which, span: 0..5, word: "Three".into(), change: Change::Replace("Two".into()) };
    played.run(&spec("Say one.", Whose::Own));
    played.finish();
    assert_eq!(played.refusal(), None, "what was said goes with its picture");
    played.tell(Msg::Wish(Wish::Edited(Box::new(ask))));
    assert!(played.page.edited.trial.is_none());
}

#[test]
fn a_comparison_is_stopped_tried_again_and_closed() {
    let mut played = after_a_run("Say one.");
    played.edit(Side::Base, change(0));
    played.tell(Msg::Edited(Edit::Stop));
    assert!(played.work(Side::Base, true));
    assert_eq!(*played.page.edited.same, Found::Failed(Failure::Cancelled));
    played.tell(Msg::Edited(Edit::Again));
    played.finish();
    assert!(played.page.edited.same.done().is_some());
    // the engine dies while it answers
    played.tell(Msg::Edited(Edit::Answer));
    played.crash(Side::Base);
    assert!(matches!(&*played.page.edited.answer, Found::Failed(_)));
    assert!(played.page.edited.same.done().is_some(), "what was found stays");
    played.finish();
    played.tell(Msg::Edited(Edit::Again));
    played.finish();
    assert!(played.page.edited.answer.done().is_some());
    played.tell(Msg::Edited(Edit::Close));
    played.check_edited();
    assert!(played.page.edited.trial.is_none());
    // closed while it runs
    played.edit(Side::Base, change(0));
    played.tell(Msg::Edited(Edit::Close));
    assert_eq!(played.page.ledger.open_jobs(Side::Base).filter(|(_, p)| *p == Purpose::Edited(Task::Same)).count(), 0);
    played.finish();
    played.check_edited();
}
