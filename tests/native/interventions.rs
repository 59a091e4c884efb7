//! A head or a concept switched off for one run, on the bundled pair.

use std::path::Path;

use shiftlens::checkpoint::{Checkpoint, FileBytes};
use shiftlens::explain::attribution::{Mode, Sampling};
use shiftlens::explain::methods::intervention::Compared;
use shiftlens::explain::methods::{How, Intervention, Of, Site};
use shiftlens::explain::weights::concepts::directions;
use shiftlens::explain::weights::{Atlas, Relatedness, lexicon};
use shiftlens::explain::{By, ModelReport};
use shiftlens::model::cpu::{Scaled, Scaling};
use shiftlens::model::{Engine, ModelError, block_on};
use shiftlens::protocol::{Prompt, Response, Run, Template};
use shiftlens::worker::Runner;

use crate::support::listeners::{no_clock, quiet};

const PROMPT: &str = "Name three animals that live in the forest.";

fn checkpoint() -> Checkpoint {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("public/models/stories-tuned.gguf");
    Checkpoint::open(FileBytes::open_set(&path).unwrap()).unwrap()
}

fn runner() -> Runner {
    Runner::load_at_once(checkpoint(), "stories-tuned.gguf").unwrap()
}

fn asked(mode: Mode, interventions: Vec<Intervention>) -> Run {
    let response = Response::Own { limit: 12, sampling: Sampling::default() };
    let run = Run::by_token(Prompt::text(PROMPT, Template::Own), response);
    Run { by: By::Word, mode, how: How { interventions, ..How::default() }, ..run }
}

fn run(runner: &mut Runner, run: &Run) -> Result<ModelReport, ModelError> {
    block_on(runner.run(run, no_clock, &mut quiet))
}

fn intervention(layer: usize, site: Site, factor: f32) -> Intervention {
    Intervention { layer, site, factor, of: Of::Both }
}

fn texts(report: &ModelReport) -> Vec<&str> {
    report.response.iter().map(|t| t.text.as_str()).collect()
}

fn apart(a: &ModelReport, b: &ModelReport) -> f32 {
    let pairs = || a.importance.iter().flatten().zip(b.importance.iter().flatten());
    let most = pairs().map(|(_, b)| b.abs()).fold(f32::MIN_POSITIVE, f32::max);
    pairs().map(|(a, b)| (a - b).abs() / most).fold(0.0, f32::max)
}

#[test]
fn a_factor_of_one_is_no_intervention() {
    let mut runner = runner();
    let plain = run(&mut runner, &asked(Mode::Forward, Vec::new())).unwrap();
    let ones = vec![intervention(1, Site::Head(2), 1.0), intervention(3, Site::Component(4), 1.0)];
    let same = run(&mut runner, &asked(Mode::Forward, ones)).unwrap();
    assert_eq!((&plain.response, &plain.importance), (&same.response, &same.importance));
    assert!(plain.without.is_empty());
    let Compared::Same([without, with]) = Compared::of(&same.without, &same.response) else { panic!("another answer") };
    assert_eq!(without, with);
}

