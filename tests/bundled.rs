//! The example that ships with the page is what the engine computes from the pair that ships with it.

mod support;

use std::ops::ControlFlow;
use std::path::Path;

use shiftlens::checkpoint::{Checkpoint, FileBytes};
use shiftlens::explain::ModelReport;
use shiftlens::explain::attribution::{Mode, Sampling};
use shiftlens::model::block_on;
use shiftlens::protocol::{Prompt, Response, Run, Template};
use shiftlens::share::Export;
use shiftlens::worker::{Runner, Update};
use support::cosine;

fn fresh(name: &str, prompt: &str, shipped: &ModelReport) -> ModelReport {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("public/models").join(name);
    let checkpoint = Checkpoint::open(FileBytes::open_set(&path).unwrap()).unwrap();
    let mut runner = Runner::load(checkpoint, name, |_, _| Ok(())).unwrap();
    let run = Run {
        prompt: Prompt::Text { text: prompt.to_owned(), template: Template::Own },
        response: Response::Own { limit: shipped.response.len().max(32), sampling: Sampling::default() },
        by: shipped.by,
        target: shipped.target,
        mode: Mode::Auto,
        instruction: None,
    };
    block_on(runner.run(&run, || 0.0, &mut async |_: Update| ControlFlow::Continue(()))).unwrap()
}

#[test]
fn the_shipped_example_is_what_a_fresh_run_gives() {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("public/examples/first.json")).unwrap();
    let export: Export = serde_json::from_str(&text).unwrap();
    for (name, shipped) in [("tiny-base.gguf", &export.models.base), ("tiny-tuned.gguf", &export.models.tuned)] {
        let shipped = shipped.as_ref().unwrap();
        let run = fresh(name, &export.prompt, shipped);
        assert_eq!(run.units, shipped.units);
        assert_eq!(
            run.response.iter().map(|t| t.id).collect::<Vec<_>>(),
            shipped.response.iter().map(|t| t.id).collect::<Vec<_>>()
        );
        for (a, b) in run.importance.iter().zip(&shipped.importance) {
            assert!(cosine(a, b) > 0.999 || a.iter().chain(b).all(|v| v.abs() < 1e-4));
        }
        let near = run
            .levels
            .iter()
            .flatten()
            .zip(shipped.levels.iter().flatten())
            .filter(|(a, b)| a.abs_diff(**b) <= 1)
            .count();
        assert!(near * 100 >= run.levels.iter().flatten().count() * 97);
    }
}
