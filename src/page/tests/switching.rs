//! A part of the models is switched off for a run.

use super::*;
use crate::explain::methods::{Intervention, Of, Site};
use crate::page::linked::Command as LinkedCommand;
use crate::page::switching::Command as Switch;

fn switch(played: &mut Played, layer: usize, site: Site, of: Of, factor: f32) {
    played.tell(Msg::Switch(Switch::Set { layer, site, of, factor }));
}

fn asked(played: &Played, side: Side) -> Vec<String> {
    let runs = played.asked[side.index()].iter().rev();
    let run = runs.clone().find_map(|r| if let Request::Run { run, .. } = r { Some(run) } else { None }).unwrap();
    assert!(run.how.interventions.iter().all(|one| one.of == Of::Both), "an engine has one model");
    run.how.interventions.iter().map(Intervention::words).collect()
}

/// Each model is asked its own, the result names it, a link carries it, and it is asked again where that is opened.
#[test]
fn what_is_switched_off_goes_with_the_run() {
    let mut played = Played::with_both();
    played.tell(Msg::Edit(editor::Command::Prompt("one two".into())));
    switch(&mut played, 1, Site::Head(2), Of::Both, 0.0);
    switch(&mut played, 0, Site::Component(4), Of::Tuned, 2.0);
    played.tell(Msg::Run);
    played.finish();
    assert_eq!(asked(&played, Side::Base), ["head 2 of layer 1 off"]);
    assert_eq!(asked(&played, Side::Tuned), ["head 2 of layer 1 off", "concept 4 of layer 0 times 2"]);
    let report = |played: &Played, side| played.round().report(side).unwrap();
    assert!(report(&played, Side::Base).what().ends_with("probability, with head 2 of layer 1 off"));
    assert_eq!(report(&played, Side::Tuned).without.len(), 1);
    // on again in one of them: the picture on screen stays what it is
    switch(&mut played, 1, Site::Head(2), Of::Base, 1.0);
    assert!(report(&played, Side::Base).what().ends_with("head 2 of layer 1 off"));
    let link = played.link().unwrap();
    played.tell(Msg::Run);
    played.finish();
    assert!(asked(&played, Side::Base).is_empty() && asked(&played, Side::Tuned).len() == 2);

    played.tell(Msg::Linked(LinkedCommand::Address(link)));
    assert!(report(&played, Side::Tuned).what().ends_with("concept 4 of layer 0 times 2"));
    played.tell(Msg::Linked(LinkedCommand::Recompute));
    played.finish();
    assert_eq!(asked(&played, Side::Base), ["head 2 of layer 1 off"]);
}

#[test]
fn what_one_of_the_models_does_not_have_is_refused_and_nothing_is_switched_off() {
    let mut played = Played::with_both();
    switch(&mut played, 0, Site::Head(0), Of::Base, 0.0);
    switch(&mut played, LAYERS, Site::Head(0), Of::Both, 0.0);
    let said = (*played.page.switching.refused).clone().unwrap();
    assert!(said.starts_with(&format!("Base model: There is no layer {LAYERS}")), "{said}");
    assert_eq!(played.page.facts.editor.how.interventions.len(), 1);
    switch(&mut played, 1, Site::Head(1), Of::Tuned, 0.0);
    assert!(played.page.switching.refused.is_none(), "the refusal is of the last");
    assert_eq!(played.page.facts.editor.how.interventions.len(), 2);
}
