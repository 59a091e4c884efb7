//! What a run takes of memory is known before it starts: the estimate against an allocator that counts.
//!
//! A binary of its own, with one test: the allocator counts what the whole process does.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use candle_core::quantized::GgmlDType;
use shiftlens::checkpoint::{Checkpoint, FileBytes, ModelConfig};
use shiftlens::explain::attribution::{Mode, Respond, Sampling};
use shiftlens::explain::local::LayerAttention;
use shiftlens::explain::memory::Sizes;
use shiftlens::explain::{By, ModelReport};
use shiftlens::model::cpu::{CpuEngine, Memory, weight_bytes};
use shiftlens::model::head::Target;
use shiftlens::model::{ModelError, Needing, Remedy, block_on};
use shiftlens::protocol::{Event, Failure, Prompt, Response, Run, Template};
use shiftlens::worker::Runner;
use shiftlens::worker::budget::{self, Budget};
use support::families::{FAMILIES, gguf};
use support::listeners::{hearing, no_clock, quiet};
use support::{Tiny, engine, real, run, shared};

/// Bytes held now, and the most so far.
static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

struct Counting;

fn took(bytes: usize) {
    MOST.fetch_max(HELD.fetch_add(bytes, Relaxed) + bytes, Relaxed);
}

fn gave(bytes: usize) {
    HELD.fetch_sub(bytes, Relaxed);
}

// SAFETY: every call goes on to the system's allocator as it came; counting touches none of the memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        gave(layout.size());
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        took(size); // what grows may have to move: both are held then
        gave(layout.size());
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The most that `work` holds beside what is held already, and what it gives.
fn peak<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = HELD.load(Relaxed);
    MOST.store(before, Relaxed);
    let out = work();
    ((MOST.load(Relaxed) - before) as u64, out)
}

/// Bytes below which an estimate may be further off: buffers of each core, tables, lists.
const SMALL: u64 = 3 << 19;

/// At least what was measured, and not much more.
fn holds(what: &str, estimate: u64, measured: u64) {
    println!("{what}: estimate {estimate}, measured {measured}: {:.2}", estimate as f64 / measured as f64);
    assert!(estimate >= measured, "{what}: {estimate} are estimated, {measured} were taken");
    assert!(estimate <= measured + measured / 4 + SMALL, "{what}: {estimate} are estimated for {measured}");
}

fn own(limit: usize, temperature: f64) -> Respond {
    let sampling = Sampling { temperature, top_p: 0.9, repeat_penalty: 1.1, ..Sampling::default() };
    let sampling = if temperature > 0.0 { sampling } else { Sampling::default() };
    Respond::Generate { limit, sampling, stops: Vec::new() }
}

/// `prompt` tokens in groups of `group`.
fn check(what: &str, engine: &mut CpuEngine, config: &ModelConfig, (prompt, group): (usize, usize), respond: Respond) {
    let ids: Vec<u32> = (0..prompt).map(|i| (i * 7 % 13) as u32).collect();
    let groups: Vec<Vec<usize>> = (0..prompt).collect::<Vec<_>>().chunks(group).map(<[usize]>::to_vec).collect();
    for mode in [Mode::Forward, Mode::Reverse, Mode::Off] {
        let estimate = Sizes::new(prompt, &groups, &respond, config.context).bytes(config, mode);
        let work = || run(engine, &ids, groups.clone(), respond.clone(), Target::Prob, mode).unwrap();
        let (measured, _) = peak(work);
        holds(&format!("{what}, {prompt} tokens by {group}, {mode:?}"), estimate, measured);
        block_on(shiftlens::model::Engine::begin(engine, &[])).unwrap();
    }
}

