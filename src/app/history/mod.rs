//! The runs of this visit with their thumbnails, and the way back to the run before.

mod compared;

use std::sync::Arc;

use leptos::prelude::*;

use super::state::{Reading, Side, State};
use super::{export, format, window};
use crate::page::Msg;
use crate::page::history::{Command, Entry};
use crate::share::thumbnail::{size, thumbnail};
use crate::wording::history as wording;
use compared::{Compared, about, view_of};

/// Under this name the runs outlive a reload, until the tab is closed.
const KEPT: &str = "shiftlens.history-1";

/// Tells the core what was written down before the page was loaded again.
pub fn recall(state: State) {
    let text = window().session_storage().ok().flatten().and_then(|kept| kept.get_item(KEPT).ok().flatten());
    state.dispatch(Msg::History(Command::Recalled(text)));
}

/// Writes the runs down until the tab is closed.
pub fn keep(text: &str) {
    if let Ok(Some(kept)) = window().session_storage() {
        // where there is no room, they are there until the page is loaded again
        let _ = if text.is_empty() { kept.remove_item(KEPT) } else { kept.set_item(KEPT, text) };
    }
}

fn command(state: State, command: Command) {
    state.dispatch(Msg::History(command));
}

/// Back to the run before, and on again, beside Run; once there is one.
#[component]
pub fn UndoRun(state: State) -> impl IntoView {
    let place = state.history_place;
    let button = move |to: Signal<Option<u32>>,
                       id: &'static str,
                       words: &'static str,
                       say: fn(u32) -> String,
                       then: Command| {
        let title = move || to.get().map(say);
        let then = StoredValue::new(then);
        view! {
            <button type="button" class="btn" id=id title=title disabled=move || to.get().is_none() on:click=move |_| command(state, then.get_value())>{words}</button>
        }
    };
    let before = Signal::derive(move || place.get().before);
    let after = Signal::derive(move || place.get().after);
    view! {
        <Show when=move || state.history.with(|all| !all.is_empty())>
            {button(before, "undo-run", wording::UNDO, wording::back_to, Command::Back)}
            {button(after, "redo-run", wording::REDO, wording::on_to, Command::Forward)}
        </Show>
    }
}

/// The list, once there is a run, and what is pinned.
#[component]
pub fn HistoryPanel(state: State) -> impl IntoView {
    let (entries, dropped) = (state.history, state.history_dropped);
    let shown = move || entries.with(|e| !e.is_empty()) || dropped.with(Option::is_some);
    let save = move |_| {
        let collection = state.shell.with(|page| page.history.collection());
        if let Ok(text) = serde_json::to_string(&collection) {
            let _ = export::save("runs.shiftlens.json", "application/json", &text); // a browser that refuses says so itself
        }
    };
    let none = move || entries.with(Vec::is_empty);
    view! {
        <Show when=shown>
            <section class="panel card" id="history" aria-label=wording::TITLE>
                <div class="head"><h2>{wording::TITLE}</h2><span class="cap" role="status">{move || wording::runs(entries.with(Vec::len))}</span><span class="hint">{wording::ABOUT}</span></div>
                <div class="past-runs">
                    <For each=move || entries.get() key=|e| e.number let:entry><Past state entry/></For>
                </div>
                <Show when=move || state.pinned.with(|p| p.len() == 1)><p class="cap" role="status">{wording::ONE_PINNED}</p></Show>
                <div class="row save">
                    <button type="button" class="btn small" id="save-runs" disabled=none on:click=save>{wording::SAVE}</button>
                    <button type="button" class="btn small" id="clear-runs" disabled=none on:click=move |_| command(state, Command::Clear)>{wording::CLEAR}</button>
                    <Show when=move || dropped.with(Option::is_some)>
                        <button type="button" class="btn small" id="restore-runs" on:click=move |_| command(state, Command::Restore)>{wording::RESTORE}</button>
                    </Show>
                </div>
            </section>
        </Show>
        <Show when=move || state.pinned.with(|p| p.len() == 2)><Compared state/></Show>
    }
}

/// One run of the list.
#[component]
fn Past(state: State, entry: Arc<Entry>) -> impl IntoView {
    let number = entry.number;
    let reading = Reading { by: entry.round.spec.by, ..Reading::default() };
    let picture = |side: Side| {
        let view = view_of(&entry, side, &reading);
        let (wide, high) = size(&view);
        let cells = thumbnail(&view, reading.how.count);
        // our own drawing, without any text
        view! { <svg class="past-picture" viewBox=format!("0 0 {wide} {high}") preserveAspectRatio="none" inner_html=cells></svg> }
    };
    let prompt = format::label(&entry.round.spec.prompt, 90);
    let pictures = Side::BOTH.map(picture).collect_view();
    let is_pinned = move || state.pinned.with(|p| p.contains(&number));
    let is_shown = move || state.history_place.get().on_screen == Some(number);
    let pin = move || if is_pinned() { wording::UNPIN } else { wording::PIN };
    let show = move |_| command(state, Command::Show(number));
    view! {
        <article class="past" class:on=is_shown aria-label=wording::run(number)>
            <span class="cap"><b>{wording::run(number)}</b>{move || is_shown().then(|| view! { " · "{wording::ON_SCREEN} })}{move || is_pinned().then(|| view! { " · "{wording::PINNED} })}</span>
            <button type="button" class="past-show" aria-label=wording::show(number, &prompt) aria-current=move || is_shown().then_some("true") on:click=show>
                <span class="past-pictures" role="img" aria-label=wording::thumbnail_of(number)>{pictures}</span>
                <span class="past-prompt">{prompt.clone()}</span>
            </button>
            <span class="cap about">{about(&entry)}</span>
            <span class="row">
                <button type="button" class="btn small pin" aria-pressed=move || is_pinned().to_string() aria-label=move || wording::do_to(pin(), number) on:click=move |_| command(state, Command::Pin(number))>{pin}</button>
                <button type="button" class="btn small" aria-label=wording::do_to(wording::REMOVE, number) on:click=move |_| command(state, Command::Remove(number))>{wording::REMOVE}</button>
            </span>
        </article>
    }
}
