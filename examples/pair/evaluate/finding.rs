//! The paper's first finding on this pair, three ways.

use std::error::Error;

use serde::Serialize;
use shiftlens::explain::ModelReport;
use shiftlens::explain::findings::{PromptCase, ScoreFinding, ScoreRow, instruction_scores, written_p};
use shiftlens::protocol::Template;

use super::{Both, Model, ids};
use crate::instruct::Example;

/// Longest answer that is explained, tokens.
pub const EXPLAINED: usize = 60;

#[derive(Serialize)]
pub struct Finding {
    what: &'static str,
    finding: ScoreFinding,
}

pub fn findings(both: &mut Both<&mut Model>, asked: &[Example]) -> Result<Vec<Finding>, Box<dyn Error>> {
    let template = both.tuned.template();
    let mut rows: [(&'static str, Vec<ScoreRow>); 3] = [
        ("the tuned model's response under both, the template for the tuned model only", vec![]),
        ("the tuned model's response under both, the template for both", vec![]),
        ("each model's own response, the template for the tuned model only", vec![]),
    ];
    for e in asked {
        let own = both.tuned.explained(&e.prompt, template.clone(), None, EXPLAINED)?;
        let said = ids(&own);
        if said.is_empty() {
            continue;
        }
        let tuned = both.tuned.explained(&e.prompt, template.clone(), Some(&said), EXPLAINED)?;
        let plain = both.base.explained(&e.prompt, Template::Off, Some(&said), EXPLAINED)?;
        let inside = both.base.explained(&e.prompt, template.clone(), Some(&said), EXPLAINED)?;
        let free = both.base.explained(&e.prompt, Template::Off, None, EXPLAINED)?;
        let case = PromptCase { prompt: e.prompt.clone(), instruction: None, response: None };
        let mut add = |at: usize, base: &ModelReport, tuned: &ModelReport| {
            rows[at].1.push(ScoreRow::of(&case, base, tuned));
        };
        add(0, &plain, &tuned);
        add(1, &inside, &tuned);
        add(2, &free, &own);
    }
    Ok(rows.into_iter().map(|(what, rows)| Finding { what, finding: instruction_scores(&rows) }).map(said).collect())
}

/// Prints a finding on its way.
fn said(found: Finding) -> Finding {
    let c = &found.finding.comparison;
    println!(
        "instruction score, {} ({} prompts): base {:.3} +- {:.3}, tuned {:.3} +- {:.3}, Welch's p {}. {}",
        found.what,
        c.first.n,
        c.first.mean,
        c.first.deviation,
        c.second.mean,
        c.second.deviation,
        c.welch.map_or_else(|| "-".to_owned(), |w| written_p(w.p)),
        found.finding.verdict.words()
    );
    found
}
