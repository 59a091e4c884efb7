//! Every method against PyTorch in f64 (tests/gold/make_methods.py), on all families, and against finite differences.

mod contrast;

use std::ops::ControlFlow;

use crate::support::families::{FAMILIES, gguf, safetensors};
use crate::support::listeners::{hearing, no_clock, quiet};
use crate::support::{Tiny, engine, gold, gpu, on_gpu, singles};
use serde_json::Value as Json;
use shiftlens::explain::attribution::{self, Against, Job, Mode, Outcome, Respond, RunEvent};
use shiftlens::explain::methods::{self, Baseline, Explained, GAP, How, Method, baseline_row};
use shiftlens::model::cpu::CpuEngine;
use shiftlens::model::head::Target;
use shiftlens::model::{Engine, ModelError, RowEngine, block_on};

/// Of a column's largest value.
const TOLERANCE: f64 = 2e-3;

struct Reference {
    methods: Json,
    gold: Json,
    prompt: Vec<u32>,
    response: Vec<u32>,
}

impl Reference {
    fn of(folder: &str) -> Self {
        let read = |name: &str| -> Json {
            serde_json::from_str(&std::fs::read_to_string(gold(folder).join(name)).unwrap()).unwrap()
        };
        let (methods, gold) = (read("methods.json"), read("gold.json"));
        let mut prompt: Vec<u32> = gold["ids"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as u32).collect();
        let response = prompt.split_off(gold["n_prompt"].as_u64().unwrap() as usize);
        Self { methods, gold, prompt, response }
    }

    fn job(&self, target: Target, mode: Mode) -> Job {
        Job {
            prompt: self.prompt.clone(),
            groups: singles(self.prompt.len()),
            respond: Respond::Forced(self.response.clone()),
            target,
            against: None,
            mode,
            alternatives: 3,
        }
    }
}

