//! What lies between the final hidden states and the answers: the head's product, the choice, and a column of importance.
//!
//! The answers are read back together, `CHOSEN` words and a column for each token that is followed:
//!
//! ```text
//! | id | probability | rank | entropy | 8 x (id, probability) | importance, one number a group | the next token's ...
//!   0    1             2      3         4                       CHOSEN = 20
//! ```

use wgpu::{Buffer, CommandEncoder};

use super::bindings;
use super::device::{Gpu, GpuError};
use super::engine::MOST_AHEAD;
use super::forward::Session;
use super::kernels::Kernels;
use super::matrix::Through;
use super::ops::{self, Count, Op, encode};
use super::weights::GpuModel;
use crate::model::head::{Goal, Target};

/// No token is given.
pub(super) const NONE: u32 = u32::MAX;
/// Alternatives that the GPU finds at most, and words of what it says of a choice: four, and two for each.
const ALTERNATIVES: usize = 8;
pub(super) const CHOSEN: usize = 4 + 2 * ALTERNATIVES;
/// PARTS and SAID in `kernels/choice.wgsl`: parts of the vocabulary that are looked through side by side, and what is said of each.
const PARTS: usize = 64;
const SAID: usize = 3 + 2 * ALTERNATIVES;
/// Bytes of logits and their tangents that are held at once, where a binding could hold more.
const MOST_BYTES: usize = 128 << 20;

/// What is asked about a row of logits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    /// The token that came; the likeliest if there is none.
    pub given: Option<u32>,
    /// Of its column, if one is wanted.
    pub target: Option<Target>,
    /// The token that the column is set against.
    pub against: Option<u32>,
    /// Alternatives to name.
    pub alternatives: usize,
}

/// Some of the tangents, whose logits are held at the same time.
struct Batch {
    /// Which rows of the hidden states are taken: the primal one, and then tangents.
    from: Buffer,
    count: Buffer,
    /// Gathers the rows and multiplies them by the head.
    product: Vec<Op>,
    column: Buffer,
    contract: Op,
}

/// The buffers and commands for `rows - 1` tangents.
pub(super) struct Head {
    /// Rows that there is room for: a primal one and the tangents.
    pub rows: usize,
    /// Tangents of a batch.
    most: usize,
    batches: Vec<Batch>,
    vocab: usize,
    logits: Buffer,
    question: Buffer,
    /// What `choose.wgsl` says.
    pub chosen: Buffer,
    staged_logits: Buffer,
    /// What was chosen, and then the column, for as many tokens as are followed at once.
    pub staged: Buffer,
    choose: [Op; 2],
}

/// Words of a question.
const QUESTION: usize = 8;

/// A question as the kernels of a choice and of its column take it.
pub(super) fn question_words(
    vocab: usize,
    given: u32,
    target: u32,
    alternatives: u32,
    against: u32,
) -> [u32; QUESTION] {
    [vocab as u32, given, target, alternatives, against, 0, 0, 0]
}

/// A goal's token and the one it is set against, as the cotangents' kernel takes them.
pub(super) fn goal_words(goal: Goal) -> [u32; 2] {
    [goal.token, goal.against.unwrap_or(NONE)]
}

/// Both halves of a choice from the first row of `logits`, into `chosen`.
pub(super) fn choose(gpu: &Gpu, kernels: &Kernels, question: &Buffer, logits: &Buffer, chosen: &Buffer) -> [Op; 2] {
    let parts = gpu.storage(PARTS * SAID);
    let scan = kernels.bind(gpu, bindings::Scan { question, logits, parts: &parts });
    let join = kernels.bind(gpu, bindings::Choose { question, logits, parts: &parts, chosen });
    [(scan, PARTS), (join, 1)].map(|(call, count)| Op::new(call, Count::Fixed(count), Count::Fixed(1)))
}

impl Head {
    /// For `tangents` of them, of which at most `most` are multiplied at once, and no more than a binding can hold.
    pub fn new(model: &GpuModel, session: &Session, tangents: usize, most: usize) -> Result<Self, GpuError> {
        let (gpu, kernels, c) = (&model.gpu, &model.kernels, &model.config);
        let fit = (gpu.binding_limit().min(MOST_BYTES) / (4 * c.vocab)).saturating_sub(1);
        let most = most.min(fit).min(tangents);
        if tangents > 0 && most == 0 {
            return Err(GpuError::TooLarge(format!("the logits of {} tokens pass its limit for a binding.", c.vocab)));
        }
        let rows = 1 + most;
        let (hidden, logits) = (gpu.storage(rows * c.width), gpu.storage(rows * c.vocab));
        let (question, chosen) = (gpu.uniform(&[0u32; QUESTION]), gpu.storage(CHOSEN));
        let gather = gpu.uniform(&[c.width as u32, 0, 0, 0]);
        // the first row is the value's, which alone has the head's bias; the others are tangents
        let info = gpu.filled(&vec![[0u32; 4]; rows]);
        let batch = |_| {
            let (from, count, column) = (gpu.storage(rows), gpu.uniform(&[0u32; 4]), gpu.storage(rows));
            let rows = bindings::Gather { gather: &gather, source: &from, x: &session.work.h, y: &hidden };
            let gather = kernels.bind(gpu, rows);
            let mut product = vec![Op::elements(gather, c.width)];
            let through = Through { rows: &count, x: &hidden, y: &logits, accumulate: false };
            product.extend(model.head().product(gpu, kernels, &through, Some(&info)));
            let (question, logits, chosen) = (&question, &logits, &chosen);
            let contract = kernels.bind(gpu, bindings::Column { question, logits, column: &column, chosen });
            Batch { from, count, product, column, contract: Op::rows(contract) }
        };
        let batches = (0..tangents.div_ceil(most.max(1)).max(1)).map(batch).collect();
        let choose = choose(gpu, kernels, &question, &logits, &chosen);
        Ok(Self {
            rows: 1 + tangents,
            most,
            batches,
            vocab: c.vocab,
            staged_logits: gpu.staging(c.vocab),
            staged: gpu.staging(MOST_AHEAD * (CHOSEN + 1 + tangents)),
            choose,
            logits,
            question,
            chosen,
        })
    }

