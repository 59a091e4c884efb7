//! A lesson: steps that point at the page and go on when the reader has done what they ask. `public/lessons/README.md` tells
//! teachers how to write one. It is data from anywhere, read within bounds, and only ever text.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use miniz_oxide::{deflate, inflate};
use serde::{Deserialize, Serialize};
use strum::VariantArray;
use thiserror::Error;

use crate::explain::By;
use crate::share::screen::{Chat, Scale, Tab, Whose};

/// What an address's fragment begins with that carries a lesson; then the format's version and a point.
pub const PREFIX: &str = "lesson=";
/// The only version so far.
const VERSION: u32 = 1;
/// Bytes of a lesson, steps of it, and characters of any text in it.
pub const LARGEST: usize = 64 << 10;
const MOST_STEPS: usize = 60;
const LONGEST_TEXT: usize = 2_000;

/// Why a lesson cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LessonError {
    /// Not JSON of this form.
    #[error("This is not a lesson that can be read: {0}. README.md in the lessons' folder shows the form.")]
    Form(String),
    /// More than a lesson may hold.
    #[error("This lesson is too long: {0}.")]
    TooLong(String),
    /// For another version of the page.
    #[error("This lesson is of version {0}, and this page reads version {VERSION}. Reload the page to get its latest.")]
    Version(u32),
    /// A link that is not whole.
    #[error("This link to a lesson is damaged, or was cut short. Ask for it again.")]
    Damaged,
    /// There is none of this name.
    #[error("There is no lesson “{0}” here.")]
    Missing(String),
}

/// A lesson.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lesson {
    /// Of the form.
    pub version: u32,
    /// What it is called.
    pub title: String,
    /// What it is about, in a sentence or two.
    pub about: String,
    /// How long a class takes for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
    /// One after another.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its heading.
    pub title: String,
    /// Its paragraphs.
    pub text: Vec<String>,
    /// What it points at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Place>,
    /// What the page is set to when the step begins.
    #[serde(default, skip_serializing_if = "Setting::is_empty")]
    pub set: Setting,
    /// What the reader does to go on; without it there is a button.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Deed>,
}

/// What a step sets; what it leaves out stays as it is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Setting {
    /// The prompt; an example's shows its finished result at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Whose response is explained: own, tuned, base or typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whose: Option<Whose>,
    /// The response that both explain; implies typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typed: Option<String>,
    /// Where the chat template is used: tuned-only, both or off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat: Option<Chat>,
    /// levels or signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    /// word, token or sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// prompt, heads, concepts or findings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tab: Option<Tab>,
    /// Whether the answer's colours are hidden until the reader has guessed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guess: Option<bool>,
}

impl Setting {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A part of the page that a step can point at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, VariantArray)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say what they are")]
pub enum Place {
    Models,
    Compute,
    Share,
    Prompt,
    Examples,
    Whose,
    Template,
    Run,
    Results,
    Toolbar,
    Scale,
    Legend,
    Base,
    Tuned,
    BaseResponse,
    TunedResponse,
    BaseMatrix,
    TunedMatrix,
    BaseScore,
    TunedScore,
    Difference,
    Guess,
    PromptTab,
    HeadsTab,
    ConceptsTab,
    FindingsTab,
    HeadMap,
    HeadGraph,
    HeadPairs,
    ConceptLayers,
    ConceptTable,
    FirstFinding,
    SecondFinding,
    ThirdFinding,
}

impl Place {
    /// Where it is on the page.
    pub fn selector(self) -> &'static str {
        match self {
            Self::Models => "#open-models",
            Self::Compute => ".backend",
            Self::Share => "#share",
            Self::Prompt => "#prompt",
            Self::Examples => "#preset",
            Self::Whose => "[aria-label='Response to explain']",
            Self::Template => "[aria-label='Chat template']",
            Self::Run => "#run",
            Self::Results => "#results",
            Self::Toolbar => "#results .bar",
            Self::Scale => "[aria-label='Scale']",
            Self::Legend => "#results .legend",
            Self::Base => "#card-base",
            Self::Tuned => "#card-tuned",
            Self::BaseResponse => "#card-base .response",
            Self::TunedResponse => "#card-tuned .response",
            Self::BaseMatrix => "#card-base .frame",
            Self::TunedMatrix => "#card-tuned .frame",
            Self::BaseScore => "#card-base .score",
            Self::TunedScore => "#card-tuned .score",
            Self::Difference => "#difference",
            Self::Guess => "#guess",
            Self::PromptTab => "#tab-prompt",
            Self::HeadsTab => "#tab-heads",
            Self::ConceptsTab => "#tab-concepts",
            Self::FindingsTab => "#tab-findings",
            Self::HeadMap => "#head-map",
            Self::HeadGraph => "#head .net",
            Self::HeadPairs => "#head .pairs",
            Self::ConceptLayers => "#concept-layers",
            Self::ConceptTable => "#concept-table",
            Self::FirstFinding => "#finding-1",
            Self::SecondFinding => "#finding-2",
            Self::ThirdFinding => "#finding-3",
        }
    }
}

