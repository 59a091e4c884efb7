//! The scores of a set of prompts.

use super::*;
use crate::explain::findings::PromptCase;
use crate::page::scores::Command as Measure;
use crate::share::screen::Chat;

fn set(count: usize) -> Vec<PromptCase> {
    let case = |i| PromptCase { prompt: format!("Say {i}. Please."), instruction: None, response: None };
    (0..count).map(case).collect()
}

/// The first tab says that prompts are read so.
fn chat(played: &mut Played, chat: Chat) {
    let options = Options { chat, ..(*played.page.facts.editor.options).clone() };
    played.tell(Msg::Edit(editor::Command::Options(options)));
}

fn tell(played: &mut Played, command: Measure) {
    played.tell(Msg::Scores(command));
}

fn with_set(count: usize) -> Played {
    let mut played = Played::with_both();
    tell(&mut played, Measure::Take("mine".into(), set(count)));
    played
}

#[test]
fn every_prompt_is_run_by_both_and_written_down_now_and_then() {
    let mut played = with_set(40);
    tell(&mut played, Measure::Start);
    played.finish();
    let scores = &played.page.scores;
    assert!(!*scores.running && scores.rows.len() == 40);
    assert!(scores.rows.iter().zip(scores.cases.iter()).all(|(row, case)| row.prompt == case.prompt));
    assert!(scores.rows.iter().all(|row| row.response.starts_with("t on ") && row.base.is_some()));
    assert_eq!(played.writes, 3, "not after every prompt, as all are written each time");
    // on the next visit they are there at once
    let mut next = Played { written: played.written.clone(), ..Played::with_both() };
    tell(&mut next, Measure::Take("mine".into(), set(40)));
    assert_eq!(next.page.scores.rows.len(), 40);
}

#[test]
fn a_stop_keeps_what_was_measured_and_goes_on_there() {
    let mut played = with_set(3);
    tell(&mut played, Measure::Start);
    assert!(played.work(Side::Tuned, false) && played.work(Side::Base, false));
    tell(&mut played, Measure::Stop);
    played.finish();
    assert_eq!(played.page.scores.rows.len(), 1);
    tell(&mut played, Measure::Start);
    played.finish();
    assert_eq!(played.page.scores.rows.len(), 3);
}

/// Scores stand under the pair, the set and the template that they were measured with, or not at all.
#[test]
fn what_was_measured_otherwise_goes() {
    let mut played = with_set(2);
    tell(&mut played, Measure::Start);
    played.finish();
    chat(&mut played, Chat::Both);
    assert!(played.page.scores.rows.is_empty());
    chat(&mut played, Chat::TunedOnly);
    assert_eq!(played.page.scores.rows.len(), 2, "they were written down");
    tell(&mut played, Measure::Own(true));
    assert!(played.page.scores.rows.is_empty());
    tell(&mut played, Measure::Own(false));
    played.load(Side::Base, "another");
    assert!(played.page.scores.rows.is_empty());
    // changed on the way: this measurement ends as it began, and is not shown as the other
    tell(&mut played, Measure::Start);
    chat(&mut played, Chat::Off);
    played.finish();
    assert!(!*played.page.scores.running && played.page.scores.rows.is_empty());
    chat(&mut played, Chat::TunedOnly);
    assert_eq!(played.page.scores.rows.len(), 2);
}

#[test]
fn a_crash_or_a_full_storage_is_said_and_loses_nothing() {
    let mut played = with_set(3);
    tell(&mut played, Measure::Start);
    assert!(played.work(Side::Tuned, false) && played.work(Side::Base, false));
    played.crash(Side::Tuned);
    let scores = &played.page.scores;
    assert!(!*scores.running && scores.rows.len() == 1);
    assert!(scores.failure.as_ref().unwrap().contains("resume when it is back"));
    played.finish();
    tell(&mut played, Measure::Start);
    tell(&mut played, Measure::NotWritten);
    played.finish();
    assert_eq!(played.page.scores.rows.len(), 3);
}
