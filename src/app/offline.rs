//! Later visits without a network: the service worker is started once the page has settled, and a newer version announced.

use leptos::prelude::*;
use wasm_bindgen::prelude::*;

use super::state::State;
use super::window;
use crate::wording::frame as wording;

/// Tells `start.js` when the page has what it needs: what is kept for later does not stand in its way.
pub fn begin(state: State) {
    Effect::new(move |told: Option<bool>| {
        let loaded = || {
            state
                .slots()
                .iter()
                .all(|s| s.model.with(|m| m.loading.is_none() && (m.info.is_some() || m.failure.is_some())))
        };
        // without the models, only what is kept already is looked after: keeping the page means to fetch them
        let settled = loaded() || (state.rested.get() && is_kept());
        let told = told.unwrap_or_default();
        if settled
            && !told
            && let Ok(event) = web_sys::Event::new("shiftlens-settled")
        {
            let _ = window().dispatch_event(&event);
        }
        told || settled
    });
}

/// Whether this page came from what is kept.
fn is_kept() -> bool {
    let get = |of: &JsValue, key: &str| js_sys::Reflect::get(of, &key.into()).unwrap_or_default();
    get(&get(&window().navigator(), "serviceWorker"), "controller").is_truthy()
}

/// "A newer version is there", with the choice to take it.
#[component]
pub fn UpdateNote() -> impl IntoView {
    let there = RwSignal::new(false);
    let heard = Closure::<dyn FnMut()>::new(move || there.set(true));
    let _ = window().add_event_listener_with_callback("shiftlens-update", heard.as_ref().unchecked_ref());
    heard.forget(); // lives as long as the page
    let take = move |_| {
        let update = js_sys::Reflect::get(&window(), &"shiftlensUpdate".into());
        if let Some(update) = update.ok().and_then(|u| u.dyn_into::<js_sys::Function>().ok()) {
            let _ = update.call0(&JsValue::NULL);
        }
    };
    view! {
        <Show when=move || there.get()>
            <p class="note linked update" role="status" id="update">{wording::NEWER_VERSION}" "
                <button class="btn" on:click=take>{wording::RELOAD}</button>" "
                <button class="link" on:click=move |_| there.set(false)>{wording::LATER}</button>
            </p>
        </Show>
    }
}
