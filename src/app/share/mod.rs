//! What leaves the page: links, files, a code to photograph.

pub mod figures;
pub mod linked;
pub mod picture;

use leptos::html::Input;
use leptos::prelude::*;
use qrcode::{Color, EcLevel, QrCode};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

use super::dialog::Modal;
use super::state::{Side, State};
use super::{address, export, weights, window};
use crate::share::link::{Link, Precision};
use crate::wording::share as wording;

/// Characters that a code still carries so that a phone reads it from a wall.
const READABLE: usize = 1200;

/// Bytes of a file of results that are read at all.
const LARGEST_FILE: f64 = 64e6;

/// Everything on screen; none without a finished run. What is read here is looked at again when it changes.
fn present(state: State) -> Option<Link> {
    state.slots().iter().for_each(|slot| {
        slot.run.track();
        slot.selection.track();
    });
    let spec = state.spec.get();
    let seen = state.shell.with(|page| Side::BOTH.map(|side| page.runs.round.seen(side)));
    seen.iter().any(Option::is_some).then_some(())?;
    let (prompt, turns, marked, options) = (spec.prompt.clone(), spec.turns.clone(), spec.mark(), spec.options.clone());
    let (spans, template_row, how) = (spec.spans.clone(), spec.template_row, spec.how.clone());
    let reading = state.reading.get();
    let precision = Precision::ladder(reading.how).remove(0);
    let (tab, inside) = (state.tab.get(), weights::inside(state));
    Some(Link { prompt, turns, marked, spans, template_row, options, how, reading, tab, inside, seen, precision })
}

/// The dialog.
#[component]
pub fn ShareDialog(state: State) -> impl IntoView {
    let field = NodeRef::<Input>::new();
    let whole = RwSignal::new(false);
    let copied = RwSignal::new(None::<bool>);
    let exercise = RwSignal::new(false);
    // made when the dialog is open, not while a run streams
    let made = Memo::new(move |_| {
        if !state.share_open.get() {
            return None;
        }
        let (link, mut address) = (present(state)?, address());
        if exercise.get() {
            address.push_str("?guess=1");
        }
        let (short, precision) = link.encode(address.len() + 1);
        let finest = link.precision;
        let fragment = if whole.get() { link.encode_as(finest) } else { short };
        let used = if whole.get() { finest } else { precision };
        let settings = Link { seen: [None, None], ..link.clone() };
        Some((
            format!("{address}#{fragment}"),
            used,
            precision != finest,
            format!("{address}#{}", settings.encode(0).0),
        ))
    });
    let url = move || made.with(|m| m.as_ref().map(|m| m.0.clone()).unwrap_or_default());
    let carries =
        move || made.with(|m| m.as_ref().map(|(url, p, ..)| wording::carries(url.len(), p.signed.then(|| p.steps()))));
    let coarse = move || made.with(|m| m.as_ref().is_some_and(|m| m.2));
    let copy = move |_| {
        if let Some(input) = field.get_untracked() {
            input.select();
        }
        leptos::task::spawn_local(async move { copied.set(Some(to_clipboard(&url()).await.is_some())) });
    };
    let code = move || {
        let (full, settings) = made.with(|m| m.as_ref().map(|m| (m.0.clone(), m.3.clone())))?;
        let (text, picture) = if full.len() <= READABLE { (full, true) } else { (settings, false) };
        Some((QrCode::with_error_correction_level(&text, EcLevel::L).ok()?, picture))
    };
    view! {
        <Modal id="share-dialog" title=wording::SHARE close="close-share" open=state.share_open prepare=move || copied.set(None)>
            <p class="cap">{wording::ABOUT}</p>
            <div class="row share-link">
                <input node_ref=field type="text" readonly id="link" aria-label=wording::LINK prop:value=url/>
                <button class="btn primary" id="copy-link" on:click=copy>{wording::COPY}</button>
            </div>
            <p class="cap" role="status" id="link-about">
                {move || match copied.get() {
                    Some(true) => wording::COPIED,
                    Some(false) => wording::COPY_BY_HAND,
                    None => "",
                }}" "
                {move || carries().unwrap_or_default()}
            </p>
            <Show when=move || coarse() || whole.get()>
                <label class="check"><input type="checkbox" id="whole" prop:checked=move || whole.get() on:change=move |e| whole.set(event_target_checked(&e))/>{wording::LONGER_LINK}</label>
            </Show>
            <label class="check"><input type="checkbox" id="exercise" prop:checked=move || exercise.get() on:change=move |e| exercise.set(event_target_checked(&e))/>{wording::AS_EXERCISE}</label>
            <div class="cols share-cols">
                <div>
                    <h3>{wording::FILES}</h3>
                    <p class="cap">{wording::ABOUT_FILES}</p>
                    <button class="btn" id="export" on:click=move |_| export::download(state)>{wording::DOWNLOAD_RESULTS}</button>
                    <figures::Figures state/>
                    <h3>{wording::OPEN_A_FILE}</h3>
                    <input type="file" id="open-results" accept=".json" aria-label=wording::A_RESULTS_FILE on:change=move |e| {
                        let input: web_sys::HtmlInputElement = event_target(&e);
                        if let Some(file) = input.files().and_then(|f| f.get(0)) {
                            open_file(state, file);
                            state.share_open.set(false);
                        }
                        input.set_value("");
                    }/>
                </div>
                <div>
                    <h3>{wording::FOR_A_PROJECTOR}</h3>
                    {move || code().map(|(code, picture)| view! {
                        <Code code/>
                        <p class="cap">{if picture { wording::SAME_LINK } else { wording::SETTINGS_ONLY }}</p>
                    })}
                </div>
            </div>
        </Modal>
    }
}

/// A QR code, dark on light whatever the theme.
#[component]
fn Code(code: QrCode) -> impl IntoView {
    let width = code.width();
    let dark = code.to_colors().into_iter().enumerate().filter(|(_, c)| *c == Color::Dark);
    let path: String = dark.map(|(i, _)| format!("M{} {}h1v1h-1z", i % width + 4, i / width + 4)).collect();
    let side = width + 8;
    view! {
        <svg class="code" viewBox=format!("0 0 {side} {side}") role="img" aria-label=wording::QR_CODE shape-rendering="crispEdges">
            <rect width="100%" height="100%" fill="#fff"></rect>
            <path d=path fill="#000"></path>
        </svg>
    }
}

/// Puts a text into the clipboard, where the browser lets a page do so.
pub async fn to_clipboard(text: &str) -> Option<()> {
    let clipboard = js_sys::Reflect::get(&window().navigator(), &"clipboard".into()).ok()?;
    let write: js_sys::Function = js_sys::Reflect::get(&clipboard, &"writeText".into()).ok()?.dyn_into().ok()?;
    let promise: js_sys::Promise = write.call1(&clipboard, &text.into()).ok()?.dyn_into().ok()?;
    JsFuture::from(promise).await.ok().map(drop)
}

/// Shows the results in `file`.
pub fn open_file(state: State, file: File) {
    if file.size() > LARGEST_FILE {
        return state.notify(wording::too_large(&file.name()));
    }
    leptos::task::spawn_local(async move {
        let text = JsFuture::from(file.text()).await.ok().and_then(|t| t.as_string()).unwrap_or_default();
        linked::show_file(state, &file.name(), &text);
    });
}
