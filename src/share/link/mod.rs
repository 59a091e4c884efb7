//! A link that holds everything on screen: `#see=1.` and then base64 of the packed picture. A host never sees it, as browsers
//! keep fragments to themselves. Decoding is bounded in memory and time, and never panics.

mod cells;
mod coder;
mod method;
mod picture;

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use miniz_oxide::{deflate, inflate};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use cells::Precision;
use method::{Methods, Others, Switched};
use picture::Run;

use super::screen::{Form, Inside, Options, Reading, Selection, Tab};
use super::spec::sound_spans;
use crate::checkpoint::Turn;
use crate::checkpoint::conversation::messages;
use crate::explain::ModelReport;
use crate::explain::methods::How;

/// What a fragment begins with; then comes the format's version and a point.
pub const PREFIX: &str = "see=";
/// Characters that a link should not pass: chat programs cut longer ones.
pub const ROOM: usize = 4096;
/// Characters of a fragment that are read at all, and bytes that its description may unpack to.
const LONGEST: usize = 1 << 20;
const UNPACKED: usize = 4 << 20;

/// Why a link cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LinkError {
    /// Not all of it is there, or something else is.
    #[error("This link is damaged, or was cut short. Ask for it again, or for the file.")]
    Damaged,
    /// It claims more than any picture holds.
    #[error("This link describes more than the page can show. Ask for the file instead.")]
    TooLarge,
    /// From a later version of the page.
    #[error("This link was made by a newer version of Shiftlens. Reload the page to get it.")]
    Newer,
}

/// Where a checkpoint can be found again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// It ships with the page.
    Bundled,
    /// At these addresses.
    Urls(Vec<String>),
    /// A file of the sender's own.
    Elsewhere,
}

impl Origin {
    /// What a link may name: a few addresses of hosts.
    fn sound(self) -> Self {
        let host = |url: &String| url.len() <= 2048 && (url.starts_with("https://") || url.starts_with("http://"));
        match self {
            Self::Urls(urls) if urls.is_empty() || urls.len() > 8 || !urls.iter().all(host) => Self::Elsewhere,
            other => other,
        }
    }
}

/// One model's run and where its checkpoint is.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// What was explained. A link leaves out ids, ranks, entropies and alternatives, and rounds the matrix.
    pub report: ModelReport,
    /// Where the checkpoint is.
    pub origin: Origin,
    /// What was chosen in it.
    pub selection: Selection,
}

/// Everything on screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The text that is explained.
    pub prompt: String,
    /// The conversation that it is a part of; one turn of the user's if there are none.
    pub turns: Vec<Turn>,
    /// The user's own mark of the instruction.
    pub marked: Option<Range<usize>>,
    /// Parts of the prompt that are read as one unit each, in order.
    pub spans: Vec<Range<usize>>,
    /// Whether the template's tokens make up a row.
    pub template_row: bool,
    /// Settings of the run.
    pub options: Options,
    /// By which method it was asked for, and against what.
    pub how: How,
    /// How it is read.
    pub reading: Reading,
    /// Which view.
    pub tab: Tab,
    /// What is chosen in the views of the weights.
    pub inside: Inside,
    /// The base model's run and the tuned one's.
    pub seen: [Option<Seen>; 2],
    /// How finely the matrices are kept.
    pub precision: Precision,
}

/// The packed form, version 1. [`Inside`] follows it, then [`More`], [`Methods`], [`Form`], [`Others`] and [`Switched`], up to the last
/// that says anything; pages and links from before these go without.
#[derive(Serialize, Deserialize)]
struct Packed {
    prompt: String,
    marked: Option<(u32, u32)>,
    options: Options,
    reading: Reading,
    tab: Tab,
    runs: [Option<(Run, Origin, Selection)>; 2],
    precision: [u8; 4],
    /// Bytes of each run's matrix, which follow.
    cells: [u32; 2],
}

/// What of the prompt's settings came later.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct More {
    turns: Vec<Turn>,
    spans: Vec<Range<usize>>,
    template_row: bool,
}

impl Link {
    /// The fragment, without `#`: as fine as fits [`ROOM`] less `address` characters, but never without the levels that are on
    /// screen. Tells the precision that came of it.
    pub fn encode(&self, address: usize) -> (String, Precision) {
        let ladder = Precision::ladder(self.reading.how);
        let mut made = (String::new(), ladder[0]);
        for precision in ladder {
            made = (self.encode_as(precision), precision);
            if made.0.len() + address < ROOM {
                break;
            }
        }
        made
    }

