//! Pictures that came by a link or a file.

use super::*;
use crate::page::linked::{Again, Command};

/// A page on which `asked` has been run, and a link to what it shows.
fn sent(asked: &RunSpec) -> (Played, String) {
    let mut played = Played::with_both();
    played.run(asked);
    played.finish();
    let link = played.link().unwrap();
    (played, link)
}

fn open(played: &mut Played, link: &str) {
    played.address = true;
    played.tell(Msg::Linked(Command::Address(link.to_owned())));
}

fn again(played: &Played) -> Option<Again> {
    played.page.linked.picture.as_ref().map(|p| p.again.clone())
}

fn asked() -> RunSpec {
    RunSpec { marked: Some(0..3), by: By::Sentence, ..spec("one two", Whose::Typed) }
}

/// What a link shows is computed again as the link says, not as the page is set.
#[test]
fn a_link_is_computed_again_as_it_says() {
    let (_, link) = sent(&asked());
    let decoded = Link::decode(&link).unwrap().unwrap();
    assert_eq!(spec_of_link(&decoded), asked());
    let mut played = Played::default();
    open(&mut played, &link);
    assert_eq!((**played.round().spec).clone(), asked());
    assert_eq!(played.page.facts.editor.spec().options, asked().options, "the editor says what was run");
    // another prompt is typed before it is computed again
    played.tell(Msg::Edit(editor::Command::Prompt("three".into())));
    played.tell(Msg::Linked(Command::Recompute));
    assert_eq!(again(&played), Some(Again::Loading));
    played.finish();
    assert_eq!((**played.round().spec).clone(), asked());
    let Some(Again::Done(found)) = again(&played) else { panic!("{:?}", again(&played)) };
    assert_eq!(found.len(), 2);
    assert!(played.address, "the address still links to this picture");
}

/// A link is seen without any model.
#[test]
fn a_link_loads_nothing() {
    let (_, link) = sent(&asked());
    let mut played = Played::default();
    open(&mut played, &link);
    assert!(played.round().report(Side::Tuned).is_some());
    assert!(played.asked.iter().all(Vec::is_empty));
    // nor do its models come unasked: a host would be told
    played.tell(Msg::Waiting(waiting::Command::Idle { welcome: true }));
    assert!(played.asked.iter().all(Vec::is_empty));
}

/// Run, Ctrl+Enter, an example: what is on screen then was not sent, and the address does not say so.
#[test]
fn a_new_run_has_nothing_to_do_with_the_link() {
    let (mut played, link) = sent(&asked());
    open(&mut played, &link);
    assert!(played.page.linked.picture.is_some());
    played.tell(Msg::Run);
    assert!(played.page.linked.picture.is_none() && !played.address);
    played.finish();
    assert_eq!(played.round().shown, Shown::Computed);
}

/// While its models are missing, the picture stays: it is not forgotten before something takes its place.
#[test]
fn a_run_that_waits_for_the_models_leaves_the_picture() {
    let (_, link) = sent(&asked());
    let mut played = Played::default();
    open(&mut played, &link);
    played.tell(Msg::Run);
    assert!(played.page.linked.picture.is_some() && played.round().report(Side::Base).is_some());
    played.finish();
    assert!(played.page.linked.picture.is_none());
}

/// If what it needs cannot be loaded, computing it again ends.
#[test]
fn a_picture_without_its_models_is_not_computed_again() {
    let (_, link) = sent(&asked());
    let mut played = Played::default();
    open(&mut played, &link);
    played.tell(Msg::Linked(Command::Recompute));
    while Side::BOTH.into_iter().any(|side| played.work(side, true)) {}
    assert_eq!(again(&played), Some(Again::No));
    assert!(played.round().report(Side::Base).is_some(), "the picture that was sent is still shown");
}

/// A link that is damaged is refused in words, and leaves what is on screen.
#[test]
fn a_damaged_link_says_so() {
    let (mut played, link) = sent(&asked());
    let before = played.round().export();
    open(&mut played, &link[..link.len() / 2]);
    assert!(played.page.linked.notice.is_some() && played.page.linked.picture.is_none());
    assert_eq!(played.round().export(), before);
}

/// A file sets the editor as its run was asked, and shows its results; one that is none says so.
#[test]
fn a_file_is_shown_as_it_was_asked() {
    let (mut played, _) = sent(&asked());
    let text = serde_json::to_string(&played.round().export().unwrap()).unwrap();
    played.tell(Msg::Edit(editor::Command::Prompt("three".into())));
    played.tell(Msg::Linked(Command::File { name: "it.json".into(), text: "no".into() }));
    assert!(played.page.linked.notice.is_some());
    played.tell(Msg::Linked(Command::File { name: "it.json".into(), text }));
    assert_eq!(*played.page.linked.notice, None);
    assert_eq!(played.page.facts.editor.spec(), asked());
    assert_eq!(played.page.linked.picture.as_ref().unwrap().by, "it.json");
}
