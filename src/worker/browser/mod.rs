//! The web worker: receives requests, runs them in order, and posts events.

mod ask;
mod blob;
mod download;
mod jobs;
mod js;
mod kept;
mod load;
mod local;
mod store;
mod sum;
mod text;
mod threads;
mod weights;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;

use js_sys::ArrayBuffer;
use wasm_bindgen::prelude::*;
use web_sys::{AbortController, AbortSignal, DedicatedWorkerGlobalScope, File, MessageEvent};

use super::Runner;
use crate::model::cpu::Trace;
use crate::protocol::{BackendChoice, Event, Failure, JobId, Request};

/// A request with the files that came beside it.
type Queued = (Request, Vec<File>);

/// What the worker holds between messages.
pub(super) struct EngineState {
    queue: RefCell<VecDeque<Queued>>,
    busy: Cell<bool>,
    cancelled: RefCell<HashSet<JobId>>,
    /// Ends the transfers of the job that loads.
    transfers: RefCell<Option<(JobId, AbortController)>>,
    /// Ends the questions that hosts are being asked.
    questions: RefCell<HashMap<JobId, AbortController>>,
    runner: RefCell<Option<Runner>>,
    /// What shares its weights, where memory can be shared.
    threads: RefCell<Option<Rc<threads::Threads>>>,
    /// The machine's cores, once the page has said something of them.
    machine: RefCell<Option<threads::Machine>>,
    /// The loaded model's words, once its weights have been read by them.
    shelf: RefCell<Option<weights::Shelf>>,
    /// The sequence that was read last, as long as the model is the same.
    trace: RefCell<Option<Trace>>,
    /// What is to compute.
    choice: Cell<BackendChoice>,
    /// By which words weights are read.
    lexicon: RefCell<weights::Lexicon>,
    /// Rows of numbers that came, or will go, beside the messages of a job.
    rows: RefCell<HashMap<JobId, ArrayBuffer>>,
    /// When messages were last let in, seconds.
    yielded: Cell<f64>,
}

impl EngineState {
    fn is_cancelled(&self, job: JobId) -> bool {
        self.cancelled.borrow().contains(&job)
    }

    /// By which a transfer hears that its job is cancelled.
    fn signal(&self) -> Option<AbortSignal> {
        self.transfers.borrow().as_ref().map(|(_, transfers)| transfers.signal())
    }

    /// Bytes of this engine's memory and of its threads'.
    fn memory(&self) -> u64 {
        js::memory() + self.threads.borrow().as_ref().map_or(0, |threads| threads.bytes())
    }

    /// Notes for the other engine whether this one is at work.
    fn set_working(&self, works: bool) {
        if let Some(machine) = &*self.machine.borrow() {
            machine.set_working(works);
        }
    }

    /// Lets waiting messages in, a cancel among them, and then says whether the job goes on.
    async fn yield_now(&self, job: JobId) -> Result<(), Failure> {
        js::next_task().await;
        self.yielded.set(js::now());
        if self.is_cancelled(job) { Err(Failure::Cancelled) } else { Ok(()) }
    }
}

/// Posts an event to the page, its numbers as a buffer that is handed over.
fn post(mut event: Event) {
    if let Some(numbers) = event.take_numbers() {
        return post_with(&event, &js_sys::Float32Array::from(numbers.as_slice()).buffer());
    }
    if let Ok(text) = serde_json::to_string(&event) {
        // Posting fails only when the page is gone.
        let _ = scope().post_message(&JsValue::from_str(&text));
    }
}

/// The same with rows of numbers that are there already.
fn post_with(event: &Event, rows: &ArrayBuffer) {
    let message = js_sys::Object::new();
    let posted = serde_json::to_string(event).map_err(|e| JsValue::from_str(&e.to_string())).and_then(|text| {
        js_sys::Reflect::set(&message, &"event".into(), &text.into())?;
        js_sys::Reflect::set(&message, &"rows".into(), rows)?;
        scope().post_message_with_transfer(&message, &js_sys::Array::of1(rows))
    });
    let _ = posted; // as above
}

fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// Installs the message handler and tells the page that the engine is there.
pub fn start() {
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        let message = info.payload_as_str().unwrap_or("out of memory, perhaps").to_owned();
        post(Event::Crashed { message });
    }));
    let engine = Rc::new(EngineState {
        queue: RefCell::default(),
        busy: Cell::new(false),
        cancelled: RefCell::default(),
        transfers: RefCell::default(),
        questions: RefCell::default(),
        runner: RefCell::new(None),
        threads: RefCell::new(None),
        machine: RefCell::new(None),
        shelf: RefCell::new(None),
        trace: RefCell::new(None),
        choice: Cell::default(),
        lexicon: RefCell::default(),
        rows: RefCell::default(),
        yielded: Cell::default(),
    });
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
        // A message that is neither comes from no page of ours, and is dropped.
        if let Some(machine) = threads::Machine::read(&message.data()) {
            engine.machine.replace(Some(machine));
        } else if let Some(queued) = read(&message.data()) {
            keep_rows(&engine, &queued.0, &message.data());
            receive(&engine, queued);
        }
    });
    scope().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget(); // lives as long as the worker
    post(Event::Ready {});
}

/// `{request: JSON text, files: [File]}`.
fn read(data: &JsValue) -> Option<Queued> {
    let text = js_sys::Reflect::get(data, &"request".into()).ok()?.as_string()?;
    let files = js_sys::Reflect::get(data, &"files".into()).ok()?;
    let files = js_sys::Array::from(&files).iter().filter_map(|f| f.dyn_into().ok()).collect();
    Some((serde_json::from_str(&text).ok()?, files))
}

/// Holds the rows that came beside `request` until it is performed.
fn keep_rows(engine: &EngineState, request: &Request, data: &JsValue) {
    let rows = js_sys::Reflect::get(data, &"rows".into()).ok().and_then(|rows| rows.dyn_into().ok());
    if let (Request::Text { job, .. }, Some(rows)) = (request, rows) {
        engine.rows.borrow_mut().insert(*job, rows);
    }
}

fn receive(engine: &Rc<EngineState>, (request, files): Queued) {
    // a question is no work: it does not wait for any
    if let Request::Ask { job, url, most } = request {
        return ask::begin(engine, job, url, most);
    }
    if let Request::Cancel { job } = request {
        if let Some(question) = engine.questions.borrow().get(&job) {
            return question.abort();
        }
        engine.cancelled.borrow_mut().insert(job);
        // a connection that has fallen silent would never come to ask
        if let Some((_, transfers)) = engine.transfers.borrow().as_ref().filter(|(of, _)| *of == job) {
            transfers.abort();
        }
        return;
    }
    engine.queue.borrow_mut().push_back((request, files));
    if !engine.busy.replace(true) {
        let engine = engine.clone();
        wasm_bindgen_futures::spawn_local(async move {
            loop {
                let next = engine.queue.borrow_mut().pop_front();
                let Some((request, files)) = next else { break };
                jobs::perform(&engine, request, files).await;
            }
            engine.busy.set(false);
        });
    }
}
