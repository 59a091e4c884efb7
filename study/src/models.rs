//! The models that are in memory: the one whose units run, and the one before it in the chain, which its distributions are held
//! against. Each is opened once, as the earlier of two is the later of the next two.

use shiftlens::explain::divergence::compare;
use shiftlens::model::block_on;
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

fn load(checkpoint: &Checkpoint) -> Opened {
    if let Some(why) = &checkpoint.problem {
        return Err(why.clone());
    }
    let opened = checkpoint.open()?;
    Runner::load_at_once(opened, &checkpoint.name).map_err(|e| format!("{}: {e}", checkpoint.name))
}

impl Models {
    /// Opens what the units of `checkpoint` need. `opened`: what [`Models::into_before`] gave for it, if it did.
    pub fn load(study: &Study, checkpoint: &Checkpoint, opened: Option<Opened>) -> Self {
        let current = opened.unwrap_or_else(|| load(checkpoint));
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
