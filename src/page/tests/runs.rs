//! Runs: what is asked, what stands on screen, what leaves the page.

use super::*;
use crate::explain::attribution::Mode;
use crate::share::screen::Chat;

/// The listener explains the speaker's answer under the prompt it was given to, whatever is typed
/// meanwhile. The core has no editor to read; what is run is what was asked.
#[test]
fn the_listener_is_asked_what_the_speaker_was() {
    let mut played = Played::with_both();
    played.run(&spec("one", Whose::Tuned));
    assert_eq!(played.round().half(Side::Base).phase, Phase::Waits);
    played.work(Side::Tuned, false);
    let asked = played.engines[0].queue.front().map(|(request, _)| request.clone());
    let Some(Request::Run { run, .. }) = asked else { panic!("the base is asked: {asked:?}") };
    assert_eq!(run.prompt, Prompt::text("one", Default::default()));
    assert_eq!(run.response, Response::Ids { ids: vec![7] });
    played.finish();
    assert!(!played.round().is_running() && played.round().is_given(Side::Base));
}

/// Each report is exported under the prompt, the mark and the checkpoint that made it.
#[test]
fn what_is_exported_is_what_was_asked_and_where_it_came_from() {
    let mut played = Played::with_both();
    let asked = RunSpec { marked: Some(0..3), ..spec("one two", Whose::Own) };
    played.run(&asked);
    played.finish();
    played.load(Side::Base, "another");
    let export = played.round().export().unwrap();
    assert_eq!((export.prompt.as_str(), export.spec.as_ref()), ("one two", Some(&asked)));
    assert_eq!(export.models.base.as_ref().unwrap().instruction, 0..3);
    let origin = played.round().half(Side::Base).origin.clone();
    assert_eq!(origin, Some(Origin::Urls(vec!["https://models.example/b".into()])));
    let text = serde_json::to_string(&export).unwrap();
    let read = Export::read("it.json", &text).unwrap();
    let again = Round::of_export(read, Shown::Linked, [(); 2].map(|()| Origin::Elsewhere));
    assert_eq!(again.export().unwrap(), export);
}

/// A mark belongs to the prompt in which it was made.
#[test]
fn a_mark_in_an_edited_prompt_leaves_the_old_result_alone() {
    let mut played = Played::with_both();
    played.run(&spec("Say hello to everyone here.", Whose::Own));
    played.finish();
    let before = played.round().report(Side::Tuned).unwrap();
    let mut mark = |prompt: &str| {
        played.tell(Msg::Edit(editor::Command::Prompt(prompt.into())));
        played.tell(Msg::Edit(editor::Command::Mark(Some(0..3))));
        played.round().report(Side::Tuned).unwrap()
    };
    assert_eq!(mark("Say hello to nobody."), before);
    assert_eq!(mark("Say hello to everyone here.").instruction, 0..3);
}

/// What is looked into is what the model that is there has read.
#[test]
fn another_models_tokens_are_not_read_by_this_one() {
    let mut played = Played::with_both();
    played.run(&spec("one", Whose::Own));
    played.finish();
    let sequence = |played: &Played| played.round().sequence(Side::Base, &played.page.facts);
    assert_eq!(sequence(&played), [1, 7]);
    played.load(Side::Base, "another");
    assert!(sequence(&played).is_empty());
    played.load(Side::Base, "b");
    assert_eq!(sequence(&played), [1, 7]);
}

/// A file from before specifications were kept still tells what was asked.
#[test]
fn an_old_file_is_computed_again_as_it_was() {
    let mut played = Played::with_both();
    let asked = RunSpec { marked: Some(0..3), by: By::Word, ..spec("one two", Whose::Typed) };
    played.run(&asked);
    played.finish();
    let export = Export { spec: None, ..played.round().export().unwrap() };
    let found = export.asked();
    let options = Options { chat: Chat::Off, ..asked.options.clone() };
    assert_eq!(found, RunSpec { options, ..asked });
}

/// A run of which nothing comes leaves the results before it; those of another run never stand beside new ones.
#[test]
fn results_of_two_runs_never_stand_side_by_side() {
    let mut played = Played::with_both();
    played.run(&spec("one", Whose::Own));
    played.finish();
    played.run(&spec("two", Whose::Own));
    played.work(Side::Base, true);
    assert_eq!((played.round().spec.prompt.as_str(), played.said(Side::Base).as_str()), ("two", ""));
    played.work(Side::Tuned, false);
    assert_eq!((played.said(Side::Base).as_str(), played.said(Side::Tuned).as_str()), ("", "t on two"));
    // and when nothing comes of either, what was there is there again, under the reason
    played.run(&spec("three", Whose::Own));
    assert!(played.work(Side::Base, true) && played.work(Side::Tuned, true));
    assert_eq!((played.round().spec.prompt.as_str(), played.said(Side::Tuned).as_str()), ("two", "t on two"));
    assert_eq!(played.round().half(Side::Base).failure, Some(Failure::Cancelled));
}

