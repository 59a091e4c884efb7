//! Edit and compare: a word of the prompt taken out or replaced.

use super::numbers::signed;

/// At a chosen word of the prompt.
pub fn what_if(word: &str) -> String {
    format!("What if the prompt did not say “{word}”?")
}
pub const TAKE_OUT: &str = "Take it out";
pub const ABOUT_TAKE_OUT: &str =
    "Run the prompt without this word on the same response, and compare (Delete key on the word)";
pub const REPLACE_BY: &str = "Replace it with";
pub const ANOTHER_WORD: &str = "Another word";
pub const REPLACE: &str = "Replace";

pub const WISH: &str = "compare the edited prompt";

/// Why an edit cannot be made.
pub const GONE: &str = "The prompt of this picture does not have that word there. Choose a word of the prompt again.";
pub const NO_WORD: &str = "That is no word of your prompt: it belongs to the chat template, or is white space or a part of a character. Choose another word.";
pub const NOTHING: &str =
    "Type the word that is to stand there, then press Replace. To remove the word, press Take it out.";
pub const SAME: &str = "That word stands there already. Type another one.";
pub const EMPTY: &str = "Nothing of the prompt would be left. Replace the word instead.";
pub const EMPTY_TURN: &str = "Nothing of that turn would be left. Replace the word instead.";
pub const TURNS: &str = "That is a part of two turns of the conversation. Choose a single word.";

/// The comparison.
pub const TITLE: &str = "Edit and compare";
pub fn without(word: &str) -> String {
    format!("Without “{word}”")
}
pub fn in_place(new: &str, word: &str) -> String {
    format!("“{new}” in place of “{word}”")
}
pub const RUNNING: &str = "Reading the same response after the edited prompt…";
pub const ANSWERING: &str = "Answering the edited prompt…";
pub const TRY_AGAIN: &str = "Try again";
pub const BEFORE: &str = "As it was";
pub const AFTER: &str = "Edited";
pub const PICTURE_BEFORE: &str = "Matrix of the prompt as it was";
pub const PICTURE_AFTER: &str = "Matrix of the edited prompt";
pub const SAME_SCALE: &str = "Both pictures are of the same response and on one scale.";
pub const OWN_LEVELS: &str =
    "Both pictures are of the same response; levels are relative to the largest value of their column.";

/// The whole response, in nats.
pub fn whole(before: f64, after: f64) -> String {
    let change = after - before;
    let how = match change {
        c if c.abs() < 0.005 => "as likely as before".to_owned(),
        c if c.abs() < 0.4 => {
            format!("{:.0} % {} likely", (c.exp() - 1.0).abs() * 100.0, if c < 0.0 { "less" } else { "more" })
        }
        c => format!("{} times {} likely", times(c.abs().exp()), if c < 0.0 { "less" } else { "more" }),
    };
    let [before, after] = [before, after].map(total);
    format!(
        "The same response is now {how}: its log-probability went from {before} to {after} nats ({}).",
        nats(change)
    )
}

/// A log-probability: "−3.20".
fn total(nats: f64) -> String {
    format!("{nats:.2}").replace('-', "−")
}

/// "2.7", "31", "more than 1,000".
fn times(factor: f64) -> String {
    match factor {
        f if f < 9.95 => format!("{f:.1}"),
        f if f < 1000.0 => format!("{f:.0}"),
        _ => "more than 1,000".into(),
    }
}

/// A change of a log-probability: "−0.31".
pub fn nats(change: f64) -> String {
    if change.abs() < 0.005 { "0.00".into() } else { format!("{change:+.2}").replace('-', "−") }
}
pub fn most(token: &str, change: f64) -> String {
    format!("“{token}” changed most, by {} nats.", nats(change))
}
pub const NO_TOKEN: &str = "No token's log-probability changed by 0.005 nats or more.";
pub fn agreement(right: usize, changed: usize) -> String {
    match changed {
        0 => "No token's value changed by 0.005 or more.".into(),
        1 => format!(
            "The picture had the direction {} for the one token that changed.",
            if right == 1 { "right" } else { "wrong" }
        ),
        _ => format!("The picture had the direction right for {right} of the {changed} tokens that changed."),
    }
}
pub const ABOUT_FORECAST: &str = "What the picture said is minus the word's value in each column: what taking the word away would change if the slope held all the way. Taking it out also moves the words after it, and the text is split into tokens anew. More and less than said: more than twice and less than half as much.";
pub const ABOUT_REPLACED: &str = "What the picture said is about the word's going, not about the word that came.";
pub const NORM: &str = "A gradient norm has no direction, so there is nothing to hold against what happened.";
pub const LOGIT: &str = "The picture is of logits, which a run does not report: compare the directions only.";
pub const CONTRAST: &str =
    "The picture is of one token against another, so it says nothing of this token's probability alone.";
pub const FRAME_DIFFERS: &str =
    "What stands around the prompt was read as other tokens than before: a part of the change may be due to that.";

/// The table of tokens.
pub const TOKENS: &str = "Every token of the response";
pub const TOKEN: &str = "Response";
pub const P_BEFORE: &str = "Probability before";
pub const P_AFTER: &str = "after";
pub const CHANGE: &str = "Change, nats";
pub fn said(target: &str) -> String {
    format!("The picture said ({target})")
}
pub const HAPPENED: &str = "What happened";
pub const COMPARED: &str = "Beside each other";
pub const NO_LOGARITHM: &str = "too unlikely to tell";
pub fn value(v: f64) -> String {
    signed(v as f32).replace('-', "−")
}
pub const NEITHER: &str = "no change";
pub const AS_SAID: &str = "as said";
pub const MORE: &str = "more than said";
pub const LESS: &str = "less than said";
pub const AGAINST: &str = "the other way";
pub const STRIP: &str = "Change of every token's log-probability";
pub fn token_changed(token: &str, change: &str) -> String {
    format!("“{token}”: {change} nats")
}
pub const LESS_LIKELY: &str = "less likely now";
pub const MORE_LIKELY: &str = "more likely now";
pub const AFTER_AS_TABLE: &str = "The edited prompt's picture as a table";

/// What can be done with it.
pub const LET_ANSWER: &str = "Let it answer the edited prompt";
pub const ITS_ANSWER: &str = "Its own answer to the edited prompt";
pub const RESPONSE_BEFORE: &str = "The response that was explained";
pub const SAME_ANSWER: &str = "It answers the same.";
pub const NO_ANSWER: &str = "It answers nothing.";
pub const INTO_EDITOR: &str = "Put the edited prompt into the editor";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_response_is_told_in_words() {
        assert!(
            whole(-2.0, -3.0)
                .contains("2.7 times less likely: its log-probability went from −2.00 to −3.00 nats (−1.00)")
        );
        assert!(whole(-3.0, -3.001).contains("as likely as before"));
        assert!(whole(-0.03, -0.06).contains("3 % less likely"));
        assert!(whole(-0.3, -0.1).contains("22 % more likely"));
        assert!(whole(-30.0, -3.0).contains("more than 1,000 times more likely"));
        assert_eq!([0.312, -0.001, -1.0].map(nats), ["+0.31", "0.00", "−1.00"]);
        assert!(agreement(1, 1).contains("right for the one"));
    }
}