    /// The fragment, without `#`, as fine as `precision` says.
    pub fn encode_as(&self, precision: Precision) -> String {
        let cells = self
            .seen
            .each_ref()
            .map(|seen| seen.as_ref().map_or_else(Vec::new, |seen| Run::cells(&seen.report, precision)));
        let run = |seen: &Option<Seen>| {
            seen.as_ref().map(|seen| (Run::of(&seen.report), seen.origin.clone(), seen.selection))
        };
        let packed = Packed {
            prompt: self.prompt.clone(),
            marked: self.marked.as_ref().map(|m| (m.start as u32, m.end as u32)),
            options: self.options.clone(),
            reading: self.reading,
            tab: self.tab.in_link(),
            runs: self.seen.each_ref().map(run),
            precision: precision.bytes(),
            cells: cells.each_ref().map(|c| c.len() as u32),
        };
        // plain data of our own: there is nothing in it that postcard refuses
        let mut described = postcard::to_allocvec(&(&packed, self.inside)).unwrap_or_default();
        let more = More { turns: self.turns.clone(), spans: self.spans.clone(), template_row: self.template_row };
        let reports = || self.seen.each_ref().map(|seen| seen.as_ref().map(|seen| &seen.report));
        let (methods, others) = (Methods::of(&self.how, reports()), Others::of(reports()));
        let form = self.reading.form;
        let switched = Switched::of(&self.how, reports());
        let has_switched = switched != Switched::default();
        let has_others = has_switched || others != Others::default();
        let has_form = has_others || form != Form::default();
        let has_methods = has_form || methods != Methods::default();
        if has_methods || more != More::default() {
            described.extend(postcard::to_allocvec(&more).unwrap_or_default());
        }
        if has_methods {
            described.extend(postcard::to_allocvec(&methods).unwrap_or_default());
        }
        if has_form {
            described.extend(postcard::to_allocvec(&form).unwrap_or_default());
        }
        if has_others {
            described.extend(postcard::to_allocvec(&others).unwrap_or_default());
        }
        if has_switched {
            described.extend(postcard::to_allocvec(&switched).unwrap_or_default());
        }
        let head = deflate::compress_to_vec(&described, 10);
        let mut bytes = (head.len() as u32).to_le_bytes()[..3].to_vec();
        bytes.extend(head);
        cells.iter().for_each(|c| bytes.extend(c));
        format!("{PREFIX}1.{}", BASE64.encode(bytes))
    }

    /// From a fragment with or without `#`; none if it is no link of this kind.
    pub fn decode(fragment: &str) -> Option<Result<Self, LinkError>> {
        let rest = fragment.strip_prefix('#').unwrap_or(fragment).strip_prefix(PREFIX)?;
        Some(match rest.split_once('.') {
            _ if rest.len() > LONGEST => Err(LinkError::TooLarge),
            Some(("1", data)) => Self::decode_1(data),
            Some((version, _)) if version.parse::<u32>().is_ok_and(|v| v > 1) => Err(LinkError::Newer),
            _ => Err(LinkError::Damaged),
        })
    }

    fn decode_1(data: &str) -> Result<Self, LinkError> {
        // what mail programs put at the end of an address
        let data = data.trim_end_matches(['.', ',', ')', '>', ' ', '\n']);
        let bytes = BASE64.decode(data).map_err(|_| LinkError::Damaged)?;
        let (length, rest) = bytes.split_at_checked(3).ok_or(LinkError::Damaged)?;
        let length = u32::from_le_bytes([length[0], length[1], length[2], 0]) as usize;
        let (head, rest) = rest.split_at_checked(length).ok_or(LinkError::Damaged)?;
        let head = inflate::decompress_to_vec_with_limit(head, UNPACKED).map_err(|_| LinkError::Damaged)?;
        let (packed, more): (Packed, &[u8]) = postcard::take_from_bytes(&head).map_err(|_| LinkError::Damaged)?;
        let (inside, more) = follows::<Inside>(more)?;
        let (More { turns, spans, template_row }, more) = follows(more)?;
        let (methods, more) = follows::<Methods>(more)?;
        let (form, more) = follows::<Form>(more)?;
        let (others, more) = follows::<Others>(more)?;
        let (switched, _) = follows::<Switched>(more)?;
        if messages(&packed.prompt, &turns).is_none() {
            return Err(LinkError::Damaged);
        }
        let precision = Precision::read(packed.precision).ok_or(LinkError::Damaged)?;
        let (first, rest) = rest.split_at_checked(packed.cells[0] as usize).ok_or(LinkError::Damaged)?;
        let second = rest.get(..packed.cells[1] as usize).ok_or(LinkError::Damaged)?;
        let prompt = packed.prompt;
        let seen = |(run, cells): (Option<(Run, Origin, Selection)>, &[u8])| {
            run.map(|(run, origin, selection)| {
                let origin = origin.sound();
                Ok(Seen { report: run.report(&prompt, template_row, cells, precision)?, origin, selection })
            })
            .transpose()
        };
        let [base, tuned] = packed.runs;
        let mut seen = [seen((base, first))?, seen((tuned, second))?];
        let mut how = methods.tell(seen.each_mut().map(|seen| seen.as_mut().map(|seen| &mut seen.report)))?;
        others.tell(seen.each_mut().map(|seen| seen.as_mut().map(|seen| &mut seen.report)))?;
        how.interventions = switched.tell(seen.each_mut().map(|seen| seen.as_mut().map(|seen| &mut seen.report)))?;
        let marked = packed.marked.map(|m| picture::part(&prompt, m)).transpose()?;
        let (options, reading) = (packed.options.sound(), Reading { form, ..packed.reading.sound() });
        let (spans, tab) = (sound_spans(&prompt, spans), packed.tab);
        Ok(Self { marked, spans, template_row, options, how, reading, tab, inside, seen, precision, prompt, turns })
    }
}

/// What follows in the description, and the rest of it; the default at its end.
fn follows<'a, T: Default + Deserialize<'a>>(more: &'a [u8]) -> Result<(T, &'a [u8]), LinkError> {
    match more {
        [] => Ok((T::default(), more)),
        more => postcard::take_from_bytes(more).map_err(|_| LinkError::Damaged),
    }
}

#[cfg(test)]
mod tests;
