//! Lessons and guesses.

use super::*;
use crate::page::lesson::{Command as Teach, Left};
use crate::share::presets::PRESETS;
use crate::share::screen::Scale;
use crate::teach::lesson::Setting;
use crate::teach::{Deed, Lesson, Step};

/// A lesson whose steps wait for these, after setting that.
fn lesson(steps: Vec<(Setting, Option<Deed>)>) -> Lesson {
    let step = |(set, until)| Step { title: "A step".into(), set, until, ..Step::default() };
    let steps = steps.into_iter().map(step).collect();
    Lesson { version: 1, title: "A lesson".into(), about: String::new(), minutes: None, steps }
}

fn start(played: &mut Played, steps: Vec<(Setting, Option<Deed>)>) {
    played.tell(Msg::Lesson(Teach::Start(Box::new(lesson(steps)), 0)));
}

fn step(played: &Played) -> Option<usize> {
    played.page.lessons.current.as_ref().map(|c| c.step)
}

fn until(deed: Deed) -> (Setting, Option<Deed>) {
    (Setting::default(), Some(deed))
}

fn select(played: &mut Played) {
    let selection = Selection { row: Some(0), column: None };
    played.tell(Msg::Runs(Command::Select(Side::Tuned, selection)));
}

/// Each deed takes the lesson one step on, and only in its own step.
#[test]
fn a_lesson_goes_on_when_its_step_is_done() {
    let mut played = Played::with_both();
    let deeds = [Deed::Run, Deed::ChooseWord, Deed::Signed, Deed::OpenHeads, Deed::ChooseHead, Deed::HeadsRead];
    start(&mut played, deeds.into_iter().map(until).collect());
    select(&mut played);
    assert_eq!(step(&played), Some(0), "choosing a word is not a run");
    played.run(&spec("one", Whose::Own));
    assert_eq!(step(&played), Some(0), "the run has not finished");
    played.finish();
    assert_eq!(step(&played), Some(1), "a word chosen in an earlier step does not count");
    select(&mut played);
    assert_eq!(step(&played), Some(2));
    let reading = crate::share::screen::Reading { scale: Scale::Signed, ..*played.page.facts.editor.reading };
    played.tell(Msg::Edit(editor::Command::Reading(reading)));
    assert_eq!(step(&played), Some(3));
    played.tell(Msg::Open(Tab::Heads));
    assert_eq!(step(&played), Some(4));
    played.tell(Msg::Weights(crate::page::weights::Command::Head(1, 0)));
    assert_eq!(step(&played), Some(5));
    played.finish();
    assert_eq!(step(&played), None, "the last step is done, and the lesson over");
}

/// A run that fails is none.
#[test]
fn a_run_that_fails_does_not_count() {
    let mut played = Played::with_both();
    start(&mut played, vec![until(Deed::Run)]);
    played.run(&spec("one", Whose::Own));
    while Side::BOTH.into_iter().any(|side| played.work(side, true)) {}
    assert_eq!(step(&played), Some(0));
}

/// What is so from the beginning is not waited for: the reader presses Next.
#[test]
fn what_is_so_already_is_not_waited_for() {
    let mut played = Played::with_both();
    played.tell(Msg::Show(Tab::Heads));
    start(&mut played, vec![until(Deed::OpenHeads), until(Deed::Run)]);
    assert_eq!(step(&played), Some(0));
    assert_eq!(played.page.lessons.current.as_ref().unwrap().waits_for(), None);
    played.tell(Msg::Lesson(Teach::Enter(1)));
    assert_eq!(step(&played), Some(1));
    played.tell(Msg::Lesson(Teach::Enter(2)));
    assert_eq!(step(&played), None);
}

/// A step sets the page, and what it sets is not taken for the reader's deed.
#[test]
fn a_step_sets_the_page() {
    let set = Setting {
        prompt: Some(PRESETS[1].text.to_owned()),
        typed: Some("It is done.".into()),
        scale: Some(Scale::Signed),
        tab: Some(Tab::Concepts),
        guess: Some(true),
        ..Setting::default()
    };
    let mut played = Played::with_both();
    start(&mut played, vec![(set, Some(Deed::Read)), until(Deed::Run)]);
    let editor = &played.page.facts.editor;
    assert_eq!(*editor.prompt, PRESETS[1].text);
    assert_eq!((editor.options.whose, &*editor.options.typed), (Whose::Typed, "It is done."));
    assert_eq!((editor.reading.scale, played.page.facts.tab), (Scale::Signed, Tab::Concepts));
    assert!(played.page.guessing.guess.is_some());
    assert_eq!(step(&played), Some(0), "the reader is still to change how results are read");
}

/// A lesson that was left is written down with its step, and what is no lesson is not read as one.
#[test]
fn a_lesson_that_was_left_can_be_gone_on_with() {
    let mut played = Played::with_both();
    start(&mut played, vec![until(Deed::OpenHeads), until(Deed::Run)]);
    played.tell(Msg::Open(Tab::Heads));
    played.tell(Msg::Lesson(Teach::Leave));
    assert_eq!(step(&played), None);
    let left = Left::read(played.lesson.as_ref().unwrap()).unwrap();
    assert_eq!((left.step, left.lesson.steps.len()), (1, 2));
    assert_eq!(Left::read("{}"), None);
    played.tell(Msg::Lesson(Teach::Start(Box::new(left.lesson), left.step)));
    assert_eq!(step(&played), Some(1));
}

/// An address can carry a lesson; a damaged one is refused in words.
#[test]
fn an_address_can_carry_a_lesson() {
    let mut played = Played::with_both();
    let fragment = format!("#{}", lesson(vec![until(Deed::Run)]).encode());
    played.tell(Msg::Address(fragment.clone()));
    assert_eq!(step(&played), Some(0));
    played.tell(Msg::Lesson(Teach::Leave));
    played.tell(Msg::Address(fragment[..fragment.len() - 6].to_owned()));
    assert_eq!(step(&played), None);
    assert!(played.page.linked.notice.is_some());
}

/// A guess is of the words on screen: it goes when they do, and a word that was marked is not marked in another prompt.
#[test]
fn a_guess_goes_with_its_words() {
    use crate::page::guess::{Command as Guess, Guess as Made};
    let mut played = Played::with_both();
    played.run(&spec("one two", Whose::Own));
    played.finish();
    played.tell(Msg::Guess(Guess::Start));
    played.tell(Msg::Guess(Guess::Toggle(0)));
    played.tell(Msg::Guess(Guess::Toggle(1)));
    played.tell(Msg::Guess(Guess::Toggle(1)));
    played.tell(Msg::Guess(Guess::Look));
    let guess = |played: &Played| (*played.page.guessing.guess).clone();
    assert_eq!(guess(&played), Some(Made { picked: vec![0], looked: true }));
    played.tell(Msg::Guess(Guess::Toggle(1)));
    assert_eq!(guess(&played).unwrap().picked, [0], "after the look nothing is marked any more");
    // another word of the same result is looked at
    select(&mut played);
    assert!(guess(&played).unwrap().looked);
    played.run(&spec("three four", Whose::Own));
    assert_eq!(guess(&played), Some(Made::default()));
}
