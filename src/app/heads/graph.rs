//! The chosen head as a graph: drag a word, drag the ground, zoom, search.

use leptos::html::Div;
use leptos::prelude::*;
use leptos::svg::Svg;
use wasm_bindgen::JsCast;

use crate::app::matrix::watch_width;
use crate::explain::weights::compare::HeadChange;
use crate::explain::weights::graph::{Graph, Origin, width};
use crate::wording::heads as wording;

/// Relations drawn.
const MOST: usize = 60;

/// What part of the picture is seen.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Window {
    x: f32,
    y: f32,
    /// Picture pixels for a screen pixel.
    scale: f32,
}

/// The tallest picture, screen pixels.
const HIGHEST: f32 = 640.0;

/// The window that shows all of `graph` in a frame `wide` pixels wide.
fn whole(graph: &Graph, wide: f32) -> Window {
    Window { x: 0.0, y: 0.0, scale: (graph.size.0 / wide).max(graph.size.1 / HIGHEST).max(1.0) }
}

/// Beyond this scale words are too small to read.
const LEGIBLE: f32 = 1.3;

/// The window to begin with: all of `graph` if it can be read, else as much of it as can be.
fn first(graph: &Graph, wide: f32) -> Window {
    let whole = whole(graph, wide);
    Window { scale: whole.scale.min(LEGIBLE), ..whole }
}

/// What the pointer drags, and where it was last.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Drag {
    Word(usize),
    Ground,
}

/// The graph.
#[component]
pub fn HeadGraph(change: Memo<Option<HeadChange>>) -> impl IntoView {
    let (frame, svg) = (NodeRef::<Div>::new(), NodeRef::<Svg>::new());
    let wide = RwSignal::new(0.0);
    let graph = RwSignal::new(Graph::default());
    let window = RwSignal::new(Window { x: 0.0, y: 0.0, scale: 1.0 });
    let (most, sought) = (RwSignal::new(MOST), RwSignal::new(String::new()));
    let drag = StoredValue::new(None::<(Drag, f32, f32)>);
    watch_width(frame, wide);
    Effect::new(move |_| {
        let wide = wide.get() as f32;
        if wide > 0.0 {
            graph.set(
                change.with(|c| c.as_ref().map_or_else(Graph::default, |c| Graph::of(c, most.get(), (wide, HIGHEST)))),
            );
            window.set(graph.with_untracked(|g| first(g, wide)));
        }
    });
    let height =
        move || graph.with(|g| g.size.1 / (g.size.0 / wide.get() as f32).clamp(1.0, LEGIBLE)).clamp(160.0, HIGHEST);
    let view_box = move || {
        let w = window.get();
        format!("{} {} {} {}", w.x, w.y, wide.get() as f32 * w.scale, height() * w.scale)
    };
    let zoom = move |factor: f32, at: Option<(f32, f32)>| {
        window.update(|w| {
            let scale = (w.scale * factor).clamp(0.25, 3.0);
            let (x, y) = at.unwrap_or((wide.get_untracked() as f32 / 2.0, height() / 2.0));
            // the point under the pointer stays where it is
            *w = Window { x: w.x + x * (w.scale - scale), y: w.y + y * (w.scale - scale), scale };
        });
    };
    let on_wheel = move |e: leptos::ev::WheelEvent| {
        if e.ctrl_key() || e.meta_key() {
            e.prevent_default();
            zoom(if e.delta_y() > 0.0 { 1.15 } else { 1.0 / 1.15 }, Some((e.offset_x() as f32, e.offset_y() as f32)));
        }
    };
    let on_down = move |e: leptos::ev::PointerEvent| {
        let word = e.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
        let word =
            word.and_then(|t| t.closest("[data-word]").ok()?).and_then(|t| t.get_attribute("data-word")?.parse().ok());
        drag.set_value(Some((word.map_or(Drag::Ground, Drag::Word), e.client_x() as f32, e.client_y() as f32)));
        if let Some(svg) = svg.get_untracked() {
            let _ = svg.set_pointer_capture(e.pointer_id());
        }
    };
    let on_move = move |e: leptos::ev::PointerEvent| {
        let Some((what, x, y)) = drag.get_value() else { return };
        let (now_x, now_y) = (e.client_x() as f32, e.client_y() as f32);
        let scale = window.get_untracked().scale;
        let (dx, dy) = ((now_x - x) * scale, (now_y - y) * scale);
        match what {
            Drag::Word(i) => graph.update(|g| {
                if let Some(place) = g.places.get_mut(i) {
                    *place = (place.0 + dx, place.1 + dy);
                }
            }),
            Drag::Ground => window.update(|w| (w.x, w.y) = (w.x - dx, w.y - dy)),
        }
        drag.set_value(Some((what, now_x, now_y)));
    };
    let on_up = move |_: leptos::ev::PointerEvent| drag.set_value(None);
    let found = move || {
        let sought = sought.get().trim().to_lowercase();
        graph.with(|g| g.words.iter().filter(|w| !sought.is_empty() && w.to_lowercase().contains(&sought)).count())
    };
    view! {
        <div class="graph" node_ref=frame>
            <div class="bar">
                <label>{wording::FIND}<input type="search" class="word" id="graph-find" autocomplete="off" prop:value=sought on:input=move |e| sought.set(event_target_value(&e))/></label>
                <span class="cap" aria-live="polite">{move || if sought.get().trim().is_empty() { String::new() } else { wording::found(found()) }}</span>
                <label>{wording::PAIRS}<input type="range" min="10" max="120" step="10" aria-label=wording::PAIRS_DRAWN prop:value=move || most.get().to_string() on:input=move |e| if let Ok(n) = event_target_value(&e).parse() { most.set(n) }/><output>{most}</output></label>
                <span class="grow"></span>
                <span class="row">
                    <button type="button" class="btn small" aria-label=wording::ZOOM_IN on:click=move |_| zoom(0.8, None)>"+"</button>
                    <button type="button" class="btn small" aria-label=wording::ZOOM_OUT on:click=move |_| zoom(1.25, None)>"−"</button>
                    <button type="button" class="btn small" on:click=move |_| window.set(graph.with_untracked(|g| whole(g, wide.get_untracked() as f32)))>{wording::FIT_TO_VIEW}</button>
                </span>
            </div>
            <div class="legend">
                <span class="row"><i class="edge tuned" aria-hidden="true"></i>{wording::TUNED_ONLY}</span>
                <span class="row"><i class="edge base" aria-hidden="true"></i>{wording::BASE_ONLY}</span>
                <span class="row"><i class="edge both" aria-hidden="true"></i>{wording::BOTH}</span>
                <span class="hint">{wording::ABOUT_GRAPH}</span>
            </div>
            <Show when=move || graph.with(|g| !g.words.is_empty()) fallback=|| view! { <p class="empty">{wording::NO_PAIRS}</p> }>
                <svg
                    node_ref=svg class="net" role="img" aria-label=wording::GRAPH viewBox=view_box
                    style=move || format!("height:{}px", height()) on:wheel=on_wheel on:pointerdown=on_down on:pointermove=on_move on:pointerup=on_up on:pointercancel=on_up
                >
                    <defs>{["tuned", "base", "both"].map(|c| view! {
                        <marker id=format!("arrow-{c}") class=format!("arrow {c}") viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z"/></marker>
                    }).collect_view()}</defs>
                    {move || graph.with(edges)}
                    {move || { let sought = sought.get().trim().to_lowercase(); graph.with(|g| nodes(g, &sought)) }}
                </svg>
            </Show>
        </div>
    }
}

