//! Files that are dropped on the page: a set of results or of prompts is shown, a checkpoint takes a slot.

use wasm_bindgen::prelude::*;
use web_sys::{DragEvent, File};

use crate::app::state::{Side, State};
use crate::app::{document, engines, findings, share};
use crate::page::dropped::{Dropped, dropped};

/// Takes files that are dropped anywhere; a single checkpoint goes into the slot that it was dropped on, the tuned one if
/// it was none. Text that is dropped is the browser's business: it can go into the prompt.
pub fn drop_zone(state: State) {
    let over = Closure::<dyn FnMut(DragEvent)>::new(|e: DragEvent| {
        if e.data_transfer().is_some_and(|t| t.types().includes(&"Files".into(), 0)) {
            e.prevent_default();
        }
    });
    let dropped = Closure::<dyn FnMut(DragEvent)>::new(move |e: DragEvent| {
        let Some(list) = e.data_transfer().and_then(|t| t.files()) else { return };
        let files: Vec<File> = (0..list.length()).filter_map(|i| list.get(i)).collect();
        let names: Vec<String> = files.iter().map(File::name).collect();
        let what = dropped(&names);
        if what != Dropped::Nothing {
            e.prevent_default();
        }
        let target = e.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
        let on_base = target.is_some_and(|t| t.closest("#card-base").ok().flatten().is_some());
        match what {
            Dropped::Nothing => {}
            Dropped::Results => share::open_file(state, files[0].clone()),
            Dropped::Prompts => findings::open_file(state, files[0].clone()),
            Dropped::Pair { base, tuned } => {
                engines::load_files(state, Side::Base, vec![files[base].clone()]);
                engines::load_files(state, Side::Tuned, vec![files[tuned].clone()]);
            }
            Dropped::Checkpoint => {
                engines::load_files(state, if on_base { Side::Base } else { Side::Tuned }, files);
            }
        }
    });
    let body = document().body();
    for (name, handler) in [("dragover", &over), ("drop", &dropped)] {
        if let Some(body) = &body {
            let _ = body.add_event_listener_with_callback(name, handler.as_ref().unchecked_ref());
        }
    }
    over.forget(); // live as long as the page
    dropped.forget();
}
