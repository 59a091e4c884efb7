//! Choosing the models: bundled, files, a URL, the catalogue, or what is kept.

use leptos::html::Input;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::{DragEvent, File};

use super::dialog::Modal;
use super::header::Mark;
use super::state::{Model, Progress, Side, Slot, State};
use super::{document, engines, findings, focus, format, hosts, share};
use crate::checkpoint::catalogue::{BUNDLED, CATALOGUE};
use crate::page::Msg;
use crate::page::dropped::{Dropped, dropped};
use crate::page::facts::bundled;
use crate::page::stored::Command;
use crate::protocol::{Source, Stage, StoredEntry};

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
        <Modal id="models" title="Models" close="close-models" open=state.models_open prepare=move || stored(state, Command::List)>
            <p class="cap">"A base model and the model that was tuned from it: GGUF files, or safetensors with config.json and tokenizer.json, of the Llama, Mistral, Qwen 2 and 3, Gemma 3, OLMo 2, Granite, SmolLM3 or Phi-3 family. Files can also be dropped anywhere on the page."</p>
            <div class="cols"><SlotForm state half=state.base/><SlotForm state half=state.tuned/></div>
            <h3>"Known pairs"</h3>
            <ul class="list">
                <li><span><b>{BUNDLED.name}</b><span class="cap">" · "{BUNDLED.about}</span></span>
                    <button class="btn" on:click=move |_| Side::BOTH.into_iter().for_each(|side| engines::load(state, side, bundled(side)))>"Load both"</button></li>
                {CATALOGUE.iter().map(|pair| view! {
                    <li><span><b>{pair.name}</b><span class="cap">" · "{pair.about}</span></span>
                        <button class="btn" on:click=move |_| {
                            for (side, file) in Side::BOTH.into_iter().zip([pair.base, pair.tuned]) {
                                engines::load(state, side, Source::Url { urls: vec![file.url.to_owned()] });
                            }
                        }>"Download both"</button></li>
                }).collect_view()}
            </ul>
            <Stored state/>
        </Modal>
    }
}

fn stored(state: State, command: Command) {
    state.dispatch(Msg::Stored(command));
}

#[component]
fn SlotForm(state: State, half: Slot) -> impl IntoView {
    let picker = NodeRef::<Input>::new();
    let url = RwSignal::new(String::new());
    let key = half.side.key();
    // addresses of hosts that the user has not allowed yet
    let asked = RwSignal::new(None::<(Vec<String>, Vec<String>)>);
    let describe = move || {
        half.model.with(|m| {
            m.info.as_ref().map(|i| {
                format!(
                    "{} · {} · {} parameters · {} · context {}",
                    i.name,
                    i.quantization,
                    format::count(i.parameters),
                    format::bytes(i.bytes),
                    i.context
                )
            })
        })
    };
    let picked = move |_| {
        let Some(input) = picker.get_untracked() else { return };
        let files: Vec<File> =
            input.files().map(|list| (0..list.length()).filter_map(|i| list.get(i)).collect()).unwrap_or_default();
        engines::load_files(state, half.side, files);
        input.set_value(""); // the same file can be chosen again
    };
    let fetch = move |_| {
        let urls: Vec<String> = url.get_untracked().split_whitespace().map(str::to_owned).collect();
        if urls.is_empty() {
            return;
        }
        let unknown = hosts::unknown(hosts::of(urls.iter().map(String::as_str)));
        if unknown.is_empty() {
            engines::load(state, half.side, Source::Url { urls });
        } else {
            asked.set(Some((urls, unknown)));
            focus(&format!("allow-{key}"));
        }
    };
    let allow = move |_| {
        if let Some((urls, hosts)) = asked.get_untracked() {
            hosts::allow(state, &hosts);
            engines::load(state, half.side, Source::Url { urls });
        }
        asked.set(None);
    };
    let whom = move || asked.with(|a| a.as_ref().map(|(_, hosts)| hosts.join(", ")).unwrap_or_default());
    view! {
        <fieldset class="slot-form">
            <legend><Mark side=half.side/>{half.side.name()}</legend>
            <p>{move || describe().unwrap_or_else(|| "No model loaded.".to_owned())}</p>
            <Loading state half/>
            <input node_ref=picker type="file" multiple id=format!("file-{key}") aria-label=format!("Files of the {} model", half.side.name()) on:change=picked/>
            <div class="row">
                <input type="url" id=format!("url-{key}") placeholder="https://…/model.gguf" aria-label=format!("Address of the {} model", half.side.name()) prop:value=move || url.get() on:input=move |e| url.set(event_target_value(&e))/>
                <button class="btn" id=format!("fetch-{key}") on:click=fetch>"Download"</button>
            </div>
            <Show when=move || asked.with(Option::is_some)>
                <p class="note" role="alertdialog" aria-label="Ask this host?">
                    {move || format!("This asks {} for the file. It will learn your network address and which file you want, as with any download; your prompts stay here. ", whom())}
                    <span class="row">
                        <button class="btn" id=format!("allow-{key}") on:click=allow>{move || format!("Ask {}", whom())}</button>
                        <button class="btn" on:click=move |_| asked.set(None)>"Cancel"</button>
                    </span>
                </p>
            </Show>
        </fieldset>
    }
}