    /// How many are multiplied in one batch, for each batch of `tangents`; the first is always there.
    fn counts(&self, tangents: usize) -> impl Iterator<Item = usize> {
        let most = self.most.max(1);
        (0..tangents.div_ceil(most).max(1)).map(move |batch| (tangents - batch * most).min(most))
    }

    /// All dispatches of a question about `tangents` of them, each with its rows.
    pub fn ops(&self, tangents: usize) -> Vec<(&Op, usize)> {
        let mut all = Vec::new();
        for (i, (batch, count)) in self.batches.iter().zip(self.counts(tangents)).enumerate() {
            all.extend(batch.product.iter().map(|op| (op, 1 + count)));
            if i == 0 {
                all.extend(self.choose.iter().map(|op| (op, 1)));
            }
            if count > 0 {
                all.push((&batch.contract, count));
            }
        }
        all
    }

    /// Tells the kernels which rows of the hidden states are asked about: the value's, and the tangents'.
    fn point(&self, model: &GpuModel, primal: usize, tangents: &[usize]) {
        let mut left = tangents;
        for (batch, count) in self.batches.iter().zip(self.counts(tangents.len())) {
            let (own, rest) = left.split_at(count);
            left = rest;
            let rows: Vec<u32> = [primal].iter().chain(own).map(|r| *r as u32).collect();
            model.gpu.write(&batch.from, &rows);
            model.gpu.write(&batch.count, &[rows.len() as u32, 0, 0, 0]);
        }
    }

    /// Encodes the choice and the column of `tangents`. Gives the number of dispatches.
    fn answer(
        &self,
        model: &GpuModel,
        encoder: &mut CommandEncoder,
        (primal, tangents): (usize, &[usize]),
        question: Question,
    ) -> usize {
        self.ask(model, question);
        self.point(model, primal, tangents);
        let mut pass = ops::pass(encoder, "answer");
        self.ops(tangents.len()).into_iter().map(|(op, rows)| op.encode(&mut pass, rows)).sum()
    }

    fn ask(&self, model: &GpuModel, question: Question) {
        let goal = question.target.unwrap_or_default() as u32;
        let alternatives = question.alternatives.min(ALTERNATIVES) as u32;
        let given = question.given.unwrap_or(NONE);
        let against = question.against.unwrap_or(NONE);
        model.gpu.write(&self.question, &question_words(self.vocab, given, goal, alternatives, against));
    }

    /// Encodes the choice after row `primal` of the hidden states, with the column of `tangents` (rows too) if there is a
    /// target; both are copied to place `at` of those staged. Gives the number of dispatches.
    pub fn choose(
        &self,
        model: &GpuModel,
        encoder: &mut CommandEncoder,
        (primal, tangents): (usize, &[usize]),
        question: Question,
        at: usize,
    ) -> usize {
        let tangents = if question.target.is_some() { tangents } else { &[] };
        let dispatches = self.answer(model, encoder, (primal, tangents), question);
        let place = 4 * (at * (CHOSEN + self.rows)) as u64;
        encoder.copy_buffer_to_buffer(&self.chosen, 0, &self.staged, place, Some(4 * CHOSEN as u64));
        self.stage_column(encoder, tangents.len(), place + 4 * CHOSEN as u64);
        dispatches
    }

    fn stage_column(&self, encoder: &mut CommandEncoder, tangents: usize, mut place: u64) {
        for (batch, count) in self.batches.iter().zip(self.counts(tangents)).filter(|(_, count)| *count > 0) {
            let bytes = 4 * count as u64;
            encoder.copy_buffer_to_buffer(&batch.column, 0, &self.staged, place, Some(bytes));
            place += bytes;
        }
    }

    /// Encodes the logits after row `primal` of the hidden states, and stages them.
    pub fn logits(&self, model: &GpuModel, encoder: &mut CommandEncoder, primal: usize) -> (usize, &Buffer) {
        self.point(model, primal, &[]);
        let dispatches = encode(&self.batches[0].product, &mut ops::pass(encoder, "logits"), 1);
        encoder.copy_buffer_to_buffer(&self.logits, 0, &self.staged_logits, 0, Some(4 * self.vocab as u64));
        (dispatches, &self.staged_logits)
    }

    /// Encodes the column of `goal`, and stages it first.
    pub fn column(
        &self,
        model: &GpuModel,
        encoder: &mut CommandEncoder,
        (primal, tangents): (usize, &[usize]),
        goal: Goal,
    ) -> usize {
        let question =
            Question { given: Some(goal.token), target: Some(goal.target), against: goal.against, alternatives: 0 };
        let dispatches = self.answer(model, encoder, (primal, tangents), question);
        self.stage_column(encoder, tangents.len(), 0);
        dispatches
    }
}