fn runs() {
    let wide = Tiny { width: 256, heads: 8, kv_heads: 4, ffn: 512, layers: 3, ..Tiny::default() };
    let quantized = Tiny { dtype: GgmlDType::Q4_0, ..wide };
    let deep = Tiny { width: 128, kv_heads: 8, layers: 8, ..quantized };
    // one layer, whose cotangents begin at the predicting positions
    let shallow = Tiny { layers: 1, ffn: 1024, ..wide };
    for (name, tiny) in [("wide", wide), ("quantized", quantized), ("deep", deep), ("one layer", shallow)] {
        let checkpoint = tiny.checkpoint();
        let mut engine = engine(&checkpoint);
        for (prompt, group, respond) in
            [(200, 5, own(8, 0.0)), (33, 1, own(70, 0.0)), (120, 10, Respond::Forced(vec![4; 30]))]
        {
            check(name, &mut engine, &checkpoint.config, (prompt, group), respond);
        }
    }
    // where the vocabulary is most of it
    let head = Tiny { layers: 1, width: 32, heads: 2, kv_heads: 1, ffn: 32, tied: true, ..wide };
    let bytes = head.gguf_with(200_000, &[]);
    let source = shiftlens::checkpoint::MemoryBytes::new("head.gguf", bytes);
    let head = Checkpoint::open(vec![Box::new(source)]).unwrap();
    for temperature in [0.0, 0.8] {
        let what = format!("vocabulary, temperature {temperature}");
        check(&what, &mut engine(&head), &head.config, (20, 1), own(4, temperature));
    }
    // several tokens at once, whose logits the cores put together from columns of their own
    check("vocabulary, given", &mut engine(&head), &head.config, (20, 1), Respond::Forced(vec![4; 30]));
}

fn families() {
    for (folder, architecture) in FAMILIES {
        let checkpoint = gguf(folder, architecture, false);
        let mut engine = engine(&checkpoint);
        check(folder, &mut engine, &checkpoint.config, (150, 1), own(20, 0.0));
        check(folder, &mut engine, &checkpoint.config, (100, 2), Respond::Forced(vec![3; 30]));
    }
}

/// An event as it is sent: its text, and the numbers beside it.
fn message(mut event: Event) -> (String, Option<Vec<f32>>) {
    let numbers = event.take_numbers();
    (serde_json::to_string(&event).unwrap(), numbers)
}

/// A trace, and a layer's attention as it is sent.
fn traces() {
    let tiny = Tiny { width: 256, heads: 8, kv_heads: 4, ffn: 512, layers: 6, ..Tiny::default() };
    let checkpoint = tiny.checkpoint();
    let (engine, memory) = (engine(&checkpoint), Memory::of(&checkpoint.config));
    let ids = vec![7; 250];
    let (measured, trace) = peak(|| {
        let mut trace = engine.trace(&ids).unwrap();
        block_on(engine.read_to(&mut trace, 5, &mut quiet)).unwrap();
        trace
    });
    holds("a trace", memory.trace(ids.len()), measured);
    let attention = || Box::new(LayerAttention::of(&trace, 3).unwrap());
    let (measured, _) = peak(|| message(Event::Attention { job: 1, attention: attention() }));
    holds("attention", memory.attention(ids.len()), measured);
}

/// From a prompt to the message that the page gets.
fn messages(checkpoint: Checkpoint, what: &str, tokens: usize, response: usize) {
    let config = checkpoint.config.clone();
    let mut runner = Runner::load_at_once(checkpoint, "tiny.gguf").unwrap();
    let prompt = Prompt::Ids { ids: (0..tokens).map(|i| (i * 7 % 13) as u32).collect() };
    for mode in [Mode::Forward, Mode::Reverse] {
        let run = Run { mode, ..Run::by_token(prompt.clone(), Response::Ids { ids: vec![9; response] }) };
        let (prepared, text) = runner.prepare(&prompt).unwrap();
        let need = runner.need((&prepared, &text), &run.response, By::Token, (mode, &run.how)).unwrap().unwrap();
        let (measured, _) = peak(|| {
            let report: ModelReport = block_on(runner.run(&run, no_clock, &mut quiet)).unwrap();
            message(Event::Finished { job: 1, report: Box::new(report), memory: 0, threads: 1 })
        });
        holds(&format!("{what} with its message, {mode:?}"), need.bytes, measured);
    }
    assert!(config.context >= tokens + response);
}

/// What the weights take once they are loaded, however a file stores them.
fn weights() {
    use GgmlDType::*;
    for dtype in [F32, F16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2K, Q3K, Q4K, Q5K, Q6K] {
        let tiny = Tiny { width: 256, heads: 4, kv_heads: 2, ffn: 1024, layers: 4, dtype, ..Tiny::default() };
        let checkpoint = tiny.checkpoint();
        let before = HELD.load(Relaxed);
        let engine = engine(&checkpoint);
        let measured = (HELD.load(Relaxed) - before) as u64;
        drop(engine);
        holds(&format!("weights in {dtype:?}"), weight_bytes(&checkpoint) + (64 << 10), measured);
        assert!(weight_bytes(&checkpoint) <= checkpoint.weight_bytes() * 3 / 2, "{dtype:?} takes too much");
    }
}