/// What a load is doing: bytes of all bytes, and the time left.
pub fn loading_words(progress: Option<Progress>) -> String {
    let Some(p) = progress else { return "Opening…".to_owned() };
    if p.stage == Stage::Weights {
        return format!("Reading weights: tensor {} of {}", p.done, p.total);
    }
    let verb = if p.stage == Stage::Keep { "Storing" } else { "Downloading" };
    let left = if p.done > 0 && p.elapsed > 1.0 && p.total > p.done {
        format!(", {} left", format::seconds(p.elapsed * (p.total - p.done) as f64 / p.done as f64))
    } else {
        String::new()
    };
    match p.total {
        0 => format!("{verb}: {}", format::bytes(p.done)),
        total => format!("{verb}: {} of {}{left}", format::bytes(p.done), format::bytes(total)),
    }
}

/// Progress in bytes with the time left, a way to stop, and what went wrong.
#[component]
fn Loading(state: State, half: Slot) -> impl IntoView {
    let progress = move || half.model.with(|m| m.loading.map(|(_, p)| p));
    let words = move || loading_words(progress().flatten());
    let value =
        move || progress().flatten().filter(|p| p.total > 0).map(|p| (p.done as f64 / p.total as f64).to_string());
    let message = |get: fn(&Model) -> Option<String>| move || half.model.with(get);
    let failure = message(|m| m.failure.as_ref().map(ToString::to_string));
    let not_kept = message(|m| m.not_kept.as_ref().map(ToString::to_string));
    view! {
        <Show when=move || progress().is_some()>
            <div class="progress" role="status">
                <span>{words}</span><progress max="1" value=value></progress>
                <button class="btn" on:click=move |_| engines::cancel_load(state, half.side)>"Cancel"</button>
            </div>
        </Show>
        <Show when=move || failure().is_some()><p class="error" role="alert">{move || failure().unwrap_or_default()}</p></Show>
        <Show when=move || not_kept().is_some()><p class="note" role="status">{move || not_kept().unwrap_or_default()}</p></Show>
    }
}

#[component]
fn Stored(state: State) -> impl IntoView {
    let item = move |e: StoredEntry| {
        let size = format!(" · {}{}", format::bytes(e.bytes), if e.complete { "" } else { " · incomplete" });
        let load =
            |half: Slot, key: String| move |_| engines::load(state, half.side, Source::Stored { key: key.clone() });
        let key = e.key.clone();
        view! {
            <li>
                <span><b>{e.files.join(", ")}</b><span class="cap">{size}</span></span>
                <span class="row">
                    <button class="btn" disabled=!e.complete on:click=load(state.base, e.key.clone())>"As base"</button>
                    <button class="btn" disabled=!e.complete on:click=load(state.tuned, e.key.clone())>"As tuned"</button>
                    <button class="btn" on:click=move |_| stored(state, Command::Delete(key.clone()))>"Delete"</button>
                </span>
            </li>
        }
    };
    let empty = move || state.stored.with(|s| s.entries.is_empty() && s.results == 0);
    view! {
        <h3>"Kept in this browser"</h3>
        <Show when=empty><p class="cap">"Nothing yet. Models that you open or download are kept here, so that the next visit does not fetch them again."</p></Show>
        <ul class="list" id="stored">{move || state.stored.get().entries.into_iter().map(item).collect_view()}</ul>
        <Show when=move || state.stored.with(|s| s.results != 0)>
            <ul class="list" id="results-kept"><li>
                <span><b>"Heads and concepts read from weights"</b><span class="cap">{move || format!(" · {}", format::bytes(state.stored.with(|s| s.results)))}</span></span>
                <button class="btn" on:click=move |_| stored(state, Command::Forget)>"Delete"</button>
            </li></ul>
        </Show>
        <Show when=move || state.stored.with(|s| s.lasting == Some(false))><p class="cap" id="not-lasting">"The browser may delete these when the disk is full."</p></Show>
        <p class="cap">{move || state.stored.get().free.map(|free| format!("The browser has room for {} more.", format::bytes(free)))}</p>
    }
}

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
