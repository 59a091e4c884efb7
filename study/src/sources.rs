//! Where the checkpoints of a plan come from: those of the hub are chosen, and fetched, before anything runs.

use shiftlens::checkpoint::hub::{HubError, Pinned};

use crate::error::StudyError;
use crate::fetch::FetchError;
use crate::hub::{Chosen, Hub, Wanted};
use crate::study::{Checkpoint, Study};

/// Of this many parts of a file, each is told when it has come.
const PARTS: u64 = 10;

/// Finds, and unless `look_only` fetches, every checkpoint that the plan names by its repository. One whose commit the plan leaves
/// open is taken at that of `begun`, the study that the folder holds, so that all its shards read the same weights. Gives how many
/// bytes are still to be fetched.
pub fn bring(study: &mut Study, begun: Option<&Study>, look_only: bool) -> Result<u64, StudyError> {
    if study.checkpoints.iter().all(|c| c.wanted.is_none()) {
        return Ok(0);
    }
    let hub = Hub::of_environment().ok_or(StudyError::NoCache)?;
    let mut missing = 0;
    for checkpoint in &mut study.checkpoints {
        let Some(wanted) = &checkpoint.wanted else { continue };
        let failed = |why| StudyError::Fetch { checkpoint: checkpoint.name.clone(), why };
        let chosen = choose(&hub, wanted, checkpoint, begun).map_err(|e| failed(FetchError::Hub(e)))?;
        let (to_fetch, of) = (hub.missing(&chosen), hub.pinned(&chosen));
        println!(
            "{}: {}, {}, {}",
            checkpoint.name,
            of.as_ref().map(Pinned::brief).unwrap_or_default(),
            chosen.candidate.storage,
            if to_fetch > 0 { format!("{} to fetch", megabytes(to_fetch)) } else { "in the cache".into() }
        );
        if !look_only {
            let mut told = 0;
            let name = checkpoint.name.clone();
            let mut progress = |have: u64, all: u64| {
                let part = have * PARTS / all.max(1);
                if part > told {
                    told = part;
                    println!("{name}: {} of {}", megabytes(have), megabytes(all));
                }
            };
            hub.fetch(&chosen, &mut progress).map_err(failed)?;
        }
        missing += to_fetch;
        checkpoint.path = hub.place(&chosen);
        checkpoint.source = of.as_ref().map(Pinned::to_string);
    }
    Ok(missing)
}

fn choose(hub: &Hub, wanted: &Wanted, of: &Checkpoint, begun: Option<&Study>) -> Result<Chosen, HubError> {
    let before = begun.and_then(|study| study.checkpoints.iter().find(|c| c.name == of.name)?.source.as_deref());
    let before = before.and_then(Pinned::read).filter(|pinned| pinned.repository == wanted.repository);
    let revision = wanted.revision.clone().or(before.map(|pinned| pinned.revision));
    hub.choose(&Wanted { revision, ..wanted.clone() })
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
