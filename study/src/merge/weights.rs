//! Findings 2 and 3 for each two checkpoints that follow one another: what each layer's weights say, compared.

use std::path::Path;

use rayon::prelude::*;
use shiftlens::explain::findings::{
    ConceptShift, Controls, VerbFinding, VerbShift, Verdict, concept_shift, verb_shift,
};
use shiftlens::explain::weights::coherence::{Coherence, Judge};
use shiftlens::explain::weights::compare::{HeadChange, Kept, kept};
use shiftlens::explain::weights::matching::{LayerMatches, Turn};
use shiftlens::explain::weights::{Relatedness, scorer};
use shiftlens::model::ModelError;

use crate::error::StudyError;
use crate::study::{Checkpoint, Study};
use crate::tables::{Cell, Table};
use crate::weights::{Layer, layer};

/// What two checkpoints' weights say.
pub struct Found {
    /// Finding 2.
    pub verbs: VerbFinding,
    /// Finding 3, or why there is nothing: components of different widths cannot be matched.
    pub concepts: Result<ConceptShift, String>,
    /// How many of their pairs heads keep.
    pub kept: Option<Kept>,
}

/// Two checkpoints that follow one another.
pub struct Pair {
    /// The earlier one's name.
    pub base: String,
    /// The later one's.
    pub tuned: String,
    /// What was found, or why there is nothing.
    pub found: Result<Found, String>,
}

/// All pairs of the chain.
#[derive(Default)]
pub struct Weights {
    /// In the chain's order; none where the study reads no weights.
    pub pairs: Vec<Pair>,
    /// Layers that have a result, or a reason why there is none.
    pub there: usize,
    /// Layers that have not been read.
    pub missing: usize,
    /// Layers that could not be read: checkpoint, layer and reason.
    pub failed: Vec<(String, usize, String)>,
}

impl Weights {
    /// Compares all pairs of the study in `folder`. `judge`: a file of another model's word vectors, by which the coherence of heads
    /// and components is judged.
    pub fn of(study: &Study, folder: &Path, judge: Option<&Path>) -> Result<Self, StudyError> {
        let mut weights = Self::default();
        if !study.weights {
            return Ok(weights);
        }
        let read = |path: &Path| {
            std::fs::read_to_string(path).map_err(|source| StudyError::File { path: path.to_owned(), source })
        };
        let judge = judge.map(read).transpose()?;
        let mut before: Option<(&Checkpoint, Result<Vec<Layer>, String>)> = None;
        for checkpoint in &study.checkpoints {
            let layers = weights.layers(study, folder, checkpoint);
            if let Some((base, base_layers)) = before {
                let both = base_layers.and_then(|b| layers.as_ref().map(|t| (b, t)).map_err(Clone::clone));
                let found = both.and_then(|(b, t)| compared(&b, t, judge.as_deref()));
                weights.pairs.push(Pair { base: base.name.clone(), tuned: checkpoint.name.clone(), found });
            }
            before = Some((checkpoint, layers));
        }
        Ok(weights)
    }

    /// All layers of `checkpoint`, or the first reason why they are not all there.
    fn layers(&mut self, study: &Study, folder: &Path, checkpoint: &Checkpoint) -> Result<Vec<Layer>, String> {
        if let Some(why) = &checkpoint.problem {
            return Err(why.clone());
        }
        let numbers: Vec<usize> = study.layers(checkpoint).collect();
        let read: Vec<_> = numbers.par_iter().map(|number| layer(folder, checkpoint, *number)).collect();
        let (mut layers, mut problem) = (Vec::with_capacity(numbers.len()), None);
        for (number, read) in numbers.into_iter().zip(read) {
            let there = read.unwrap_or_else(|damaged| {
                eprintln!("{damaged}. It counts as missing.");
                None
            });
            self.there += usize::from(there.is_some());
            self.missing += usize::from(there.is_none());
            let reason = match there {
                None => format!("layer {number} of {} has not been read", checkpoint.name),
                Some(Layer { error: Some(reason), .. }) => {
                    self.failed.push((checkpoint.name.clone(), number, reason.clone()));
                    reason
                }
                Some(layer) => {
                    layers.push(layer);
                    continue;
                }
            };
            problem.get_or_insert(reason);
        }
        problem.map_or(Ok(layers), Err)
    }

