//! What is read from the weights, and when.

use super::*;
use crate::model::{ModelError, Needing, Remedy, Shortage};
use crate::page::weights::{Command, Task, Words};

fn look(played: &mut Played, command: Command) {
    played.tell(Msg::Weights(command));
}

/// The attention that is there is the chosen head's layer, and what fires the chosen layer's.
fn shows_what_is_chosen(played: &Played) {
    for side in Side::BOTH {
        let half = played.page.weights.half(side);
        match played.page.facts.tab {
            Tab::Heads => assert_eq!(half.attention.as_ref().unwrap().1.layer, played.page.weights.head.0),
            Tab::Concepts => assert_eq!(half.firing.as_ref().unwrap().1.layer, *played.page.weights.concepts),
            _ => {}
        }
    }
}

/// Heads and concepts have a chosen layer each: a head of a later layer left the concepts "Not read yet." for ever.
#[test]
fn each_tab_reads_the_layer_that_it_shows() {
    let mut played = Played::with_both();
    played.run(&spec("one", Whose::Own));
    played.finish();
    for (tab, choice) in [
        (Tab::Heads, Command::Head(2, 1)),
        (Tab::Concepts, Command::Concepts(0)),
        (Tab::Concepts, Command::Concepts(1)),
        (Tab::Heads, Command::Head(0, 0)),
    ] {
        played.tell(Msg::Open(tab));
        look(&mut played, choice);
        played.finish();
        shows_what_is_chosen(&played);
    }
}

/// The chosen layer comes first, then the others.
#[test]
fn the_chosen_layer_is_read_first() {
    let mut played = Played::with_both();
    look(&mut played, Command::Head(2, 0));
    played.tell(Msg::Open(Tab::Heads));
    played.finish();
    let layers: Vec<usize> = played.asked[0]
        .iter()
        .filter_map(|r| match r {
            Request::Heads { layer, .. } => Some(*layer),
            _ => None,
        })
        .collect();
    assert_eq!(layers, [2, 0, 1]);
    assert!(played.page.weights.changes.iter().all(Option::is_some));
}

const WORDS: Words = Words { files: Files(5), list: true, vectors: false, judge: false };

/// The user's words are read by every model that comes, and again by an engine that was started anew.
#[test]
fn the_words_are_everyones() {
    let mut played = Played::default();
    played.load(Side::Base, "b");
    played.tell(Msg::Open(Tab::Heads));
    played.finish();
    look(&mut played, Command::Words(WORDS));
    played.finish();
    played.load(Side::Tuned, "t");
    played.finish();
    played.crash(Side::Base);
    played.finish();
    for (side, name) in [(Side::Base, "b"), (Side::Tuned, "t")] {
        assert_eq!(played.engines[side.index()].lexicon, Some(WORDS.files), "{name}");
        let half = played.page.weights.half(side);
        assert_eq!(half.work.words.as_deref(), Some("100 words"));
        for heads in half.heads.iter() {
            assert_eq!(heads.as_ref().unwrap().words, format!("{name} {:?} Relation", Some(WORDS.files)));
        }
    }
}

/// What was read stays when the engine dies and its model comes back; another model's does not.
#[test]
fn what_was_read_stays_with_its_model() {
    let mut played = Played::with_both();
    played.tell(Msg::Open(Tab::Heads));
    played.finish();
    let asked = played.asked[0].len();
    played.crash_and_load(Side::Base);
    played.finish();
    assert_eq!(played.asked[0].len(), asked + 1, "nothing is read twice, only the model");
    played.load(Side::Base, "another");
    played.finish();
    let heads = played.page.weights.half(Side::Base).heads[1].clone().unwrap();
    assert_eq!(heads.words, "another None Relation");
}

/// An engine that dies at a layer was asked for it again for ever.
#[test]
fn what_killed_two_engines_is_not_asked_for_a_third_time() {
    let mut played = Played::with_both();
    played.tell(Msg::Open(Tab::Heads));
    let asks = |played: &Played| played.asked[1].iter().filter(|r| matches!(r, Request::Heads { .. })).count();
    for _ in 0..4 {
        played.crash_and_load(Side::Tuned);
        assert_eq!(asks(&played), 2);
    }
    let work = &played.page.weights.half(Side::Tuned).work;
    assert!(matches!(work.failure, Some(Failure::StoppedTwice(_))), "{work:?}");
    // the user may try once more
    look(&mut played, Command::Pause(false));
    assert_eq!(asks(&played), 3);
    played.finish();
    assert!(played.page.weights.half(Side::Tuned).heads.iter().all(Option::is_some));
}

#[test]
fn a_pause_stops_the_reading_and_another_way_of_reading_begins_it_anew() {
    let mut played = Played::with_both();
    played.tell(Msg::Open(Tab::Heads));
    look(&mut played, Command::Pause(true));
    played.finish();
    let read = |played: &Played| played.page.weights.half(Side::Base).heads.iter().flatten().count();
    assert_eq!(read(&played), 0);
    look(&mut played, Command::Pause(false));
    played.finish();
    assert_eq!(read(&played), LAYERS);
    look(&mut played, Command::Read(HeadReading::Paper));
    assert_eq!(read(&played), 0);
    played.finish();
    assert_eq!(played.page.weights.half(Side::Base).heads[0].clone().unwrap().words, "b None Paper");
}

/// Concepts are compared as soon as both models' are there.
#[test]
fn components_are_matched_by_the_tuned_models_engine() {
    let mut played = Played::with_both();
    played.tell(Msg::Open(Tab::Findings));
    played.finish();
    assert!(played.page.weights.matches.iter().all(Option::is_some));
    assert!(played.asked[0].iter().all(|r| !matches!(r, Request::Match { .. })));
    assert_eq!(played.page.ledger.open_jobs(Side::Tuned).count(), 0, "every job is closed");
}

/// What memory cannot hold of a sequence is said, and not asked for again; the weights are read all the same.
#[test]
fn a_sequence_that_memory_cannot_hold_is_refused_alone() {
    let mut played = Played::with_both();
    played.run(&spec("one", Whose::Own));
    played.finish();
    played.tell(Msg::Open(Tab::Heads));
    let why = Shortage { needing: Needing::Attention, need: 2, room: 1, remedies: vec![Remedy::Together(1)] };
    let Some(Request::Attention { job, .. }) = played.next_request(Side::Base) else { panic!() };
    played.hear(Side::Base, Event::Failed { job, failure: Failure::Model(ModelError::Memory(why.clone())) });
    let Some(Request::Heads { job, .. }) = played.next_request(Side::Base) else { panic!("the heads are read") };
    let work = &played.page.weights.half(Side::Base).work;
    assert_eq!((work.job, work.failure.clone()), (Some((job, Task::Heads(0))), None));
    let ids = work.refused.as_ref().unwrap().1.clone();
    assert_eq!(work.refused(Task::Attention(7), &ids), Some(&why), "of any layer");
    assert_eq!(work.refused(Task::Firing(0), &ids), None);
    assert_eq!(work.refused(Task::Attention(0), &[]), None);
}
