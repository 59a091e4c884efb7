//! Runs are kept, gone back to, pinned, dropped and brought back.

use super::*;
use crate::page::history::{Command as Keep, MOST};
use crate::share::Collection;

fn prompts(played: &Played) -> Vec<&str> {
    played.page.history.entries.iter().map(|e| e.round.spec.prompt.as_str()).collect()
}

fn keep(played: &mut Played, command: Keep) {
    played.tell(Msg::History(command));
}

fn number(played: &Played, prompt: &str) -> u32 {
    played.page.history.entries.iter().find(|e| e.round.spec.prompt == prompt).map(|e| e.number).unwrap()
}

/// A page on which these prompts have been run, one after another.
fn after(prompts: &[&str]) -> Played {
    let mut played = Played::with_both();
    for prompt in prompts {
        played.run(&spec(prompt, Whose::Own));
        played.finish();
    }
    played
}

impl Played {
    /// What is kept is bounded, what is pinned is kept, and the run that is said to be on screen is.
    pub(super) fn check_history(&self) {
        let history = &self.page.history;
        let numbers: Vec<u32> = history.entries.iter().map(|e| e.number).collect();
        assert!(numbers.len() <= MOST);
        assert!(numbers.windows(2).all(|pair| pair[0] > pair[1]), "the newest first: {numbers:?}");
        assert!(history.pinned.len() <= 2 && history.pinned.iter().all(|n| numbers.contains(n)));
        let place = *history.place;
        for go in [place.on_screen, place.before, place.after].into_iter().flatten() {
            assert!(numbers.contains(&go), "{place:?} of {numbers:?}");
        }
        if let Some(entry) = history.entries.iter().find(|e| Some(e.number) == place.on_screen) {
            assert_eq!(entry.round.spec.prompt, self.round().spec.prompt);
            assert!(!self.round().is_running());
            let said = |round: &Round| Side::BOTH.map(|side| round.half(side).response.clone());
            assert_eq!(said(&entry.round), said(self.round()));
        }
    }

    fn editor(&self) -> &str {
        &self.page.facts.editor.prompt
    }
}

#[test]
fn finished_runs_are_kept_and_shown_again() {
    let mut played = after(&["a", "b"]);
    assert_eq!(prompts(&played), ["b", "a"]);
    let first = number(&played, "a");
    keep(&mut played, Keep::Show(first));
    assert_eq!((played.said(Side::Tuned).as_str(), played.editor()), ("t on a", "a"));
    assert_eq!(prompts(&played), ["b", "a"], "looking at it makes no new one");
    keep(&mut played, Keep::Show(77));
    assert_eq!(played.said(Side::Tuned), "t on a");
    // run again, it is the same run
    played.tell(Msg::Run);
    played.finish();
    assert_eq!(prompts(&played), ["b", "a"]);
}

#[test]
fn undo_goes_back_run_by_run_with_editor_and_picture() {
    let mut played = after(&["a", "b", "c"]);
    let on_screen = |played: &Played| (played.said(Side::Tuned), played.editor().to_owned());
    keep(&mut played, Keep::Back);
    assert_eq!(on_screen(&played), ("t on b".into(), "b".into()));
    keep(&mut played, Keep::Back);
    keep(&mut played, Keep::Back);
    assert_eq!(on_screen(&played), ("t on a".into(), "a".into()), "there is none before the first");
    keep(&mut played, Keep::Forward);
    assert_eq!(on_screen(&played), ("t on b".into(), "b".into()));
    // what was marked or checked afterwards makes no other run of it
    played.tell(Msg::Edit(editor::Command::Mark(Some(0..1))));
    played.check_picture(Side::Tuned);
    played.finish();
    assert_eq!(played.page.history.place.on_screen, Some(number(&played, "b")));
    // while one runs, the newest is the one before it
    played.run(&spec("d", Whose::Own));
    keep(&mut played, Keep::Back);
    assert_eq!(on_screen(&played), ("t on c".into(), "c".into()));
    played.finish();
    assert_eq!(prompts(&played), ["c", "b", "a"], "what was left is not kept");
}

