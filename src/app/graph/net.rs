//! A graph on the page: SVG, and what singles out a word or a ribbon by pointer and keyboard.

use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::app::matrix::watch_width;
use crate::share::graph::{Colours, Layout, Pointed, Step, Word, drawing, emphasis};
use crate::wording::common;

/// "r3" or "c12", as the drawing names its words.
fn word(name: &str) -> Option<Word> {
    let at = name.get(1..)?.parse().ok()?;
    match name.get(..1)? {
        "r" => Some(Word::Row(at)),
        "c" => Some(Word::Column(at)),
        _ => None,
    }
}

/// What lies under the pointer.
fn under(e: &web_sys::Event) -> Option<Pointed> {
    let target: web_sys::Element = e.target()?.dyn_into().ok()?;
    let of = |name: &str| target.closest(&format!("[{name}]")).ok().flatten()?.get_attribute(name);
    match of("data-word") {
        Some(name) => word(&name).map(Pointed::Word),
        None => of("data-ribbon")?.parse().ok().map(Pointed::Ribbon),
    }
}

fn step(key: &str) -> Option<Step> {
    Some(match key {
        "ArrowUp" => Step::Back,
        "ArrowDown" => Step::On,
        "ArrowLeft" => Step::Prompt,
        "ArrowRight" => Step::Response,
        "Home" => Step::First,
        "End" => Step::Last,
        _ => return None,
    })
}

/// The drawing of `layout`; `width` is kept at its frame's width. `said` puts into words what is pointed at.
#[component]
pub fn Net(
    id: &'static str,
    name: String,
    width: RwSignal<f64>,
    layout: Signal<Layout>,
    differs: bool,
    #[prop(into)] chosen: Signal<Option<Word>>,
    choose: impl Fn(Option<Word>) + Copy + Send + Sync + 'static,
    said: impl Fn(Option<Pointed>) -> String + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let frame = NodeRef::<Div>::new();
    watch_width(frame, width);
    let hover = RwSignal::new(None::<Pointed>);
    let pointed = Memo::new(move |_| hover.get().or(chosen.get().map(Pointed::Word)));
    let point = move |e: leptos::ev::PointerEvent| {
        let now = under(&e);
        if hover.get_untracked() != now {
            hover.set(now);
        }
    };
    let on_click = move |e: leptos::ev::MouseEvent| match under(&e) {
        Some(Pointed::Word(word)) if chosen.get_untracked() != Some(word) => choose(Some(word)),
        Some(Pointed::Ribbon(_)) => {}
        _ => choose(None),
    };
    let at = move || match pointed.get_untracked() {
        Some(Pointed::Word(word)) => Some(word),
        Some(Pointed::Ribbon(at)) => layout.with_untracked(|l| l.strips.get(at).map(|s| Word::Row(s.ribbon.row))),
        None => None,
    };
    let on_key = move |e: leptos::ev::KeyboardEvent| {
        match e.key().as_str() {
            "Enter" | " " => choose(at()),
            "Escape" => {
                if pointed.get_untracked().is_none() {
                    return; // it may close what the graph stands in
                }
                hover.set(None);
                choose(None);
            }
            key => match step(key) {
                Some(step) => hover.set(layout.with_untracked(|l| l.step(at(), step)).map(Pointed::Word)),
                None => return,
            },
        }
        e.prevent_default();
    };
    let svg = move || layout.with(|l| drawing(l, &Colours::PAGE, differs));
    let size = move |of: fn((f32, f32)) -> f32| layout.with(|l| of(l.size)).to_string();
    view! {
        <div class="graph-ends" aria-hidden="true"><span>{common::PROMPT}</span><span>{common::RESPONSE}</span></div>
        <div
            node_ref=frame id=id class="ribbons" tabindex="0" role="img" aria-label=name
            on:pointermove=point on:pointerleave=move |_| hover.set(None) on:focusout=move |_| hover.set(None)
            on:click=on_click on:keydown=on_key
        >
            <style>{move || layout.with(|l| emphasis(id, l, pointed.get()))}</style>
            // our own drawing, every text in it escaped
            <svg width=move || size(|s| s.0) height=move || size(|s| s.1) inner_html=svg></svg>
        </div>
        <p class="cap value" aria-live="polite">{move || said(pointed.get())}</p>
    }
}
