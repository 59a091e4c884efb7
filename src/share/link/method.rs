//! By which method a picture was asked for and made, in a link, and what was switched off for it.

use serde::{Deserialize, Serialize};

use super::LinkError;
use super::picture::{TOKENS, surprise};
use crate::explain::attribution::Against;
use crate::explain::methods::{Baseline, How, Intervention, Method, Of, Site, intervention};
use crate::explain::{ModelReport, ResponseToken, spell};

/// What pages that know one method alone leave out.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Methods {
    asked: Asked,
    found: [Found; 2],
}

/// [`How`] with all its fields, in order: that one leaves out what is not said, which postcard cannot read again.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Asked {
    method: Method,
    baseline: Baseline,
    steps: Option<usize>,
    against: Option<Against>,
    check: bool,
}

/// How one model's importance was found.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Found {
    method: Method,
    baseline: Option<Baseline>,
    against: Vec<u32>,
}

/// The words that response tokens were set against, base and tuned: they came to links later.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Others([Vec<String>; 2]);

impl Others {
    /// Of the runs that came of it.
    pub fn of(reports: [Option<&ModelReport>; 2]) -> Self {
        Self(reports.map(|report| report.map(|r| r.against_text.clone()).unwrap_or_default()))
    }

    /// Gives them back to the reports. Fails where they are not of their tokens.
    pub fn tell(self, reports: [Option<&mut ModelReport>; 2]) -> Result<(), LinkError> {
        for (texts, report) in self.0.into_iter().zip(reports) {
            let Some(report) = report else { continue };
            if !(texts.is_empty() || texts.len() == report.response.len()) {
                return Err(LinkError::Damaged);
            }
            report.against_text = texts;
        }
        Ok(())
    }
}

impl Methods {
    /// Of what was asked for, and of the runs that came of it.
    pub fn of(how: &How, reports: [Option<&ModelReport>; 2]) -> Self {
        let How { method, baseline, steps, against, check, .. } = how.clone();
        let found =
            |r: &ModelReport| Found { method: r.method, baseline: r.baseline.clone(), against: r.against.clone() };
        Self {
            asked: Asked { method, baseline, steps, against, check },
            found: reports.map(|report| report.map(found).unwrap_or_default()),
        }
    }

    /// Tells the reports how they were found, and gives what was asked for.
    pub fn tell(self, reports: [Option<&mut ModelReport>; 2]) -> Result<How, LinkError> {
        for (found, report) in self.found.into_iter().zip(reports) {
            let Some(report) = report else { continue };
            if !(found.against.is_empty() || found.against.len() == report.response.len()) {
                return Err(LinkError::Damaged);
            }
            (report.method, report.baseline, report.against) = (found.method, found.baseline, found.against);
        }
        let Asked { method, baseline, steps, against, check } = self.asked;
        Ok(How { method, baseline, steps, against, check, ..How::default() }.sound())
    }
}

/// What was switched off or scaled, and what the models say with nothing switched off: they came to links later still.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Switched {
    asked: Vec<AskedOf>,
    /// Of each token of the base's and the tuned model's response without: its bytes, and -4 log2 p.
    without: [Vec<(Vec<u8>, u8)>; 2],
}

/// [`Intervention`] with its fields in order, as postcard takes them.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct AskedOf {
    layer: u32,
    site: Site,
    factor: f32,
    of: Of,
}

impl Switched {
    /// Of what was asked for, and of the runs that came of it.
    pub fn of(how: &How, reports: [Option<&ModelReport>; 2]) -> Self {
        let asked =
            |one: &Intervention| AskedOf { layer: one.layer as u32, site: one.site, factor: one.factor, of: one.of };
        let token = |t: &ResponseToken| {
            (t.bytes.clone().unwrap_or_else(|| t.text.clone().into_bytes()), surprise(t.probability))
        };
        let without = |r: &ModelReport| r.without.iter().map(token).collect();
        Self {
            asked: how.interventions.iter().map(asked).collect(),
            without: reports.map(|report| report.map(without).unwrap_or_default()),
        }
    }

    /// Tells the reports what was switched off in their models, and gives what was asked for.
    pub fn tell(self, reports: [Option<&mut ModelReport>; 2]) -> Result<Vec<Intervention>, LinkError> {
        let one = |a: AskedOf| Intervention { layer: a.layer as usize, site: a.site, factor: a.factor, of: a.of };
        let asked = intervention::sound(self.asked.into_iter().map(one).collect());
        for ((without, of), report) in self.without.into_iter().zip([Of::Base, Of::Tuned]).zip(reports) {
            let Some(report) = report else { continue };
            if without.len() > TOKENS {
                return Err(LinkError::TooLarge);
            }
            report.without = without.into_iter().map(token).collect();
            report.interventions = intervention::of_model(&asked, of);
        }
        Ok(asked)
    }
}

/// A token as it comes from a link: without its rank and its alternatives.
fn token((bytes, surprise): (Vec<u8>, u8)) -> ResponseToken {
    let (text, bytes) = spell(&bytes);
    let probability = (-f32::from(surprise) / 4.0).exp2();
    let (top, top_text) = (Vec::new(), Vec::new());
    ResponseToken { id: 0, text, bytes, probability, rank: 0, entropy: 0.0, top, top_text }
}
