//! The text that both models read, and for what it was asked.

use crate::explain::ResponseToken;
use crate::page::runs::Round;
use crate::page::{Facts, Side};
use crate::share::RunSpec;
use crate::share::screen::{Chat, Whose};
use crate::wording::text as wording;

/// One model's prompt, as it read it, with the response that it explains: both models are to read it.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// The models: their fingerprints and their names, base and tuned.
    pub models: [(String, String); 2],
    /// What the run was asked that this is of, without the marks in the prompt, which change nothing here.
    pub spec: RunSpec,
    /// Whose text it is.
    pub whose: Side,
    /// The prompt's tokens.
    pub prompt: Vec<u32>,
    /// Whether a chat template stands around it.
    pub in_template: bool,
    /// The response.
    pub response: Vec<ResponseToken>,
    /// How many tokens both models know.
    pub vocabulary: usize,
}

/// Why there is no text to compare the models on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missing {
    /// A model is not there.
    #[default]
    Models,
    /// The models split text into different tokens.
    OtherTokens {
        /// How many tokens each knows.
        vocabularies: [usize; 2],
    },
    /// Nothing has been run.
    Run,
    /// It runs still.
    Running,
    /// The run on screen is another model's.
    OtherModel(Side),
    /// The result was sent, and does not name its tokens.
    Ids,
    /// The response is empty.
    Response(Side),
}

/// On whose text the models are compared: the user's choice, or else the model's whose response both explain, or the tuned one's.
pub fn whose(chosen: Option<Side>, explained: Whose) -> Side {
    chosen.unwrap_or(match explained {
        Whose::Base => Side::Base,
        Whose::Own | Whose::Tuned | Whose::Typed => Side::Tuned,
    })
}

impl Default for Subject {
    fn default() -> Self {
        Self {
            models: Default::default(),
            spec: RunSpec::default(),
            whose: Side::Tuned,
            prompt: Vec::new(),
            in_template: false,
            response: Vec::new(),
            vocabulary: 0,
        }
    }
}

impl Missing {
    /// What a person can do about it.
    pub fn words(self) -> String {
        match self {
            Self::Models => wording::NO_MODELS.into(),
            Self::OtherTokens { vocabularies: [b, t] } => wording::other_tokens(b, t),
            Self::Run => wording::NO_RUN.into(),
            Self::Running => wording::RUNNING.into(),
            Self::OtherModel(side) => wording::other_model(side.name()),
            Self::Ids => wording::NO_IDS.into(),
            Self::Response(side) => wording::empty_response(side.name()),
        }
    }
}

impl Subject {
    /// What is on screen: the text of the `chosen` model, or else of the one that [`whose`] names.
    pub fn of(round: &Round, chosen: Option<Side>, facts: &Facts) -> Result<Self, Missing> {
        let [Some(base), Some(tuned)] = Side::BOTH.map(|side| facts.model(side)) else { return Err(Missing::Models) };
        let vocabularies = [base.info.vocab, tuned.info.vocab];
        if base.info.tokenizer != tuned.info.tokenizer || vocabularies[0] != vocabularies[1] {
            return Err(Missing::OtherTokens { vocabularies });
        }
        let whose = self::whose(chosen, round.spec.options.whose);
        let missing = if round.is_running() { Missing::Running } else { Missing::Run };
        let report = round.half(whose).report.as_ref().ok_or(missing)?;
        if facts.model(whose).map(|m| &m.info.weights) != Some(&report.checkpoint.weights) {
            return Err(Missing::OtherModel(whose));
        }
        if report.response.is_empty() {
            return Err(Missing::Response(whose));
        }
        if round.sequence(whose, facts).is_empty() {
            return Err(Missing::Ids);
        }
        Ok(Self {
            models: [base, tuned].map(|m| (m.info.weights.clone(), m.info.name.clone())),
            spec: RunSpec { marked: None, spans: Vec::new(), ..(**round.spec).clone() },
            whose,
            prompt: report.prompt.iter().map(|t| t.id).collect(),
            in_template: match (round.spec.options.chat, whose) {
                (Chat::Off, _) | (Chat::TunedOnly, Side::Base) => false,
                (_, Side::Tuned) => tuned.template.is_some(), // the model that ran, as was seen above
                // it may have been the template of a tuned model that is gone
                (Chat::Both, Side::Base) => report.is_framed(),
            },
            response: report.response.clone(),
            vocabulary: vocabularies[0],
        })
    }

    /// The response's ids.
    pub fn ids(&self) -> impl Iterator<Item = u32> + '_ {
        self.response.iter().map(|t| t.id)
    }

    /// All tokens before number `token` of the response.
    pub fn before(&self, token: usize) -> Vec<u32> {
        self.prompt.iter().copied().chain(self.ids().take(token)).collect()
    }

    /// Who computed what on which text, for a caption.
    pub fn caption(&self) -> String {
        let [base, tuned] = self.models.each_ref().map(|(_, name)| name.as_str());
        wording::caption(base, tuned, self.whose.name(), self.in_template, self.prompt.len(), self.response.len())
    }
}