/// Weights that are computed with as the file has them stay in it: they take nothing, and give the same numbers.
fn mapped() {
    let folder = tempfile::tempdir().unwrap();
    for dtype in [GgmlDType::F32, GgmlDType::F16, GgmlDType::Q2K] {
        let tiny = Tiny { width: 256, heads: 4, kv_heads: 2, ffn: 1024, layers: 4, dtype, ..Tiny::default() };
        let path = folder.path().join("tiny.gguf");
        std::fs::write(&path, tiny.gguf()).unwrap();
        let checkpoint = Checkpoint::open(FileBytes::open_set(&path).unwrap()).unwrap();
        let before = HELD.load(Relaxed);
        let mut here = engine(&checkpoint);
        let held = (HELD.load(Relaxed) - before) as u64;
        println!("weights in {dtype:?}, mapped: {held} held of {}", weight_bytes(&checkpoint));
        assert!(held < weight_bytes(&checkpoint) / 10, "{dtype:?}: {held}");
        let explained = |engine: &mut CpuEngine| {
            let (groups, respond) = (vec![vec![0, 1], vec![2]], Respond::Forced(vec![4; 5]));
            [Mode::Forward, Mode::Reverse]
                .map(|mode| run(engine, &[1, 2, 3], groups.clone(), respond.clone(), Target::Prob, mode).unwrap())
                .map(|outcome| outcome.importance)
        };
        assert_eq!(explained(&mut here), explained(&mut engine(&tiny.checkpoint())), "{dtype:?}");
        assert_eq!(checkpoint.fingerprint().unwrap(), tiny.checkpoint().fingerprint().unwrap());
    }
}

/// What a vocabulary takes beside the weights once it is open.
fn opened(what: &str, path: &std::path::Path) {
    let before = HELD.load(Relaxed);
    let checkpoint = Checkpoint::open(FileBytes::open_set(path).unwrap()).unwrap();
    checkpoint.tokenizer().unwrap();
    let held = (HELD.load(Relaxed) - before) as u64;
    let estimate = budget::held(&checkpoint) - weight_bytes(&checkpoint);
    println!("{what}: estimate {estimate}, held {held}");
    assert!(estimate >= held, "{what}: {estimate} are estimated, {held} are held");
    // a byte-level vocabulary with its merges takes several times as much as one of pieces and scores
    assert!(estimate <= 8 * held, "{what}: {estimate} are estimated for {held}");
}

/// Runs of a runner that has so much room; a stop once they have begun.
fn start(room_for: u64, by: By, mode: Mode, response: Response) -> Result<(), ModelError> {
    let tiny = Tiny { context: 4096, layers: 4, ..Tiny::default() };
    let mut runner = Runner::load_at_once(tiny.checkpoint(), "tiny.gguf").unwrap();
    runner.set_budget(Budget { bytes: room_for, ask: |bytes| bytes });
    let text = Prompt::text("ab ".repeat(400), Template::Off);
    let run = Run { by, mode, ..Run::by_token(text, response) };
    let (prompt, text) = runner.prepare(&run.prompt).unwrap();
    let said = runner.need((&prompt, &text), &run.response, by, (mode, &run.how)).unwrap().unwrap();
    let mut heard = 0;
    let outcome = block_on(runner.run(
        &run,
        no_clock,
        &mut hearing(&mut |_| {
            heard += 1;
            ControlFlow::Break(())
        }),
    ));
    match outcome.unwrap_err() {
        ModelError::Cancelled => assert!(heard == 1 && said.refused.is_none() && said.bytes <= room_for),
        ModelError::Memory(shortage) => {
            assert_eq!((heard, said.refused.as_ref()), (0, Some(&shortage)), "the page was told the same before");
            return Err(ModelError::Memory(shortage));
        }
        other => panic!("{other}"),
    }
    Ok(())
}

