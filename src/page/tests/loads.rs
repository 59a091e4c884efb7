//! Which checkpoint is where.

use super::*;
use crate::page::facts::bundled;
use crate::page::slots::Command;

fn tell(played: &mut Played, command: Command) {
    played.tell(Msg::Slots(command));
}

fn name(played: &Played, side: Side) -> Option<&str> {
    played.page.facts.model(side).map(|m| m.info.weights.as_str())
}

fn sources(played: &Played, side: Side) -> Vec<Source> {
    let load = |r: &Request| match r {
        Request::Load { source, .. } => Some(source.clone()),
        _ => None,
    };
    played.asked[side.index()].iter().filter_map(load).collect()
}

/// A load that was overtaken or cancelled may still succeed: then its model is what the engine has, and the chip says so.
#[test]
fn the_chip_names_what_the_engine_has() {
    let mut played = Played::with_both();
    played.begin_load(Side::Base, "x");
    tell(&mut played, Command::Cancel(Side::Base));
    assert!(played.page.slots.slot(Side::Base).loading.is_none());
    assert!(played.work(Side::Base, false));
    assert_eq!(name(&played, Side::Base), Some("x"));
    // overtaken, and the one that overtakes it fails
    played.begin_load(Side::Base, "y");
    played.begin_load(Side::Base, "z");
    assert!(played.work(Side::Base, false));
    assert_eq!(name(&played, Side::Base), Some("y"));
    assert!(played.page.slots.slot(Side::Base).loading.is_some(), "the other is still on its way");
    while !played.engines[0].queue.is_empty() {
        played.work(Side::Base, true);
    }
    let slot = played.page.slots.slot(Side::Base);
    assert_eq!((name(&played, Side::Base), slot.source.as_ref()), (Some("y"), Some(&at("y"))));
    assert!(matches!(slot.failure, Some(Failure::Http { status: 404, .. })));
}

/// What the failure of one slot's load is about is said of no other load.
#[test]
fn the_failure_of_an_overtaken_load_is_not_the_present_ones() {
    let mut played = Played::with_both();
    played.begin_load(Side::Base, "x");
    played.begin_load(Side::Base, "y");
    assert!(played.work(Side::Base, true));
    assert_eq!(played.page.slots.slot(Side::Base).failure, None);
    played.finish();
    assert_eq!(name(&played, Side::Base), Some("y"));
}

/// An engine that never came up is started again when the user asks it for something: "Opening…" stood there for ever.
#[test]
fn an_engine_that_did_not_come_up_is_tried_again_when_asked() {
    let mut played = Played { never_up: true, ..Played::default() };
    played.begin_load(Side::Base, "x");
    played.crash(Side::Base);
    let slot = played.page.slots.slot(Side::Base);
    assert!(matches!(slot.failure, Some(Failure::NoEngine(_))) && slot.loading.is_none());
    assert!(played.starting.len() == 1, "not by itself");
    played.never_up = false;
    played.begin_load(Side::Base, "x");
    played.finish();
    assert_eq!(name(&played, Side::Base), Some("x"));
    assert_eq!(played.page.slots.slot(Side::Base).failure, None);
}

#[test]
fn what_is_lost_is_replaced_once() {
    let mut played = Played::with_both();
    played.crash(Side::Tuned);
    assert_eq!(name(&played, Side::Tuned), None);
    // the same model first, under the message
    assert_eq!(sources(&played, Side::Tuned).last(), Some(&at("t")));
    assert!(played.page.slots.slot(Side::Tuned).failure.is_some());
    played.crash(Side::Tuned);
    // which crashed the engine while it was loaded: then the bundled one
    assert_eq!(sources(&played, Side::Tuned).last(), Some(&bundled(Side::Tuned)));
    let asked = sources(&played, Side::Tuned).len();
    played.crash(Side::Tuned);
    assert_eq!(sources(&played, Side::Tuned).len(), asked, "and then nothing");
}

#[test]
fn a_first_load_that_is_stopped_leaves_nothing_behind() {
    let mut played = Played::default();
    tell(&mut played, Command::Remembered([Some(at("x")), None]));
    tell(&mut played, Command::Begin { wanted: [None, None] });
    assert_eq!(sources(&played, Side::Base), [at("x")]);
    assert_eq!(sources(&played, Side::Tuned), [bundled(Side::Tuned)]);
    for side in Side::BOTH {
        tell(&mut played, Command::Cancel(side));
        let job = played.page.ledger.open_jobs(side).next().unwrap().0;
        played.engines[side.index()].queue.clear();
        played.hear(side, Event::Failed { job, failure: Failure::Cancelled });
        assert!(played.page.slots.slot(side).loading.is_none());
    }
    assert_eq!(sources(&played, Side::Base).len(), 1);
    // what is asked for next loads it anew, and what is there stays
    tell(&mut played, Command::Begin { wanted: [Some(at("y")), None] });
    played.finish();
    tell(&mut played, Command::Begin { wanted: [Some(at("y")), None] });
    assert_eq!(sources(&played, Side::Base), [at("x"), at("y")]);
}

/// What the browser has stored is asked to last, once there is something of the user's; the page's own models are not.
#[test]
fn what_is_stored_is_to_last() {
    let mut played = Played::default();
    let mut loaded = |stored: Option<&str>| {
        played.begin_load(Side::Tuned, "x");
        let job = played.page.slots.slot(Side::Tuned).loading.as_ref().unwrap().job;
        let Model { info, .. } = model("x");
        let info = Box::new(info);
        let (template, stored, not_kept) = (None, stored.map(str::to_owned), None);
        let event = Box::new(Event::Loaded { job, info, template, stored, not_kept, memory: 0 });
        played.page.update(Msg::Engine { side: Side::Tuned, epoch: 0, event, at: 0.0 })
    };
    assert!(!loaded(None).contains(&Effect::Persist));
    assert!(loaded(Some("key")).contains(&Effect::Persist));
    played.tell(Msg::Lasting(false));
    played.tell(Msg::Stored(stored::Command::List));
    played.finish();
    assert_eq!((played.page.stored.kept.lasting, played.page.stored.kept.results), (Some(false), 1));
}
