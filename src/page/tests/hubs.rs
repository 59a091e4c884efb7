//! Repositories of the hub in place of files.

use serde_json::{Value, json};

use super::*;
use crate::checkpoint::catalogue::CATALOGUE;
use crate::checkpoint::hub::HubError;
use crate::page::hub::{Command, Found, Look};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What somebody may ask.
pub fn command(side: Side, which: usize) -> Command {
    match which {
        0 => Command::Look(side, "lab/tiny-Instruct".into()),
        1 => Command::Look(side, "lab/absent".into()),
        2 => Command::Open(side, 0),
        3 => Command::Counterpart(side),
        4 => Command::Forget(side),
        _ => Command::Pair(0, 0),
    }
}

fn listing(id: &str, base: Option<&str>, files: &[(&str, u64)]) -> Value {
    let file = |(path, bytes): &(&str, u64)| json!({"rfilename": path, "size": bytes, "lfs": {"sha256": "a".repeat(64), "size": bytes}});
    let files: Vec<Value> = files.iter().map(file).collect();
    json!({"id": id, "sha": COMMIT, "gated": false, "siblings": files, "cardData": {"base_model": base}})
}

/// What a hub answers that holds a small lab's pair, somebody's quantization of its tuned half and of its base, a gated
/// repository, and troubles.
pub fn answer(job: u32, url: &str) -> Event {
    let path = url.split("/api/models").nth(1).unwrap_or_default();
    let name = path.trim_start_matches('/').split('?').next().unwrap_or_default();
    let name = name.split("/revision/").next().unwrap_or_default();
    let said =
        |status, code: &str, body: String| Event::Answered { job, status, code: code.into(), wait: Some(9), body };
    let good = |body: Value| said(200, "", body.to_string());
    let mut quantized = listing("some/tiny-Instruct-GGUF", Some("lab/tiny-Instruct"), &[("t-Q8_0.gguf", 9)]);
    quantized["cardData"]["base_model_relation"] = json!("quantized");
    match name {
        "lab/tiny-Instruct" => {
            let files = [("t-Q8_0.gguf", 2_000_000_000), ("t-Q4_0.gguf", 1_000_000_000), ("t-IQ2_S.gguf", 1)];
            good(listing(name, Some("lab/tiny-Foundation"), &files))
        }
        "lab/tiny-Foundation" => good(listing(name, None, &[("b-Q4_0.gguf", 6), ("b-Q8_0.gguf", 9)])),
        "some/tiny-Instruct-GGUF" => good(quantized),
        "lab/gated" => good(json!({"id": name, "sha": COMMIT, "gated": "manual", "siblings": []})),
        "lab/short" => good(json!({"id": name, "sha": COMMIT, "siblings": [], "gguf": {"context_length": 20}})),
        "lab/empty" => good(listing(name, None, &[("README.md", 1)])),
        "lab/html" => said(200, "", "<html>".into()),
        "lab/busy" => said(429, "", String::new()),
        "lab/down" => said(503, "", String::new()),
        "" if path.contains("tiny-Foundation") => good(json!([{"id": "lab/tiny-Foundation", "gated": false}])),
        "" => good(json!([])),
        _ => said(401, "RepoNotFound", String::new()),
    }
}

fn ask(played: &mut Played, command: Command) {
    played.tell(Msg::Hub(command));
}

fn look(played: &Played, side: Side) -> &Look {
    &played.page.hub.looks[side.index()]
}

fn found(played: &Played, side: Side) -> &Found {
    match look(played, side) {
        Look::Found(found) => found,
        other => panic!("{other:?}"),
    }
}

fn failed(text: &str) -> HubError {
    let mut played = Played::default();
    ask(&mut played, Command::Look(Side::Tuned, text.into()));
    played.finish();
    match look(&played, Side::Tuned) {
        Look::Failed(e) => e.clone(),
        other => panic!("{other:?}"),
    }
}