/// What is too large is refused before anything runs, with what would fit, which then does.
fn refusals() {
    let own = |limit: usize| Response::Own { limit, sampling: Sampling::default() };
    let most = 400 << 20;
    let refused = |by, mode, response, most| match start(most, by, mode, response) {
        Err(ModelError::Memory(shortage)) => shortage,
        other => panic!("{other:?}"),
    };
    // 1,200 tangents do not fit, cotangents do
    let forward = refused(By::Token, Mode::Forward, own(4), most);
    assert!(forward.need > forward.room && forward.room == most && forward.needing == Needing::Run, "{forward}");
    assert_eq!(forward.remedies[0], Remedy::Auto, "{forward}");
    start(most, By::Token, Mode::Auto, own(4)).unwrap();
    // what is named fits, and one token more does not
    let narrow = 20 << 20;
    let both = refused(By::Word, Mode::Auto, own(64), narrow);
    let [Remedy::Prompt(_), Remedy::Answer(tokens)] = both.remedies[..] else { panic!("{both}") };
    start(narrow, By::Word, Mode::Auto, own(tokens)).unwrap();
    refused(By::Word, Mode::Auto, own(tokens + 1), narrow);
    let given = refused(By::Word, Mode::Auto, Response::Ids { ids: vec![5; 2000] }, 36 << 20);
    let Some(Remedy::Response(tokens)) = given.remedies.last().copied() else { panic!("{given}") };
    start(36 << 20, By::Word, Mode::Auto, Response::Ids { ids: vec![5; tokens] }).unwrap();
    refused(By::Word, Mode::Auto, Response::Ids { ids: vec![5; tokens + 1] }, 36 << 20);
    // as the page and the worker's messages have it
    let text = serde_json::to_string(&Failure::from(ModelError::from(given.clone()))).unwrap();
    assert_eq!(serde_json::from_str::<Failure>(&text).unwrap(), Failure::Model(ModelError::Memory(given.clone())));
    assert!(given.to_string().contains("only 38 MB is left beside the model. Shorten the prompt to"), "{given}");
}

/// Views of a long sequence are refused by memory, whatever the context is.
fn views() {
    let tiny = Tiny { context: 8192, width: 64, heads: 16, kv_heads: 1, ffn: 32, layers: 1, ..Tiny::default() };
    let mut runner = Runner::load_at_once(tiny.checkpoint(), "tiny.gguf").unwrap();
    let Err(ModelError::Memory(view)) = runner.check_attention(4096) else { panic!() };
    let [Remedy::Together(tokens)] = view.remedies[..] else { panic!("{view}") };
    assert!(view.needing == Needing::Attention && (1000..2000).contains(&tokens), "{view}");
    runner.check_attention(tokens).unwrap();
    assert!(runner.check_attention(tokens + 1).is_err());
    runner.trace(&[1; 8192]).unwrap();
    runner.set_budget(Budget { bytes: 64 << 20, ask: |bytes| bytes });
    let Err(ModelError::Memory(trace)) = runner.trace(&[1; 8192]) else { panic!() };
    assert_eq!((trace.needing, trace.room), (Needing::Sequence, 64 << 20));
    runner.trace(&[1; 100]).unwrap();
    // what the browser refuses is refused, whatever was thought
    runner.set_budget(Budget { bytes: u64::MAX, ask: |_| 1 << 20 });
    assert!(runner.trace(&[1; 8192]).is_err());
}

#[test]
fn the_estimate_holds_what_is_taken() {
    refusals();
    views();
    run_once(); // threads and their buffers stay
    weights();
    mapped();
    runs();
    families();
    traces();
    messages(Tiny { layers: 3, ..Tiny::default() }.checkpoint(), "a small model", 150, 100);
    let real = [real("gemma-3-270m-q4_k_m.gguf"), real("qwen2.5-coder-0.5b-instruct-q4_k_m.gguf")];
    for path in real.into_iter().flatten().chain(shared("models/SmolLM2-135M-Instruct.Q4_1.gguf")) {
        opened(&path.display().to_string(), &path);
    }
}

fn run_once() {
    let checkpoint = Tiny::default().checkpoint();
    run(&mut engine(&checkpoint), &[1, 2, 3], vec![vec![0]], own(2, 0.0), Target::Prob, Mode::Reverse).unwrap();
}
