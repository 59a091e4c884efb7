//! The check of a picture: on a model whose right order is planted, and every method's cells against differences of the target.

use std::ops::ControlFlow;
use std::path::Path;

use crate::support::listeners::{hearing, no_clock, quiet};
use crate::support::{Tiny, engine, singles};
use candle_core::{Device, Tensor};
use shiftlens::checkpoint::{Checkpoint, FileBytes};
use shiftlens::explain::By;
use shiftlens::explain::attribution::{Against, Job, Mode, Respond, Sampling};
use shiftlens::explain::methods::faithfulness::{CELLS, Faithfulness, ORDERS, Picture, check};
use shiftlens::explain::methods::{self, Baseline, How, Method, Passage, baseline_row};
use shiftlens::model::cpu::CpuEngine;
use shiftlens::model::head::Target;
use shiftlens::model::{ModelError, Tick, block_on};
use shiftlens::protocol::{Prompt, Response, Run, Template};
use shiftlens::worker::Runner;

const METHODS: [Method; 4] =
    [Method::GradientInput, Method::GradientNorm, Method::IntegratedGradients, Method::Occlusion];

fn job(prompt: &[u32], response: &[u32], target: Target) -> Job {
    Job {
        prompt: prompt.to_vec(),
        groups: singles(prompt.len()),
        respond: Respond::Forced(response.to_vec()),
        target,
        against: None,
        mode: Mode::Auto,
        alternatives: 0,
    }
}

fn importance(engine: &mut CpuEngine, job: &Job, how: &How) -> Vec<Vec<f32>> {
    let row = baseline_row(engine, &how.baseline, &[]).unwrap();
    block_on(methods::run(engine, job, how, &row, no_clock, &mut quiet)).unwrap().outcome.importance
}

/// Checks a picture in which the last token, which the model answers from, is not ranked.
fn checked(engine: &mut CpuEngine, job: &Job, how: &How, importance: &[Vec<f32>]) -> Faithfulness {
    let row = baseline_row(engine, &how.baseline, &[]).unwrap();
    let Respond::Forced(response) = &job.respond else { panic!() };
    let scored: Vec<bool> = (0..job.groups.len()).map(|n| n + 1 < job.groups.len()).collect();
    let picture = Picture { method: how.method, groups: &job.groups, scored: &scored, importance };
    block_on(async {
        let mut passage = Passage::new(engine, &job.prompt, response, job.target, &[]).await.unwrap();
        check(&mut passage, picture, (&how.baseline, &row), &mut quiet).await.unwrap()
    })
}

/// What token `id` says for the response in the planted model: it grows with the id.
fn worth(id: usize) -> f32 {
    (id as f32 - 20.0) / 25.0
}

/// One layer that attends to all tokens alike and passes on one direction of each: the logit of token 7 grows with the sum of
/// the prompt's worths. A part that all rows share keeps the norms' scales near one value, whatever is replaced.
fn planted() -> CpuEngine {
    let tiny = Tiny { layers: 1, ..Tiny::default() };
    let edit = |name: &str, t: Tensor| {
        let shape = t.dims().to_vec();
        let columns = *shape.last().unwrap();
        let mut values = vec![0f32; t.elem_count()];
        match name {
            "token_embd.weight" => values.chunks_exact_mut(columns).enumerate().for_each(|(id, row)| {
                row[0] = worth(id.min(40));
                row[1] = 10.0;
            }),
            "blk.0.attn_v.weight" => values[0] = 1.0,
            "blk.0.attn_output.weight" => values[2 * columns] = 1.0,
            "output.weight" => values[7 * columns + 2] = 1.0,
            name if name.ends_with("norm.weight") => values.fill(1.0),
            _ => {}
        }
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    };
    engine(&tiny.checkpoint_edited(&edit))
}

const PROMPT: [u32; 10] = [22, 35, 3, 28, 10, 38, 16, 31, 7, 20];

#[test]
fn the_planted_order_is_found_faithful() {
    let mut engine = planted();
    let job = job(&PROMPT, &[7], Target::Logit);
    for (method, baseline) in [(Method::Occlusion, Baseline::Zero), (Method::IntegratedGradients, Baseline::Mean)] {
        let how = How { method, baseline, ..How::default() };
        let found = importance(&mut engine, &job, &how);
        let mut ranked: Vec<usize> = (0..PROMPT.len() - 1).collect();
        ranked.sort_by(|a, b| found[*b][0].total_cmp(&found[*a][0]));
        let ids: Vec<u32> = ranked.iter().map(|n| PROMPT[*n]).collect();
        assert_eq!(ids, [38, 35, 31, 28, 22, 16, 10, 7, 3], "{method:?} {found:?}");
        let right = checked(&mut engine, &job, &how, &found);
        assert_eq!((right.order.beaten_by_most, right.order.beaten_by_least), (ORDERS, ORDERS), "{}", right.said);
        assert!(
            right.order.abpc > 0.0 && right.said.contains("ranks the units as the model uses them"),
            "{}",
            right.said
        );
        assert!(right.said.contains("agree within"), "{}", right.said);

        let turned: Vec<Vec<f32>> = found.iter().map(|row| row.iter().map(|v| -v).collect()).collect();
        let wrong = checked(&mut engine, &job, &how, &turned);
        assert_eq!((wrong.order.beaten_by_most, wrong.order.beaten_by_least), (0, 0), "{}", wrong.said);
        assert!((wrong.order.abpc + right.order.abpc).abs() < 1e-6 && wrong.said.contains("do not trust its order"));
    }
}

