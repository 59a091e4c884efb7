//! What a GPU has to show before it is used: the CPU's answer to a known question, through every kernel that a run uses, and
//! how long a token takes.

use std::ops::ControlFlow;

use crate::model::gpu::{GpuEngine, check};
use crate::model::head::Target;
use crate::model::{Engine, Group, ModelError, Next, Seen, Tick};

/// How far the GPU may be from the CPU, whose products with quantized weights round activations themselves.
pub(super) const APART: f32 = 2e-2;
/// The sequences of the known answer: words that carry a tangent, and tokens read at once. Together they take every kernel of
/// products: for many rows, up to eight, up to four, and one.
const SEQUENCES: [(usize, usize); 3] = [(6, 6), (2, 2), (0, 2)];
/// Of the reverse pass: the prompt, and the prompt with its response.
const REVERSE: (usize, usize) = (6, 8);
/// Alternatives that are asked for, as in a run.
const ALTERNATIVES: usize = 5;
/// Tokens of the race that are read at once, words that carry a tangent, and tokens that are then generated.
const RACE_PROMPT: usize = 12;
const RACE_WORDS: usize = 6;
const RACE_TOKENS: usize = 4;
/// A read-back that takes so many seconds is not waited for after every token.
const SLOW_READ: f64 = 0.02;
/// Seconds of computing that may pass between two looks at the results: no reader notices, and meanwhile the next commands are
/// prepared.
const UNNOTICED: f64 = 0.03;

/// Answers to the known question.
pub(super) struct Answers {
    /// For each step of each sequence; the first of two is the model's likeliest token.
    steps: Vec<Seen>,
    /// Reverse mode's columns.
    columns: Vec<Vec<f32>>,
}

impl Answers {
    /// What `engine` answers. The tokens that it calls likeliest are its own, or those of `chosen`, which are then only seen.
    pub async fn of<E: Engine>(engine: &mut E, chosen: Option<&Answers>) -> Result<Self, ModelError> {
        let tokens = tokens(engine.config().vocab, REVERSE.1 + 1);
        let mut steps: Vec<Seen> = Vec::new();
        for (words, count) in SEQUENCES {
            engine.begin(&groups(words)).await?;
            engine.advance(&tokens[..count]).await?;
            let next = match chosen {
                Some(answers) => Next::Given(answers.steps[steps.len()].id),
                None => Next::Likeliest,
            };
            steps.push(engine.see(count - 1, next, Some(Target::Prob), ALTERNATIVES).await?);
            engine.advance(&tokens[count..=count]).await?;
            let given = Next::Given(tokens[count + 1]);
            steps.push(engine.see(0, given, Some(Target::Logit), ALTERNATIVES).await?);
        }
        let mut tick = async |_: Tick| ControlFlow::Continue(());
        let columns = engine.reverse(&tokens[..REVERSE.1], REVERSE.0, Target::Prob, &[], &mut tick).await?;
        engine.begin(&[]).await?;
        Ok(Self { steps, columns })
    }

    /// The largest difference from what the CPU says of the same tokens: of probabilities as they are, of the rest relative to
    /// its largest value. `f32::MAX` where anything is no number.
    pub fn relative_error(&self, cpu: &Answers) -> f32 {
        let mut differences = Vec::new();
        for (i, (a, b)) in self.steps.iter().zip(&cpu.steps).enumerate() {
            let (a_best, b_best) = (best(a), best(b));
            differences.extend([(a.choice.probability - b.choice.probability).abs(), (a_best - b_best).abs()]);
            differences.push((a.choice.entropy - b.choice.entropy).abs() / b.choice.entropy.abs().max(1.0));
            if i % 2 == 0 {
                // what the GPU calls likeliest must be so for the CPU, or as good as that
                differences.push((b_best - b.choice.probability).abs());
            }
            let [a, b] = [a, b].map(|seen| seen.column.as_deref().unwrap_or_default());
            differences.push(check::relative_error(b, a));
        }
        differences.extend(self.columns.iter().zip(&cpu.columns).map(|(a, b)| check::relative_error(b, a)));
        if self.columns.len() != cpu.columns.len() || differences.iter().any(|d| d.is_nan()) {
            return f32::MAX;
        }
        differences.into_iter().fold(0.0, f32::max)
    }
}

/// The probability of the likeliest token.
fn best(seen: &Seen) -> f32 {
    seen.choice.top.first().map_or(f32::NAN, |c| c.probability)
}

/// Tokens spread over the vocabulary.
fn tokens(vocab: usize, count: usize) -> Vec<u32> {
    (0..count).map(|i| ((i * i * 37 + 11) % vocab) as u32).collect()
}

/// One token each.
fn groups(words: usize) -> Vec<Group> {
    (0..words).map(|position| Group { positions: vec![position] }).collect()
}

/// Seconds that a token of a live response takes: generated, with its column.
pub(super) async fn race<E: Engine>(engine: &mut E, now: &impl Fn() -> f64) -> Result<f64, ModelError> {
    race_of(engine, RACE_TOKENS, now).await
}

