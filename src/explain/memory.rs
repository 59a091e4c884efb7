//! Whether a run fits the memory there is, by which method, and what would fit if it does not.

use super::attribution::{FORCED_CHUNK, Mode, PREFILL_CHUNK, Respond, cheaper};
use crate::checkpoint::ModelConfig;
use crate::model::cpu::Memory;
use crate::model::{Needing, Remedy, Shortage};

/// Most bytes that a layer's attention may take: the page holds it too, of both models.
const VIEW: u64 = 256 << 20;
/// Bytes of a value of the importance in the end: itself twice, its level, and that as text in a message that grows.
const VALUE: u64 = 2 * 4 + 1 + 3 * 3;
/// Bytes of a token in the end, with its alternatives, and in a message.
const TOKEN: u64 = 2048;

/// How large a run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sizes {
    prompt: usize,
    response: usize,
    /// The first token of each group.
    firsts: Vec<usize>,
    given: bool,
    sampled: bool,
}

/// A run that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// By which method; never auto.
    pub mode: Mode,
    /// Bytes that it takes beside the weights.
    pub bytes: u64,
}

impl Sizes {
    /// Of a run of `prompt` tokens by `groups` of them, by a model that reads `context` tokens.
    pub fn new(prompt: usize, groups: &[Vec<usize>], respond: &Respond, context: usize) -> Self {
        let (response, given, sampled) = match respond {
            Respond::Generate { limit, sampling, .. } => {
                ((*limit).min(context.saturating_sub(prompt)), false, !sampling.is_greedy())
            }
            Respond::Forced(ids) => (ids.len(), true, false),
        };
        let firsts = groups.iter().filter_map(|g| g.first().copied()).collect();
        Self { prompt, response, firsts, given, sampled }
    }

    /// The same with fewer tokens.
    fn shorter(&self, prompt: usize, response: usize) -> Self {
        let firsts = self.firsts.iter().copied().filter(|first| *first < prompt).collect();
        Self { prompt, response, firsts, ..self.clone() }
    }

    /// Bytes that the run takes beside the weights by `mode`; auto is the cheaper of the two in work.
    pub fn bytes(&self, config: &ModelConfig, mode: Mode) -> u64 {
        let memory = Memory::of(config);
        let firsts = match mode {
            Mode::Auto => return self.bytes(config, cheaper(self.prompt, self.response, &self.firsts)),
            Mode::Forward => self.firsts.as_slice(),
            Mode::Reverse | Mode::Off => &[],
        };
        let chunk = if self.given { FORCED_CHUNK } else { 1 };
        let chunks = parts(self.prompt, PREFILL_CHUNK).chain(parts(self.response.saturating_sub(1), chunk));
        let read = memory.forward(chunks, firsts, self.sampled);
        let (prompt, response, groups) = (self.prompt as u64, self.response as u64, self.firsts.len() as u64);
        // columns as they come, and turned
        let (columns, back) = match mode {
            Mode::Reverse => (8 * prompt * response, memory.reverse(self.prompt, self.response)),
            Mode::Forward => (8 * groups * response, 0),
            _ => (0, 0),
        };
        let told = if mode == Mode::Off { 0 } else { groups * response * VALUE };
        (read.max(back) + columns).max(told) + (prompt + response) * TOKEN
    }

    fn fits(&self, config: &ModelConfig, modes: &[Mode], room: u64) -> bool {
        modes.iter().any(|mode| self.bytes(config, *mode) <= room)
    }
}

/// `total` in parts of at most `most`.
fn parts(total: usize, most: usize) -> impl Iterator<Item = usize> {
    (0..total).step_by(most).map(move |at| most.min(total - at))
}

/// The largest of `1..below` that fits; a smaller one always does.
fn largest(below: usize, fits: impl Fn(usize) -> bool) -> Option<usize> {
    let (mut low, mut high) = (0, below);
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if fits(middle) { low = middle } else { high = middle }
    }
    (low > 0).then_some(low)
}

/// The method by which a run of these sizes fits: `mode`, or of the two, the one that is cheaper in work first. `room` says how
/// many of so many bytes there are. `by_word` is the same run by word, where that is the user's choice. Fails with what would
/// fit.
pub fn plan(
    config: &ModelConfig,
    sizes: &Sizes,
    mode: Mode,
    by_word: Option<&Sizes>,
    room: impl Fn(u64) -> u64,
) -> Result<Plan, Shortage> {
    let modes = match (mode, cheaper(sizes.prompt, sizes.response, &sizes.firsts)) {
        (Mode::Auto, Mode::Forward) => vec![Mode::Forward, Mode::Reverse],
        (Mode::Auto, _) => vec![Mode::Reverse, Mode::Forward],
        (mode, _) => vec![mode],
    };
    let mut least: Option<(u64, u64)> = None;
    for &mode in &modes {
        let bytes = sizes.bytes(config, mode);
        let there = room(bytes);
        if there >= bytes {
            return Ok(Plan { mode, bytes });
        }
        least = least.filter(|(need, _)| *need <= bytes).or(Some((bytes, there)));
    }
    let (need, room) = least.unwrap_or_default();
    let mut remedies = Vec::new();
    let other = match mode {
        Mode::Forward => Some(Mode::Reverse),
        Mode::Reverse => Some(Mode::Forward),
        Mode::Auto | Mode::Off => None,
    };
    if other.is_some_and(|other| sizes.fits(config, &[other], room)) {
        remedies.push(Remedy::Auto);
    }
    if by_word.is_some_and(|words| words.fits(config, &modes, room)) {
        remedies.push(Remedy::Words);
    }
    let prompt = |n| sizes.shorter(n, sizes.response).fits(config, &modes, room);
    remedies.extend(largest(sizes.prompt, prompt).map(Remedy::Prompt));
    let response = |n| sizes.shorter(sizes.prompt, n).fits(config, &modes, room);
    let said = if sizes.given { Remedy::Response } else { Remedy::Answer };
    remedies.extend(largest(sizes.response, response).map(said));
    Err(Shortage { needing: Needing::Run, need, room, remedies })
}

/// Fails where there is no room for reading so many tokens layer by layer.
pub fn check_sequence(config: &ModelConfig, tokens: usize, room: impl Fn(u64) -> u64) -> Result<(), Shortage> {
    check(Needing::Sequence, tokens, |n| Memory::of(config).trace(n), room)
}

/// Fails where there is no room for a layer's attention on so many tokens, or where it is more than a view may take.
pub fn check_attention(config: &ModelConfig, tokens: usize, room: impl Fn(u64) -> u64) -> Result<(), Shortage> {
    let within = |need: u64| if need > VIEW { room(VIEW) } else { room(need) };
    check(Needing::Attention, tokens, |n| Memory::of(config).attention(n), within)
}

fn check(
    needing: Needing,
    tokens: usize,
    bytes: impl Fn(usize) -> u64,
    room: impl Fn(u64) -> u64,
) -> Result<(), Shortage> {
    let need = bytes(tokens);
    let there = room(need);
    if there >= need {
        return Ok(());
    }
    let remedies = largest(tokens, |n| bytes(n) <= there).map(Remedy::Together).into_iter().collect();
    Err(Shortage { needing, need, room: there, remedies })
}