/// An order that knows nothing of the model is not called faithful.
#[test]
fn an_order_by_place_cannot_be_told_from_chance() {
    let mut engine = planted();
    let job = job(&PROMPT, &[7], Target::Logit);
    let how = How { method: Method::Occlusion, baseline: Baseline::Zero, ..How::default() };
    let by_place: Vec<Vec<f32>> = [4.0, 5.0, 1.0, 9.0, 8.0, 2.0, 6.0, 3.0, 7.0, 0.0].map(|v| vec![v]).into();
    let found = checked(&mut engine, &job, &how, &by_place);
    assert!(!found.said.contains("as the model uses them"), "{}", found.said);
    assert!(found.said.contains("cells recomputed by removals are off"), "{}", found.said);
}

/// Finite differences, of every method and target, by token and by unit; a picture with other numbers is found out.
#[test]
fn every_methods_cells_agree_with_differences() {
    let mut engine = Tiny { layers: 3, ..Tiny::default() }.engine();
    for (method, target) in
        METHODS.into_iter().flat_map(|m| [Target::Prob, Target::Logprob, Target::Logit].map(|t| (m, t)))
    {
        for groups in [singles(9), vec![vec![1, 2], vec![0], vec![5, 6, 7], vec![4], vec![8]]] {
            let how = How { method, steps: Some(16), ..How::default() };
            let job = Job { groups, ..job(&[5, 9, 2, 9, 31, 17, 4, 8, 11], &[7, 3, 9], target) };
            let found = importance(&mut engine, &job, &how);
            let check = checked(&mut engine, &job, &how, &found);
            assert_eq!(check.cells.len(), CELLS);
            assert!(check.said.contains("agree within"), "{method:?} {target:?}: {} {:?}", check.said, check.cells);
            if method != Method::IntegratedGradients {
                let larger: Vec<Vec<f32>> = found.iter().map(|row| row.iter().map(|v| 1.3 * v).collect()).collect();
                let check = checked(&mut engine, &job, &how, &larger);
                assert!(check.said.contains("do not trust these numbers"), "{method:?} {target:?}: {}", check.said);
            }
        }
    }
}

/// The models that ship round activations to 16 bits, so that their targets are noisy. Right numbers are not called wrong for it,
/// as this prompt's were once, and wrong ones are found out all the same.
#[test]
fn cells_of_a_quantized_model_agree_with_differences() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("public/models/stories-base.gguf");
    let checkpoint = Checkpoint::open(FileBytes::open_set(&path).unwrap()).unwrap();
    let mut runner = Runner::load_at_once(checkpoint, "base").unwrap();
    let prompt = Prompt::text("Say this politely: Open the window!", Template::Own);
    let own = Response::Own { limit: 16, sampling: Sampling::default() };
    let how = How { check: true, ..How::default() };
    let run = Run { by: By::Word, how, mode: Mode::Forward, ..Run::by_token(prompt, own) };
    let report = block_on(runner.run(&run, no_clock, &mut quiet)).unwrap();
    let found = report.faithfulness.unwrap();
    assert!(found.said.contains("cells recomputed by finite differences agree within"), "{:?}", found.cells);

    let larger: Vec<Vec<f32>> = report.importance.iter().map(|row| row.iter().map(|v| 1.3 * v).collect()).collect();
    let prompt: Vec<u32> = report.prompt.iter().map(|token| token.id).collect();
    let ids = report.response.iter().map(|token| token.id).collect();
    let run = Run { response: Response::Ids { ids }, how: How::default(), ..run };
    let wrong = block_on(runner.check(&run, &prompt, &larger, &mut quiet)).unwrap();
    assert!(wrong.said.contains("do not trust these numbers"), "{:?}", wrong.cells);
}

/// Curves of a real pass: they begin with the prompt as it is and end with all ranked units replaced.
#[test]
fn curves_begin_and_end_with_the_models_own_values() {
    let mut engine = Tiny::default().engine();
    let (prompt, response) = ([5, 9, 2, 9, 31], [7, 3]);
    let job = job(&prompt, &response, Target::Prob);
    let how = How { method: Method::Occlusion, ..How::default() };
    let found = importance(&mut engine, &job, &how);
    let check = checked(&mut engine, &job, &how, &found);
    let row = baseline_row(&engine, &Baseline::Mean, &[]).unwrap();
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    let (own, without) = block_on(async {
        let mut passage = Passage::new(&mut engine, &prompt, &response, Target::Prob, &[]).await.unwrap();
        let without = passage.without(&[0, 1, 2, 3], &row);
        (mean(passage.own_values().await.unwrap()), mean(passage.values(&without).await.unwrap()))
    });
    let curve = &check.order.deletion.most_first;
    assert!((curve[0] - own).abs() < 1e-9 && (curve[4] - without).abs() < 1e-9, "{curve:?} {own} {without}");
    assert_eq!(check.order.insertion.most_first[4], curve[0]);
}

