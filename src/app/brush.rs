//! A brush over a long response: which of its words the matrix and the graph draw.

use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::format;
use super::state::{Slot, State};
use crate::share::window::{LONG, Window, outline, profile};
use crate::wording::brush as wording;

/// What the pointer moves.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Drag {
    Start,
    End,
    /// All of it, taken at so many words from its first.
    Whole(usize),
    /// A new one, from this word on.
    From(usize),
}

fn count(half: Slot) -> usize {
    half.view.with(|v| v.columns.len())
}

/// Chooses a part of the response of `half`, and of the other model's where that is the same text.
fn choose(state: State, half: Slot, window: Option<Window>) {
    let texts = |slot: Slot| slot.view.with_untracked(|v| v.columns.iter().map(|c| c.text.clone()).collect::<Vec<_>>());
    half.window.set(window);
    let other = state.slot(half.side.other());
    if texts(half) == texts(other) {
        other.window.set(window);
    }
}

/// The strip of a response that is long, with what it says; nothing for a shorter one.
#[component]
pub fn Brush(state: State, half: Slot) -> impl IntoView {
    // another run is seen from its beginning
    Effect::new(move |_| {
        state.spec.track();
        half.window.set(None);
    });
    let long = move || count(half) > LONG;
    view! { <Show when=long><Strip state half/></Show> }
}

#[component]
fn Strip(state: State, half: Slot) -> impl IntoView {
    let strip = NodeRef::<Div>::new();
    let drag = StoredValue::new(None::<Drag>);
    let seen = move || half.seen();
    let set = move |window: Window| choose(state, half, Some(window));
    let word = move |e: &leptos::ev::PointerEvent| {
        let frame = strip.get_untracked()?.get_bounding_client_rect();
        let count = untrack(|| count(half));
        let share = (f64::from(e.client_x()) - frame.left()) / frame.width().max(1.0);
        Some(((share.clamp(0.0, 1.0) * count as f64) as usize).min(count.saturating_sub(1)))
    };
    let follow = move |e: &leptos::ev::PointerEvent| {
        let (Some(at), Some(what)) = (word(e), drag.get_value()) else { return };
        let (now, count) = untrack(|| (half.seen(), count(half)));
        set(match what {
            Drag::Start => now.from(at, count),
            Drag::End => now.to(at, count),
            Drag::Whole(grip) => now.moved(at as isize - grip as isize - now.start as isize, count),
            Drag::From(first) => Window::between(first, at, count),
        });
    };
    let on_down = move |e: leptos::ev::PointerEvent| {
        let (Some(at), now) = (word(&e), untrack(seen)) else { return };
        let target = e.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
        let is = |class: &str| target.as_ref().is_some_and(|t| t.class_list().contains(class));
        let all = untrack(|| count(half)) == now.len();
        let what = match () {
            () if is("first") => Drag::Start,
            () if is("last") => Drag::End,
            () if is("part") && !all => Drag::Whole(at.saturating_sub(now.start)),
            () => Drag::From(at),
        };
        drag.set_value(Some(what));
        if let Some(strip) = strip.get_untracked() {
            let _ = strip.set_pointer_capture(e.pointer_id()); // without it, the drag ends at the strip's edge
        }
    };
    let on_move = move |e: leptos::ev::PointerEvent| follow(&e);
    let on_up = move |_| drag.set_value(None);
    let on_key = move |first: bool, e: leptos::ev::KeyboardEvent| {
        let (now, count) = untrack(|| (half.seen(), count(half)));
        let end = |at: usize| if first { now.from(at, count) } else { now.to(at, count) };
        let at = if first { now.start } else { now.end.saturating_sub(1) };
        let next = match e.key().as_str() {
            "ArrowLeft" | "ArrowDown" => end(at.saturating_sub(1)),
            "ArrowRight" | "ArrowUp" => end(at + 1),
            "PageDown" => now.moved(now.len() as isize, count),
            "PageUp" => now.moved(-(now.len() as isize), count),
            "Home" => end(0),
            "End" => end(count),
            "Escape" => Window::all(count),
            _ => return,
        };
        e.prevent_default();
        set(next);
    };
    let share = move |at: usize| 100.0 * at as f64 / count(half).max(1) as f64;
    let slider = move |first: bool| {
        let at = move || if first { seen().start } else { seen().end.saturating_sub(1) };
        let words = move || {
            let text = half.view.with(|v| v.columns.get(at()).map(|c| format::label(c.text.trim(), 30)));
            wording::at_word(at() + 1, &text.unwrap_or_default())
        };
        let edge = move || share(if first { seen().start } else { seen().end });
        view! {
            <span
                class="end" class:first=first class:last=!first role="slider" tabindex="0" style=move || format!("left:{:.2}%", edge())
                aria-label=if first { wording::FIRST_WORD } else { wording::LAST_WORD } aria-valuemin="1" aria-valuemax=move || count(half).to_string()
                aria-valuenow=move || (at() + 1).to_string() aria-valuetext=words on:keydown=move |e| on_key(first, e)
            ></span>
        }
    };
    let part = move || format!("left:{:.2}%;width:{:.2}%", share(seen().start), share(seen().len()));
    let says = move || match (seen(), count(half)) {
        (seen, all) if seen.len() == all => wording::all(all),
        (seen, all) => wording::part(seen.start + 1, seen.end, all),
    };
    let is_part = move || seen().len() < count(half);
    let show_all = move |_| set(Window::all(untrack(|| count(half))));
    let bars = move || half.view.with(|v| outline(&profile(v)));
    view! {
        <div class="brush" role="group" aria-label=wording::of_response(half.side.name()) title=wording::ABOUT>
            <style>{move || marked(half)}</style>
            <div class="brush-strip" node_ref=strip on:pointerdown=on_down on:pointermove=on_move on:pointerup=on_up on:pointercancel=on_up>
                <svg viewBox=move || format!("0 0 {} 1", count(half).max(1)) preserveAspectRatio="none" aria-hidden="true"><path d=bars></path></svg>
                <span class="part" style=part></span>
                {slider(true)}{slider(false)}
            </div>
            <p class="cap"><span role="status">{says}</span><Show when=is_part>" · "<button type="button" class="link" on:click=show_all>{wording::SHOW_ALL}</button></Show></p>
        </div>
    }
}