    /// The shift of instruction verbs, by group of layers.
    pub fn finding_2(&self) -> Table {
        let lines = |pair: &Pair| -> Vec<Vec<Cell>> {
            let names = || vec![Cell::Text(pair.base.clone()), Cell::Text(pair.tuned.clone())];
            match &pair.found {
                Err(why) => vec![[names(), vec![Cell::Text("all".into())], untold(9, why)].concat()],
                Ok(found) => {
                    let groups = found.verbs.groups.iter().map(|group| [names(), of_group(group)].concat());
                    let all = [vec![Cell::Text("all".into())], vec![Cell::None; 9]].concat();
                    let verdict = vec![Cell::Text(found.verbs.verdict.words())];
                    groups.chain([[names(), all, verdict].concat()]).collect()
                }
            }
        };
        Table {
            name: "finding-2",
            title: "Finding 2: do heads relate more words to instruction verbs?",
            columns: vec![
                "base",
                "tuned",
                "layers",
                "general verbs",
                "general mean",
                "general deviation",
                "instruction verbs",
                "instruction mean",
                "instruction deviation",
                "Welch p",
                "share of permuted labels that do as well",
                "permuted labels p (Holm)",
                "verdict",
            ],
            rows: self.pairs.iter().flat_map(lines).collect(),
        }
    }

    /// The turn of components toward users' tasks.
    pub fn finding_3(&self) -> Table {
        let line = |pair: &Pair| {
            let names = vec![Cell::Text(pair.base.clone()), Cell::Text(pair.tuned.clone())];
            let found = pair.found.as_ref().map_err(String::as_str);
            let concepts = found.and_then(|f| Ok((f.concepts.as_ref().map_err(String::as_str)?, f.kept)));
            let cells = concepts.map_or_else(|why| untold(16, why), |(concepts, kept)| of_pair(concepts, kept));
            [names, cells].concat()
        };
        Table {
            name: "finding-3",
            title: "Finding 3: do components turn toward users' tasks, while linguistic levels stay?",
            columns: vec![
                "base",
                "tuned",
                "layers",
                "base task share",
                "base deviation",
                "tuned task share",
                "tuned deviation",
                "Welch p",
                "share of permuted labels that do as well",
                "permuted labels p (Holm)",
                "levels differ by",
                "by chance",
                "levels p (Holm)",
                "no task label",
                "mean angle, degrees",
                "mean angle by chance, degrees",
                "pairs that heads keep",
                "pairs of other heads",
                "verdict",
            ],
            rows: self.pairs.iter().map(line).collect(),
        }
    }
}

/// `count` empty cells and the verdict that nothing can be told.
fn untold(count: usize, why: &str) -> Vec<Cell> {
    let verdict = Cell::Text(Verdict::unknown(why).words());
    [vec![Cell::None; count], vec![verdict]].concat()
}

/// Two checkpoints, layer by layer.
fn compared(base: &[Layer], tuned: &[Layer], judge: Option<&str>) -> Result<Found, String> {
    if base.len() != tuned.len() {
        return Err(format!("one has {} layers, the other {}", base.len(), tuned.len()));
    }
    let coherence = judge.map(|text| [judged(text, base), judged(text, tuned)]);
    let lesser = |of: fn(&Judged) -> Option<Coherence>| {
        coherence.as_ref().and_then(|[base, tuned]| Coherence::lesser(of(base), of(tuned)))
    };
    let pairs: Vec<(&Layer, &Layer)> = base.iter().zip(tuned).collect();
    let changes: Vec<_> = pairs.par_iter().map(|(b, t)| HeadChange::of_layer(&b.heads, &t.heads)).collect();
    let layers: Vec<&[HeadChange]> = changes.iter().map(Vec::as_slice).collect();
    let shares: Vec<_> = pairs.iter().map(|(b, t)| kept(&b.heads, &t.heads)).collect();
    let matches: Result<Vec<_>, ModelError> =
        pairs.par_iter().map(|(b, t)| LayerMatches::between(&b.concepts, &t.concepts)).collect();
    let shift = |matches: Vec<LayerMatches>| {
        let controls = Controls { turn: Turn::of(&matches), coherence: lesser(|judged| judged.1) };
        let concepts = pairs.iter().map(|(b, t)| (&b.concepts, &t.concepts));
        concept_shift(concepts, |_, _, _, component| scorer::task(component).value, controls)
    };
    Ok(Found {
        verbs: verb_shift(&layers, lesser(|judged| judged.0)),
        concepts: matches.map(shift).map_err(|e| e.to_string()),
        kept: Kept::of(&shares.iter().collect::<Vec<_>>()),
    })
}

