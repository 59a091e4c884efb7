//! Conversations of several turns, in links and files.

use super::*;
use crate::checkpoint::{Said, Speaker};

fn turns(link: &Link) -> Vec<Turn> {
    let other = Turn { speaker: Speaker::System, said: Said::Other("Be kind.".into()) };
    vec![other, Turn { speaker: Speaker::User, said: Said::Explained(0..link.prompt.len()) }]
}

#[test]
fn a_conversation_travels_with_its_picture_and_is_refused_where_it_does_not_fit() {
    let mut link = example(0);
    assert_eq!(Link::decode(&link.encode(0).0).unwrap().unwrap().turns, [], "none");
    link.turns = turns(&link);
    link.spans = vec![0..4, 5..9];
    let found = Link::decode(&link.encode(0).0).unwrap().unwrap();
    assert_eq!((&found.turns, &found.spans, found.inside), (&link.turns, &link.spans, link.inside));
    for spans in [vec![0..4, 2..9], vec![5..9, 0..4], vec![0..4, 9..999]] {
        let forged = Link { spans, ..link.clone() };
        assert!(Link::decode(&forged.encode(0).0).unwrap().unwrap().spans.is_empty());
    }
    link.turns[1].said = Said::Explained(0..link.prompt.len() + 1);
    assert_eq!(Link::decode(&link.encode(0).0), Some(Err(LinkError::Damaged)));
}

/// Some templates place the system's words after earlier turns.
#[test]
fn a_picture_whose_template_moves_a_turn_travels_too() {
    let mut link = example(0);
    for seen in link.seen.iter_mut().flatten() {
        let own: Vec<usize> =
            (0..seen.report.prompt.len()).filter(|i| seen.report.prompt[*i].role == Role::User).collect();
        seen.report.prompt[own[0]..].rotate_left(2);
        seen.report.by = By::Token;
        seen.report.units = crate::explain::units(&seen.report.prompt, &link.prompt, By::Token, false);
    }
    let found = Link::decode(&link.encode(0).0).unwrap().unwrap();
    let spans = |link: &Link| {
        link.seen.clone().map(|s| s.map(|s| s.report.units.iter().map(|u| u.span.clone()).collect::<Vec<_>>()))
    };
    assert_eq!(spans(&found), spans(&link));
    let [base, tuned] = link.seen.clone().map(|seen| seen.map(|seen| seen.report));
    let export = Export::new(link.prompt.clone(), Models { base, tuned });
    assert!(Export::read("a.json", &serde_json::to_string(&export).unwrap()).is_ok());
}

#[test]
fn a_file_with_turns_that_do_not_fit_is_refused() {
    let link = example(0);
    let [base, tuned] = link.seen.clone().map(|seen| seen.map(|seen| seen.report));
    let file = |turns: Vec<Turn>| {
        let spec = RunSpec { turns, ..RunSpec::default() };
        let models = Models { base: base.clone(), tuned: tuned.clone() };
        let export = Export { spec: Some(spec), ..Export::new(link.prompt.clone(), models) };
        Export::read("a.json", &serde_json::to_string(&export).unwrap())
    };
    assert_eq!(file(turns(&link)).unwrap().asked().turns, turns(&link));
    let mut wrong = turns(&link);
    wrong.swap(0, 1); // the last turn has to be the user's
    assert_eq!(file(wrong), Err(FileError::Damaged("a.json".into())));
}
