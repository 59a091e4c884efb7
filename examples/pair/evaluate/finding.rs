//! The paper's first finding on this pair, three ways.

use std::error::Error;

use serde::Serialize;
use shiftlens::explain::findings::{PromptCase, ScoreFinding, ScoreRow, instruction_scores, written_p};
use shiftlens::protocol::Template;

use super::{Pair, ids};
use crate::instruct::Example;

/// Longest answer that is explained, tokens.
pub const EXPLAINED: usize = 60;

#[derive(Serialize)]
pub struct Finding {
    what: &'static str,
    finding: ScoreFinding,
}

/// What is compared.
const WAYS: [&str; 3] = [
    "the tuned model's response under both, the template for the tuned model only",
    "the tuned model's response under both, the template for both",
    "each model's own response, the template for the tuned model only",
];

/// The prompts are shared out over the cores, each of which opens both models.
pub fn findings(pair: &Pair, asked: &[Example]) -> Result<Vec<Finding>, Box<dyn Error>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let parts: Vec<_> = std::thread::scope(|scope| {
        let shares = asked.chunks(asked.len().div_ceil(cores).max(1));
        let running: Vec<_> =
            shares.map(|share| scope.spawn(|| scores(pair, share).map_err(|e| e.to_string()))).collect();
        running.into_iter().map(|r| r.join()).collect()
    });
    let mut rows: [Vec<ScoreRow>; 3] = Default::default();
    for part in parts {
        let part = part.map_err(|_| "a thread failed")??;
        rows.iter_mut().zip(part).for_each(|(all, more)| all.extend(more));
    }
    let found = WAYS.into_iter().zip(rows).map(|(what, rows)| Finding { what, finding: instruction_scores(&rows) });
    Ok(found.map(said).collect())
}

/// The scores of some prompts, in each way.
fn scores(pair: &Pair, asked: &[Example]) -> Result<[Vec<ScoreRow>; 3], Box<dyn Error>> {
    let mut both = pair.open()?;
    let template = both.tuned.template();
    let mut rows: [Vec<ScoreRow>; 3] = Default::default();
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
        for (rows, (base, tuned)) in rows.iter_mut().zip([(&plain, &tuned), (&inside, &tuned), (&free, &own)]) {
            rows.push(ScoreRow::of(&case, base, tuned));
        }
    }
    Ok(rows)
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
