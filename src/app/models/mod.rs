//! Choosing the models: bundled, files, a repository, an address, the catalogue, or what is kept.

mod differ;
mod drop;
mod kept;
mod known;
mod look;
mod progress;
mod slot;
mod verdict;

use leptos::prelude::*;
use wasm_bindgen::JsValue;

pub use differ::PairHint;
pub use progress::loading_words;

use super::dialog::Modal;
use super::state::State;
use super::{hosts, memory, window};
use crate::page::stored::Command;
use crate::page::{Msg, fit, hub};
use crate::wording::models as wording;
use differ::PairNote;
use kept::{Stored, stored};
use known::KnownPairs;
use slot::SlotForm;

/// Tells the core where the hub is and what is known of this machine, and takes dropped files from now on.
pub fn begin(state: State) {
    state.dispatch(Msg::Hub(hub::Command::At(hosts::hub())));
    let memory = js_sys::Reflect::get(&window().navigator(), &JsValue::from_str("deviceMemory")).ok();
    state.dispatch(Msg::Here(fit::Command::Device(memory.and_then(|m| m.as_f64()))));
    state.dispatch(Msg::Here(fit::Command::Recalled(memory::get(memory::SPEED))));
    drop::drop_zone(state);
}

/// The dialog.
#[component]
pub fn ModelsDialog(state: State) -> impl IntoView {
    // What a load keeps is in the list as soon as it is done.
    Effect::new(move |_| {
        let loading = state.slots().iter().any(|s| s.model.with(|m| m.loading.is_some()));
        if !loading && state.models_open.get_untracked() {
            stored(state, Command::List);
        }
    });
    view! {
        <Modal id="models" title=wording::MODELS close="close-models" open=state.models_open prepare=move || stored(state, Command::List)>
            <p class="cap">{wording::ABOUT}</p>
            <div class="cols"><SlotForm state half=state.base/><SlotForm state half=state.tuned/></div>
            <PairNote state/>
            <KnownPairs state/>
            <Stored state/>
        </Modal>
    }
}