/// The coherence of heads and of components.
type Judged = (Option<Coherence>, Option<Coherence>);

/// Judged by the vectors in `text` of the words that the model was read by.
fn judged(text: &str, layers: &[Layer]) -> Judged {
    let words = layers.first().map_or(&[][..], |layer| &layer.words);
    let Some(judge) = Judge::by(&Relatedness::parse(text, words), words) else { return (None, None) };
    (judge.of_heads(layers.iter().map(|l| &l.heads)), judge.of_components(layers.iter().map(|l| &l.concepts)))
}

fn of_group(group: &VerbShift) -> Vec<Cell> {
    let (general, instruction) = (group.comparison.first, group.comparison.second);
    let tests = vec![
        Cell::p(group.comparison.welch.map(|w| w.p)),
        Cell::share(group.chance.map(|c| c.share())),
        Cell::p(group.corrected),
        Cell::Text(group.verdict.words()),
    ];
    [vec![Cell::Text(group.group.name().to_owned())], Cell::sample(general), Cell::sample(instruction), tests].concat()
}

fn of_pair(concepts: &ConceptShift, kept: Option<Kept>) -> Vec<Cell> {
    let (base, tuned) = (concepts.comparison.first, concepts.comparison.second);
    let angle = |of: fn(&Turn) -> f64| Cell::number(concepts.controls.turn.as_ref().map(of));
    vec![
        Cell::Count(concepts.tasks.len()),
        Cell::Share(base.mean),
        Cell::Share(base.deviation),
        Cell::Share(tuned.mean),
        Cell::Share(tuned.deviation),
        Cell::p(concepts.comparison.welch.map(|w| w.p)),
        Cell::Share(concepts.chance.share()),
        Cell::P(concepts.corrected[0]),
        Cell::Share(concepts.level_distance()),
        Cell::Share(concepts.chance_of_levels.mean),
        Cell::P(concepts.corrected[1]),
        Cell::Share(concepts.unlabelled),
        angle(|turn| turn.mean),
        angle(|turn| turn.by_chance),
        Cell::share(kept.map(|k| k.own)),
        Cell::share(kept.map(|k| k.others)),
        Cell::Text(concepts.verdict.words()),
    ]
}

#[cfg(test)]
mod tests {
    use shiftlens::explain::weights::{LayerConcepts, NamedComponent, Packed};

    use super::*;

    /// A layer with one component, a direction of `width` numbers.
    fn layers(width: usize) -> Vec<Layer> {
        let components = vec![NamedComponent { share: 0.1, words: vec![("cow".into(), 1.0)] }];
        let mut direction = vec![0.0; width];
        direction[0] = 1.0;
        vec![Layer {
            concepts: LayerConcepts { layer: 0, components, directions: Packed(direction) },
            ..Layer::default()
        }]
    }

    #[test]
    fn models_of_different_widths_lose_finding_3_alone() {
        let pair = |base: usize, tuned: usize| Pair {
            base: "a".into(),
            tuned: "b".into(),
            found: compared(&layers(base), &layers(tuned), None),
        };
        let weights = Weights { pairs: vec![pair(8, 8), pair(8, 4)], ..Weights::default() };
        let concepts = |at: usize| weights.pairs[at].found.as_ref().unwrap().concepts.is_ok();
        assert_eq!((concepts(0), concepts(1)), (true, false));
        assert_eq!((weights.finding_2().rows.len(), weights.finding_3().rows.len()), (8, 2));
        for row in weights.finding_3().rows {
            assert_eq!(row.len(), weights.finding_3().columns.len());
        }
    }

    #[test]
    fn a_file_whose_numbers_do_not_fit_is_no_panic() {
        let mut odd = layers(8);
        odd[0].concepts.directions.0.truncate(5);
        odd[0].concepts.components.push(NamedComponent { share: 0.1, words: Vec::new() });
        assert!(compared(&odd, &layers(8), None).unwrap().concepts.is_err());
        odd[0].concepts.directions.0.clear();
        assert!(compared(&odd, &odd, None).unwrap().concepts.is_err());
        assert!(compared(&layers(8), &[], None).is_err());
    }
}
