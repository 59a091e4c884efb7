//! What a checkpoint's weights say, without a prompt: the units that findings 2 and 3 are made from. A unit is one layer of one
//! checkpoint, a JSON file in `weights`.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shiftlens::checkpoint::Checkpoint as Opened;
use shiftlens::explain::weights::heads::{HeadOptions, Reading, compared_pairs};
use shiftlens::explain::weights::{Atlas, LayerConcepts, LayerHeads, Relatedness, lexicon};
use shiftlens::model::{ModelError, Tick, block_on};

use crate::error::StudyError;
use crate::parts::{PartError, write_whole};
use crate::run::{Shard, Tally, set_aside};
use crate::study::{Checkpoint, Study, hash};

/// Components of a layer, as on the page.
const COMPONENTS: usize = 300;

/// The version of what a unit computes: a new one gives every unit a new name.
const VERSION: &str = "weights 1";

/// One layer of a checkpoint, read.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Layer {
    /// Names the unit: a hash of the weights, the words and the layer.
    pub unit: String,
    /// The checkpoint's name in the plan.
    pub checkpoint: String,
    /// Names its weights.
    pub checkpoint_hash: String,
    /// The layer, from 0.
    pub layer: usize,
    /// Why there is no result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The words that heads and components are read by.
    pub words: Vec<String>,
    /// What its heads relate.
    pub heads: LayerHeads,
    /// Its leading feed-forward components.
    pub concepts: LayerConcepts,
}

/// As much of a [`Layer`] as tells whether it is there.
#[derive(Deserialize)]
struct Outline {
    unit: String,
    error: Option<String>,
}

/// What says which unit it is.
trait OfUnit {
    fn unit(&self) -> &str;
}

impl OfUnit for Layer {
    fn unit(&self) -> &str {
        &self.unit
    }
}

impl OfUnit for Outline {
    fn unit(&self) -> &str {
        &self.unit
    }
}

/// Names the unit of a layer. It depends on the weights alone: every plan, shard and machine gives it the same name.
pub fn unit(checkpoint: &Checkpoint, layer: usize) -> String {
    hash(&[VERSION, &checkpoint.hash, &layer.to_string()])
}

fn path(folder: &Path, unit: &str) -> PathBuf {
    folder.join("weights").join(format!("{unit}.json"))
}

/// Reads the file of `unit`, or as much of it as `T` takes. Nothing where there is none.
fn read<T: DeserializeOwned + OfUnit>(folder: &Path, unit: &str) -> Result<Option<T>, PartError> {
    let path = path(folder, unit);
    let damaged = |why: String| PartError::Damaged { path: path.clone(), why };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(damaged(e.to_string())),
    };
    let found: T = serde_json::from_str(&text).map_err(|e| damaged(e.to_string()))?;
    match found.unit() == unit {
        true => Ok(Some(found)),
        false => Err(damaged("it holds another layer".into())),
    }
}

/// The layer `layer` of `checkpoint` in the study in `folder`; nothing where it has not been read yet.
pub fn layer(folder: &Path, checkpoint: &Checkpoint, layer: usize) -> Result<Option<Layer>, PartError> {
    read(folder, &unit(checkpoint, layer))
}

/// Reads those layers of all checkpoints that belong to `shard` and are not there yet. With `retry`, those again that could not be
/// read.
pub fn run(study: &Study, folder: &Path, shard: Shard, retry: bool) -> Result<Tally, StudyError> {
    let mut tally = Tally::default();
    let weights = folder.join("weights");
    std::fs::create_dir_all(&weights).map_err(|source| StudyError::File { path: weights, source })?;
    let mut number = 0;
    for checkpoint in &study.checkpoints {
        let mut to_do = Vec::new();
        for layer in study.layers(checkpoint) {
            let mine = shard.has(number);
            number += 1;
            if !mine {
                continue;
            }
            match read::<Outline>(folder, &unit(checkpoint, layer)) {
                Ok(Some(there)) if there.error.is_none() || !retry => {
                    tally.skipped += 1;
                    tally.failed += usize::from(there.error.is_some());
                    continue;
                }
                Ok(_) => {}
                Err(damaged) => set_aside(&damaged)?,
            }
            to_do.push(layer);
        }
        read_layers(checkpoint, folder, &to_do, &mut tally)?;
    }
    Ok(tally)
}

fn read_layers(checkpoint: &Checkpoint, folder: &Path, to_do: &[usize], tally: &mut Tally) -> Result<(), StudyError> {
    if to_do.is_empty() {
        return Ok(());
    }
    let mut reader = Reader::of(checkpoint);
    for (done, layer) in to_do.iter().enumerate() {
        let mut found = Layer {
            unit: unit(checkpoint, *layer),
            checkpoint: checkpoint.name.clone(),
            checkpoint_hash: checkpoint.hash.clone(),
            layer: *layer,
            ..Layer::default()
        };
        match reader.as_mut().map_err(|why| why.clone()).and_then(|reader| reader.layer(*layer)) {
            Ok((words, heads, concepts)) => found = Layer { words, heads, concepts, ..found },
            Err(why) => found.error = Some(format!("{}: {why}", checkpoint.name)),
        }
        tally.ran += 1;
        tally.failed += usize::from(found.error.is_some());
        let path = path(folder, &found.unit);
        let json = serde_json::to_vec(&found);
        let json = json.map_err(|e| StudyError::Encode { path: path.clone(), why: e.to_string() })?;
        write_whole(&path, &json)?;
        println!("{}: layer {} of {}", checkpoint.name, done + 1, to_do.len());
    }
    Ok(())
}

/// A checkpoint whose weights are read layer by layer.
struct Reader {
    checkpoint: Opened,
    atlas: Atlas,
}

impl Reader {
    fn of(checkpoint: &Checkpoint) -> Result<Self, String> {
        let checkpoint = checkpoint.open()?;
        let atlas = Atlas::new(&checkpoint, &lexicon::english(), Relatedness::Own).map_err(|e| e.to_string())?;
        Ok(Self { checkpoint, atlas })
    }

    fn layer(&mut self, layer: usize) -> Result<(Vec<String>, LayerHeads, LayerConcepts), String> {
        let how = HeadOptions { reading: Reading::Relation, keep: compared_pairs(Reading::Relation) };
        let mut quiet = async |_: Tick| ControlFlow::Continue(());
        let read = |e: ModelError| e.to_string();
        let heads = block_on(self.atlas.heads(&self.checkpoint, layer, how, &mut quiet)).map_err(read)?;
        let concepts = self.atlas.concepts(&self.checkpoint, layer, COMPONENTS).map_err(read)?;
        Ok((self.atlas.words().to_vec(), heads, concepts))
    }
}
