//! Runs a shard's units: one checkpoint after the other, each unit's row written before the next begins.

use std::ops::ControlFlow;
use std::path::Path;
use std::str::FromStr;
use std::time::Instant;

use shiftlens::explain::attribution::Sampling;
use shiftlens::explain::findings::PromptCase;
use shiftlens::model::block_on;
use shiftlens::protocol::{BackendChoice, Prompt, Response, Run, Template as Around};
use shiftlens::worker::{Runner, Update};

use crate::error::StudyError;
use crate::folder::{Found, gather};
use crate::loose::Loose;
use crate::models::{Models, Opened};
use crate::parts::{Part, PartError, beside};
use crate::row::Row;
use crate::study::{Checkpoint, PromptSet, Study, Template};

/// Which of how many shards: every prompt with all its checkpoints belongs to one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    of: usize,
}

impl Shard {
    /// Whether the unit with this number, from 0, belongs to it.
    pub fn has(self, number: usize) -> bool {
        number % self.of == self.index - 1
    }
}

impl Default for Shard {
    fn default() -> Self {
        Self { index: 1, of: 1 }
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match parts {
            Some((index, of)) if (1..=of).contains(&index) => Ok(Self { index, of }),
            _ => Err(format!("“{text}” is not a shard. Write I/N: 1/4 to 4/4 for four shards.")),
        }
    }
}

/// What a shard did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Units that ran.
    pub ran: usize,
    /// Units that had a result already.
    pub skipped: usize,
    /// Units, of both kinds, whose row holds an error.
    pub failed: usize,
}

impl Tally {
    fn and(self, other: Self) -> Self {
        let Self { ran, skipped, failed } = other;
        Self { ran: self.ran + ran, skipped: self.skipped + skipped, failed: self.failed + failed }
    }
}

/// One unit that is to be done.
struct Unit<'a> {
    name: String,
    set: &'a PromptSet,
    index: usize,
    case: &'a PromptCase,
}

/// A study under way.
struct Session<'a> {
    study: &'a Study,
    found: Found,
    loose: Loose,
    /// A model that is in memory already, with its checkpoint's name.
    opened: Option<(String, Opened)>,
    tally: Tally,
    how: How,
}

/// How a shard runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct How {
    /// Which.
    pub shard: Shard,
    /// Whether units whose row holds an error run again.
    pub retry: bool,
    /// What computes.
    pub backend: BackendChoice,
}

/// Runs what a shard has still to do.
pub fn run(study: &Study, folder: &Path, how: How) -> Result<Tally, StudyError> {
    let found = gather(folder, Part::responses)?;
    for part in &found.damaged {
        set_aside(part)?;
    }
    let (loose, tally) = (Loose::new(folder), Tally::default());
    let mut session = Session { study, found, loose, opened: None, tally, how };
    // the last checkpoint first: the others explain its responses
    for checkpoint in study.checkpoints.iter().rev() {
        session.checkpoint(checkpoint)?;
    }
    session.loose.put_together()?;
    let layers = crate::weights::run(study, folder, how.shard, how.retry)?;
    Ok(session.tally.and(layers))
}

/// Takes a damaged part out of the way; its units run again.
pub fn set_aside(part: &PartError) -> Result<(), StudyError> {
    let PartError::Damaged { path, .. } = part else { return Ok(()) };
    eprintln!("{part}. It is set aside, and its units run again.");
    match std::fs::rename(path, beside(path, "damaged")) {
        // another shard was first
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        done => done.map_err(|source| StudyError::File { path: path.clone(), source }),
    }
}

