//! Explanations: pure functions from model results to plain data, and the runs that produce them.

pub mod attribution;
pub mod cells;
pub mod chance;
pub mod contributions;
pub mod divergence;
pub mod findings;
pub mod glance;
mod instruction;
mod job;
pub mod lens;
mod levels;
pub mod local;
pub mod memory;
pub mod methods;
mod report;
pub mod statistics;
mod units;
pub mod view;
pub mod weights;

pub use instruction::{INSTRUCTION_VERBS, find_instruction, find_instruction_of};
pub use levels::{Levels, density, floored, instruction_score, levels, normalised};
pub use report::{CheckpointInfo, ModelReport, ResponseToken, Seconds, Why, aggregate, scored_rows};
pub(crate) use units::spell;
pub use units::{By, PromptToken, Role, TEMPLATE_ROW, Unit, prompt_tokens, regroup, segment, segments, units};
