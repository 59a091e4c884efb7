//! One engine worker as the page sees it: requests out, events in.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasm_bindgen::prelude::*;
use web_sys::{File, MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::protocol::{Event, Request};

/// Takes an event of the worker of an epoch.
type Handler = Rc<dyn Fn(u32, Event)>;

/// A running worker. Cloning shares it.
#[derive(Clone)]
pub struct Engine {
    worker: Rc<RefCell<Option<Worker>>>,
    handler: Handler,
    /// How many workers there were before the present one.
    epoch: Rc<Cell<u32>>,
}

impl Engine {
    /// An engine without a worker yet; its events will go to `handler`.
    pub fn new(handler: impl Fn(u32, Event) + 'static) -> Self {
        Self { worker: Rc::default(), handler: Rc::new(handler), epoch: Rc::default() }
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
            let event = message.data().as_string().and_then(|text| serde_json::from_str(&text).ok());
            handler(epoch, event.unwrap_or_else(|| Event::Crashed { message: "its message cannot be read".into() }));
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        on_message.forget(); // lives as long as the worker
        let handler = self.handler.clone();
        let on_error = Closure::<dyn FnMut(web_sys::Event)>::new(move |event: web_sys::Event| {
            let said = event.dyn_ref::<web_sys::ErrorEvent>().map(web_sys::ErrorEvent::message);
            let message = said.filter(|m| !m.is_empty());
            handler(epoch, Event::Crashed { message: message.unwrap_or_else(|| "its code could not be run".into()) });
        });
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        on_error.forget();
        if let Some(old) = self.worker.borrow_mut().replace(worker) {
            old.set_onerror(None);
            old.set_onmessage(None);
            old.terminate();
        }
    }

    fn crash(&self, e: &JsValue) {
        let message = e.as_string().unwrap_or_else(|| "the worker could not be started".into());
        (self.handler)(self.epoch.get(), Event::Crashed { message });
    }

    /// Sends a request, with files beside it.
    pub fn send(&self, request: &Request, files: &[File]) {
        let message = js_sys::Object::new();
        let list: js_sys::Array = files.iter().collect();
        let text = serde_json::to_string(request).unwrap_or_default();
        let posted = js_sys::Reflect::set(&message, &"request".into(), &text.into())
            .and_then(|_| js_sys::Reflect::set(&message, &"files".into(), &list))
            .and_then(|_| self.worker.borrow().as_ref().map_or(Ok(()), |w| w.post_message(&message)));
        if let Err(e) = posted {
            self.crash(&e);
        }
    }
}
