//! Where an edit is asked for: at the chosen word of a prompt, or with the Delete key on one.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::app::focus;
use crate::app::state::{Side, Slot, State};
use crate::app::why::can_be_asked;
use crate::page::edited::{Ask, Change, word_of};
use crate::page::runs::Which;
use crate::page::{Msg, Wish};
use crate::wording::edited as wording;

/// The panel's element, which the keyboard goes to.
pub const PANEL: &str = "edited";

/// Asks for an edit of the word of row `row`.
fn ask(state: State, half: Slot, row: usize, change: Change) {
    let found = state.shell.with(|page| {
        let round = &page.runs.round;
        let label = half.view.with_untracked(|view| view.rows.get(row).cloned())?;
        // what belongs to the template is no part of the prompt, which is said
        let word = word_of(round.half(half.side), &round.spec, &label).unwrap_or((0..0, label.text));
        Some((Which::of(round, half.side)?, word))
    });
    let Some((which, (span, word))) = found else { return };
    state.dispatch(Msg::Wish(Wish::Edited(Box::new(Ask { which, span, word, change }))));
    if state.edited.refused.with_untracked(Option::is_none) {
        focus(PANEL);
    }
}

/// The prompt's text, in which the Delete key takes the word out that has the focus.
#[component]
pub fn EditableWords(state: State, half: Slot, children: Children) -> impl IntoView {
    let on_key = move |e: leptos::ev::KeyboardEvent| {
        if !matches!(e.key().as_str(), "Delete" | "Backspace") || !untrack(|| can_be_asked(state, half)) {
            return;
        }
        let target = e.target().and_then(|t| t.dyn_into::<web_sys::HtmlElement>().ok());
        if let Some(row) = target.and_then(|t| t.dataset().get("i")).and_then(|i| i.parse().ok()) {
            e.prevent_default();
            ask(state, half, row, Change::TakeOut);
        }
    };
    view! { <div on:keydown=on_key>{children()}</div> }
}

/// What can be done with the word that is chosen, and why an edit cannot be made.
#[component]
pub fn WordEdit(state: State, half: Slot) -> impl IntoView {
    let key = half.side.key();
    let typed = RwSignal::new(String::new());
    let chosen = Memo::new(move |_| {
        let row = half.selection.get().row?;
        let label = half.view.with(|view| view.rows.get(row).cloned())?;
        let word = half.run.with(|run| state.spec.with(|spec| word_of(run, spec, &label)));
        word.filter(|_| can_be_asked(state, half)).map(|(_, word)| (row, word))
    });
    let row = move || chosen.get_untracked().map(|(row, _)| row);
    let take_out = move |_| {
        if let Some(row) = row() {
            ask(state, half, row, Change::TakeOut);
        }
    };
    let replace = move |e: leptos::ev::SubmitEvent| {
        e.prevent_default();
        if let Some(row) = row() {
            ask(state, half, row, Change::Replace(typed.get_untracked()));
        }
    };
    let what_if =
        move || chosen.with(|c| c.as_ref().map(|(_, word)| wording::what_if(&crate::app::format::label(word, 40))));
    view! {
        <Show when=move || chosen.with(Option::is_some)>
            <form class="word-edit" id=format!("word-edit-{key}") on:submit=replace>
                <span class="cap">{what_if}</span>
                <button type="button" class="btn small" id=format!("take-out-{key}") title=wording::ABOUT_TAKE_OUT on:click=take_out>{wording::TAKE_OUT}</button>
                <label class="cap">{wording::REPLACE_BY}" "<input type="text" class="word" placeholder=wording::ANOTHER_WORD prop:value=typed on:input=move |e| typed.set(event_target_value(&e))/></label>
                <button class="btn small" id=format!("replace-{key}")>{wording::REPLACE}</button>
            </form>
        </Show>
        <Refused state side=half.side/>
    }
}

#[component]
fn Refused(state: State, side: Side) -> impl IntoView {
    let why = move || {
        let refused = state.edited.refused.get();
        refused.filter(|(which, _)| which.side == side).map(|(_, why)| view! { <p class="error">{why}</p> })
    };
    view! { <div role="status" id=format!("refused-{}", side.key())>{why}</div> }
}
