//! Why this word, and not that: a finished response is explained again, with one of its tokens set against another.

use std::sync::Arc;

use super::{Half, Round, Runs, Which, mark};
use crate::explain::ModelReport;
use crate::explain::attribution::Against;
use crate::explain::methods::How;
use crate::page::ledger::Purpose;
use crate::page::{Context, Effect, Side, Tracked};
use crate::protocol::{Event, Failure, JobId, Request, Response};
use crate::share::RunSpec;
use crate::share::screen::{Options, Selection, Whose};
use crate::wording::methods as wording;

/// What a token is set against.
#[derive(Debug, Clone, PartialEq)]
pub enum Other {
    /// A token that the model considered.
    Token(u32),
    /// What was typed.
    Text(String),
}

/// A question, as it is put to a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// Of which.
    pub which: Which,
    /// The token's place in the response.
    pub token: usize,
    /// The other.
    pub other: Other,
}

/// The picture in which a question was asked, and of which model.
pub(super) type Plain = (Side, Arc<Round>);

/// What is on screen of questions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Asked {
    /// The model that reads a word that was typed.
    pub reading: Option<Side>,
    /// What is to be said of a question, and at which model's picture.
    pub note: Option<(Side, String)>,
    /// The model whose picture was asked about, where that picture can be gone back to.
    pub back_to: Option<Side>,
}

/// Questions, and the way back from them.
#[derive(Debug, Clone, Default)]
pub struct Questions {
    /// What is on screen of them.
    pub asked: Tracked<Asked>,
    /// The picture to go back to.
    plain: Option<Plain>,
    /// A word that is being read.
    reading: Option<(JobId, Box<Ask>)>,
}

impl Questions {
    /// The job that is open, and whose engine does it.
    #[cfg(test)]
    pub fn job(&self) -> Option<(Side, JobId)> {
        self.reading.as_ref().map(|(job, ask)| (ask.which.side, *job))
    }

    /// Says this of a question, in place of what was said before.
    fn say(&mut self, note: Option<(Side, String)>) {
        if self.asked.note != note {
            self.asked.note = note;
        }
    }

    /// The picture to go back to, to be kept with the one on screen.
    pub(super) fn way_back(&self) -> Option<Plain> {
        self.plain.clone()
    }

    /// Another picture is on screen, from which this is the way back.
    pub(super) fn begin(&mut self, plain: Option<Plain>) {
        self.plain = plain;
        self.say(None);
        self.show();
    }

    /// Whether `report` is by a model with the tokens of the one that was asked, if one was: another may have been loaded meanwhile.
    pub(super) fn are_of(&self, report: &ModelReport) -> bool {
        let tokenizer = |half: &Half| half.report.as_ref().map(|r| r.checkpoint.tokenizer.clone());
        let asked = |plain: &Arc<Round>| {
            plain.halves.iter().filter_map(|h| tokenizer(h)).any(|t| t == report.checkpoint.tokenizer)
        };
        self.plain.as_ref().is_none_or(|(_, plain)| asked(plain))
    }

    /// Other parts were marked in the prompt that `asked` holds.
    pub(super) fn mark(&mut self, asked: &RunSpec) {
        if let Some((_, plain)) = &mut self.plain {
            mark(Arc::make_mut(plain), asked);
        }
    }

    /// Shows whether a word is being read, and whether there is a way back.
    fn show(&mut self) {
        let reading = self.reading.as_ref().map(|(_, ask)| ask.which.side);
        let back_to = self.plain.as_ref().map(|(side, _)| *side);
        if (self.asked.reading, self.asked.back_to) != (reading, back_to) {
            (self.asked.reading, self.asked.back_to) = (reading, back_to);
        }
    }
}

/// Whether tokens are set against others that are named.
pub fn is_contrast(how: &How) -> bool {
    matches!(how.against, Some(Against::Tokens(_)))
}

impl Runs {
    /// Puts a question, if its picture is still on screen. Tells whether another picture begins.
    pub(super) fn ask(&mut self, ask: Ask, context: &mut Context) -> bool {
        if !ask.which.is_in(&self.round) {
            return false;
        }
        self.withdraw_word(context);
        let side = ask.which.side;
        self.questions.say(None);
        if !ask.which.has_its_model(context.facts) {
            self.questions.say(Some((side, Failure::OtherModel.to_string())));
            return false;
        }
        match ask.other.clone() {
            Other::Token(other) => self.set_against(&ask, other, None, context),
            Other::Text(text) if text.trim().is_empty() => {
                self.questions.say(Some((side, wording::TYPE_A_WORD.to_owned())));
                false
            }
            Other::Text(text) => {
                let text = self.as_continued(&ask, text);
                let job = context.ledger.open(side, Purpose::Word);
                context.effects.push(Effect::Send(side, Request::Tokenize { job, text }));
                self.questions.reading = Some((job, Box::new(ask)));
                self.questions.show();
                false
            }
        }
    }

