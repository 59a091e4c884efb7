//! How far tuning moved the weights, and whether what they say hangs together.

use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;

use serde::Serialize;
use shiftlens::checkpoint::Checkpoint;
use shiftlens::explain::weights::coherence::{COMPONENTS, Coherence, Judge};
use shiftlens::explain::weights::compare::HeadChange;
use shiftlens::explain::weights::heads::{HeadOptions, Reading, compared_pairs};
use shiftlens::explain::weights::matching::LayerMatches;
use shiftlens::explain::weights::{Atlas, LayerConcepts, LayerHeads, Relatedness, lexicon};
use shiftlens::model::{Tick, block_on};

use super::Both;

/// Components of a layer that are matched.
const MATCHED: usize = 100;

#[derive(Serialize)]
pub struct Weights {
    /// Words that are read in both models.
    pub words: usize,
    /// The mean angle of the leading 20 components of a layer to their matches in the tuned model, degrees, by layer.
    pub angles: Vec<f64>,
    /// The same of all matched components.
    pub angles_of_all: Vec<f64>,
    /// The mean share of a head's 200 strongest pairs that the tuned model's head has too, by layer.
    pub kept: Vec<f64>,
    /// Of heads, if there was a judge.
    pub heads: Option<Both<Option<Coherence>>>,
    /// Of components, likewise.
    pub components: Option<Both<Option<Coherence>>>,
}

/// What one model's weights say.
pub struct Read {
    words: Vec<String>,
    heads: Vec<LayerHeads>,
    concepts: Vec<LayerConcepts>,
}

impl Read {
    pub fn of(checkpoint: &Checkpoint) -> Result<Self, Box<dyn Error>> {
        let mut atlas = Atlas::new(checkpoint, &lexicon::english(), Relatedness::Own)?;
        let how = HeadOptions { reading: Reading::Relation, keep: compared_pairs(Reading::Relation) };
        let mut quiet = async |_: Tick| ControlFlow::Continue(());
        let (mut heads, mut concepts) = (Vec::new(), Vec::new());
        for layer in 0..checkpoint.config.layers {
            heads.push(block_on(atlas.heads(checkpoint, layer, how, &mut quiet))?);
            concepts.push(atlas.concepts(checkpoint, layer, MATCHED)?);
        }
        Ok(Self { words: atlas.words().to_vec(), heads, concepts })
    }
}

impl Weights {
    /// Compares the two; coherence is judged by the vectors in `judge`.
    pub fn between(base: &Read, tuned: &Read, judge: Option<&Path>) -> Result<Self, Box<dyn Error>> {
        let mean = |values: &[f32]| values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len().max(1) as f64;
        let (mut angles, mut angles_of_all, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        for (b, t) in base.concepts.iter().zip(&tuned.concepts) {
            let matches = LayerMatches::between(b, t)?.matches;
            let all: Vec<f32> = matches.iter().map(|m| m.angle).collect();
            angles.push(mean(&all[..COMPONENTS.min(all.len())]));
            angles_of_all.push(mean(&all));
        }
        for (b, t) in base.heads.iter().zip(&tuned.heads) {
            let share = |c: HeadChange| c.kept.len() as f32 / (c.kept.len() + c.lost.len()).max(1) as f32;
            kept.push(mean(&HeadChange::of_layer(b, t).into_iter().map(share).collect::<Vec<_>>()));
        }
        let judged = judge.map(|path| judged(path, base, tuned)).transpose()?;
        let (heads, components) = judged.map_or((None, None), |(h, c)| (Some(h), Some(c)));
        Ok(Self { words: base.words.len(), angles, angles_of_all, kept, heads, components })
    }

    /// The mean over layers of the leading components' angles, degrees.
    pub fn angle(&self) -> f64 {
        self.angles.iter().sum::<f64>() / self.angles.len().max(1) as f64
    }

    /// The mean over layers of the share of pairs kept.
    pub fn kept(&self) -> f64 {
        self.kept.iter().sum::<f64>() / self.kept.len().max(1) as f64
    }

    pub fn print(&self) {
        let layers = |values: &[f64], scale: f64| {
            values.iter().map(|v| format!("{:.1}", v * scale)).collect::<Vec<_>>().join(" ")
        };
        println!(
            "{} words; the leading {COMPONENTS} components of a layer turn by {:.1} degrees ({}), {MATCHED} by {}",
            self.words,
            self.angle(),
            layers(&self.angles, 1.0),
            layers(&self.angles_of_all, 1.0)
        );
        println!("{:.1} % of a head's strongest pairs are kept ({})", self.kept() * 100.0, layers(&self.kept, 100.0));
        for (what, both) in [("heads", &self.heads), ("components", &self.components)] {
            for (model, found) in both.iter().flat_map(|b| [("base", b.base), ("tuned", b.tuned)]) {
                println!("{what} of the {model}: {}", found.map_or("not judged".into(), |c| c.words()));
            }
        }
    }
}

type Judged = Both<Option<Coherence>>;

/// The coherence of heads and of components, in the vectors of the file `path`.
fn judged(path: &Path, base: &Read, tuned: &Read) -> Result<(Judged, Judged), Box<dyn Error>> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let of = |read: &Read| -> Result<_, Box<dyn Error>> {
        let judge = Judge::by(&Relatedness::parse(&text, &read.words), &read.words);
        let judge = judge.ok_or_else(|| format!("{} knows too few of the words", path.display()))?;
        Ok((judge.of_heads(&read.heads), judge.of_components(&read.concepts)))
    };
    let (base, tuned) = (of(base)?, of(tuned)?);
    Ok((Both { base: base.0, tuned: tuned.0 }, Both { base: base.1, tuned: tuned.1 }))
}