fn urls_of(played: &Played, side: Side) -> Vec<String> {
    let load = |r: &Request| match r {
        Request::Load { source: Source::Url { urls }, .. } => Some(urls.clone()),
        _ => None,
    };
    played.asked[side.index()].iter().filter_map(load).next_back().unwrap_or_default()
}

/// A repository's name shows its files; the proposed one is opened at its commit, held to its checksum.
#[test]
fn a_repository_is_looked_into_and_opened() {
    let mut played = Played::default();
    ask(&mut played, Command::Look(Side::Tuned, "lab/tiny-Instruct".into()));
    assert_eq!(look(&played, Side::Tuned), &Look::Asking("lab/tiny-Instruct".into()));
    played.finish();
    let seen = found(&played, Side::Tuned);
    assert_eq!((seen.candidates.open[seen.proposed].storage.as_str(), seen.candidates.open.len()), ("Q8_0", 2));
    assert_eq!(seen.candidates.refused.len(), 1);
    assert_eq!(urls_of(&played, Side::Tuned).len(), 0, "nothing is fetched that nobody has chosen");
    ask(&mut played, Command::Open(Side::Tuned, 1));
    let url = format!("https://huggingface.co/lab/tiny-Instruct/resolve/{COMMIT}/t-Q4_0.gguf");
    assert_eq!(urls_of(&played, Side::Tuned), [format!("{url}#sha256={}", "a".repeat(64))]);
    played.finish();
    // what is sent to others says where it is, also when it is kept here
    let Origin::Urls(urls) = &played.page.facts.model(Side::Tuned).unwrap().origin else { panic!("elsewhere") };
    assert!(urls[0].starts_with(&url));
    assert_eq!(found(&played, Side::Tuned).proposed, 1);
}

/// The card names the base; it is proposed for the other slot, stored in the same type.
#[test]
fn the_other_half_is_offered_and_found() {
    let mut played = Played::default();
    played.tell(Msg::Here(fit::Command::Device(Some(4.0))));
    ask(&mut played, Command::Look(Side::Tuned, "lab/tiny-Instruct".into()));
    played.finish();
    let seen = found(&played, Side::Tuned);
    assert_eq!(seen.candidates.open[seen.proposed].storage, "Q4_0", "what fits this machine");
    let other = seen.other.as_ref().unwrap();
    assert_eq!((other.name.as_deref(), other.named_by_card), (Some("lab/tiny-Foundation"), true));
    ask(&mut played, Command::Counterpart(Side::Tuned));
    played.finish();
    let base = found(&played, Side::Base);
    assert_eq!(base.listing.repository.to_string(), "lab/tiny-Foundation");
    assert_eq!(base.candidates.open[base.proposed].storage, "Q4_0");
    assert!(base.other.as_ref().unwrap().steps.len() > 1);
}

/// Somebody's quantization of the tuned model: its card names the model, whose card names the base, of which files are
/// looked for where this publisher would have them, and then elsewhere.
#[test]
fn the_other_half_of_a_quantization_is_found() {
    let mut played = Played::default();
    ask(&mut played, Command::Look(Side::Tuned, "https://huggingface.co/some/tiny-Instruct-GGUF/tree/main".into()));
    played.finish();
    ask(&mut played, Command::Counterpart(Side::Tuned));
    played.finish();
    assert_eq!(found(&played, Side::Base).listing.repository.to_string(), "lab/tiny-Foundation");
    let asked: Vec<String> = played.asked[0]
        .iter()
        .filter_map(|r| match r {
            Request::Ask { url, .. } => Some(url.clone()),
            _ => None,
        })
        .collect();
    assert!(asked[0].contains("lab/tiny-Instruct?"), "its card: {asked:?}");
    assert!(asked[1].contains("some/tiny-Foundation-GGUF?"), "this publisher's: {asked:?}");
    assert!(asked[2].contains("filter=base_model%3Aquantized%3Alab%2Ftiny-Foundation"), "{asked:?}");
}

