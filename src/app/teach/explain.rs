//! What a word means, beside the word; what a picture does not show, beneath it.

use leptos::html::Div;
use leptos::prelude::*;

use crate::app::window;
use crate::teach::terms::{Picture, Term};
use crate::wording::teach as wording;

/// Widest explanation, and how far it keeps from the window's edge, pixels.
const WIDE: f64 = 320.0;
const EDGE: f64 = 8.0;

/// A question mark that opens the meaning of `term`. Escape or a press elsewhere closes it.
#[component]
pub fn Explain(term: Term) -> impl IntoView {
    let (popover, button) = (NodeRef::<Div>::new(), NodeRef::<leptos::html::Button>::new());
    let open = RwSignal::new(false);
    // where the stylesheet cannot place it beside its button
    let toggle = move |_| {
        if web_sys::css::supports_with_value("top", "anchor(bottom)").unwrap_or(false) {
            return;
        }
        let (Some(popover), Some(button)) = (popover.get_untracked(), button.get_untracked()) else { return };
        let at = button.get_bounding_client_rect();
        let wide = window().inner_width().ok().and_then(|w| w.as_f64()).unwrap_or(WIDE);
        let left = at.left().min(wide - WIDE - EDGE).max(EDGE);
        let style = web_sys::HtmlElement::style(&popover);
        let _ = style.set_property("left", &format!("{left}px"));
        let _ = style.set_property("top", &format!("{}px", at.bottom() + 6.0));
    };
    let toggled = move |e: leptos::ev::Event| {
        let state = js_sys::Reflect::get(&e, &"newState".into()).ok().and_then(|s| s.as_string());
        open.set(state.as_deref() == Some("open"));
    };
    let id = format!("term-{}-{}", term as usize, next());
    view! {
        <button
            node_ref=button type="button" class="what" popovertarget=id.clone() aria-expanded=move || open.get().to_string()
            aria-label=wording::what_is(term.name()) on:click=toggle
        >"?"</button>
        <div node_ref=popover id=id popover="auto" class="meaning" role="note" on:toggle=toggled>
            <strong>{term.name()}</strong><p>{term.plain()}</p>
        </div>
    }
}

/// A number that no other has had: the same term can be explained in several places.
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
