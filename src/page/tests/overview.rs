//! All heads on one text.

use super::*;
use crate::model::{Needing, Shortage};
use crate::page::weights::{Command, Shown as Overview, Task, Whose as WhoseText};

fn open(played: &mut Played) {
    played.tell(Msg::Open(Tab::Heads));
    played.tell(Msg::Weights(Command::Overview(true)));
}

fn shown(played: &Played) -> &Overview {
    &played.page.weights.overview.shown
}

fn read(played: &Played) -> [usize; 2] {
    shown(played).layers.each_ref().map(|layers| layers.iter().flatten().count())
}

fn after_a_run() -> Played {
    let mut played = Played::with_both();
    played.run(&spec("one two", Whose::Own));
    played.finish();
    played
}

/// What the engine of `side` was asked to read.
fn texts(played: &Played, side: Side) -> Vec<Vec<u32>> {
    let of = |r: &Request| if let Request::Attention { ids, .. } = r { Some(ids.clone()) } else { None };
    played.asked[side.index()].iter().filter_map(of).collect()
}

#[test]
fn every_layer_of_both_is_read_on_the_tuned_models_text_and_compared() {
    let mut played = after_a_run();
    played.tell(Msg::Open(Tab::Heads));
    played.finish();
    assert_eq!(read(&played), [0, 0], "nothing is read before it is opened");
    open(&mut played);
    played.finish();
    assert_eq!((read(&played), shown(&played).whose), ([LAYERS; 2], WhoseText::Of(Side::Tuned)));
    let own = played.round().sequence(Side::Tuned, &played.page.facts);
    assert!(texts(&played, Side::Base).iter().rev().take(LAYERS).all(|ids| *ids == own));
    for apart in shown(&played).apart.iter() {
        assert_eq!(**apart.as_ref().unwrap(), [0.5]);
    }
    assert_eq!(shown(&played).layers[1][2].as_ref().unwrap().heads[0].sink, 0.75);
    assert_eq!(played.page.weights.overview.waiting(), 0, "whole patterns are let go");
    // another run is another text
    played.run(&spec("three", Whose::Own));
    played.finish();
    assert_eq!(read(&played), [LAYERS; 2]);
    // and another model in one slot is compared anew, whatever text it reads
    played.load(Side::Base, "c");
    played.finish();
    assert_eq!(read(&played), [LAYERS; 2]);
    assert_eq!(**shown(&played).apart[0].as_ref().unwrap(), [0.0]);
}

/// A slow engine does not leave many patterns waiting.
#[test]
fn neither_engine_runs_far_ahead() {
    let mut played = after_a_run();
    open(&mut played);
    while played.work(Side::Base, false) {}
    assert!(read(&played)[0] <= 2 && played.page.weights.overview.waiting() <= 2, "{:?}", read(&played));
    played.finish();
    assert_eq!(read(&played), [LAYERS; 2]);
}

#[test]
fn what_memory_does_not_hold_is_said_and_the_other_model_goes_on() {
    let mut played = after_a_run();
    played.tell(Msg::Open(Tab::Heads));
    played.finish();
    played.tell(Msg::Weights(Command::Overview(true)));
    let work = &played.page.weights.half(Side::Base).work;
    let Some((job, Task::Overview(0))) = work.job else { panic!("{:?}", work.job) };
    played.engines[0].queue.clear();
    let why = Shortage { needing: Needing::Attention, need: 9, room: 1, remedies: Vec::new() };
    played.hear(Side::Base, Event::Failed { job, failure: Failure::Model(ModelError::Memory(why.clone())) });
    played.finish();
    assert_eq!(shown(&played).refused, [Some(why), None]);
    assert_eq!(read(&played), [0, LAYERS]);
    assert!(played.page.weights.half(Side::Base).work.failure.is_none(), "the weights are read all the same");
}
