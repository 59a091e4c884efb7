//! One engine worker as the page sees it: requests out, events in.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::ArrayBuffer;
use wasm_bindgen::prelude::*;
use web_sys::{File, MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::protocol::{Event, Request};
use crate::wording::frame as wording;

/// Takes an event of the worker of an epoch, with the rows of numbers that came beside it.
type Handler = Rc<dyn Fn(u32, Event, Option<ArrayBuffer>)>;

/// More threads than these gain little: what lies between two products runs on one.
const MOST_THREADS: f64 = 16.0;

/// A running worker. Cloning shares it.
#[derive(Clone)]
pub struct EngineHandle {
    worker: Rc<RefCell<Option<Worker>>>,
    handler: Handler,
    /// How many workers there were before the present one.
    epoch: Rc<Cell<u32>>,
    cores: Cores,
    /// Which of the engines this is.
    place: u32,
}

/// What engines are told about the machine, with shared flags that say which of them are at work.
#[derive(Clone)]
pub struct Cores {
    threads: f64,
    working: Option<js_sys::Int32Array>,
}

impl Cores {
    /// This machine's cores. Where the page is not isolated memory cannot be shared, and there is one thread.
    pub fn of_machine(engines: u32) -> Self {
        let isolated = js_sys::Reflect::get(&js_sys::global(), &"crossOriginIsolated".into());
        match isolated {
            Ok(isolated) if isolated.is_truthy() => {
                let words = js_sys::SharedArrayBuffer::new(engines * 4);
                let threads = super::window().navigator().hardware_concurrency().min(MOST_THREADS);
                Self { threads, working: Some(js_sys::Int32Array::new(&words)) }
            }
            _ => Self { threads: 1.0, working: None },
        }
    }

    /// Tells `worker`, engine number `place`, which is idle so far.
    fn tell(&self, worker: &Worker, place: u32) -> Result<(), JsValue> {
        let message = js_sys::Object::new();
        js_sys::Reflect::set(&message, &"threads".into(), &self.threads.into())?;
        if let Some(words) = &self.working {
            js_sys::Atomics::store(words, place, 0)?;
            js_sys::Reflect::set(&message, &"working".into(), words)?;
            js_sys::Reflect::set(&message, &"place".into(), &place.into())?;
        }
        worker.post_message(&message)
    }
}

impl EngineHandle {
    /// Engine number `place` without a worker yet; its events will go to `handler`.
    pub fn new(cores: Cores, place: u32, handler: impl Fn(u32, Event, Option<ArrayBuffer>) + 'static) -> Self {
        Self { worker: Rc::default(), handler: Rc::new(handler), epoch: Rc::default(), cores, place }
    }

    /// Ends the worker, if there is one, and starts that of `epoch`.
    pub fn restart(&self, epoch: u32) {
        self.epoch.set(epoch);
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = match Worker::new_with_options("./engine-start.js", &options) {
            Ok(worker) => worker,
            Err(e) => return self.crash(&e),
        };
        let handler = self.handler.clone();
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
            let unreadable = || (Event::Crashed { message: wording::MESSAGE_UNREADABLE.into() }, None);
            let (event, rows) = heard(&message.data()).unwrap_or_else(unreadable);
            handler(epoch, event, rows);
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        on_message.forget(); // lives as long as the worker
        let handler = self.handler.clone();
        let on_error = Closure::<dyn FnMut(web_sys::Event)>::new(move |event: web_sys::Event| {
            let said = event.dyn_ref::<web_sys::ErrorEvent>().map(web_sys::ErrorEvent::message);
            let message = said.filter(|m| !m.is_empty());
            let message = message.unwrap_or_else(|| wording::CODE_NOT_RUN.into());
            handler(epoch, Event::Crashed { message }, None);
        });
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        on_error.forget();
        if let Some(old) = self.worker.borrow_mut().replace(worker.clone()) {
            old.set_onerror(None);
            old.set_onmessage(None);
            old.terminate();
        }
        if let Err(e) = self.cores.tell(&worker, self.place) {
            self.crash(&e);
        }
    }

    fn crash(&self, e: &JsValue) {
        let message = e.as_string().unwrap_or_else(|| wording::WORKER_NOT_STARTED.into());
        (self.handler)(self.epoch.get(), Event::Crashed { message }, None);
    }

    /// Sends a request, with files beside it.
    pub fn send(&self, request: &Request, files: &[File]) {
        self.post(request, files, None);
    }

    /// Sends a request and hands rows of numbers over with it.
    pub fn send_rows(&self, request: &Request, rows: &ArrayBuffer) {
        self.post(request, &[], Some(rows));
    }

    fn post(&self, request: &Request, files: &[File], rows: Option<&ArrayBuffer>) {
        let message = js_sys::Object::new();
        let list: js_sys::Array = files.iter().collect();
        let handed_over: js_sys::Array = rows.into_iter().collect();
        let text = serde_json::to_string(request).unwrap_or_default();
        let post = |worker: &Worker| worker.post_message_with_transfer(&message, &handed_over);
        let posted = js_sys::Reflect::set(&message, &"request".into(), &text.into())
            .and_then(|_| js_sys::Reflect::set(&message, &"files".into(), &list))
            .and_then(|_| js_sys::Reflect::set(&message, &"rows".into(), &rows.into()))
            .and_then(|_| self.worker.borrow().as_ref().map_or(Ok(()), post));
        if let Err(e) = posted {
            self.crash(&e);
        }
    }
}

/// An event, and the rows beside it that are not its own numbers. None where it cannot be read.
fn heard(data: &JsValue) -> Option<(Event, Option<ArrayBuffer>)> {
    let (text, rows) = taken_apart(data);
    let mut event: Event = serde_json::from_str(&text?).ok()?;
    match rows {
        Some(rows) if event.misses_numbers() => {
            let numbers = js_sys::Float32Array::new(&rows).to_vec();
            event.put_numbers(&numbers).then_some((event, None))
        }
        rows => Some((event, rows)),
    }
}

/// An event's text, and the rows beside it: most come as text alone.
fn taken_apart(data: &JsValue) -> (Option<String>, Option<ArrayBuffer>) {
    if let Some(text) = data.as_string() {
        return (Some(text), None);
    }
    let get = |key: &str| js_sys::Reflect::get(data, &key.into()).ok();
    (get("event").and_then(|text| text.as_string()), get("rows").and_then(|rows| rows.dyn_into().ok()))
}
