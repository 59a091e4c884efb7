//! The top bar: which models, export, theme.

use leptos::prelude::*;

use super::backend::BackendBadge;
use super::state::{Side, Slot, State};
use super::{document, format, memory};
use crate::protocol::Stage;
use crate::wording::frame as wording;

/// A ring for the base, a disc for the tuned model: told apart by mark and name, never by hue.
#[component]
pub fn Mark(side: Side) -> impl IntoView {
    let class = match side {
        Side::Base => "dot",
        Side::Tuned => "dot tuned",
    };
    view! { <i class=class aria-hidden="true"></i> }
}

/// The top bar.
#[component]
pub fn Header(state: State) -> impl IntoView {
    let can_export = move || state.slots().iter().any(|s| s.run.with(|r| r.report.is_some()));
    view! {
        <header>
            <div class="brand">{wording::SHIFT}<span>{wording::LENS}</span></div>
            <button class="pair" id="open-models" aria-haspopup="dialog" title=wording::CHOOSE_THE_MODELS on:click=move |_| state.models_open.set(true)>
                <SlotChip half=state.base/>
                <SlotChip half=state.tuned/>
                <span class="change">{wording::CHANGE}</span>
            </button>
            <BackendBadge state/>
            <span class="grow"></span>
            <button class="btn" id="learn" aria-haspopup="dialog" on:click=move |_| state.learn_open.set(true)>{wording::LEARN}</button>
            <button class="btn" id="share" aria-haspopup="dialog" disabled=move || !can_export() on:click=move |_| state.share_open.set(true)>{wording::SHARE}</button>
            <ThemeButton state/>
        </header>
    }
}

#[component]
fn SlotChip(half: Slot) -> impl IntoView {
    let text = move || {
        half.model.with(|m| match (&m.loading, &m.info) {
            (Some((_, Some(p))), _) if p.total > 0 => {
                let verb = match p.stage {
                    Stage::Download => wording::DOWNLOADING,
                    Stage::Keep => wording::STORING,
                    _ => wording::OPENING,
                };
                wording::loading(verb, p.done * 100 / p.total)
            }
            (Some(_), _) => wording::OPENING_NOW.to_owned(),
            (None, Some(i)) => wording::model(&format::label(&i.name, 28), &i.quantization),
            (None, None) if m.failure.is_some() => wording::NO_MODEL.to_owned(),
            (None, None) => wording::NOT_LOADED_YET.to_owned(),
        })
    };
    let class =
        move || if half.model.with(|m| m.failure.is_some() && m.info.is_none()) { "slot failed" } else { "slot" };
    view! {
        <span class=class>
            <Mark side=half.side/>
            <b>{half.side.name()}</b>
            <span class="cap" id=format!("chip-{}", half.side.key())>{text}</span>
        </span>
    }
}

#[component]
fn ThemeButton(state: State) -> impl IntoView {
    let system_dark =
        super::window().match_media("(prefers-color-scheme: dark)").ok().flatten().is_some_and(|m| m.matches());
    let remembered = memory::get("shiftlens.theme");
    let dark = RwSignal::new(remembered.map_or(system_dark, |t| t == "dark"));
    Effect::new(move |_| {
        let theme = if dark.get() { "dark" } else { "light" };
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("data-theme", theme);
        }
        super::canvas::theme_changed();
    });
    let toggle = move |_| {
        dark.update(|d| *d = !*d);
        memory::keep(state, "shiftlens.theme", if dark.get_untracked() { "dark" } else { "light" });
    };
    view! { <button class="btn" id="theme" on:click=toggle>{move || if dark.get() { wording::LIGHT } else { wording::DARK }}</button> }
}