/// The rule that marks in the text what is drawn, while that is a part.
fn marked(half: Slot) -> String {
    let (seen, all) = (half.seen(), count(half));
    if seen.len() == all {
        return String::new();
    }
    let (card, from, to) = (half.side.key(), seen.start + 1, seen.end);
    format!(
        "#card-{card} .response .tok:nth-child(n+{from} of .tok):nth-child(-n+{to} of .tok){{box-shadow:0 2px var(--ink-3)}}"
    )
}

/// The response's text, over which a part can be chosen by a drag from word to word.
#[component]
pub fn BrushedText(state: State, half: Slot, children: Children) -> impl IntoView {
    let from = StoredValue::new(None::<usize>);
    let word = |e: &leptos::ev::PointerEvent| {
        let target: web_sys::Element = e.target()?.dyn_into().ok()?;
        target.closest("[data-i]").ok().flatten()?.get_attribute("data-i")?.parse::<usize>().ok()
    };
    let on_down = move |e: leptos::ev::PointerEvent| {
        let long = untrack(|| count(half)) > LONG && e.pointer_type() == "mouse"; // a finger scrolls
        from.set_value(word(&e).filter(|_| long));
    };
    let on_move = move |e: leptos::ev::PointerEvent| {
        if e.buttons() == 1
            && let (Some(first), Some(at)) = (from.get_value(), word(&e))
            && first != at
        {
            choose(state, half, Some(Window::between(first, at, untrack(|| count(half)))));
        }
    };
    view! { <div on:pointerdown=on_down on:pointermove=on_move on:pointerup=move |_| from.set_value(None)>{children()}</div> }
}
