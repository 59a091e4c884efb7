//! Who says what to a model before it answers.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Who says a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// Nobody in particular: what the model is to keep to.
    System,
    /// The user.
    #[default]
    User,
    /// The model, in an earlier answer.
    Assistant,
}

impl Speaker {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::System, Self::User, Self::Assistant];

    /// As chat templates call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// What is said in a turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Said {
    /// These bytes of the text that is explained.
    Explained(Range<usize>),
    /// Something that the model reads and that is not explained.
    Other(String),
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Who says it.
    pub speaker: Speaker,
    /// What.
    pub said: Said,
}

/// What stands between the turns of an explained text, and between turns where there is no template.
pub const BETWEEN: &str = "\n\n";
/// Most turns of a conversation.
pub const MOST_TURNS: usize = 64;

/// A turn with its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// Who says it.
    pub speaker: Speaker,
    /// What.
    pub text: &'a str,
    /// Where it begins in the text that is explained, if it is a part of that.
    pub explained: Option<usize>,
}

/// The messages of a conversation over `text`, which holds the explained turns: all of it is one user's turn if there are no
/// others. Nothing if the turns do not fit the text.
pub fn messages<'a>(text: &'a str, turns: &'a [Turn]) -> Option<Vec<Message<'a>>> {
    if turns.is_empty() {
        return Some(vec![Message { speaker: Speaker::User, text, explained: Some(0) }]);
    }
    let mut end = 0;
    let mut message = |turn: &'a Turn| {
        let (text, explained) = match &turn.said {
            Said::Other(other) => (other.as_str(), None),
            Said::Explained(range) => {
                let part = text.get(range.clone()).filter(|_| range.start >= end)?;
                end = range.end;
                (part, Some(range.start))
            }
        };
        Some(Message { speaker: turn.speaker, text, explained })
    };
    let messages: Option<Vec<Message>> = turns.iter().map(&mut message).collect();
    messages.filter(|m| m.len() <= MOST_TURNS && m.last().is_some_and(|last| last.speaker == Speaker::User))
}

/// A conversation of turns that are explained or not: the text that is explained, and the turns over it. A single turn that
/// is explained needs none.
pub fn compose(turns: &[(Speaker, &str, bool)]) -> (String, Vec<Turn>) {
    if let [(Speaker::User, text, true)] = turns {
        return ((*text).to_owned(), Vec::new());
    }
    let mut whole = String::new();
    let turn = |&(speaker, text, explained): &(Speaker, &str, bool)| {
        if !explained {
            return Turn { speaker, said: Said::Other(text.to_owned()) };
        }
        if !whole.is_empty() {
            whole.push_str(BETWEEN);
        }
        let start = whole.len();
        whole.push_str(text);
        Turn { speaker, said: Said::Explained(start..whole.len()) }
    };
    let turns = turns.iter().map(turn).collect();
    (whole, turns)
}

/// The bytes of the explained text that the last turn takes, in which the instruction is looked for; all of it if that turn is
/// not explained.
pub fn last_explained(text: &str, turns: &[Turn]) -> Range<usize> {
    match turns.last().map(|turn| &turn.said) {
        Some(Said::Explained(range)) if text.get(range.clone()).is_some() => range.clone(),
        _ => 0..text.len(),
    }
}

/// Which turns of a conversation are explained, in words; none if there is only the text that is explained.
pub fn explained_turns(turns: &[Turn]) -> Option<String> {
    let explained = |(at, turn): (usize, &Turn)| matches!(turn.said, Said::Explained(_)).then(|| (at + 1).to_string());
    let mut numbers: Vec<String> = turns.iter().enumerate().filter_map(explained).collect();
    let last = numbers.pop()?;
    let of = format!("of a conversation of {} turns", turns.len());
    Some(match numbers.as_slice() {
        [] => format!("Only turn {last} {of} is explained."),
        others => format!("Turns {} and {last} {of} are explained.", others.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_taken_apart_as_it_was_put_together() {
        let turns = [
            (Speaker::System, "Be brief.", true),
            (Speaker::User, "Hi", false),
            (Speaker::Assistant, "Hello.", false),
            (Speaker::User, "Name a fox.", true),
        ];
        let (text, made) = compose(&turns);
        assert_eq!(text, "Be brief.\n\nName a fox.");
        let back: Vec<_> =
            messages(&text, &made).unwrap().iter().map(|m| (m.speaker, m.text, m.explained.is_some())).collect();
        assert_eq!(back, turns);
        assert_eq!(&text[last_explained(&text, &made)], "Name a fox.");
        assert_eq!(compose(&turns[3..]), ("Name a fox.".to_owned(), Vec::new()));
        assert_eq!(messages("Hi", &[]).unwrap()[0].text, "Hi");
    }

    #[test]
    fn a_caption_says_which_turns_are_explained() {
        let words = |explained: &[bool]| {
            let turns: Vec<_> = explained.iter().map(|explained| (Speaker::User, "Hi", *explained)).collect();
            explained_turns(&compose(&turns).1)
        };
        assert_eq!(words(&[true]), None);
        assert_eq!(words(&[false, true]).unwrap(), "Only turn 2 of a conversation of 2 turns is explained.");
        let said = "Turns 1, 2 and 4 of a conversation of 4 turns are explained.";
        assert_eq!(words(&[true, true, false, true]).unwrap(), said);
    }

    #[test]
    fn turns_that_do_not_fit_their_text_are_no_conversation() {
        let explained = |range| Turn { speaker: Speaker::User, said: Said::Explained(range) };
        let other = |speaker| Turn { speaker, said: Said::Other("x".into()) };
        for turns in [
            vec![explained(0..9)],
            vec![explained(1..2)], // within a character
            vec![explained(2..3), explained(0..2)],
            vec![explained(0..2), other(Speaker::Assistant)],
            vec![other(Speaker::User); MOST_TURNS + 1],
            vec![explained(Range { start: 2, end: 0 })],
        ] {
            assert!(messages("éa", &turns).is_none(), "{turns:?}");
        }
        assert!(messages("éa", &[explained(0..2), explained(2..3)]).is_some());
    }
}
