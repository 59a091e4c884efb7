//! What stands behind the head: choices, columns of importance, cotangents, and the rows they are taken from.

use super::Derivative::{Jvp, Value, Vjp};
use super::{Bench, relative_error};
use crate::model::ModelError;
use crate::model::gpu::bindings;
use crate::model::gpu::head::{CHOSEN, NONE, choose, goal_words, question_words};
use crate::model::gpu::kernels::Kernel;
use crate::model::gpu::ops::Op;
use crate::model::head::{Goal, Target, choice, cotangent};

/// More than all workgroups look at in one round, and no multiple of it.
const VOCABULARY: usize = 83_213;
const TARGETS: [Target; 3] = [Target::Prob, Target::Logprob, Target::Logit];

pub(super) async fn check(bench: &mut Bench<'_>) -> Result<(), ModelError> {
    for (given, alternatives) in [(None, 0), (None, 5), (Some(17), 8), (Some(83_212), 3)] {
        chosen(bench, given, alternatives).await?;
    }
    for target in TARGETS {
        for against in [None, Some(41)] {
            column(bench, target, against).await?;
            cotangents(bench, target, against).await?;
        }
    }
    gather(bench).await?;
    contract(bench).await
}

/// Logits of which some are equal: of those the first goes before. A workgroup's thread 40 meets five of the likeliest.
fn logits(bench: &mut Bench) -> Vec<f32> {
    let mut logits: Vec<f32> = bench.noise(VOCABULARY).into_iter().map(|l| 6.0 * l).collect();
    for (at, value) in
        [(40, 6.5), (41, 6.5), (296, 6.5), (552, 6.5), (808, 6.5), (1064, 6.5), (17, 2.0), (18, 2.0), (3, 2.0)]
    {
        logits[at] = value;
    }
    logits
}

async fn chosen(bench: &mut Bench<'_>, given: Option<u32>, alternatives: usize) -> Result<(), ModelError> {
    let logits = logits(bench);
    let token = given.unwrap_or(40);
    let expected = choice(&logits, token, alternatives);
    let gpu = bench.gpu;
    let question = gpu.uniform(&question_words(VOCABULARY, given.unwrap_or(NONE), 0, alternatives as u32, NONE));
    let (logits, said) = (gpu.filled(&logits), gpu.storage(CHOSEN));
    let ops = choose(gpu, &bench.kernels, &question, &logits, &said);
    let said = bench.run(&ops, 1, &said, CHOSEN).await?;
    let pairs = said[4..].chunks_exact(2).take(alternatives);
    let same = said[0].to_bits() == token
        && said[2].to_bits() as usize == expected.rank
        && pairs.clone().map(|p| p[0].to_bits()).eq(expected.top.iter().map(|c| c.id));
    let numbers =
        [expected.probability, expected.entropy].into_iter().chain(expected.top.iter().map(|c| c.probability));
    let found = [said[1], said[3]].into_iter().chain(pairs.map(|p| p[1]));
    let distance = relative_error(&numbers.collect::<Vec<_>>(), &found.collect::<Vec<_>>());
    let case = match given {
        Some(_) => format!("a given token, {alternatives} alternatives"),
        None => format!("the likeliest of equals, {alternatives} alternatives"),
    };
    for half in [Kernel::Scan, Kernel::Choose] {
        bench.note(half, Value, &case, if same { distance } else { f32::MAX });
    }
    Ok(())
}

/// Of targets, and of how far they are above that of another token.
async fn column(bench: &mut Bench<'_>, target: Target, against: Option<u32>) -> Result<(), ModelError> {
    const GROUPS: usize = 7;
    let (primal, tangents) = (logits(bench), bench.noise(GROUPS * VOCABULARY));
    let c = cotangent(&primal, Goal { target, token: 17, against });
    let along = |row: &[f32]| row.iter().zip(&c).map(|(l, c)| f64::from(*l) * f64::from(*c)).sum::<f64>() as f32;
    let expected: Vec<f32> = tangents.chunks_exact(VOCABULARY).map(along).collect();
    let gpu = bench.gpu;
    let question = gpu.uniform(&question_words(VOCABULARY, 0, target as u32, 0, against.unwrap_or(NONE)));
    let (all, column, token) = (gpu.filled(&[primal, tangents].concat()), gpu.storage(GROUPS), gpu.filled(&[17u32]));
    let op =
        Op::rows(bench.bind(bindings::Column { question: &question, logits: &all, column: &column, chosen: &token }));
    let found = bench.run(&[op], GROUPS, &column, GROUPS).await?;
    bench.compare(Kernel::Column, Jvp, name(target, against), &expected, &found);
    Ok(())
}

