//! The page: leptos components over plain data. It knows engines only by messages.

mod canvas;
mod choices;
mod density;
mod difference;
mod engine;
mod examples;
mod export;
mod format;
mod header;
mod matrix;
mod model_card;
mod models;
mod page;
mod prompt;
mod reading;
mod runs;
mod state;
mod toolbar;

use wasm_bindgen::prelude::*;

/// Mounts the page.
pub fn start() {
    console_error_panic_hook::set_once();
    if let Some(note) = document().get_element_by_id("loading") {
        note.remove();
    }
    leptos::mount::mount_to_body(page::Page);
}

fn window() -> web_sys::Window {
    web_sys::window().expect_throw("a page has a window")
}

fn document() -> web_sys::Document {
    window().document().expect_throw("a window has a document")
}

/// Values that outlive the visit; a browser that refuses storage just forgets.
mod memory {
    pub fn get(key: &str) -> Option<String> {
        super::window().local_storage().ok()??.get_item(key).ok()?
    }
    pub fn set(key: &str, value: &str) {
        if let Ok(Some(storage)) = super::window().local_storage() {
            let _ = storage.set_item(key, value);
        }
    }
}
