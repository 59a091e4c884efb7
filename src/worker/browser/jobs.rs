//! Performing one request.

use std::ops::ControlFlow;
use std::rc::Rc;

use web_sys::File;

use super::{EngineState, Queued, js, kept, load, local, post, post_with, store, text, weights};
use crate::explain::By;
use crate::explain::attribution::Mode;
use crate::explain::methods::How;
use crate::model::cpu::Pause;
use crate::model::gpu::{Gpu, check};
use crate::model::{ModelError, Tick};
use crate::protocol::{BackendChoice, Event, Failure, JobId, Prompt, Request, Response, Run, Stage};
use crate::worker::Update;

/// Runs `request` to its end; its outcome, good or bad, is posted.
pub async fn perform(engine: &Rc<EngineState>, request: Request, files: Vec<File>) {
    // a load waits for its host more than it computes
    engine.set_working(!matches!(request, Request::Load { .. } | Request::List { .. }));
    answer(engine, request, files).await;
    engine.set_working(false);
}

async fn answer(engine: &Rc<EngineState>, request: Request, files: Vec<File>) {
    let (job, outcome) = match request {
        Request::Load { job, source } => {
            let outcome = match engine.is_cancelled(job) {
                true => Err(Failure::Cancelled),
                false => match load::load(engine, job, &source, files).await {
                    Ok(_) if engine.is_cancelled(job) => Err(Failure::Cancelled),
                    other => other.map(|l| loaded(engine, job, l)),
                },
            };
            (job, outcome)
        }
        Request::Backend { choice } => {
            if engine.choice.replace(choice) != choice {
                select_backend(engine).await;
            }
            return;
        }
        Request::Prepare { job, prompt, response, by, mode, how } => {
            (job, prepare(engine, job, (&prompt, &response), by, (mode, &how)))
        }
        Request::Run { job, run } => (job, run_job(engine, job, &run).await),
        Request::CheckPicture { job, run, prompt, importance } => {
            (job, check_picture(engine, job, &run, &prompt, &importance).await)
        }
        Request::Tokenize { job, text } => (job, tokenize(engine, job, &text)),
        Request::Heads { job, layer, reading } => (job, weights::heads(engine, job, layer, reading).await),
        Request::Concepts { job, layer } => (job, weights::concepts(engine, job, layer).await),
        Request::Match { job, base } => (job, weights::matches(engine, job, &base).await),
        Request::Attention { job, ids, layer } => (job, local::attention(engine, job, &ids, layer).await),
        Request::Firing { job, ids, layer } => (job, local::firing(engine, job, &ids, layer).await),
        Request::Text { job, question } => (job, text::answer(engine, job, question).await),
        Request::Words { job, list, vectors, judge } => {
            (job, weights::words(engine, job, [list, vectors, judge], files).await)
        }
        Request::CheckGpu { job } => (job, check_gpu(engine, job).await),
        Request::List { job } => (job, list(job).await),
        Request::Delete { job, key } => {
            let outcome = match store::delete(&key).await {
                Ok(()) => list(job).await,
                Err(e) => Err(e.into()),
            };
            (job, outcome)
        }
        Request::Forget { job } => {
            let outcome = match kept::delete().await {
                Ok(()) => list(job).await,
                Err(e) => Err(e.into()),
            };
            (job, outcome)
        }
        Request::Cancel { .. } | Request::Ask { .. } => return, // heard as they come in
    };
    engine.cancelled.borrow_mut().remove(&job);
    let rows = engine.rows.borrow_mut().remove(&job);
    match outcome {
        Ok(event) => {
            let is_loaded = matches!(event, Event::Loaded { .. });
            match rows {
                Some(rows) => post_with(&event, &rows),
                None => post(event),
            }
            if is_loaded {
                select_backend(engine).await;
            }
        }
        // the page ends this worker and starts another: what the threads hold can no longer be trusted
        Err(Failure::Model(e @ ModelError::Threads(_))) => post(Event::Crashed { message: e.to_string() }),
        Err(failure) => post(Event::Failed { job, failure }),
    }
}

fn loaded(engine: &EngineState, job: JobId, l: load::Loaded) -> Event {
    let info = Box::new(l.runner.info().clone());
    let template = l.runner.checkpoint().chat_template.as_ref().map(|t| t.source().to_owned());
    *engine.runner.borrow_mut() = Some(l.runner);
    *engine.threads.borrow_mut() = l.threads;
    *engine.shelf.borrow_mut() = None;
    *engine.trace.borrow_mut() = None;
    Event::Loaded { job, info, template, stored: l.stored, not_kept: l.not_kept, memory: engine.memory() }
}

/// Decides what computes, and says so; nothing while there is no model.
async fn select_backend(engine: &EngineState) {
    let runner = engine.runner.borrow_mut().take();
    if let Some(mut runner) = runner {
        let choice = engine.choice.get();
        if choice != BackendChoice::Cpu {
            post(Event::Backend { report: runner.trying() });
        }
        // what will be loaded or chosen next makes this moot
        let go_on = &mut async || {
            js::next_task().await;
            let moot = |(request, _): &Queued| matches!(request, Request::Load { .. } | Request::Backend { .. });
            if engine.queue.borrow().iter().any(moot) { Err(ModelError::Cancelled) } else { Ok(()) }
        };
        let report = runner.select_backend(choice, js::now, go_on).await;
        *engine.runner.borrow_mut() = Some(runner);
        post(Event::Backend { report });
    }
}