/// Of targets, and of how far they are above that of another token.
async fn cotangents(bench: &mut Bench<'_>, target: Target, against: Option<u32>) -> Result<(), ModelError> {
    let goals = [17, 40, 83_212].map(|token| Goal { target, token, against });
    let rows: Vec<Vec<f32>> = goals.iter().map(|_| logits(bench)).collect();
    let expected: Vec<f32> = goals.iter().zip(&rows).flat_map(|(goal, row)| cotangent(row, *goal)).collect();
    let gpu = bench.gpu;
    let question = gpu.uniform(&[VOCABULARY as u32, target as u32, 0, 0]);
    let (held, tokens) = (gpu.filled(&rows.concat()), gpu.filled(&goals.map(goal_words)));
    let op = Op::rows(bench.bind(bindings::Cotangent { question: &question, tokens: &tokens, logits: &held }));
    let found = bench.run(&[op], rows.len(), &held, expected.len()).await?;
    bench.compare(Kernel::Cotangent, Vjp, name(target, against), &expected, &found);
    Ok(())
}

fn name(target: Target, against: Option<u32>) -> String {
    match against {
        Some(_) => format!("{}, against another token", target.name()),
        None => target.name().to_owned(),
    }
}

/// Rows taken out, and its vjp: rows put back.
async fn gather(bench: &mut Bench<'_>) -> Result<(), ModelError> {
    const WIDTH: usize = 70;
    let from = [4u32, 0, 2];
    let (x, before) = (bench.noise(5 * WIDTH), bench.noise(5 * WIDTH));
    let gpu = bench.gpu;
    for scatter in [false, true] {
        let mut expected = before.clone();
        for (row, &other) in from.iter().enumerate() {
            let (to, source) = if scatter { (other as usize, row) } else { (row, other as usize) };
            expected[to * WIDTH..][..WIDTH].copy_from_slice(&x[source * WIDTH..][..WIDTH]);
        }
        let uniform = gpu.uniform(&[WIDTH as u32, u32::from(scatter), 0, 0]);
        let (from, x, y) = (gpu.filled(&from), gpu.filled(&x), gpu.filled(&before));
        let op = Op::elements(bench.bind(bindings::Gather { gather: &uniform, source: &from, x: &x, y: &y }), WIDTH);
        let found = bench.run(&[op], 3, &y, expected.len()).await?;
        let (derivative, case) = if scatter { (Vjp, "rows put back") } else { (Value, "rows taken out") };
        bench.compare(Kernel::Gather, derivative, case, &expected, &found);
    }
    Ok(())
}

/// Gradient x input.
async fn contract(bench: &mut Bench<'_>) -> Result<(), ModelError> {
    const WIDTH: usize = 130;
    let of = [2usize, 0, 2, 1];
    let (c, x) = (bench.noise(of.len() * WIDTH), bench.noise(3 * WIDTH));
    let product = |(row, of): (usize, &usize)| -> f32 {
        c[row * WIDTH..][..WIDTH].iter().zip(&x[of * WIDTH..][..WIDTH]).map(|(c, x)| c * x).sum()
    };
    let expected: Vec<f32> = of.iter().enumerate().map(product).collect();
    let gpu = bench.gpu;
    let info: Vec<[u32; 4]> = of.iter().map(|p| [*p as u32, 0, 0, 0]).collect();
    let shape = gpu.uniform(&[WIDTH as u32, 0, 0, 0]);
    let (info, c, x, y) = (gpu.filled(&info), gpu.filled(&c), gpu.filled(&x), gpu.storage(of.len()));
    let op = Op::rows(bench.bind(bindings::Contract { shape: &shape, info: &info, c: &c, x: &x, y: &y }));
    let found = bench.run(&[op], of.len(), &y, of.len()).await?;
    bench.compare(Kernel::Contract, Value, "gradient x input", &expected, &found);
    Ok(())
}
