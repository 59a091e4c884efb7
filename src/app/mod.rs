//! The page: leptos components over plain data. It knows engines only by messages.

mod backend;
mod canvas;
mod chance;
mod choices;
mod concepts;
mod density;
mod dialog;
mod difference;
mod engine;
mod engines;
mod examples;
mod export;
mod findings;
mod format;
mod header;
mod heads;
mod hosts;
mod loading;
mod matrix;
mod model_card;
mod models;
mod offline;
mod page;
mod progress;
mod prompt;
mod reading;
mod share;
mod shell;
mod state;
mod tabs;
mod teach;
mod toolbar;
mod weights;

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

/// Seconds on the page's clock.
fn now() -> f64 {
    window().performance().map_or(0.0, |p| p.now() / 1e3)
}

/// Moves the keyboard's focus to the element `id`, once it is drawn.
fn focus(id: &str) {
    use wasm_bindgen::JsCast;
    let id = id.to_owned();
    leptos::prelude::request_animation_frame(move || {
        let found = document().get_element_by_id(&id).and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok());
        if let Some(element) = found {
            let _ = element.focus();
        }
    });
}

/// The page's own address, without its fragment and its parameters.
fn address() -> String {
    let href = window().location().href().unwrap_or_default();
    href.split(['#', '?']).next().unwrap_or_default().to_owned()
}

/// What the address says of `name`: `?name=value`.
fn parameter(name: &str) -> Option<String> {
    let search = window().location().search().ok()?;
    web_sys::UrlSearchParams::new_with_str(&search).ok()?.get(name)
}

/// The text of a file that ships with the page.
async fn fetch_text(file: &str) -> Option<String> {
    use wasm_bindgen::JsCast;
    use wasm_bindgen_futures::JsFuture;
    let response: web_sys::Response = JsFuture::from(window().fetch_with_str(file)).await.ok()?.dyn_into().ok()?;
    if !response.ok() {
        return None;
    }
    JsFuture::from(response.text().ok()?).await.ok()?.as_string()
}

fn document() -> web_sys::Document {
    window().document().expect_throw("a window has a document")
}

/// Values that outlive the visit; a browser that refuses storage just forgets.
mod memory {
    pub fn get(key: &str) -> Option<String> {
        super::window().local_storage().ok()??.get_item(key).ok()?
    }
    pub fn remove(key: &str) {
        if let Ok(Some(storage)) = super::window().local_storage() {
            let _ = storage.remove_item(key);
        }
    }
    /// Tells whether there was room for it.
    pub fn set(key: &str, value: &str) -> bool {
        match super::window().local_storage() {
            Ok(Some(storage)) => storage.set_item(key, value).is_ok(),
            _ => true, // where nothing is kept, there is no room to make
        }
    }
}
