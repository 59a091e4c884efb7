//! Any prompt's picture as a file that the page opens: what the run itself would have exported.

use std::ops::ControlFlow;
use std::path::Path;

use super::support::{output, plan, root, tables, text};
use shiftlens::checkpoint::{Checkpoint, FileBytes};
use shiftlens::explain::attribution::Mode;
use shiftlens::explain::{By, ModelReport};
use shiftlens::model::block_on;
use shiftlens::model::head::Target;
use shiftlens::protocol::{Prompt, Response, Run, Template};
use shiftlens::share::Export;
use shiftlens::worker::{Runner, Update};
use shiftlens_study::study::Study;

/// The same run, straight from the library.
fn explained(name: &str, template: Template, response: &[u32], study: &Study, by: By) -> ModelReport {
    let path = root().join(format!("public/models/stories-{name}.gguf"));
    let opened = Checkpoint::open(FileBytes::open_set(&path).unwrap()).unwrap();
    let case = &study.sets[0].cases[1];
    let run = Run {
        prompt: Prompt::text(case.prompt.clone(), template),
        response: Response::Ids { ids: response.to_vec() },
        by,
        target: Target::Prob,
        mode: Mode::Auto,
        instruction: Some(case.span()),
        template_row: false,
        how: Default::default(),
    };
    let mut runner = Runner::load_at_once(opened, name).unwrap();
    block_on(runner.run(&run, || 0.0, &mut async |_: Update| ControlFlow::Continue(()))).unwrap()
}

fn pictured(out: &Path, more: &[&str]) -> Export {
    let file = out.join("picture.shiftlens.json");
    let arguments = [&["picture", "--index", "1", "--to", file.to_str().unwrap()], more].concat();
    let written = output(&arguments, out);
    assert!(written.status.success(), "{}", text(&written.stderr));
    Export::read("picture.shiftlens.json", &std::fs::read_to_string(&file).unwrap()).unwrap()
}

#[test]
fn a_picture_is_what_the_run_gives() {
    for (name, by) in [("token", By::Token), ("word", By::Word)] {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let plan = plan(folder.path(), 2, &format!("weights = false\nkl = false\nby = \"{name}\""), "");
        assert!(output(&["run", &plan, "--out"], &out).status.success());
        let study = Study::of(&out).unwrap();
        let export = pictured(&out, &[]);
        assert_eq!(export.prompt, study.sets[0].cases[1].prompt);
        let [base, tuned] = [export.models.base.unwrap(), export.models.tuned.unwrap()];
        let response: Vec<u32> = tuned.response.iter().map(|t| t.id).collect();
        for (report, name, template) in [(&base, "base", Template::Off), (&tuned, "tuned", Template::Own)] {
            let wanted = explained(name, template, &response, &study, by);
            assert_eq!((&report.units, &report.importance), (&wanted.units, &wanted.importance));
            assert_eq!((&report.prompt, &report.levels), (&wanted.prompt, &wanted.levels));
            assert_eq!((&report.density, report.instruction_score), (&wanted.density, wanted.instruction_score));
            let token = |t: &shiftlens::explain::ResponseToken| (t.id, t.text.clone(), t.probability);
            assert!(report.response.iter().map(token).eq(wanted.response.iter().map(token)));
            assert_eq!(
                report.checkpoint,
                shiftlens::explain::CheckpointInfo { name: name.into(), ..wanted.checkpoint }
            );
        }
        let score =
            format!("tuned,held-out,1,{},{}\n", study.sets[0].cases[1].prompt, tuned.instruction_score.unwrap());
        assert!(tables(&out)["scores.csv"].contains(&score), "{score}");
        // the first checkpoint alone: there is none before it
        let alone = pictured(&out, &["--checkpoint", "base"]).models;
        assert_eq!((alone.base, alone.tuned), (None, Some(base)));
    }
}

#[test]
fn what_is_not_there_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let file = root().join("tests/gold/density_cases.jsonl.gz");
    assert!(output(&["import", file.to_str().unwrap(), "--name", "LIMA", "--out"], &out).status.success());
    let to = folder.path().join("picture.shiftlens.json");
    for (more, wanted) in [
        (&["--index", "0"][..], "There is no importance of “vicuna-7b” on this prompt, only its levels."),
        (&["--index", "60"], "The prompts of “LIMA” are numbered from 0 to 59."),
        (&["--index", "0", "--prompts", "MT"], "The study's prompt sets are “LIMA”."),
        (&["--index", "0", "--checkpoint", "x"], "The study's checkpoints are “llama-7b”, “vicuna-7b”."),
    ] {
        let refused = output(&[&["picture", "--to", to.to_str().unwrap()], more].concat(), &out);
        assert_eq!((refused.status.code(), text(&refused.stderr)), (Some(1), format!("{wanted}\n")));
    }
    assert!(!to.exists());
}