#[test]
fn what_comes_to_nothing_or_was_sent_is_not_kept() {
    let mut played = after(&["a"]);
    played.run(&spec("b", Whose::Own));
    assert!(Side::BOTH.into_iter().all(|side| played.work(side, true)), "both fail");
    assert_eq!(prompts(&played), ["a"], "the results before it are on screen again, and were kept once");
    let sent = Round { shown: Shown::Linked, ..played.round().clone() };
    played.tell(Msg::Runs(Command::Show(Box::new(sent))));
    assert_eq!(prompts(&played), ["a"]);
    // one model's result is a result
    played.run(&spec("c", Whose::Own));
    played.work(Side::Base, true);
    played.work(Side::Tuned, false);
    assert_eq!(prompts(&played), ["c", "a"]);
}

#[test]
fn the_oldest_go_first() {
    let names: Vec<String> = (0..MOST + 3).map(|i| format!("prompt {i}")).collect();
    let played = after(&names.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(played.page.history.entries.len(), MOST);
    assert_eq!(prompts(&played)[0], names[MOST + 2]);
    assert_eq!(prompts(&played)[MOST - 1], names[3]);
}

#[test]
fn two_are_pinned_and_what_is_dropped_is_pinned_no_more() {
    let mut played = after(&["a", "b", "c"]);
    let [a, b, c] = ["a", "b", "c"].map(|p| number(&played, p));
    [a, c, b].into_iter().for_each(|n| keep(&mut played, Keep::Pin(n)));
    assert_eq!(*played.page.history.pinned, [c, b], "the one pinned first went");
    let pair = History::pair(&played.page.history.entries, &played.page.history.pinned).unwrap();
    assert_eq!(pair.map(|entry| entry.number), [b, c], "the older one stands first");
    keep(&mut played, Keep::Pin(99));
    assert_eq!(*played.page.history.pinned, [c, b]);
    keep(&mut played, Keep::Pin(b));
    keep(&mut played, Keep::Remove(c));
    assert!(played.page.history.pinned.is_empty());
    assert!(History::pair(&played.page.history.entries, &[b]).is_none());
    assert_eq!(prompts(&played), ["b", "a"]);
}

#[test]
fn what_was_dropped_comes_back_beside_what_was_run_since() {
    let mut played = after(&["a", "b"]);
    keep(&mut played, Keep::Clear);
    assert!(prompts(&played).is_empty());
    assert_eq!(played.history.as_deref(), Some(""), "nothing is left in storage");
    played.run(&spec("c", Whose::Own));
    played.finish();
    keep(&mut played, Keep::Restore);
    assert_eq!(prompts(&played), ["c", "b", "a"]);
    keep(&mut played, Keep::Restore);
    assert_eq!(prompts(&played), ["c", "b", "a"], "once");
}

#[test]
fn runs_outlive_a_reload_and_travel_as_one_file() {
    let played = after(&["a", "b"]);
    let mut later = Played::default();
    keep(&mut later, Keep::Recalled(played.history.clone()));
    assert_eq!(prompts(&later), ["b", "a"]);
    let shown = number(&later, "a");
    keep(&mut later, Keep::Show(shown));
    assert_eq!((later.said(Side::Base).as_str(), later.round().shown), ("b on a", Shown::Earlier));
    keep(&mut later, Keep::Recalled(Some("see=1.broken\nnonsense".into())));
    assert_eq!(prompts(&later), ["b", "a"], "what cannot be read is left out");
    // a file of all of them is opened like any other file, whatever they came from
    for page in [&played.page, &later.page] {
        let text = serde_json::to_string(&page.history.collection()).unwrap();
        assert!(matches!(Collection::read("runs.json", &text), Some(Ok(_))));
        let mut other = Played::default();
        other.tell(Msg::Linked(linked::Command::File { name: "runs.json".into(), text }));
        assert_eq!(prompts(&other), ["b", "a"]);
        assert_eq!(other.said(Side::Tuned), "t on b", "the newest is on screen");
        let damaged = "{\"version\":1,\"runs\":[{\"version\":1}]}";
        other.tell(Msg::Linked(linked::Command::File { name: "x".into(), text: damaged.into() }));
        assert!(other.page.linked.notice.as_ref().unwrap().contains("x is not a file"));
        assert_eq!(prompts(&other), ["b", "a"]);
    }
}