    /// What was typed, with the space that the token in its place begins with.
    fn as_continued(&self, ask: &Ask, text: String) -> String {
        let half = self.round.half(ask.which.side);
        let spaced = half.response.get(ask.token).is_some_and(|t| t.text.starts_with(' '));
        if spaced && !text.starts_with(char::is_whitespace) { format!(" {text}") } else { text }
    }

    /// Takes in an event of a word that is read. Tells whether another picture begins.
    pub fn word_event(&mut self, (side, job): (Side, JobId), event: Event, context: &mut Context) -> bool {
        if !matches!(event, Event::Tokenized { .. } | Event::Failed { .. }) {
            return false;
        }
        context.ledger.close(side, job);
        let Some((_, ask)) = self.questions.reading.take_if(|(open, _)| *open == job) else { return false };
        let begins = match event {
            Event::Tokenized { weights, tokens, .. } if ask.which.is_by(&weights) => {
                self.asked_by_word(&ask, &tokens, context)
            }
            Event::Failed { failure, .. } => {
                self.questions.say(Some((side, failure.to_string())));
                false
            }
            _ => {
                self.questions.say(Some((side, Failure::OtherModel.to_string())));
                false
            }
        };
        self.questions.show();
        begins
    }

    fn asked_by_word(&mut self, ask: &Ask, tokens: &[(u32, String)], context: &mut Context) -> bool {
        let side = ask.which.side;
        let typed = match &ask.other {
            Other::Text(text) => text.trim(),
            Other::Token(_) => "",
        };
        let Some((other, text)) = tokens.first() else {
            self.questions.say(Some((side, wording::no_token(typed))));
            return false;
        };
        if ask.which.response().get(ask.token) == Some(other) {
            self.questions.say(Some((side, wording::same_token(typed, text, tokens.len()))));
            return false;
        }
        let note = (tokens.len() > 1).then(|| (side, wording::first_token(typed, text, tokens.len())));
        self.set_against(ask, *other, note, context)
    }

    /// Explains the same response again, by both models if they share their tokens, with the token set against `other`. All
    /// others are set against themselves: their columns are zero.
    fn set_against(&mut self, ask: &Ask, other: u32, note: Option<(Side, String)>, context: &mut Context) -> bool {
        let Which { side, .. } = ask.which;
        let ids = ask.which.response().to_vec();
        let mut others = ids.clone();
        match others.get_mut(ask.token).filter(|token| **token != other && ask.which.is_in(&self.round)) {
            Some(token) => *token = other,
            None => return false,
        }
        let plain = self.questions.way_back().map_or_else(|| Arc::new(self.round.clone()), |(_, plain)| plain);
        let spec = &**self.round.spec;
        let whose = match (spec.options.whose, side) {
            (Whose::Own, Side::Tuned) => Whose::Tuned,
            (Whose::Own, Side::Base) => Whose::Base,
            (whose, _) => whose,
        };
        let how = How { against: Some(Against::Tokens(others)), check: false, ..spec.how.clone() };
        let spec = RunSpec { options: Options { whose, ..spec.options.clone() }, how, ..spec.clone() };
        let column = self.round.selections[side.index()].column;
        let tokens = |side: Side| context.facts.model(side).map(|m| m.info.tokenizer.clone());
        let both = tokens(side) == tokens(side.other());
        self.withdraw(context);
        self.keep_finished();
        self.round = Round::new(spec);
        *self.round.selections = [Selection { row: None, column }; 2];
        self.questions.begin(Some((side, plain)));
        self.questions.say(note);
        self.start(side, Response::Ids { ids: ids.clone() }, context);
        if both {
            self.start(side.other(), Response::Ids { ids }, context);
        }
        self.settle();
        true
    }

    /// Back to the picture in which the question was asked.
    pub(super) fn back_to_plain(&mut self, context: &mut Context) {
        let Some((_, plain)) = self.questions.plain.take() else { return };
        self.withdraw(context);
        self.before = None;
        self.round = plain.afresh();
        self.questions.begin(None);
    }

    /// Nobody waits any more for a word that is being read.
    pub(super) fn withdraw_word(&mut self, context: &mut Context) {
        if let Some((job, ask)) = self.questions.reading.take() {
            context.ledger.close(ask.which.side, job);
            context.effects.push(Effect::Send(ask.which.side, Request::Cancel { job }));
        }
        self.questions.show();
    }

    /// The engine of `side` is gone.
    pub(super) fn word_gone(&mut self, side: Side, failure: &Failure) {
        if self.questions.reading.take_if(|(_, ask)| ask.which.side == side).is_some() {
            self.questions.say(Some((side, failure.to_string())));
        }
        self.questions.show();
    }
}