async fn race_of<E: Engine>(engine: &mut E, count: usize, now: &impl Fn() -> f64) -> Result<f64, ModelError> {
    let groups: Vec<Group> = (0..RACE_WORDS).map(|g| Group { positions: vec![2 * g, 2 * g + 1] }).collect();
    engine.begin(&groups).await?;
    engine.advance(&tokens(engine.config().vocab, RACE_PROMPT)).await?;
    // what is compiled when first used does not count
    let mut last = engine.see(RACE_PROMPT - 1, Next::Likeliest, Some(Target::Prob), ALTERNATIVES).await?.id;
    engine.advance(&[last]).await?;
    engine.see(0, Next::Likeliest, Some(Target::Prob), ALTERNATIVES).await?;
    let started = now();
    let mut generated = 0;
    while generated < count {
        engine.advance(&[last]).await?;
        let next = engine.follow(0, Some(Target::Prob), ALTERNATIVES, count - generated).await?;
        generated += next.len().max(1);
        last = next.last().map_or(last, |seen| seen.id);
    }
    let seconds = (now() - started) / generated as f64;
    engine.begin(&[]).await?;
    Ok(seconds)
}

/// As [`race`], after it is decided how many tokens the GPU computes before it is waited for: where the browser looks for
/// results only now and then, as many as it could compute meanwhile; elsewhere as many as no reader notices.
pub(super) async fn race_gpu(gpu: &mut GpuEngine, now: &impl Fn() -> f64) -> Result<f64, ModelError> {
    gpu.set_ahead(1);
    let waiting_for_each = race(gpu, now).await?;
    let mut read = f64::INFINITY;
    for _ in 0..3 {
        let started = now();
        gpu.read_nothing().await?;
        read = read.min(now() - started);
    }
    let ahead = ahead(waiting_for_each, read);
    if ahead < 2 {
        return Ok(waiting_for_each);
    }
    gpu.set_ahead(ahead);
    race_of(gpu, 2 * ahead.min(RACE_TOKENS), now).await
}

/// Tokens to compute before their results are waited for, from the seconds of one that is waited for, and of a read-back alone.
fn ahead(waiting_for_each: f64, read: f64) -> usize {
    let least = 1e-3;
    if read < SLOW_READ {
        return (UNNOTICED / waiting_for_each.max(least)) as usize;
    }
    (read / (waiting_for_each - read).max(least)).ceil() as usize
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::backends::Backends;
    use crate::checkpoint::{Checkpoint, FileBytes};
    use crate::model::block_on;
    use crate::model::cpu::{CpuEngine, CpuModel};
    use crate::model::gpu::{Gpu, kernels};
    use crate::protocol::{Backend, BackendChoice, Why};
    use crate::testing::not_checked;

    #[test]
    fn results_are_waited_for_as_often_as_a_reader_notices() {
        // a slow GPU's token by token, a fast one's together; and all that is computed while a browser does not look
        assert_eq!([0.2, 0.02, 0.0101, 0.004].map(|token| super::ahead(token, 1e-4)), [0, 1, 2, 7]);
        assert_eq!([(0.101, 0.1), (0.16, 0.1), (0.5, 0.1)].map(|(token, read)| super::ahead(token, read)), [100, 2, 1]);
    }

    fn selected(checkpoint: &Checkpoint) -> (Backend, Why) {
        let cpu = CpuEngine::new(block_on(CpuModel::load(checkpoint, None, &mut async |_, _| Ok(()))).unwrap());
        let mut backends = Backends::new(cpu);
        let report =
            block_on(backends.select_backend(checkpoint, BackendChoice::Gpu, || 0.0, &mut async || Ok(()))).clone();
        (report.used, report.why)
    }

    /// Each kernel in turn writes nothing: the known answer has to notice.
    #[test]
    fn the_known_answer_goes_through_every_kernel() {
        match block_on(Gpu::open()) {
            Ok(_) => {}
            Err(e) if std::env::var("SHIFTLENS_GPU").as_deref() == Ok("required") => panic!("{e}"),
            Err(e) => return not_checked(&e.to_string()),
        }
        let open = |family: &str| {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gold").join(family);
            Checkpoint::open(FileBytes::open_set(&folder).unwrap()).unwrap()
        };
        // between them they use every kernel: biases; norms of queries and keys, and norms after blocks
        let models = ["llama", "qwen2", "gemma3", "granite"].map(open);
        for model in &models {
            assert_eq!(selected(model), (Backend::Gpu, Why::Asked), "{}", model.config.architecture);
        }
        let mut unnoticed = Vec::new();
        for kernel in kernels::names() {
            kernels::break_kernel(Some(&kernel));
            let noticed = models.iter().any(|model| selected(model).0 == Backend::Cpu);
            kernels::break_kernel(None);
            if !noticed {
                unnoticed.push(kernel);
            }
        }
        assert!(unnoticed.is_empty(), "{unnoticed:?}");
    }
}