/// What the page does: a picture that is there is checked by itself, and gets what a run with the check in it gets. One that is of
/// another prompt, response or size is refused.
#[test]
fn a_picture_is_checked_after_its_run() {
    let mut runner = Runner::load_at_once(Tiny::default().checkpoint(), "tiny.gguf").unwrap();
    let others = |ids: &[u32]| ids.iter().map(|id| (id + 3) % 256).collect::<Vec<u32>>();
    let against = |ids: &[u32]| [None, Some(Against::Tokens(others(ids)))];
    let response = vec![104, 101, 33];
    for (method, against) in METHODS.into_iter().flat_map(|m| against(&response).map(|a| (m, a))) {
        let run = Run {
            prompt: Prompt::text("Write a word.", Template::Off),
            response: Response::Ids { ids: response.clone() },
            by: By::Word,
            target: Target::Logit,
            mode: Mode::Forward,
            instruction: None,
            template_row: false,
            how: How { method, against, check: true, steps: Some(8), ..How::default() },
        };
        let report = block_on(runner.run(&run, no_clock, &mut quiet)).unwrap();
        let asked = Run { how: How { check: false, ..run.how.clone() }, ..run.clone() };
        let prompt: Vec<u32> = report.prompt.iter().map(|t| t.id).collect();
        let mut check = |run: &Run, prompt: &[u32], importance: &[Vec<f32>]| {
            block_on(runner.check(run, prompt, importance, &mut quiet))
        };
        assert_eq!(check(&asked, &prompt, &report.importance), Ok(report.faithfulness.unwrap()), "{method:?}");
        if asked.how.against.is_none() {
            // one token against another: what is checked is that one
            let mut one = response.clone();
            one[1] = 120;
            let why = How { against: Some(Against::Tokens(one)), ..asked.how.clone() };
            let (why, row) = (Run { how: why, ..asked.clone() }, vec![0.0, 1.0, 0.0]);
            let found = check(&why, &prompt, &vec![row; report.units.len()]).unwrap();
            assert!(found.cells.iter().all(|cell| cell.token == 1) && !found.cells.is_empty());
        }
        let own = Run { response: Response::Own { limit: 3, sampling: Sampling::default() }, ..asked.clone() };
        let shorter = Run { response: Response::Ids { ids: response[..2].to_vec() }, ..asked.clone() };
        let none = Run { response: Response::Ids { ids: Vec::new() }, ..asked.clone() };
        for (run, prompt, importance) in [
            (&asked, &prompt[1..], &report.importance[..]),
            (&asked, &prompt[..], &report.importance[1..]),
            (&shorter, &prompt[..], &report.importance[..]),
            (&none, &prompt[..], &vec![Vec::new(); report.importance.len()][..]),
            (&own, &prompt[..], &report.importance[..]),
        ] {
            assert_eq!(check(run, prompt, importance), Err(ModelError::OtherPicture), "{run:?}");
        }
        let mut stop = |_: Tick| ControlFlow::Break(());
        let stopped = block_on(runner.check(&asked, &prompt, &report.importance, &mut hearing(&mut stop)));
        assert_eq!(stopped, Err(ModelError::Cancelled));
    }
}

/// A report says what its tokens were set against: one of them alone is a question.
#[test]
fn a_report_says_why_a_word_and_not_another() {
    let mut runner = Runner::load_at_once(Tiny::default().checkpoint(), "tiny.gguf").unwrap();
    assert_eq!(runner.tokens("he!").unwrap().iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), ["he", "!"]);
    let mut explained = |ids: Vec<u32>, others: Vec<u32>| {
        let run = Run {
            prompt: Prompt::text("Write a word.", Template::Off),
            response: Response::Ids { ids },
            by: By::Word,
            target: Target::Prob,
            mode: Mode::Auto,
            instruction: None,
            template_row: false,
            how: How { against: Some(Against::Tokens(others)), ..How::default() },
        };
        block_on(runner.run(&run, no_clock, &mut quiet)).unwrap()
    };
    let report = explained(vec![97, 98, 99], vec![97, 120, 99]);
    assert_eq!(report.against_text, ["", "x", ""]);
    assert_eq!(report.what(), "gradient x input of the probability, why \"b\" and not \"x\"");
    assert!(report.importance.iter().all(|row| row[0] == 0.0 && row[2] == 0.0 && row[1] != 0.0));
    assert_eq!(
        explained(vec![97, 98], vec![120, 120]).what(),
        "gradient x input of the probability minus that of another token"
    );
}
