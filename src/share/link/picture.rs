//! What a link holds, in the form in which it is packed (postcard, then deflate), and its way from and to a run's report.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::LinkError;
use super::cells::{self, Precision};
use crate::explain::methods::Method;
use crate::explain::{By, CheckpointInfo, ModelReport, PromptToken, ResponseToken, Role, Seconds, scored_rows, units};
use crate::model::head::Target;

/// Most tokens of a prompt or a response, most bytes of a text, and most cells of a matrix that a link may claim.
pub const TOKENS: usize = 8192;
const TEXT: usize = 1 << 20;
const CELLS: usize = 1 << 20;

/// Which checkpoint.
#[derive(Serialize, Deserialize)]
struct Info {
    name: String,
    file: String,
    architecture: String,
    quantization: String,
    parameters: u64,
    bytes: u64,
    vocab: u32,
    layers: u32,
    context: u32,
    tokenizer: String,
    weights: String,
    has_template: bool,
}

/// A token's text, and its bytes where these are no text.
type Spelled = (String, Option<Vec<u8>>);

/// The texts of tokens, one after another.
#[derive(Serialize, Deserialize)]
struct Tokens {
    bytes: Vec<u8>,
    lengths: Vec<u16>,
}

impl Tokens {
    fn of<'a>(tokens: impl Iterator<Item = (&'a str, Option<&'a [u8]>)>) -> Self {
        let mut all = Self { bytes: Vec::new(), lengths: Vec::new() };
        for (text, bytes) in tokens {
            let bytes = bytes.unwrap_or(text.as_bytes());
            let bytes = &bytes[..bytes.len().min(usize::from(u16::MAX))];
            all.bytes.extend(bytes);
            all.lengths.push(bytes.len() as u16);
        }
        all
    }

    /// Text of each, and its bytes where these are no text.
    fn read(&self) -> Result<Vec<Spelled>, LinkError> {
        let mut rest = &self.bytes[..];
        let one = |length: &u16| {
            let (token, after) = rest.split_at_checked(usize::from(*length)).ok_or(LinkError::Damaged)?;
            rest = after;
            Ok(crate::explain::spell(token))
        };
        self.lengths.iter().map(one).collect()
    }
}

/// One model's run without its matrix.
#[derive(Serialize, Deserialize)]
pub struct Run {
    info: Info,
    prompt: Tokens,
    /// Of every prompt token: 0 the template's, or 1 and where it begins and ends in the text.
    spans: Vec<Option<(u32, u32)>>,
    response: Tokens,
    /// -4 log2 p of every response token.
    surprise: Vec<u8>,
    instruction: (u32, u32),
    target: Target,
    by: By,
    mode: String,
    backend: String,
    /// The whole run's time, milliseconds.
    time: u32,
}

impl Run {
    pub fn of(report: &ModelReport) -> Self {
        let c = &report.checkpoint;
        let span = |t: &PromptToken| (t.role == Role::User).then_some((t.span.start as u32, t.span.end as u32));
        Self {
            info: Info {
                name: c.name.clone(),
                file: c.file.clone(),
                architecture: c.architecture.clone(),
                quantization: c.quantization.clone(),
                parameters: c.parameters,
                bytes: c.bytes,
                vocab: c.vocab as u32,
                layers: c.layers as u32,
                context: c.context as u32,
                tokenizer: c.tokenizer.clone(),
                weights: c.weights.clone(),
                has_template: c.has_template,
            },
            prompt: Tokens::of(report.prompt.iter().map(|t| (&t.text[..], t.bytes.as_deref()))),
            spans: report.prompt.iter().map(span).collect(),
            response: Tokens::of(report.response.iter().map(|t| (&t.text[..], t.bytes.as_deref()))),
            surprise: report.response.iter().map(|t| surprise(t.probability)).collect(),
            instruction: (report.instruction.start as u32, report.instruction.end as u32),
            target: report.target,
            by: report.by,
            mode: report.mode.clone(),
            backend: report.backend.clone(),
            time: (report.seconds.total * 1e3) as u32,
        }
    }

