//! The JSON export as a file.

use wasm_bindgen::prelude::*;

use super::document;
use super::state::State;

/// Saves both finished runs with what was asked; levels, density and score at their defaults.
pub fn download(state: State) {
    let Some(export) = state.shell.with(|page| page.runs.round.export()) else { return };
    if let Ok(text) = serde_json::to_string(&export) {
        // A browser that refuses shows its own message.
        let _ = save(&format!("{}.shiftlens.json", slug(&export.prompt)), "application/json", &text);
    }
}

/// The prompt's first words as a part of a file's name.
pub fn slug(prompt: &str) -> String {
    let words = prompt.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).take(5);
    let slug = words.collect::<Vec<_>>().join("-").to_lowercase();
    if slug.is_empty() { "results".into() } else { slug.chars().take(48).collect() }
}

/// Hands the user a file.
pub fn save(name: &str, kind: &str, text: &str) -> Result<(), JsValue> {
    save_blob(name, &blob(kind, text)?)
}

fn blob(kind: &str, text: &str) -> Result<web_sys::Blob, JsValue> {
    let options = web_sys::BlobPropertyBag::new();
    options.set_type(kind);
    web_sys::Blob::new_with_str_sequence_and_options(&js_sys::Array::of1(&text.into()), &options)
}

/// An address for a text, until it is revoked.
pub fn address_of(kind: &str, text: &str) -> Result<String, JsValue> {
    web_sys::Url::create_object_url_with_blob(&blob(kind, text)?)
}

/// Hands the user a file.
pub fn save_blob(name: &str, blob: &web_sys::Blob) -> Result<(), JsValue> {
    let url = web_sys::Url::create_object_url_with_blob(blob)?;
    let link: web_sys::HtmlAnchorElement = document().create_element("a")?.unchecked_into();
    link.set_href(&url);
    link.set_download(name);
    link.click();
    web_sys::Url::revoke_object_url(&url)
}
