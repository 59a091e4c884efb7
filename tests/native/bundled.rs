//! The results that ship with the page are what the engine computes from the pair that ships with it.

use std::path::{Path, PathBuf};

use crate::support::cosine;
use crate::support::listeners::{no_clock, quiet};
use shiftlens::checkpoint::{Checkpoint, FileBytes};
use shiftlens::explain::attribution::Sampling;
use shiftlens::explain::{By, ModelReport, Role, Unit};
use shiftlens::model::block_on;
use shiftlens::protocol::{Prompt, Response, Run, Template};
use shiftlens::share::Export;
use shiftlens::share::presets::{PRESET_RESPONSE, PRESETS};
use shiftlens::worker::Runner;

fn public(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("public").join(path)
}

fn runner(name: &str) -> Runner {
    let checkpoint = Checkpoint::open(FileBytes::open_set(&public("models").join(name)).unwrap()).unwrap();
    Runner::load_at_once(checkpoint, name).unwrap()
}

/// By word, the template's row is what its tokens make up, and leaves the others as they are.
#[test]
fn the_templates_row_is_the_sum_of_its_tokens() {
    let mut tuned = runner("stories-tuned.gguf");
    let mut run = |by, template_row| {
        let run = Run {
            by,
            template_row,
            ..Run::by_token(
                Prompt::text("What is the opposite of loud?", Template::Own),
                Response::Own { limit: 6, sampling: Sampling::default() },
            )
        };
        block_on(tuned.run(&run, no_clock, &mut quiet)).unwrap()
    };
    let (tokens, plain, whole) = (run(By::Token, false), run(By::Word, false), run(By::Word, true));
    let is_template = |u: &&(usize, &Unit)| u.0 > 0 && u.1.role == Role::Template;
    let rows: Vec<usize> =
        tokens.units.iter().enumerate().collect::<Vec<_>>().iter().filter(is_template).map(|u| u.0).collect();
    assert!(rows.len() > 2 && whole.units[0].tokens == rows);
    let sum: Vec<f32> =
        (0..whole.response.len()).map(|m| rows.iter().map(|&n| tokens.importance[n][m]).sum()).collect();
    assert!(cosine(&sum, &whole.importance[0]) > 0.9999);
    assert!(whole.levels[0].iter().any(|level| *level > 0));
    for (a, b) in plain.importance.iter().zip(&whole.importance[1..]) {
        assert!(cosine(a, b) > 0.9999);
    }
}

/// The page's own run of a prompt.
fn fresh(runner: &mut Runner, prompt: &str, shipped: &ModelReport) -> ModelReport {
    let run = Run {
        by: shipped.by,
        target: shipped.target,
        ..Run::by_token(
            Prompt::text(prompt.to_owned(), Template::Own),
            Response::Own { limit: PRESET_RESPONSE, sampling: Sampling::default() },
        )
    };
    block_on(runner.run(&run, no_clock, &mut quiet)).unwrap()
}

fn agrees(run: &ModelReport, shipped: &ModelReport) {
    let ids = |r: &ModelReport| r.response.iter().map(|t| t.id).collect::<Vec<_>>();
    assert_eq!((&run.units, ids(run)), (&shipped.units, ids(shipped)));
    for (a, b) in run.importance.iter().zip(&shipped.importance) {
        assert!(cosine(a, b) > 0.999 || a.iter().chain(b).all(|v| v.abs() < 1e-4));
    }
    let pairs = run.levels.iter().flatten().zip(shipped.levels.iter().flatten());
    let near = pairs.filter(|(a, b)| a.abs_diff(**b) <= 1).count();
    assert!(near * 100 >= run.levels.iter().flatten().count() * 97);
}

#[test]
fn the_shipped_results_are_what_a_fresh_run_gives() {
    let (mut base, mut tuned) = (runner("stories-base.gguf"), runner("stories-tuned.gguf"));
    for preset in PRESETS {
        let text = std::fs::read_to_string(public(&preset.file())).unwrap();
        let export: Export = serde_json::from_str(&text).unwrap();
        assert_eq!(export.prompt, preset.text);
        for (runner, shipped) in [(&mut base, &export.models.base), (&mut tuned, &export.models.tuned)] {
            let shipped = shipped.as_ref().unwrap();
            agrees(&fresh(runner, preset.text, shipped), shipped);
        }
    }
}
