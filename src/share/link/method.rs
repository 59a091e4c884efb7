//! By which method a picture was asked for and made, in a link.

use serde::{Deserialize, Serialize};

use super::LinkError;
use crate::explain::ModelReport;
use crate::explain::attribution::Against;
use crate::explain::methods::{Baseline, How, Method};

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
        let How { method, baseline, steps, against, check } = how.clone();
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
        Ok(How { method, baseline, steps, against, check }.sound())
    }
}