/// Every head of a layer off, and a large concept: the answer changes, both modes say where the new one comes from, the answer of
/// the whole model stands beside it, and the next run has the whole model again.
#[test]
fn the_answer_it_becomes_is_explained_beside_the_one_before() {
    let mut runner = runner();
    let heads = runner.checkpoint().config.heads;
    let plain = run(&mut runner, &asked(Mode::Forward, Vec::new())).unwrap();
    let mut off: Vec<_> = (0..heads).map(|head| intervention(1, Site::Head(head), 0.0)).collect();
    off.push(intervention(2, Site::Component(0), -2.0));
    let forward = run(&mut runner, &asked(Mode::Forward, off.clone())).unwrap();
    assert_ne!(texts(&forward), texts(&plain));
    let without: Vec<&str> = forward.without.iter().map(|t| t.text.as_str()).collect();
    assert_eq!(without, texts(&plain));
    assert!(matches!(Compared::of(&forward.without, &forward.response), Compared::Parts(_)));
    assert!(forward.what().contains("head 0 of layer 1 off") && forward.how().interventions == off);
    assert_eq!(forward.backend, "CPU");

    let reverse = run(&mut runner, &asked(Mode::Reverse, off.clone())).unwrap();
    assert_eq!(texts(&reverse), texts(&forward));
    assert!(apart(&reverse, &forward) < 1e-2, "{}", apart(&reverse, &forward));
    // ten cells by finite differences of the changed model; of a shorter answer, which takes less time
    let mut short = asked(Mode::Reverse, off);
    short.response = Response::Own { limit: 4, sampling: Sampling::default() };
    short.how.check = true;
    let check = run(&mut runner, &short).unwrap().faithfulness.expect("it was checked");
    assert!(check.cells.iter().all(|cell| cell.verdict() != Some(false)), "{:?}", check.cells);

    let again = run(&mut runner, &asked(Mode::Forward, Vec::new())).unwrap();
    assert_eq!((&again.response, &again.importance), (&plain.response, &plain.importance));
}

#[test]
fn what_a_model_does_not_have_is_refused_in_words() {
    let mut runner = runner();
    for (one, words) in [
        (intervention(1, Site::Head(99), 0.0), "There is no head 99 in layer 1"),
        (intervention(99, Site::Head(0), 0.0), "There is no layer 99"),
        (intervention(99, Site::Component(0), 0.0), "There is no layer 99"),
        (intervention(1, Site::Component(9999), 0.0), "There is no component 9999 in layer 1"),
    ] {
        let refused = run(&mut runner, &asked(Mode::Auto, vec![one])).unwrap_err().to_string();
        assert!(refused.starts_with(words), "{refused}");
    }
    assert!(run(&mut runner, &asked(Mode::Auto, Vec::new())).is_ok());
}

/// The direction that is scaled is the one whose words the picture shows.
#[test]
fn a_concepts_direction_is_the_pictures() {
    let checkpoint = checkpoint();
    let mut atlas = Atlas::new(&checkpoint, &lexicon::english(), Relatedness::Own).unwrap();
    let shown = atlas.concepts(&checkpoint, 2, 6).unwrap();
    let width = checkpoint.config.width;
    let found = directions(&checkpoint, 2, &[5, 0]).unwrap();
    for (direction, component) in found.iter().zip([5, 0]) {
        assert_eq!(direction[..], shown.directions.0[component * width..(component + 1) * width]);
    }
}

/// With the direction off, the block writes nothing along it: read from the residual stream's parts.
#[test]
fn a_concept_that_is_off_is_not_written() {
    let mut runner = runner();
    let direction = directions(runner.checkpoint(), 2, &[0]).unwrap().remove(0);
    let ids = [1u32, 5, 9, 20, 7];
    let along = |runner: &mut Runner| {
        let residual = block_on(runner.engine().residual(&ids, &mut quiet)).unwrap();
        let of_layer = |w: &&shiftlens::model::cpu::Written| {
            matches!(w.source, shiftlens::model::cpu::Source::FeedForward { layer: 2 })
        };
        let written = residual.written().iter().find(of_layer).unwrap().vector.clone();
        let sum = residual
            .written()
            .iter()
            .fold(vec![0f32; written.len()], |sum, part| sum.iter().zip(&part.vector).map(|(a, b)| a + b).collect());
        let top = residual.after(residual.layers()).unwrap();
        assert!(sum.iter().zip(top).all(|(a, b)| (a - b).abs() < 1e-3), "the parts add up to the stream");
        written.iter().zip(&direction).map(|(w, d)| w * d).sum::<f32>()
    };
    let before = along(&mut runner);
    let scaling = Scaling { layer: 2, part: Scaled::Direction(direction.clone()), factor: 0.0 };
    runner.engine().scale(&[scaling]).unwrap();
    let after = along(&mut runner);
    assert!(before.abs() > 1e-3 && after.abs() < 1e-4 * before.abs().max(1.0), "{before} to {after}");
    block_on(runner.engine().begin(&[])).unwrap();
}
