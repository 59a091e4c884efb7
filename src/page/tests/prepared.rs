//! What the models say to the prompt in the editor before it is run.

use super::*;
use crate::protocol::{Backend, BackendReport, Why};

fn computes_on(played: &mut Played, side: Side, used: Backend) {
    played.hear(side, Event::Backend { report: BackendReport { used, gpu: None, why: Why::Asked } });
    played.end_pause();
}

fn questions(played: &Played, side: Side) -> usize {
    played.asked[side.index()].iter().filter(|r| matches!(r, Request::Prepare { .. })).count()
}

/// What a run takes of memory depends on what computes it: the models are asked again when that has changed, and only then.
#[test]
fn another_backend_is_asked_what_a_run_takes() {
    let mut played = Played::with_both();
    played.tell(Msg::Edit(editor::Command::Prompt("one".into())));
    played.end_pause();
    computes_on(&mut played, Side::Tuned, Backend::Cpu);
    let before = questions(&played, Side::Tuned);
    assert!(before > 0);
    computes_on(&mut played, Side::Tuned, Backend::Gpu);
    assert_eq!(questions(&played, Side::Tuned), before + 1);
    computes_on(&mut played, Side::Tuned, Backend::Gpu);
    assert_eq!(questions(&played, Side::Tuned), before + 1);
}
