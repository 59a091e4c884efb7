//! Chat templates against Python's jinja2 in transformers' settings (tests/gold/make_templates.py): every byte that is rendered,
//! every refusal's words, and where each turn's text is.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::{gold, real};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use shiftlens::checkpoint::conversation::{BETWEEN, Message, Speaker};
use shiftlens::checkpoint::{ChatTemplate, CheckpointError, Own};

fn json(path: &Path) -> Json {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Turn, byte of its text, byte of the rendered text.
type Bytes = BTreeSet<(usize, usize, usize)>;

/// Turns of which all are explained, one after the other.
struct Conversation {
    turns: Vec<(Speaker, String)>,
    starts: Vec<usize>,
}

impl Conversation {
    fn read(turns: &Json) -> Self {
        let speaker = |name: &Json| *Speaker::ALL.iter().find(|s| s.name() == name).unwrap();
        let turn = |turn: &Json| (speaker(&turn[0]), turn[1].as_str().unwrap().to_owned());
        let turns: Vec<_> = turns.as_array().unwrap().iter().map(turn).collect();
        let mut next = 0;
        let start = |(_, text): &(Speaker, String)| {
            next += text.len() + BETWEEN.len();
            next - text.len() - BETWEEN.len()
        };
        Self { starts: turns.iter().map(start).collect(), turns }
    }

    fn messages(&self, explained: bool) -> Vec<Message<'_>> {
        let turns = self.turns.iter().zip(&self.starts);
        turns.map(|((s, text), at)| Message { speaker: *s, text, explained: explained.then_some(*at) }).collect()
    }

    /// The places of the turns' bytes: turn, byte of its text, byte of the rendered text. What is said to be a turn's is its
    /// text, and no byte is of two. Turns that are blank are left out.
    fn bytes(&self, own: &[Own], text: &str) -> Bytes {
        let (mut bytes, mut end) = (Bytes::new(), 0);
        for own in own {
            let turn = self.starts.partition_point(|start| *start <= own.from) - 1;
            let (said, from) = (&self.turns[turn].1, own.from - self.starts[turn]);
            assert_eq!(&text[own.at.clone()], &said[from..from + own.at.len()]);
            assert!(own.at.start >= end, "{own:?}");
            end = own.at.end;
            if !said.trim().is_empty() {
                bytes.extend((0..own.at.len()).map(|i| (turn, from + i, own.at.start + i)));
            }
        }
        bytes
    }

    fn expected(&self, parts: &Json) -> Bytes {
        let number = |n: &Json| n.as_u64().unwrap() as usize;
        let part = |part: &Json| {
            let [turn, from, at, count] = [0, 1, 2, 3].map(|i| number(&part[i]));
            (0..count).map(move |i| (turn, from + i, at + i))
        };
        parts.as_array().unwrap().iter().flat_map(part).collect()
    }
}

/// Python's SHA-256 where the gold file has no text.
fn same(ours: &str, theirs: &Json, hashed: bool) -> bool {
    match hashed {
        true => Sha256::digest(ours).iter().map(|b| format!("{b:02x}")).collect::<String>() == *theirs,
        false => ours == theirs,
    }
}

/// `case`: what Python makes of the conversation.
fn agrees(template: &ChatTemplate, conversation: &Conversation, case: &Json, gold: &Json, hashed: bool) {
    let (bos, eos) = (gold["bos"].as_str().unwrap(), gold["eos"].as_str().unwrap());
    let rendered = match template.render(&conversation.messages(false), bos, eos) {
        Ok(rendered) => rendered,
        Err(CheckpointError::TemplateRefuses(words)) => {
            return assert!(same(&words, &case["refusal"], hashed), "{words}; {case}");
        }
        Err(e) => return assert!(case["broken"].is_string(), "{e}; {case}"),
    };
    assert!(same(&rendered.text, &case["text"], hashed), "{:?}; {case}", rendered.text);
    assert!(rendered.own.is_empty());

    let places = &case["own"];
    let explained = match template.render(&conversation.messages(true), bos, eos) {
        Ok(explained) => explained,
        Err(CheckpointError::Template(_)) if !places.is_object() || places["lost"] != serde_json::json!([]) => return,
        Err(e) => panic!("{e}; {case}"),
    };
    assert_eq!(explained.text, rendered.text);
    let found = conversation.bytes(&explained.own, &explained.text);
    if places.is_object() {
        let expected = conversation.expected(&places["parts"]);
        assert_eq!(places["lost"], serde_json::json!([]), "{found:?}");
        assert!(expected.is_subset(&found), "{:?} missing; {case}", expected.difference(&found));
        if places["all"] == true {
            assert!(found.is_subset(&expected), "{:?} too many; {case}", found.difference(&expected));
        }
    }
}

/// Every conversation through a template. Gives how many were compared.
fn all_agree(name: &str, template: &ChatTemplate, cases: &Json, gold: &Json, hashed: bool) -> usize {
    let cases = cases.as_object().unwrap();
    for (title, case) in cases {
        println!("{name}, {title}");
        agrees(template, &Conversation::read(&gold["conversations"][title]), case, gold, hashed);
    }
    cases.len()
}

#[test]
fn templates_of_all_families_are_rendered_as_python_does() {
    let gold = json(&gold("templates.json"));
    let mut compared = 0;
    for (name, template) in gold["templates"].as_object().unwrap() {
        let own = ChatTemplate::new(template["source"].as_str().unwrap().to_owned());
        compared += all_agree(name, &own, &template["cases"], &gold, false);
    }
    assert!(compared > 300, "{compared}");
}

#[test]
fn published_templates_are_rendered_as_python_does() {
    let (own, published) = (json(&gold("templates.json")), json(&gold("real/templates.json")));
    for (name, template) in published.as_object().unwrap() {
        let Some(path) = real(name) else { continue };
        let text = std::fs::read_to_string(&path).unwrap();
        let source = match name.ends_with(".json") {
            true => serde_json::from_str::<Json>(&text).unwrap()["chat_template"].as_str().unwrap().to_owned(),
            false => text,
        };
        assert!(same(&source, &template["sha256"], true), "{name} is another file than Python read");
        all_agree(name, &ChatTemplate::new(source), &template["cases"], &own, true);
    }
}