/// On a device of its own, so that a fault leaves the models' alone. With the model's storage types, as each takes a browser
/// seconds to compile for; with all of them where there is no model.
async fn check_gpu(engine: &EngineState, job: JobId) -> Result<Event, Failure> {
    let gpu = Gpu::open().await.map_err(ModelError::from)?;
    let of_model = engine.runner.borrow().as_ref().map(|runner| runner.checkpoint().matrix_types());
    let types = of_model.unwrap_or_else(|| check::TYPES.to_vec());
    let mut tick = async |t: Tick| {
        post(Event::Progress { job, stage: Stage::Kernels, done: t.done as u64, total: t.total as u64 });
        match engine.yield_now(job).await {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    let checked = check::check(&gpu, &types, &mut tick).await?;
    Ok(Event::Checked { job, gpu: gpu.name().to_owned(), checked })
}

async fn list(job: JobId) -> Result<Event, Failure> {
    let (entries, results) = (store::list().await?, kept::bytes().await?);
    Ok(Event::Listed { job, entries, results, free: store::free().await })
}

fn prepare(
    engine: &EngineState,
    job: JobId,
    (prompt, response): (&Prompt, &Response),
    by: By,
    mode: (Mode, &How),
) -> Result<Event, Failure> {
    let runner = engine.runner.borrow();
    let runner = runner.as_ref().ok_or(Failure::NotLoaded)?;
    let (prompt, text) = runner.prepare(prompt)?;
    let length = runner.length(&prompt, response)?;
    let need = runner.need((&prompt, &text), response, by, mode)?;
    Ok(Event::Prepared { job, prompt, length, need })
}

/// Seconds for which a run may go on without hearing whether it is cancelled.
const UNHEARD: f64 = 0.05;

/// Between the layers of `job`: messages are let in if none were for a while.
pub fn pause(engine: &Rc<EngineState>, job: JobId) -> Pause {
    let engine = engine.clone();
    Rc::new(move || {
        let engine = engine.clone();
        Box::pin(async move {
            if js::now() - engine.yielded.get() < UNHEARD {
                return Ok(());
            }
            engine.yield_now(job).await.map_err(|_| ModelError::Cancelled)
        })
    })
}

async fn run_job(engine: &Rc<EngineState>, job: JobId, run: &Run) -> Result<Event, Failure> {
    // Taken for the run's length: jobs run one at a time, so nobody else asks for it.
    let mut runner = engine.runner.borrow_mut().take().ok_or(Failure::NotLoaded)?;
    *engine.trace.borrow_mut() = None; // the next sequence is another
    let asked = match &run.response {
        Response::Own { limit, .. } => *limit as u64,
        Response::Ids { ids } => ids.len() as u64,
        Response::Text { .. } => 0,
    };
    let mut tokens = 0;
    let mut emit = async |update: Update| {
        let progress = |stage, t: Tick| Event::Progress { job, stage, done: t.done as u64, total: t.total as u64 };
        match update {
            Update::Started(prompt, units) => post(Event::Started { job, prompt, units }),
            Update::Prefill(t) => post(progress(Stage::Prompt, t)),
            Update::Reverse(t) => post(progress(Stage::Reverse, t)),
            Update::Without(t) => post(progress(Stage::Without, t)),
            Update::Backend(report) => {
                tokens = 0;
                post(Event::Backend { report });
            }
            Update::Token(token, column) => {
                tokens += 1;
                post(Event::Token { job, token, column });
                post(Event::Progress { job, stage: Stage::Response, done: tokens, total: asked });
            }
        }
        match engine.yield_now(job).await {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    runner.engine().set_pause(Some(pause(engine, job)));
    let report = runner.run(run, js::now, &mut emit).await;
    runner.engine().set_pause(None);
    *engine.runner.borrow_mut() = Some(runner);
    let threads = engine.threads.borrow().as_ref().map_or(1, |threads| threads.used());
    Ok(Event::Finished { job, report: Box::new(report?), memory: engine.memory(), threads })
}

async fn check_picture(
    engine: &Rc<EngineState>,
    job: JobId,
    run: &Run,
    prompt: &[u32],
    importance: &[Vec<f32>],
) -> Result<Event, Failure> {
    engine.yield_now(job).await?; // it may have waited, and be wanted no more
    let mut runner = engine.runner.borrow_mut().take().ok_or(Failure::NotLoaded)?;
    *engine.trace.borrow_mut() = None; // room for what is read here
    let mut tick = async |t: Tick| {
        post(Event::Progress { job, stage: Stage::Picture, done: t.done as u64, total: t.total as u64 });
        match engine.yield_now(job).await {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    runner.engine().set_pause(Some(pause(engine, job)));
    let used = runner.backend().clone();
    let found = runner.check(run, prompt, importance, &mut tick).await;
    runner.engine().set_pause(None);
    if *runner.backend() != used {
        post(Event::Backend { report: runner.backend().clone() });
    }
    let weights = runner.info().weights.clone();
    *engine.runner.borrow_mut() = Some(runner);
    Ok(Event::PictureChecked { job, weights, found: Box::new(found?) })
}

fn tokenize(engine: &EngineState, job: JobId, text: &str) -> Result<Event, Failure> {
    let runner = engine.runner.borrow();
    let runner = runner.as_ref().ok_or(Failure::NotLoaded)?;
    Ok(Event::Tokenized { job, weights: runner.info().weights.clone(), tokens: runner.tokens(text)? })
}
