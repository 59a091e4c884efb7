//! One slot's form: what is in it, and what to put there: files, a repository of the hub, an address.

use leptos::html::Input;
use leptos::prelude::*;
use web_sys::File;

use super::look::LookNote;
use super::progress::Loading;
use crate::app::header::Mark;
use crate::app::state::{Slot, State};
use crate::app::{engines, focus, hosts};
use crate::checkpoint::hub::{Address, Pinned};
use crate::page::{Msg, hub};
use crate::protocol::Source;
use crate::wording::{common, models as wording, numbers};

/// What is in the slot.
fn describe(half: Slot) -> String {
    half.model.with(|m| match &m.info {
        None => wording::NO_MODEL_LOADED.to_owned(),
        Some(i) => {
            let from = Pinned::read(&i.file).map_or(String::new(), |p| p.brief());
            let (parameters, size) = (numbers::count(i.parameters), numbers::bytes(i.bytes));
            wording::in_slot(&i.name, &i.quantization, &parameters, &size, i.context, &from)
        }
    })
}

/// The form.
#[component]
pub fn SlotForm(state: State, half: Slot) -> impl IntoView {
    let picker = NodeRef::<Input>::new();
    let (side, key) = (half.side, half.side.key());
    let model = side.name().to_lowercase();
    let picked = move |_| {
        let Some(input) = picker.get_untracked() else { return };
        let files: Vec<File> =
            input.files().map(|list| (0..list.length()).filter_map(|i| list.get(i)).collect()).unwrap_or_default();
        engines::load_files(state, side, files);
        input.set_value(""); // the same file can be chosen again
    };
    view! {
        <fieldset class="slot-form">
            <legend><Mark side/>{side.name()}</legend>
            <p>{move || describe(half)}</p>
            <Loading state half/>
            <input node_ref=picker type="file" multiple id=format!("file-{key}") aria-label=wording::files_of(&model) on:change=picked/>
            <AddressRow state half label=wording::address_of(&model)/>
            <LookNote state half/>
        </fieldset>
    }
}

#[component]
fn AddressRow(state: State, half: Slot, label: String) -> impl IntoView {
    let (side, key) = (half.side, half.side.key());
    let text = RwSignal::new(String::new());
    // addresses of hosts that the user has not allowed yet
    let asked = RwSignal::new(None::<(Vec<String>, Vec<String>)>);
    let hub = state.shell.with(|page| page.hub.at.clone());
    let read = StoredValue::new(move |text: &str| Address::read(text, &hub));
    let fetch = move || {
        let written = text.get_untracked();
        asked.set(None);
        match read.with_value(|read| read(&written)) {
            Ok(Address::Files(urls)) => {
                state.dispatch(Msg::Hub(hub::Command::Forget(side)));
                let unknown = hosts::unknown(state, hosts::of(urls.iter().map(String::as_str)));
                if unknown.is_empty() {
                    engines::load(state, side, Source::Url { urls });
                } else {
                    asked.set(Some((urls, unknown)));
                    focus(&format!("allow-{key}"));
                }
            }
            _ => state.dispatch(Msg::Hub(hub::Command::Look(side, written))),
        }
    };
    let allow = move |_| {
        if let Some((urls, hosts)) = asked.get_untracked() {
            hosts::allow(state, &hosts);
            engines::load(state, side, Source::Url { urls });
        }
        asked.set(None);
    };
    let whom = move || asked.with(|a| a.as_ref().map(|(_, hosts)| hosts.join(", ")).unwrap_or_default());
    let is_file = move || read.with_value(|read| matches!(read(&text.get()), Ok(Address::Files(_))));
    let entered = move |e: leptos::ev::KeyboardEvent| {
        if e.key() == "Enter" {
            fetch();
        }
    };
    view! {
        <div class="row address">
            <input type="text" inputmode="url" autocapitalize="off" autocomplete="off" spellcheck="false" id=format!("url-{key}") placeholder=wording::REPOSITORY_OR_ADDRESS aria-label=label prop:value=move || text.get() on:input=move |e| text.set(event_target_value(&e)) on:keydown=entered/>
            <button class="btn" id=format!("fetch-{key}") on:click=move |_| fetch()>{move || if is_file() { wording::DOWNLOAD } else { wording::LOOK }}</button>
        </div>
        <Show when=move || asked.with(Option::is_some)>
            <p class="note" role="alertdialog" aria-label=wording::ASK_THIS_HOST>
                {move || wording::what_a_host_learns(&whom())}
                <span class="row">
                    <button class="btn" id=format!("allow-{key}") on:click=allow>{move || wording::ask(&whom())}</button>
                    <button class="btn" on:click=move |_| asked.set(None)>{common::CANCEL}</button>
                </span>
            </p>
        </Show>
    }
}