/// What a reader does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, VariantArray)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say what they are")]
pub enum Deed {
    /// Runs a prompt, to its end.
    Run,
    /// Chooses a word of a prompt or a response.
    ChooseWord,
    /// Changes how results are read.
    Read,
    /// Looks at signed values.
    Signed,
    /// Changes whose response is explained.
    Whose,
    /// Guesses, and looks.
    Guess,
    /// Opens a tab.
    OpenPrompt,
    OpenHeads,
    OpenConcepts,
    OpenFindings,
    /// Waits until both models' layers have been read.
    HeadsRead,
    ConceptsRead,
    /// Chooses another head, or another layer.
    ChooseHead,
    ChooseLayer,
    /// Measures the first finding.
    Measure,
}

impl Deed {
    /// What the reader is asked to do, where the step's text does not say it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Run => "Press Run, and wait for the answer.",
            Self::ChooseWord => "Choose a word.",
            Self::Read => "Change how the results are read.",
            Self::Signed => "Choose Signed.",
            Self::Whose => "Choose another response to explain.",
            Self::Guess => "Mark words, then look.",
            Self::OpenPrompt => "Open the Prompt tab.",
            Self::OpenHeads => "Open Attention heads.",
            Self::OpenConcepts => "Open Concepts.",
            Self::OpenFindings => "Open Findings.",
            Self::HeadsRead | Self::ConceptsRead => "Wait until all layers have been read.",
            Self::ChooseHead => "Choose a head.",
            Self::ChooseLayer => "Choose a layer.",
            Self::Measure => "Press Measure, and wait.",
        }
    }
}

impl Lesson {
    /// Reads a lesson's JSON.
    pub fn read(json: &str) -> Result<Self, LessonError> {
        if json.len() > LARGEST {
            return Err(LessonError::TooLong(format!("{} bytes; the limit is {LARGEST}", json.len())));
        }
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let form = |e: serde_json::Error| LessonError::Form(e.to_string());
        let version = serde_json::from_str::<Versioned>(json).map_err(form)?.version;
        if version != VERSION {
            return Err(LessonError::Version(version));
        }
        serde_json::from_str::<Self>(json).map_err(form)?.sound()
    }

    fn sound(self) -> Result<Self, LessonError> {
        if self.steps.is_empty() {
            return Err(LessonError::Form("it has no steps".into()));
        }
        if self.steps.len() > MOST_STEPS {
            return Err(LessonError::TooLong(format!("{} steps; the limit is {MOST_STEPS}", self.steps.len())));
        }
        let of_step = |s: &'_ Step| -> usize {
            let typed = s.set.prompt.iter().chain(&s.set.typed);
            s.text.iter().chain(typed).chain([&s.title]).map(|t| t.chars().count()).max().unwrap_or(0)
        };
        let longest =
            self.steps.iter().map(of_step).chain([self.title.chars().count(), self.about.chars().count()]).max();
        if longest.is_some_and(|n| n > LONGEST_TEXT) {
            return Err(LessonError::TooLong(format!("a text of it has more than {LONGEST_TEXT} characters")));
        }
        Ok(self)
    }

    /// A fragment that carries it.
    pub fn encode(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        format!("{PREFIX}{VERSION}.{}", BASE64.encode(deflate::compress_to_vec(&json, 9)))
    }

    /// The lesson in an address's fragment, with or without its #; nothing if it carries something else.
    pub fn decode(fragment: &str) -> Option<Result<Self, LessonError>> {
        let rest = fragment.trim_start_matches('#').strip_prefix(PREFIX)?;
        Some(Self::unpack(rest))
    }

    fn unpack(text: &str) -> Result<Self, LessonError> {
        let (version, packed) = text.split_once('.').ok_or(LessonError::Damaged)?;
        match version.parse() {
            Ok(VERSION) => {}
            Ok(other) => return Err(LessonError::Version(other)),
            Err(_) => return Err(LessonError::Damaged),
        }
        if packed.len() > 2 * LARGEST {
            return Err(LessonError::Damaged);
        }
        let bytes = BASE64.decode(packed).map_err(|_| LessonError::Damaged)?;
        let json = inflate::decompress_to_vec_with_limit(&bytes, LARGEST).map_err(|_| LessonError::Damaged)?;
        Self::read(std::str::from_utf8(&json).map_err(|_| LessonError::Damaged)?)
    }
}

/// Whether `name` can be a file's in the lessons' folder: it stands in addresses.
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 60
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests;