fn floats(v: &Json) -> Vec<f64> {
    v.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn run(engine: &mut impl Engine, job: &Job) -> Result<Outcome, ModelError> {
    block_on(attribution::run(engine, job, no_clock, &mut quiet))
}

/// Column `m` of `[units][response]` against the first of `expected`.
fn column_matches(importance: &[Vec<f32>], m: usize, expected: &[f64], what: &str) {
    let expected = &expected[..importance.len()];
    let scale = expected.iter().fold(0f64, |a, v| a.max(v.abs()));
    for (n, (row, expected)) in importance.iter().zip(expected).enumerate() {
        let apart = (f64::from(row[m]) - expected).abs();
        assert!(apart <= TOLERANCE * scale, "{what} [{n}][{m}]: {} {expected}", row[m]);
    }
}

fn explained(engine: &mut CpuEngine, job: &Job, how: &How) -> Result<Explained, ModelError> {
    let row = baseline_row(engine, &how.baseline, &[7, 8])?;
    block_on(methods::run(engine, job, how, &row, no_clock, &mut quiet))
}

/// A method against PyTorch's values of it, `[response][prompt]`.
fn method_matches(
    folder: &str,
    engine: &mut CpuEngine,
    how: &How,
    expected: impl Fn(&Reference) -> &Json,
) -> Explained {
    let row = baseline_row(engine, &how.baseline, &[7, 8]).unwrap();
    method_matches_on(folder, engine, &row, how, expected)
}

/// The same on any engine, with the row of its baseline.
fn method_matches_on(
    folder: &str,
    engine: &mut impl RowEngine,
    row: &[f32],
    how: &How,
    expected: impl Fn(&Reference) -> &Json,
) -> Explained {
    let reference = Reference::of(folder);
    let job = reference.job(Target::Prob, Mode::Auto);
    let found = block_on(methods::run(engine, &job, how, row, no_clock, &mut quiet)).unwrap();
    assert_eq!(found.outcome.response, reference.response);
    for (m, column) in expected(&reference).as_array().unwrap().iter().enumerate() {
        column_matches(&found.outcome.importance, m, &floats(column), &format!("{folder} {how:?}"));
    }
    found
}

#[test]
fn gradient_norms_match_pytorch_in_every_family() {
    let how = How { method: Method::GradientNorm, ..How::default() };
    for (folder, architecture) in FAMILIES {
        method_matches(folder, &mut engine(&safetensors(folder)), &how, |r| &r.gold["grad_l2"]);
        method_matches(folder, &mut engine(&gguf(folder, architecture, true)), &how, |r| &r.gold["grad_l2"]);
    }
}

each_family!(integrated_gradients_match_pytorch: integrated_gradients_match);

/// With as many nodes as it takes, in one family also with PyTorch's number; the columns sum to PyTorch's differences.
fn integrated_gradients_match(folder: &str, architecture: &str) {
    let pytorchs = (folder == "llama").then(|| (Some(256), gguf(folder, architecture, true)));
    for (steps, checkpoint) in [(None, safetensors(folder))].into_iter().chain(pytorchs) {
        let how = How { method: Method::IntegratedGradients, steps, ..How::default() };
        let found = method_matches(folder, &mut engine(&checkpoint), &how, |r| &r.methods["ig_mean"]);
        assert!(found.completeness.iter().all(|gap| f64::from(*gap) < GAP), "{folder} {:?}", found.completeness);
        let differences = floats(&Reference::of(folder).methods["delta"]);
        for (m, difference) in differences.iter().enumerate() {
            let column: Vec<f64> = found.outcome.importance.iter().map(|row| f64::from(row[m])).collect();
            let scale = column.iter().fold(difference.abs(), |most, cell| most.max(cell.abs()));
            assert!((column.iter().sum::<f64>() - difference).abs() < 2.0 * GAP * scale, "{folder} {m}");
        }
        println!("{folder}: {} nodes", found.steps.unwrap());
    }
}

#[test]
fn occlusion_matches_pytorch_in_every_family() {
    for (folder, architecture) in FAMILIES {
        for (key, baseline) in [("occlusion_mean", Baseline::Mean), ("occlusion_zero", Baseline::Zero)] {
            let how = How { method: Method::Occlusion, baseline, ..How::default() };
            method_matches(folder, &mut engine(&safetensors(folder)), &how, |r| &r.methods[key]);
            method_matches(folder, &mut engine(&gguf(folder, architecture, true)), &how, |r| &r.methods[key]);
        }
    }
}

each_family!(methods_match_pytorch_on_the_gpu: methods_match_on_the_gpu);

/// Gradient norms and occlusion in every family, integrated gradients in the one with most kinds of steps.
fn methods_match_on_the_gpu(folder: &str, _: &str) {
    let Some(gpu) = gpu() else { return };
    let checkpoint = safetensors(folder);
    let (mut on_cpu, mut ours) = (engine(&checkpoint), on_gpu(gpu, &checkpoint));
    let row = |on_cpu: &mut CpuEngine, baseline: &Baseline| baseline_row(on_cpu, baseline, &[]).unwrap();
    let how = How { method: Method::GradientNorm, ..How::default() };
    method_matches_on(folder, &mut ours, &[], &how, |r| &r.gold["grad_l2"]);
    for (key, baseline) in [("occlusion_mean", Baseline::Mean), ("occlusion_zero", Baseline::Zero)] {
        let row = row(&mut on_cpu, &baseline);
        let how = How { method: Method::Occlusion, baseline, ..How::default() };
        method_matches_on(folder, &mut ours, &row, &how, |r| &r.methods[key]);
    }
    if folder != "gemma3" {
        return; // norms have held all gradients against PyTorch's, and a software GPU takes half a minute for as many nodes
    }
    let how = How { method: Method::IntegratedGradients, ..How::default() };
    let row = row(&mut on_cpu, &how.baseline);
    let found = method_matches_on(folder, &mut ours, &row, &how, |r| &r.methods["ig_mean"]);
    assert!(found.completeness.iter().all(|gap| f64::from(*gap) < GAP), "{folder} {:?}", found.completeness);
}

/// Words of several tokens, in no order and overlapping; the gradient's norm of a word is the root of its squares' sum, integrated
/// gradients of a word are its tokens' sum, occlusion takes all its tokens away at once.
#[test]
fn units_of_several_tokens() {
    let mut engine = Tiny { layers: 3, ..Tiny::default() }.engine();
    let job = |groups| Job {
        prompt: vec![5, 9, 2, 9, 31, 17, 4],
        groups,
        respond: Respond::Forced(vec![7, 3, 9]),
        target: Target::Logit,
        against: None,
        mode: Mode::Auto,
        alternatives: 0,
    };
    let groups = vec![vec![3, 4], vec![0], vec![1, 5, 6], vec![3]];
    let mut both = |method, steps| {
        let how = How { method, steps, ..How::default() };
        let of = |engine: &mut CpuEngine, groups| explained(engine, &job(groups), &how).unwrap().outcome.importance;
        (of(&mut engine, singles(7)), of(&mut engine, groups.clone()))
    };
    let close = |found: f32, expected: f64| assert!((f64::from(found) - expected).abs() < 1e-4, "{found} {expected}");
    let sum = |tokens: &[Vec<f32>], group: &[usize], m: usize, power: i32| -> f64 {
        group.iter().map(|n| f64::from(tokens[*n][m]).powi(power)).sum()
    };
    let (norms, norms_of_groups) = both(Method::GradientNorm, None);
    let (paths, paths_of_groups) = both(Method::IntegratedGradients, Some(20));
    let (_, removed) = both(Method::Occlusion, None);
    for (unit, group) in groups.iter().enumerate() {
        for m in 0..3 {
            close(norms_of_groups[unit][m], sum(&norms, group, m, 2).sqrt());
            close(paths_of_groups[unit][m], sum(&paths, group, m, 1));
        }
    }
    // one unit alone, without any cache
    for (unit, group) in groups.iter().enumerate() {
        let how = How { method: Method::Occlusion, ..How::default() };
        let alone = explained(&mut engine, &job(vec![group.clone()]), &how).unwrap().outcome.importance;
        (0..3).for_each(|m| close(removed[unit][m], f64::from(alone[0][m])));
    }
}

/// Over several pages of the cache: what is kept before a unit is what would be read again.
#[test]
fn a_long_prompts_prefix_is_kept() {
    let mut engine = Tiny { layers: 3, ..Tiny::default() }.engine();
    let prompt: Vec<u32> = (0..90).map(|i| 3 + i * 7 % 250).collect();
    let groups = vec![vec![0], vec![31, 32], vec![33], vec![64, 65, 66], vec![88], vec![89]];
    let job = |groups| Job {
        prompt: prompt.clone(),
        groups,
        respond: Respond::Forced((0..40).map(|i| 5 + i * 11 % 250).collect()),
        target: Target::Logit,
        against: None,
        mode: Mode::Auto,
        alternatives: 0,
    };
    let how = How { method: Method::Occlusion, ..How::default() };
    let together = explained(&mut engine, &job(groups.clone()), &how).unwrap().outcome.importance;
    for (unit, group) in groups.into_iter().enumerate() {
        let alone = explained(&mut engine, &job(vec![group]), &how).unwrap().outcome.importance;
        for (m, (a, b)) in together[unit].iter().zip(&alone[0]).enumerate() {
            assert!((a - b).abs() < 1e-4, "{unit} {m}: {a} {b}");
        }
        assert!(alone[0].iter().any(|v| v.abs() > 1e-3), "{unit}");
    }
}

#[test]
fn methods_of_a_contrast_are_differences() {
    let mut engine = Tiny { layers: 3, ..Tiny::default() }.engine();
    let job = |response: u32, against| Job {
        prompt: vec![5, 9, 2, 9],
        groups: singles(4),
        respond: Respond::Forced(vec![response]),
        target: Target::Logit,
        against,
        mode: Mode::Auto,
        alternatives: 0,
    };
    for method in [Method::IntegratedGradients, Method::Occlusion] {
        let how = How { method, steps: Some(24), ..How::default() };
        let mut of =
            |response, against| explained(&mut engine, &job(response, against), &how).unwrap().outcome.importance;
        let (a, b, both) = (of(7, None), of(8, None), of(7, Some(Against::Tokens(vec![8]))));
        for ((a, b), both) in a.iter().zip(&b).zip(&both) {
            assert!((a[0] - b[0] - both[0]).abs() < 1e-4, "{method:?}");
        }
    }
}

#[test]
fn baselines_are_rows_of_the_table() {
    let mut engine = Tiny::default().engine();
    let vocab = engine.config().vocab as u32;
    let table = block_on(engine.embed(&(0..vocab).collect::<Vec<_>>())).unwrap();
    let width = engine.config().width;
    let mean = baseline_row(&engine, &Baseline::Mean, &[]).unwrap();
    for (d, found) in mean.iter().enumerate() {
        let expected = table.iter().skip(d).step_by(width).map(|v| f64::from(*v)).sum::<f64>() / f64::from(vocab);
        assert!((f64::from(*found) - expected).abs() < 1e-6);
    }
    let text = || Baseline::Text("pad".into());
    let word = baseline_row(&engine, &text(), &[3, 5]).unwrap();
    assert!((0..width).all(|d| (word[d] - (table[3 * width + d] + table[5 * width + d]) / 2.0).abs() < 1e-6));
    assert_eq!(baseline_row(&engine, &Baseline::Zero, &[]).unwrap(), vec![0.0; width]);
    assert_eq!(baseline_row(&engine, &text(), &[]), Err(ModelError::EmptyBaseline));
}

#[test]
fn methods_stop_and_explain_an_empty_response() {
    let mut engine = Tiny::default().engine();
    let job = |respond| Job {
        prompt: vec![5, 9, 2],
        groups: singles(3),
        respond,
        target: Target::Prob,
        against: None,
        mode: Mode::Auto,
        alternatives: 0,
    };
    for method in [Method::GradientNorm, Method::IntegratedGradients, Method::Occlusion] {
        let how = How { method, ..How::default() };
        let empty = explained(&mut engine, &job(Respond::Forced(Vec::new())), &how).unwrap();
        assert_eq!(empty.outcome.importance, vec![Vec::<f32>::new(); 3]);
        let mut stop = |e: RunEvent| match e {
            RunEvent::Reverse(_) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        let row = vec![0.0; engine.config().width];
        let forced = job(Respond::Forced(vec![4, 5]));
        let stopped = block_on(methods::run(&mut engine, &forced, &how, &row, no_clock, &mut hearing(&mut stop)));
        assert_eq!(stopped, Err(ModelError::Cancelled), "{method:?}");
    }
}