fn class(origin: Origin) -> &'static str {
    match origin {
        Origin::Base => "base",
        Origin::Tuned => "tuned",
        Origin::Both => "both",
    }
}

/// Where the line between two words leaves the box of `word`, `(dx, dy)` away from its middle.
fn border(word: &str, dx: f32, dy: f32) -> (f32, f32) {
    let (half_wide, half_high) = (width(word) / 2.0 - 3.0, 10.0);
    let reach = (half_wide / dx.abs().max(1e-3)).min(half_high / dy.abs().max(1e-3)).min(1.0);
    (dx * reach, dy * reach)
}

fn edges(g: &Graph) -> impl IntoView + use<> {
    let line = |e: &crate::explain::weights::graph::Edge| {
        let ((x1, y1), (x2, y2)) = (g.places[e.from], g.places[e.to]);
        let (dx, dy) = (x2 - x1, y2 - y1);
        let ((ax, ay), (bx, by)) = (border(&g.words[e.from], dx, dy), border(&g.words[e.to], -dx, -dy));
        let class = class(e.origin);
        view! {
            <line class=format!("edge {class}") x1=x1 + ax y1=y1 + ay x2=x2 + bx y2=y2 + by marker-end=format!("url(#arrow-{class})")/>
        }
    };
    g.edges.iter().map(line).collect_view()
}

fn nodes(g: &Graph, sought: &str) -> impl IntoView + use<> {
    let node = |(i, word): (usize, &String)| {
        let ((x, y), wide) = (g.places[i], width(word) - 6.0);
        let found = !sought.is_empty() && word.to_lowercase().contains(sought);
        view! {
            <g class="word" class:found=found class:dim=!sought.is_empty() && !found data-word=i.to_string() transform=format!("translate({x} {y})")>
                <rect x=-wide / 2.0 y="-10" width=wide height="20" rx="4"></rect>
                <text text-anchor="middle" y="4">{word.clone()}</text>
            </g>
        }
    };
    g.words.iter().enumerate().map(node).collect_view()
}
