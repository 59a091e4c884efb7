//! The page: leptos components over plain data. It knows engines only by messages.

mod backend;
mod brush;
mod canvas;
mod chance;
mod checked;
mod choices;
mod concepts;
mod conversation;
mod density;
mod dialog;
mod difference;
mod edited;
mod effects;
mod engine;
mod engines;
mod examples;
mod export;
mod findings;
mod format;
mod graph;
mod header;
mod heads;
mod history;
mod hosts;
mod loading;
mod matrix;
mod matrix_table;
mod memory;
mod method;
mod model_card;
mod models;
mod need;
mod next_word;
mod offline;
mod page;
mod progress;
mod prompt;
mod reading;
mod share;
mod shell;
mod state;
mod study;
mod switching;
mod tabs;
mod teach;
mod text;
mod toolbar;
mod view_table;
mod weights;
mod why;

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

/// Whether the element of an event, a `details`, is open now.
fn is_open(e: &web_sys::Event) -> bool {
    use wasm_bindgen::JsCast;
    e.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok()).is_some_and(|t| t.has_attribute("open"))
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

/// Whether the page is to show one view within another page: `?embed=1`.
fn embedded() -> bool {
    parameter("embed").is_some_and(|v| v == "1")
}

/// Today, as 2026-11-21.
fn today() -> String {
    String::from(js_sys::Date::new_0().to_iso_string()).chars().take(10).collect()
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
