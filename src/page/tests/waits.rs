//! What is pressed before the models are there.

use super::*;
use crate::page::facts::bundled;
use crate::share::presets::PRESETS;

fn type_in(played: &mut Played, prompt: &str) {
    played.tell(Msg::Edit(editor::Command::Prompt(prompt.into())));
}

fn load_requests(played: &Played) -> usize {
    played.asked.iter().flatten().filter(|r| matches!(r, Request::Load { .. })).count()
}

/// Run is pressed on a page without models: they come, and then what was pressed happens, as the editor said then.
#[test]
fn a_run_waits_for_the_models() {
    let mut played = Played::default();
    type_in(&mut played, "one");
    played.tell(Msg::Run);
    type_in(&mut played, "two");
    assert_eq!(played.page.waiting.wishes.iter().map(Wish::words).collect::<Vec<_>>(), ["run the prompt"]);
    assert_eq!(load_requests(&played), 2);
    played.finish();
    assert!(played.page.waiting.wishes.is_empty());
    assert_eq!(played.round().spec.prompt, "one");
    assert!(played.round().report(Side::Tuned).is_some());
}

/// Pressed twice, it happens once, as it was pressed last; several wishes happen in their order.
#[test]
fn what_is_pressed_twice_happens_once() {
    let mut played = Played::default();
    type_in(&mut played, "one");
    played.tell(Msg::Run);
    played.tell(Msg::Wish(Wish::Measure));
    type_in(&mut played, "two");
    played.tell(Msg::Run);
    assert_eq!(played.page.waiting.wishes.len(), 2);
    played.finish();
    let runs = |r: &&Request| matches!(r, Request::Run { .. });
    assert_eq!(played.asked[1].iter().filter(runs).count(), 1);
    assert_eq!(played.round().spec.prompt, "two");
}

/// Cancel stops the models and what waits for them, and they do not come unasked any more.
#[test]
fn cancelled_models_are_not_loaded_unasked() {
    let mut played = Played::default();
    played.tell(Msg::Run);
    played.tell(Msg::Waiting(waiting::Command::Cancel));
    assert!(played.page.waiting.wishes.is_empty());
    assert!(Side::BOTH.into_iter().all(|side| played.page.slots.slot(side).loading.is_none()));
    let before = load_requests(&played);
    played.tell(Msg::Waiting(waiting::Command::Idle { welcome: true }));
    assert!(*played.page.waiting.rested);
    assert_eq!(load_requests(&played), before);
    played.tell(Msg::Open(Tab::Heads)); // asked for
    assert_eq!(load_requests(&played), before + 2);
}

/// When the models cannot come, nothing waits for ever.
#[test]
fn what_waits_for_models_that_fail_is_dropped() {
    let mut played = Played::default();
    played.tell(Msg::Run);
    while Side::BOTH.into_iter().any(|side| played.work(side, true)) {}
    assert!(played.page.waiting.wishes.is_empty());
    assert!(played.page.slots.slot(Side::Base).failure.is_some());
}

/// An example is shown as soon as its result has come, with a word chosen; not if the prompt has changed meanwhile.
#[test]
fn an_example_is_shown_unless_something_else_is_wanted() {
    let text = std::fs::read_to_string(format!("public/{}", PRESETS[0].file())).unwrap();
    let export: Export = serde_json::from_str(&text).unwrap();
    let mut played = Played::default();
    assert!(played.page.update(Msg::Example(0)).contains(&Effect::FetchExample(0)));
    assert_eq!(*played.page.facts.editor.prompt, PRESETS[0].text);
    played.tell(Msg::ExampleCame(0, Box::new(export.clone())));
    assert_eq!(played.round().shown, Shown::Shipped);
    assert!(played.round().selections.iter().all(|s| s.column.is_some()));
    type_in(&mut played, "mine");
    played.tell(Msg::ExampleCame(1, Box::new(export.clone())));
    assert_eq!(played.round().spec.prompt, PRESETS[0].text);
    // with another pair, an example only sets the prompt
    played.load(Side::Base, "b");
    assert!(!played.page.update(Msg::Example(0)).contains(&Effect::FetchExample(0)));
    assert_eq!(*played.page.facts.editor.prompt, PRESETS[0].text);
}

/// Without anything pressed, the last visit's models come when the page is idle, or else the bundled pair.
#[test]
fn an_idle_page_loads_what_the_last_visit_used() {
    let mut played = Played::default();
    played.tell(Msg::Slots(slots::Command::Remembered([Some(at("x")), None])));
    played.tell(Msg::Waiting(waiting::Command::Idle { welcome: true }));
    let source = |side: Side| played.page.slots.slot(side).loading.as_ref().map(|l| l.source.clone());
    assert_eq!(Side::BOTH.map(source), [Some(at("x")), Some(bundled(Side::Tuned))]);
}
