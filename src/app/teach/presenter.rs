//! The presenter's view: one picture at a time, filling the window, in type that is read from the back row.

use leptos::html::{Dialog, Div};
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::slides::{Slide, slides};
use crate::app::dialog::follow;
use crate::app::document;
use crate::app::state::State;
use crate::wording::{common, teach as wording};

/// Smallest and largest type, pixels.
const TYPE: (f64, f64) = (13.0, 46.0);

/// Sets the largest type in which `body` does not overflow.
fn fit(body: &web_sys::HtmlElement) {
    let fits = |size: f64| {
        let _ = body.style().set_property("font-size", &format!("{size}px"));
        body.scroll_height() <= body.client_height() && body.scroll_width() <= body.client_width()
    };
    let (mut least, mut most) = TYPE;
    if fits(most) {
        return;
    }
    while most - least > 0.5 {
        let middle = (least + most) / 2.0;
        if fits(middle) {
            least = middle;
        } else {
            most = middle;
        }
    }
    fits(least);
}

fn full_screen() {
    match document().fullscreen_element() {
        Some(_) => document().exit_fullscreen(),
        None => {
            if let Some(root) = document().document_element() {
                let _ = root.request_fullscreen(); // a browser that refuses stays as it is
            }
        }
    }
}

/// The view.
#[component]
pub fn Presenter(state: State) -> impl IntoView {
    let (dialog, body) = (NodeRef::<Dialog>::new(), NodeRef::<Div>::new());
    let on = state.presenting;
    let at = RwSignal::new(0usize);
    let all = Memo::new(move |_| if on.get() { slides(state) } else { Vec::new() });
    let now = Memo::new(move |_| all.with(|all| all.get(at.get().min(all.len().saturating_sub(1))).copied()));
    follow(dialog, on, move || at.set(0));
    let refit = move || {
        request_animation_frame(move || {
            if let Some(body) = body.get_untracked() {
                fit(body.unchecked_ref());
            }
        });
    };
    Effect::new(move |_| {
        now.track();
        // its text and colours change while it is shown
        state.slots().iter().for_each(|s| {
            s.run.track();
            s.selection.track();
        });
        refit();
    });
    let resized = window_event_listener(leptos::ev::resize, move |_| refit());
    on_cleanup(move || resized.remove());
    let step = move |by: isize| {
        let last = all.with_untracked(Vec::len).saturating_sub(1);
        at.update(|at| *at = at.saturating_add_signed(by).min(last));
    };
    // on the window: the focus may be anywhere, or nowhere
    let on_key = move |e: leptos::ev::KeyboardEvent| {
        if !on.get_untracked() || e.default_prevented() || e.ctrl_key() || e.alt_key() || e.meta_key() {
            return; // arrow keys walk the words of a text that has the focus
        }
        let in_button = e
            .target()
            .and_then(|t| t.dyn_into::<web_sys::Element>().ok())
            .is_some_and(|t| t.matches("button").unwrap_or(false));
        match e.key().as_str() {
            "ArrowRight" | "ArrowDown" | "PageDown" | "n" => step(1),
            " " if !in_button => step(1),
            "ArrowLeft" | "ArrowUp" | "PageUp" | "p" => step(-1),
            "Home" => at.set(0),
            "End" => step(isize::MAX),
            "f" => full_screen(),
            _ => return,
        }
        e.prevent_default();
    };
    let keys = window_event_listener(leptos::ev::keydown, on_key);
    on_cleanup(move || keys.remove());
    let leave = move || {
        on.set(false);
        if document().fullscreen_element().is_some() {
            document().exit_fullscreen();
        }
    };
    let count = move || all.with(Vec::len);
    let last = move || at.get() + 1 >= count();
    let place = move || common::of_all(at.get().min(count().saturating_sub(1)) + 1, count());
    view! {
        <dialog node_ref=dialog id="presenter" aria-label=wording::PRESENTER on:close=move |_| leave()>
            <h2 class="slide-title">{move || now.get().map_or(wording::PRESENT, Slide::title)}</h2>
            <div node_ref=body class="slide" id="slide">
                {move || match now.get() {
                    Some(slide) => slide.draw(state).into_any(),
                    None => view! { <p class="empty">{wording::NOTHING_TO_PRESENT}</p> }.into_any(),
                }}
            </div>
            <nav class="slide-keys" aria-label=wording::STEPS>
                <button class="btn" id="slide-back" aria-disabled=move || (at.get() == 0).to_string() on:click=move |_| step(-1)>{wording::SLIDE_BACK}</button>
                <span class="cap" role="status" id="slide-place">{place}</span>
                <button class="btn primary" id="slide-next" autofocus aria-disabled=move || last().to_string() on:click=move |_| step(1)>{wording::SLIDE_NEXT}</button>
                <span class="cap keys">{wording::KEYS}</span>
                <span class="grow"></span>
                <button class="btn" id="slide-full" on:click=move |_| full_screen()>{wording::FULL_SCREEN}</button>
                <button class="btn" id="slide-leave" on:click=move |_| leave()>{wording::LEAVE}</button>
            </nav>
        </dialog>
    }
}