    /// The matrix of `report`, packed.
    pub fn cells(report: &ModelReport, precision: Precision) -> Vec<u8> {
        cells::write(&report.importance, &scored_rows(&report.units, report.by), precision)
    }

    /// The report again, of the prompt `text`; `template` says whether its template makes up a row. What a link leaves out
    /// (ids, ranks, alternatives) is empty.
    pub fn report(
        self,
        text: &str,
        template: bool,
        cells: &[u8],
        precision: Precision,
    ) -> Result<ModelReport, LinkError> {
        let (prompt, response) = (self.prompt.read()?, self.response.read()?);
        if self.spans.len() != prompt.len() || self.surprise.len() != response.len() {
            return Err(LinkError::Damaged);
        }
        if prompt.len() > TOKENS || response.len() > TOKENS || text.len() > TEXT {
            return Err(LinkError::TooLarge);
        }
        let token = |((spelled, bytes), span): (Spelled, &Option<(u32, u32)>)| {
            let (role, span) = match span {
                Some(span) => (Role::User, within(text, *span)?),
                None => (Role::Template, 0..0),
            };
            Ok(PromptToken { id: 0, text: spelled, bytes, role, span })
        };
        let prompt = prompt.into_iter().zip(&self.spans).map(token).collect::<Result<Vec<_>, LinkError>>()?;
        let units = units(&prompt, text, self.by, template);
        if units.len() * response.len() > CELLS {
            return Err(LinkError::TooLarge);
        }
        let importance = cells::read(cells, units.len(), response.len(), precision);
        let response = response.into_iter().zip(&self.surprise).map(|((text, bytes), surprise)| ResponseToken {
            id: 0,
            text,
            bytes,
            probability: (-f32::from(*surprise) / 4.0).exp2(),
            rank: 0,
            entropy: 0.0,
            top: Vec::new(),
            top_text: Vec::new(),
        });
        let i = self.info;
        Ok(ModelReport {
            checkpoint: CheckpointInfo {
                name: i.name,
                file: i.file,
                architecture: i.architecture,
                quantization: i.quantization,
                parameters: i.parameters,
                bytes: i.bytes,
                vocab: i.vocab as usize,
                layers: i.layers as usize,
                width: 0,
                heads: 0,
                context: i.context as usize,
                tokenizer: i.tokenizer,
                weights: i.weights,
                has_template: i.has_template,
            },
            prompt,
            response: response.collect(),
            units,
            importance,
            levels: Vec::new(),
            density: Vec::new(),
            instruction_score: None,
            instruction: part(text, self.instruction)?,
            target: self.target,
            method: Method::default(),
            baseline: None,
            steps: None,
            completeness: Vec::new(),
            faithfulness: None,
            against: Vec::new(),
            against_text: Vec::new(),
            interventions: Vec::new(),
            without: Vec::new(),
            by: self.by,
            mode: self.mode,
            backend: self.backend,
            seconds: Seconds { total: f64::from(self.time) / 1e3, ..Seconds::default() },
        })
    }
}

/// -4 log2 of a probability.
pub fn surprise(probability: f32) -> u8 {
    (-4.0 * probability.max(1e-30).log2()).round().clamp(0.0, 255.0) as u8
}

/// Bytes of `text`; a token may end within a character.
fn within(text: &str, (start, end): (u32, u32)) -> Result<Range<usize>, LinkError> {
    let range = start as usize..end as usize;
    text.as_bytes().get(range.clone()).map(|_| range).ok_or(LinkError::Damaged)
}

/// A part of `text`, whole characters of it.
pub fn part(text: &str, (start, end): (u32, u32)) -> Result<Range<usize>, LinkError> {
    let range = start as usize..end as usize;
    text.get(range.clone()).map(|_| range).ok_or(LinkError::Damaged)
}