#[test]
fn a_run_that_begins_while_another_is_on_its_way_takes_its_place() {
    let mut played = Played::with_both();
    played.run(&spec("one", Whose::Tuned));
    played.run(&spec("two", Whose::Own));
    played.finish();
    assert_eq!((played.said(Side::Base).as_str(), played.said(Side::Tuned).as_str()), ("b on two", "t on two"));
}

#[test]
fn with_one_model_the_other_half_is_empty_and_with_none_the_page_says_so() {
    let mut played = Played::with_both();
    played.run(&spec("one", Whose::Own));
    played.finish();
    played.crash(Side::Base);
    played.run(&spec("two", Whose::Own));
    played.finish();
    assert!(played.round().half(Side::Base).is_empty(), "the base's result is of another prompt");
    assert_eq!(played.said(Side::Tuned), "t on two");
    let mut alone = Played::default();
    alone.run(&spec("one", Whose::Own));
    assert_eq!(alone.round().half(Side::Base).failure, Some(Failure::NotLoaded));
}

#[test]
fn an_engine_that_is_gone_ends_its_run_and_is_not_heard_any_more() {
    let mut played = Played::with_both();
    played.run(&spec("one", Whose::Tuned));
    let Some(Request::Run { job, run }) = played.next_request(Side::Tuned) else { panic!() };
    played.crash(Side::Tuned);
    assert!(!played.round().is_running());
    // the engine that is gone is of an earlier epoch
    let late = Event::Finished { job, report: Box::new(report(&model("t").info, &run)), memory: 0, threads: 1 };
    played.tell(Msg::Engine { side: Side::Tuned, epoch: 0, event: Box::new(late), at: 0.0 });
    assert!(played.round().half(Side::Tuned).is_empty());
    assert_eq!(played.round().half(Side::Tuned).failure, Some(Failure::Crashed("boom".into())));
}

#[test]
fn tokens_are_drawn_once_a_frame() {
    let mut played = Played::with_both();
    played.run(&spec("one", Whose::Own));
    let Some(Request::Run { job, .. }) = played.next_request(Side::Base) else { panic!() };
    for i in 0..3 {
        played.hear(Side::Base, Event::Token { job, token: token(i, "x"), column: Some(vec![1.0]) });
    }
    assert!(played.frame && played.said(Side::Base).is_empty());
    played.tell(Msg::Frame);
    assert_eq!(played.said(Side::Base), "xxx");
}

/// What is marked in the editor is read in the result of the same conversation, and of no other.
#[test]
fn a_mark_is_of_its_own_conversation() {
    let mut played = Played::with_both();
    let said = |text: &str| {
        let before = vec![editor::Before { text: text.into(), ..Default::default() }];
        Msg::Edit(editor::Command::Conversation(editor::Conversation { before, prompt_left_out: false }))
    };
    played.tell(Msg::Edit(editor::Command::Prompt("one two".into())));
    played.tell(said("Hi"));
    played.tell(Msg::Run);
    played.finish();
    played.tell(Msg::Edit(editor::Command::Unit(0..7)));
    assert_eq!(played.round().spec.spans.len(), 1);
    played.tell(said("Hello"));
    played.tell(Msg::Edit(editor::Command::Mark(Some(0..3))));
    assert_eq!(played.round().spec.marked, None);
}

/// A sentence cannot be cut into the user's own units once it has been explained: such a run is asked by word.
#[test]
fn units_of_ones_own_and_the_templates_row_are_asked_for() {
    let mut played = Played::with_both();
    let mut asked = |spec: &RunSpec| {
        played.run(spec);
        let requests: Vec<Request> = std::iter::from_fn(|| played.next_request(Side::Tuned)).collect();
        requests.into_iter().find_map(|r| match r {
            Request::Run { run, .. } => Some((run.by, run.template_row)),
            _ => None,
        })
    };
    let plain = RunSpec { by: By::Sentence, ..spec("one two", Whose::Own) };
    assert_eq!(asked(&plain), Some((By::Sentence, false)));
    let own = RunSpec { spans: std::iter::once(0..3).collect(), template_row: true, ..plain };
    assert_eq!(asked(&own), Some((By::Word, true)));
}

/// What a run needs of memory depends on how it is explained: another granularity or method asks anew.
#[test]
fn another_granularity_or_method_asks_what_the_run_needs() {
    let mut played = Played::with_both();
    let asked = |played: &mut Played| {
        played.end_pause();
        let requests: Vec<Request> = std::iter::from_fn(|| played.next_request(Side::Tuned)).collect();
        requests.into_iter().find_map(|r| match r {
            Request::Prepare { by, mode, .. } => Some((by, mode)),
            _ => None,
        })
    };
    assert_eq!(asked(&mut played), Some((By::Word, Mode::Auto)));
    assert_eq!(asked(&mut played), None, "nothing has changed");
    let mut reading = *played.page.facts.editor.reading;
    reading.by = By::Token;
    played.tell(Msg::Edit(editor::Command::Reading(reading)));
    assert_eq!(asked(&mut played), Some((By::Token, Mode::Auto)));
    let options = Options { mode: Mode::Reverse, ..Options::default() };
    played.tell(Msg::Edit(editor::Command::Options(options)));
    assert_eq!(asked(&mut played), Some((By::Token, Mode::Reverse)));
}
