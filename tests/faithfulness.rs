//! The check of a picture: on a model whose right order is planted, and every method's cells against differences of the target.

mod support;

use std::ops::ControlFlow;

use candle_core::{Device, Tensor};
use shiftlens::explain::attribution::{Job, Mode, Respond, RunEvent};
use shiftlens::explain::methods::faithfulness::{CELLS, Faithfulness, ORDERS, Picture, check};
use shiftlens::explain::methods::{self, Baseline, How, Method, Passage, baseline_row};
use shiftlens::model::block_on;
use shiftlens::model::cpu::CpuEngine;
use shiftlens::model::head::Target;
use support::{Tiny, engine, singles};

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
    let mut quiet = async |_: RunEvent| ControlFlow::Continue(());
    block_on(methods::run(engine, job, how, &row, || 0.0, &mut quiet)).unwrap().outcome.importance
}

/// Checks a picture in which the last token, which the model answers from, is not ranked.
fn checked(engine: &mut CpuEngine, job: &Job, how: &How, importance: &[Vec<f32>]) -> Faithfulness {
    let row = baseline_row(engine, &how.baseline, &[]).unwrap();
    let Respond::Forced(response) = &job.respond else { panic!() };
    let scored: Vec<bool> = (0..job.groups.len()).map(|n| n + 1 < job.groups.len()).collect();
    let picture = Picture { method: how.method, groups: &job.groups, scored: &scored, importance };
    let mut quiet = async |_| ControlFlow::Continue(());
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
    assert!(found.said.contains("cells computed again by removals are off"), "{}", found.said);
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
        (mean(passage.own_values().unwrap()), mean(passage.values(&without).unwrap()))
    });
    let curve = &check.order.deletion.most_first;
    assert!((curve[0] - own).abs() < 1e-9 && (curve[4] - without).abs() < 1e-9, "{curve:?} {own} {without}");
    assert_eq!(check.order.insertion.most_first[4], curve[0]);
}
