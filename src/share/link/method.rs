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
    against_text: Vec<String>,
}

impl Methods {
    /// Of what was asked for, and of the runs that came of it.
    pub fn of(how: &How, reports: [Option<&ModelReport>; 2]) -> Self {
        let How { method, baseline, steps, against, check } = how.clone();
        let found = |r: &ModelReport| Found {
            method: r.method,
            baseline: r.baseline.clone(),
            against: r.against.clone(),
            against_text: r.against_text.clone(),
        };
        Self {
            asked: Asked { method, baseline, steps, against, check },
            found: reports.map(|report| report.map(found).unwrap_or_default()),
        }
    }

    /// Tells the reports how they were found, and gives what was asked for.
    pub fn tell(self, reports: [Option<&mut ModelReport>; 2]) -> Result<How, LinkError> {
        for (found, report) in self.found.into_iter().zip(reports) {
            let Some(report) = report else { continue };
            let fits = |count: usize| count == 0 || count == report.response.len();
            if !(fits(found.against.len()) && fits(found.against_text.len())) {
                return Err(LinkError::Damaged);
            }
            (report.method, report.baseline) = (found.method, found.baseline);
            (report.against, report.against_text) = (found.against, found.against_text);
        }
        let Asked { method, baseline, steps, against, check } = self.asked;
        Ok(How { method, baseline, steps, against, check }.sound())
    }
}
