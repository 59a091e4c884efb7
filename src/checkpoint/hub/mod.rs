//! The hub of models, huggingface.co: what a visitor writes for a repository, what the hub answers about it, which of its
//! files to open, and which repository holds the other half of a pair. Nothing here touches a network.

mod address;
mod answer;
mod choose;
mod error;
mod guess;
mod storage;

pub use address::{Address, HUB, Pinned, Repository};
pub use answer::{HubFile, Listing, MOST_BYTES, Relation, found};
pub use choose::{Candidate, Candidates, Refused};
pub use error::HubError;
pub use guess::{Counterpart, Half, Step, counterpart, plan};
pub use storage::bits;

#[cfg(test)]
mod tests;