#[test]
fn what_cannot_be_opened_is_said() {
    assert!(matches!(failed("lab/absent"), HubError::NotThere(_)));
    assert!(matches!(failed("lab/gated"), HubError::Gated(_)));
    assert!(matches!(failed("lab/short"), HubError::Nothing { .. }));
    assert!(matches!(failed("lab/empty"), HubError::Nothing { .. }));
    assert!(matches!(failed("lab/html"), HubError::Answer(_)));
    assert_eq!(failed("lab/busy"), HubError::Busy { wait: Some(9) });
    assert_eq!(failed("lab/down"), HubError::Down(503));
    assert!(matches!(failed("gpt2"), HubError::NotARepository(_)));
    // without a network, nobody else is asked either
    let mut played = Played::default();
    ask(&mut played, Command::Pair(0, 0));
    assert!(played.work(Side::Base, true));
    assert_eq!(look(&played, Side::Base), &Look::Failed(HubError::Unreachable("no network".into())));
    let asks = played.asked[0].iter().filter(|r| matches!(r, Request::Ask { .. })).count();
    assert_eq!(asks, 1);
}

/// A pair of the catalogue that is nowhere: all that was asked is named, and what is loaded stays.
#[test]
fn a_known_pair_that_is_not_there_leaves_everything_as_it_was() {
    let mut played = Played::with_both();
    ask(&mut played, Command::Pair(0, 0));
    played.finish();
    let Look::Failed(HubError::NoGuess(names)) = look(&played, Side::Tuned) else {
        panic!("{:?}", look(&played, Side::Tuned))
    };
    assert!(names.contains(CATALOGUE[0].tuned[0].model) && names.contains(CATALOGUE[0].tuned[0].quantized[0]));
    assert!(Side::BOTH.into_iter().all(|side| played.page.facts.model(side).is_some()));
}

#[test]
fn an_engine_that_dies_ends_the_search() {
    let mut played = Played::default();
    ask(&mut played, Command::Look(Side::Base, "lab/tiny-Instruct".into()));
    played.crash(Side::Base);
    assert!(matches!(look(&played, Side::Base), Look::Failed(HubError::Unreachable(_))));
    // asked anew, it is found
    ask(&mut played, Command::Look(Side::Base, "lab/tiny-Instruct".into()));
    played.finish();
    assert_eq!(found(&played, Side::Base).candidates.open.len(), 2);
    ask(&mut played, Command::Forget(Side::Base));
    assert_eq!(look(&played, Side::Base), &Look::None);
}

/// A run that has been timed is the measure of what comes.
#[test]
fn runs_measure_this_machine() {
    let mut played = Played::with_both();
    assert!(played.page.here.measured.is_none());
    played.run(&spec("Say one.", Whose::Own));
    let side = Side::Tuned;
    let Some(Request::Run { job, run }) = played.next_request(side) else { panic!("it runs") };
    let mut whole = report(&model("t").info, &run);
    whole.seconds.total = 2.0;
    let event = Box::new(Event::Finished { job, report: Box::new(whole), memory: 0, threads: 1 });
    let effects = played.page.update(Msg::Engine { side, epoch: 0, event, at: 0.0 });
    assert!(effects.iter().any(|e| matches!(e, Effect::KeepSpeed(text) if text.contains("Model t"))));
    assert_eq!(played.page.here.measured.as_ref().unwrap().seconds, 2.0);
}

/// What is said of a load that failed is not said any more when something else is asked for; what is said where no model is
/// stays, as nothing else does.
#[test]
fn an_old_failure_is_not_said_of_a_new_repository() {
    let mut played = Played::with_both();
    played.begin_load(Side::Base, "x");
    assert!(played.work(Side::Base, true));
    assert!(played.page.slots.slot(Side::Base).failure.is_some());
    ask(&mut played, Command::Look(Side::Base, "lab/tiny-Instruct".into()));
    assert_eq!(played.page.slots.slot(Side::Base).failure, None);
    let mut played = Played::default();
    played.tell(Msg::Slots(slots::Command::Dismiss(Side::Base)));
    assert_eq!(played.page.slots.slot(Side::Base).failure, None);
}
