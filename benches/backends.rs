//! The CPU and the GPU natively, on the same runs: `cargo bench --bench backends -- [--gpu-only] [MODEL.gguf] [NEW TOKENS]`. Without
//! a model it takes SmolLM2 from beside the repository, or else the bundled one. Fails where no GPU can be used.

use std::error::Error;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use shiftlens::checkpoint::{Checkpoint, FileBytes};
use shiftlens::explain::attribution::{Mode, Sampling};
use shiftlens::explain::{By, ModelReport};
use shiftlens::model::gpu::{Counts, GpuEngine, GpuModel};
use shiftlens::model::{Engine, Group, ModelError, Next, block_on};
use shiftlens::protocol::{Backend, BackendChoice, Prompt, Response, Run, Template};
use shiftlens::worker::{Runner, Update};

const PROMPT: &str = "Give three tips for staying healthy.";
const REPEATS: usize = 3;

fn model() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let real = here.join("../shared/models/SmolLM2-135M-Instruct.Q4_1.gguf");
    if real.exists() { real } else { here.join("public/models/stories-tuned.gguf") }
}

fn run(mode: Mode, by: By, limit: usize) -> Run {
    Run {
        by,
        mode,
        ..Run::by_token(Prompt::text(PROMPT, Template::Own), Response::Own { limit, sampling: Sampling::default() })
    }
}

/// What one backend takes, in seconds, and for how many tokens.
struct Row {
    name: String,
    prompt: usize,
    response: usize,
    units: usize,
    /// The prompt and the first token.
    first: f64,
    generate: f64,
    live: f64,
    reverse: f64,
    /// Of the GPU, for the plain and for the live response.
    counts: [Counts; 2],
}

fn measure(runner: &mut Runner, limit: usize) -> Result<Row, ModelError> {
    let clock = Instant::now();
    let mut once = |mode, by, limit| -> Result<(ModelReport, Counts), ModelError> {
        let counts = |runner: &mut Runner| runner.gpu().map(|gpu| gpu.counts()).unwrap_or_default();
        let before = counts(runner);
        let mut quiet = async |_: Update| ControlFlow::Continue(());
        let report = block_on(runner.run(&run(mode, by, limit), || clock.elapsed().as_secs_f64(), &mut quiet))?;
        let after = counts(runner);
        let counts = Counts {
            dispatches: after.dispatches - before.dispatches,
            submits: after.submits - before.submits,
            reads: after.reads - before.reads,
        };
        Ok((report, counts))
    };
    // what is compiled when first used
    once(Mode::Forward, By::Word, 2)?;
    once(Mode::Reverse, By::Token, 2)?;
    let mut best = |mode, by, limit| {
        let mut quickest = once(mode, by, limit)?;
        for _ in 1..REPEATS {
            let run = once(mode, by, limit)?;
            if run.0.seconds.total < quickest.0.seconds.total {
                quickest = run;
            }
        }
        Ok::<_, ModelError>(quickest)
    };
    // a GPU computes the prompt while the first token is waited for: only the whole says when it was done
    let (first, _) = best(Mode::Off, By::Word, 1)?;
    let (plain, plain_counts) = best(Mode::Off, By::Word, limit)?;
    let (live, live_counts) = best(Mode::Forward, By::Word, limit)?;
    let (reverse, _) = best(Mode::Reverse, By::Token, limit)?;
    Ok(Row {
        name: plain.backend.clone(),
        prompt: plain.prompt.len(),
        response: plain.response.len(),
        units: live.units.len(),
        first: first.seconds.total,
        generate: plain.seconds.total,
        live: live.seconds.total,
        reverse: reverse.seconds.reverse,
        counts: [plain_counts, live_counts],
    })
}

