//! The report of a study: opened, its pictures shown, and closed so that the page is as it was.

use super::*;
use crate::page::study::Command as Do;
use crate::share::Study;
use crate::share::study::tests::study as chain;

/// A report of three checkpoints on prompts that the engines know, too.
pub(super) fn report() -> Study {
    chain(&["base", "sft", "dpo"], &["Say one.", "Three"])
}

fn tell(played: &mut Played, command: Do) {
    played.tell(Msg::Study(command));
}

/// Drops the file of a report on the page.
fn open(played: &mut Played) {
    let text = serde_json::to_string(&report()).unwrap();
    played.tell(Msg::Linked(linked::Command::File { name: "s.shiftlens.json".into(), text }));
}

/// The prompt in the editor, and what the tuned model said.
fn on_screen(played: &Played) -> (String, String) {
    ((*played.page.facts.editor.prompt).clone(), played.said(Side::Tuned))
}

impl Played {
    /// What is said of a report is true.
    pub(super) fn check_study(&self) {
        let study = &self.page.study;
        let sent = self.page.linked.picture.as_ref();
        assert!(study.report.is_some() || self.page.facts.tab != Tab::Study, "a tab of nothing");
        assert!(study.report.is_some() || study.shown.is_none());
        if let (Some(at), Some(report)) = (*study.shown, study.report.as_ref()) {
            assert!(sent.is_some_and(|sent| sent.of_study));
            assert!(at < report.study.pictures.len() && report.study.pairs().contains(&*study.later));
        }
    }
}

#[test]
fn a_report_is_opened_and_closed_and_nothing_else_changes() {
    let mut played = Played::with_both();
    played.run(&spec("mine", Whose::Own));
    played.finish();
    played.tell(Msg::Show(Tab::Heads));
    let asked = played.asked.clone();
    let before = (on_screen(&played), played.round().export());
    open(&mut played);
    assert_eq!((played.page.facts.tab, *played.page.study.later), (Tab::Study, 2));
    assert!(played.page.linked.picture.is_none(), "nothing is shown until it is chosen");
    played.tell(Msg::Open(Tab::Study));
    assert_eq!(played.asked, asked, "no model is needed for it");
    tell(&mut played, Do::Close);
    assert_eq!(played.page.facts.tab, Tab::Heads);
    assert_eq!((on_screen(&played), played.round().export()), before);
    assert!(played.page.study.report.is_none());
}

/// A picture of the report is what the same results in a file of their own are.
#[test]
fn a_picture_is_shown_as_its_own_file_would_be() {
    let mut played = Played::default();
    open(&mut played);
    tell(&mut played, Do::Pair(1));
    tell(&mut played, Do::Show(1));
    let mut other = Played::default();
    let text = serde_json::to_string(&report().export(1, 1).unwrap()).unwrap();
    other.tell(Msg::Linked(linked::Command::File { name: "1.shiftlens.json".into(), text }));
    assert_eq!(played.round().export(), other.round().export());
    assert_eq!((played.page.facts.tab, played.round().shown), (Tab::Prompt, Shown::Linked));
    assert_eq!(played.page.facts.editor.spec(), other.page.facts.editor.spec());
    assert_eq!(played.said(Side::Base), "base on Three");
    let picture = played.page.linked.picture.as_ref().unwrap();
    assert_eq!((picture.by.as_str(), picture.of_study), ("s.shiftlens.json (LIMA, prompt 1)", true));
    tell(&mut played, Do::Back);
    assert_eq!((played.page.facts.tab, *played.page.study.shown), (Tab::Study, Some(1)));
    // what is not there changes nothing
    for command in [Do::Show(9), Do::Pair(0), Do::Pair(9)] {
        tell(&mut played, command);
        assert_eq!((*played.page.study.later, *played.page.study.shown), (1, Some(1)));
    }
}

#[test]
fn closing_brings_back_what_was_on_screen() {
    let mut played = Played::with_both();
    played.run(&spec("mine", Whose::Own));
    played.finish();
    played.tell(Msg::Edit(editor::Command::Prompt("half typed".into())));
    let before = (on_screen(&played), played.round().export());
    open(&mut played);
    tell(&mut played, Do::Show(0));
    tell(&mut played, Do::Show(1));
    assert_eq!(on_screen(&played), ("Three".into(), "dpo on Three".into()));
    tell(&mut played, Do::Close);
    assert_eq!((on_screen(&played), played.round().export()), before);
    assert_eq!((played.page.facts.tab, played.round().shown), (Tab::Prompt, Shown::Computed));
    assert!(played.page.linked.picture.is_none());
    // so does a picture that had been sent before, and a run that was at work is not left waiting
    let link = played.link().unwrap();
    played.tell(Msg::Linked(linked::Command::Address(link)));
    played.tell(Msg::Runs(Command::Run(Box::new(spec("other", Whose::Own)))));
    open(&mut played);
    tell(&mut played, Do::Show(0));
    tell(&mut played, Do::Close);
    assert!(!played.round().is_running());
    assert!(played.page.linked.picture.as_ref().is_some_and(|picture| !picture.of_study));
    played.finish();
    assert_eq!(played.page.ledger.open_jobs(Side::Base).count(), 0);
}

/// What has been done since is newer than what was on screen before, and stays.
#[test]
fn later_work_is_not_taken_back() {
    let mut played = Played::with_both();
    played.run(&spec("mine", Whose::Own));
    played.finish();
    open(&mut played);
    tell(&mut played, Do::Show(0));
    played.tell(Msg::Edit(editor::Command::Prompt("typed since".into())));
    tell(&mut played, Do::Close);
    assert_eq!(on_screen(&played), ("typed since".into(), "t on mine".into()));
    open(&mut played);
    tell(&mut played, Do::Show(0));
    played.tell(Msg::Edit(editor::Command::Prompt("new".into())));
    played.tell(Msg::Run);
    played.finish();
    assert_eq!(*played.page.study.shown, None, "the picture is no longer the report's");
    tell(&mut played, Do::Close);
    assert_eq!(on_screen(&played), ("new".into(), "t on new".into()));
}

#[test]
fn a_damaged_report_says_so_and_leaves_what_is_there() {
    let mut played = Played::with_both();
    open(&mut played);
    let mut damaged = report();
    damaged.checkpoints.pop();
    let text = serde_json::to_string(&damaged).unwrap();
    played.tell(Msg::Linked(linked::Command::File { name: "x.shiftlens.json".into(), text }));
    assert_eq!(
        played.page.linked.notice.as_deref(),
        Some("x.shiftlens.json is damaged: its parts do not fit together.")
    );
    assert!(played.page.study.report.is_some());
    // a link never names the tab of a report
    played.tell(Msg::Study(Do::Show(0)));
    played.tell(Msg::Study(Do::Back));
    let sent = Link::decode(&played.link().unwrap()).unwrap().unwrap();
    assert_eq!(sent.tab, Tab::Prompt);
}
