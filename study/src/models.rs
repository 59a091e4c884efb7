//! The models that are in memory: the one whose units run, and the one before it in the chain, which its distributions are held
//! against. Each is opened once, as the earlier of two is the later of the next two.

use std::time::Instant;

use shiftlens::explain::divergence::compare;
use shiftlens::model::block_on;
use shiftlens::protocol::BackendChoice;
use shiftlens::worker::Runner;

use crate::row::Row;
use crate::study::{Checkpoint, Study};

/// A model, or why it cannot be had.
pub type Opened = Result<Runner, String>;

/// What is in memory.
pub struct Models {
    /// The checkpoint whose units run.
    pub current: Opened,
    /// The one before it, where it is wanted.
    before: Option<Opened>,
}

/// Lets the model compute where `backend` says, and says where that is.
fn select(runner: &mut Runner, name: &str, backend: BackendChoice) {
    let clock = Instant::now();
    let mut go_on = async || Ok(());
    let report = block_on(runner.select_backend(backend, || clock.elapsed().as_secs_f64(), &mut go_on));
    println!("{name}: computed by {}. {}", report.name(), report.reason());
}

fn load(checkpoint: &Checkpoint) -> Opened {
    if let Some(why) = &checkpoint.problem {
        return Err(why.clone());
    }
    let opened = checkpoint.open()?;
    Runner::load_at_once(opened, &checkpoint.name).map_err(|e| format!("{}: {e}", checkpoint.name))
}

impl Models {
    /// Opens what the units of `checkpoint` need, which `backend` computes; distributions are compared on the CPU. `opened`: what [`Models::into_before`] gave for it, if it did.
    pub fn load(study: &Study, checkpoint: &Checkpoint, opened: Option<Opened>, backend: BackendChoice) -> Self {
        let mut current = opened.unwrap_or_else(|| load(checkpoint));
        if let (Ok(runner), true) = (&mut current, backend != BackendChoice::Cpu) {
            select(runner, &checkpoint.name, backend);
        }
        // without the current model there is nothing to compare
        let before = study.before(checkpoint).filter(|_| current.is_ok()).map(load);
        Self { current, before }
    }

    /// The model of the checkpoint before, for that one's own units.
    pub fn into_before(self) -> Option<Opened> {
        self.before
    }

    /// `row`, a result of the current model, with the divergence from the model before it: both read the same prompt, as the
    /// current model had it, and the same response. The same row where the model before cannot be had, has another vocabulary,
    /// or has no room for them.
    pub fn compared(&mut self, row: Row) -> Row {
        let (Ok(current), Some(Ok(before))) = (&mut self.current, &mut self.before) else { return row };
        if current.info().tokenizer != before.info().tokenizer {
            return row;
        }
        let tokens = compare(before.engine(), current.engine(), &row.prompt_tokens, &row.response_tokens, 0);
        match block_on(tokens) {
            Ok(tokens) => row.diverging(tokens.iter().map(|t| t.kl_tuned_base).collect()),
            Err(_) => row,
        }
    }
}