impl Session<'_> {
    fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), StudyError> {
        let (study, How { shard, retry, backend }) = (self.study, self.how);
        let mine = study.cases().enumerate().filter(|(at, _)| shard.has(*at));
        let units =
            mine.map(|(_, (set, index, case))| Unit { name: study.unit(checkpoint, set, case), set, index, case });
        let mut to_do = Vec::new();
        for unit in units {
            match self.found.rows.get(&unit.name) {
                Some(row) if row.error.is_none() || !retry => {
                    self.tally.skipped += 1;
                    self.tally.failed += usize::from(row.error.is_some());
                }
                _ => to_do.push(unit),
            }
        }
        if to_do.is_empty() {
            return Ok(());
        }
        let opened = self.opened.take().filter(|(name, _)| *name == checkpoint.name);
        let mut models = Models::load(study, checkpoint, opened.map(|(_, opened)| opened), backend);
        let all = to_do.len();
        for (done, unit) in to_do.into_iter().enumerate() {
            let row = self.unit(checkpoint, &mut models, &unit);
            self.tally.ran += 1;
            self.tally.failed += usize::from(row.error.is_some());
            self.found.rows.insert(unit.name, row.clone().without_matrices());
            self.loose.write(row)?;
            println!("{}: {} of {all}", checkpoint.name, done + 1);
        }
        let before = study.before(checkpoint).map(|c| c.name.clone());
        self.opened = before.zip(models.into_before());
        Ok(())
    }

    /// A unit's row: its result, or the reason why there is none.
    fn unit(&self, checkpoint: &Checkpoint, models: &mut Models, unit: &Unit) -> Row {
        let row = Row {
            unit: unit.name.clone(),
            settings: self.study.settings_hash(),
            checkpoint: checkpoint.name.clone(),
            checkpoint_hash: checkpoint.hash.clone(),
            tokenizer: models.current.as_ref().map_or_else(|_| String::new(), |r| r.info().tokenizer.clone()),
            prompt_set: unit.set.name.clone(),
            prompt_index: unit.index,
            prompt: unit.case.prompt.clone(),
            ..Row::default()
        };
        let runner = match &mut models.current {
            Ok(runner) => runner,
            Err(why) => return row.failed(why.clone()),
        };
        let response = match self.response(checkpoint, runner, unit) {
            Ok(response) => response,
            Err(why) => return row.failed(why),
        };
        let settings = &self.study.settings;
        let around = if checkpoint.template == Template::Own { Around::Own } else { Around::Off };
        let run = Run {
            by: settings.by,
            target: settings.target,
            mode: settings.mode,
            instruction: Some(unit.case.span()),
            ..Run::by_token(Prompt::text(unit.case.prompt.clone(), around), response)
        };
        let started = Instant::now();
        let mut quiet = async |_: Update| ControlFlow::Continue(());
        match block_on(runner.run(&run, || started.elapsed().as_secs_f64(), &mut quiet)) {
            Ok(mut report) => {
                report.score(settings.levels);
                let row = models.compared(row.filled(report));
                Row { seconds: Some(started.elapsed().as_secs_f64()), ..row }
            }
            Err(e) => row.failed(e.to_string()),
        }
    }

    /// The response that the unit explains.
    fn response(&self, checkpoint: &Checkpoint, runner: &Runner, unit: &Unit) -> Result<Response, String> {
        let own = || Response::Own { limit: self.study.settings.limit, sampling: Sampling::default() };
        if let Some(text) = &unit.case.response {
            return Ok(Response::Text { text: text.clone() });
        }
        let Some(last) = self.study.checkpoints.last().filter(|last| last.name != checkpoint.name) else {
            return Ok(own());
        };
        if self.study.settings.own {
            return Ok(own());
        }
        let row = self.found.rows.get(&self.study.unit(last, unit.set, unit.case));
        match row {
            Some(Row { error: None, tokenizer, response_tokens, response, .. }) => {
                Ok(match *tokenizer == runner.info().tokenizer {
                    true => Response::Ids { ids: response_tokens.clone() },
                    false => Response::Text { text: response.clone().unwrap_or_default() },
                })
            }
            _ => Err(format!("{} gave no response to explain", last.name)),
        }
    }
}

/// What the units of `study` will take: how many there are, and bytes of memory for the largest checkpoint, with the
/// one before it where they are compared.
pub fn estimate(study: &Study) -> String {
    let size = |c: &Checkpoint| c.info.as_ref().map_or(0, |info| info.bytes);
    let together = |c: &Checkpoint| size(c) + study.before(c).map_or(0, size);
    let largest = study.checkpoints.iter().map(together).max().unwrap_or(0);
    let prompts = study.cases().count();
    let layers: usize = study.checkpoints.iter().map(|c| study.layers(c).len()).sum();
    let weights: u64 = study.checkpoints.iter().map(size).sum();
    // a column takes about as long as reading the weights four times; memory gives 10 GB a second
    let seconds = weights as f64 * 4.0 * study.settings.limit as f64 * prompts as f64 / 10e9;
    format!(
        "{prompts} prompts on {} checkpoints and {layers} layers, {} units. About {:.1} GiB of memory; at least {}, judging by the size of the weights.",
        study.checkpoints.len(),
        prompts * study.checkpoints.len() + layers,
        shiftlens::checkpoint::catalogue::memory_of_file(largest) as f64 / (1u64 << 30) as f64,
        match seconds {
            s if s < 120.0 => format!("{s:.0} s"),
            s if s < 7200.0 => format!("{:.0} minutes", s / 60.0),
            s => format!("{:.0} hours", s / 3600.0),
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_one_of_so_many() {
        assert_eq!("2/4".parse(), Ok(Shard { index: 2, of: 4 }));
        for text in ["", "3", "0/4", "5/4", "1/0", "a/b", "-1/4"] {
            assert!(text.parse::<Shard>().unwrap_err().contains("1/4 to 4/4"), "{text}");
        }
    }
}
