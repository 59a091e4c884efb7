//! What a panel's words mean, behind one question mark; what a picture does not show, beneath it.

use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;

use crate::app::window;
use crate::teach::terms::{Panel, Picture};
use crate::wording::teach as wording;

/// The size of an explanation, at most, and how far it keeps from its button and the window's edge, pixels.
const WIDE: f64 = 360.0;
const HIGH: f64 = 440.0;
const GAP: f64 = 6.0;
const EDGE: f64 = 8.0;

/// A question mark that opens the meaning of all words of a panel. Escape or a press elsewhere closes it.
#[component]
pub fn Explain(of: Panel) -> impl IntoView {
    let (popover, button) = (NodeRef::<Div>::new(), NodeRef::<leptos::html::Button>::new());
    let open = RwSignal::new(false);
    // where the stylesheet cannot place it beside its button
    let toggle = move |_| {
        if web_sys::css::supports_with_value("position-area", "bottom").unwrap_or(false) {
            return;
        }
        if let (Some(popover), Some(button)) = (popover.get_untracked(), button.get_untracked()) {
            place(&popover, &button.get_bounding_client_rect());
        }
    };
    let toggled = move |e: leptos::ev::Event| {
        let state = js_sys::Reflect::get(&e, &"newState".into()).ok().and_then(|s| s.as_string());
        open.set(state.as_deref() == Some("open"));
    };
    let id = format!("words-{}-{}", of as usize, next());
    view! {
        <button
            node_ref=button type="button" class="what" popovertarget=id.clone() aria-expanded=move || open.get().to_string()
            aria-label=wording::what_words_mean(of.name()) on:click=toggle
        >"?"</button>
        // more words than fit are scrolled, also by keyboard
        <div node_ref=popover id=id popover="auto" class="meaning" role="note" tabindex="0" aria-label=wording::what_words_mean(of.name()) on:toggle=toggled>
            <dl>{of.terms().iter().map(|term| view! { <dt>{term.name()}</dt><dd>{term.plain()}</dd> }).collect_view()}</dl>
        </div>
    }
}

/// Puts `popover` below what is at `button`, or above it if there is more room.
fn place(popover: &web_sys::HtmlElement, button: &web_sys::DomRect) {
    let size = |of: Result<JsValue, JsValue>| of.ok().and_then(|s| s.as_f64());
    let wide = size(window().inner_width()).unwrap_or(WIDE);
    let high = size(window().inner_height()).unwrap_or(HIGH);
    let (above, below) = (button.top(), high - button.bottom());
    let style = popover.style();
    let pixels = |name: &str, value: f64| drop(style.set_property(name, &format!("{value}px")));
    pixels("left", button.left().min(wide - WIDE - EDGE).max(EDGE));
    pixels("max-height", (above.max(below) - GAP - EDGE).min(HIGH));
    let _ = style.set_property(if below >= above { "bottom" } else { "top" }, "auto");
    match below >= above {
        true => pixels("top", button.bottom() + GAP),
        false => pixels("bottom", high - above + GAP),
    }
}

/// A number that no other has had: the same panel can be there twice.
fn next() -> u32 {
    thread_local!(static LAST: std::cell::Cell<u32> = const { std::cell::Cell::new(0) });
    LAST.with(|last| {
        last.set(last.get() + 1);
        last.get()
    })
}

/// What a picture does not show.
#[component]
pub fn NotShown(of: Picture) -> impl IntoView {
    view! {
        <details class="fold not-shown">
            <summary>{wording::NOT_SHOWN}</summary>
            <ul>{of.limits().iter().map(|l| view! { <li>{*l}</li> }).collect_view()}</ul>
        </details>
    }
}