/// Prints where the time of a step goes: the prompt at once, a token alone, and a token with a tangent for each word.
fn profiles(gpu: &mut GpuEngine, now: impl Fn() -> f64 + Copy) -> Result<(), Box<dyn Error>> {
    let prompt: Vec<u32> = (100..137).collect();
    let words: Vec<Group> = (0..7).map(|word| Group { positions: (5 * word..5 * word + 5).collect() }).collect();
    for (name, groups, read_on) in [
        ("prompt", &[][..], false),
        ("token", &[], true),
        ("prompt, live", &words, false),
        ("token, live", &words, true),
    ] {
        block_on(gpu.begin(groups))?;
        block_on(gpu.advance(&prompt))?;
        if read_on {
            block_on(gpu.see(prompt.len() - 1, Next::Likeliest, None, 5))?;
            block_on(gpu.advance(&[100]))?;
        }
        block_on(gpu.see(if read_on { 0 } else { prompt.len() - 1 }, Next::Likeliest, None, 5))?;
        let profile = block_on(gpu.profile(now))?;
        println!(
            "\n{name}, {} rows: {:.2} ms a step, of which encoding {:.2} ms",
            profile.rows,
            1e3 * profile.step,
            1e3 * profile.encoding
        );
        for spent in &profile.kernels {
            println!(
                "| {} | {} dispatches | {:.3} ms | {:.1} us each |",
                spent.kernel,
                spent.dispatches,
                1e3 * spent.seconds,
                1e6 * spent.seconds / spent.dispatches as f64
            );
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let gpu_only = std::env::args().any(|a| a == "--gpu-only");
    let path = arguments.first().map_or_else(model, PathBuf::from);
    let limit = arguments.get(1).map_or(Ok(48), |n| n.parse())?;
    let checkpoint = Checkpoint::open(FileBytes::open_set(&path)?)?;
    let weights = GpuModel::need(&checkpoint) as f64;
    let mut runner = Runner::load_at_once(checkpoint, &path.file_name().unwrap_or_default().to_string_lossy())?;
    let clock = Instant::now();
    let now = || clock.elapsed().as_secs_f64();
    let mut rows = Vec::new();
    let mut bandwidth = 0.0;
    let choices = [BackendChoice::Cpu, BackendChoice::Gpu];
    for choice in &choices[usize::from(gpu_only)..] {
        let report = block_on(runner.select_backend(*choice, now, &mut async || Ok(())));
        if *choice == BackendChoice::Gpu && report.used != Backend::Gpu {
            return Err(report.reason().into());
        }
        if let Some(gpu) = runner.gpu() {
            bandwidth = block_on(gpu.gpu().bandwidth(now))?;
        }
        rows.push(measure(&mut runner, limit)?);
    }
    if let Some(gpu) = runner.gpu() {
        profiles(gpu, now)?;
    }
    let first = &rows[0];
    println!(
        "{}, prompt of {} tokens, {} new ones, {} words",
        path.display(),
        first.prompt,
        first.response,
        first.units
    );
    println!(
        "\n| | first token | decode tok/s | live by word | reverse, all tokens | dispatches a token, plain / live | submits, read-backs a token | share of memory bandwidth, decoding |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for row in &rows {
        let decode = (row.response.max(2) - 1) as f64 / (row.generate - row.first);
        // the prompt's chunks are among the counts
        let each = |n: usize| n as f64 / row.response as f64;
        let gpu = row.counts[0].submits > 0;
        let text = |gpu_only: String| if gpu { gpu_only } else { "-".into() };
        println!(
            "| {} | {:.1} ms | {decode:.1} | {:.2} s, {:.2} x generating alone | {:.2} s | {} | {} | {} |",
            row.name,
            1e3 * row.first,
            row.live,
            row.live / row.generate,
            row.reverse,
            text(format!("{:.0} / {:.0}", each(row.counts[0].dispatches), each(row.counts[1].dispatches))),
            text(format!("{:.1}, {:.1}", each(row.counts[0].submits), each(row.counts[0].reads))),
            text(format!("{:.0} % of {:.1} GB/s", 100.0 * weights * decode / bandwidth, bandwidth / 1e9)),
        );
    }
    Ok(())
}
