//! All heads of all layers on one text: small pictures of both models' attention, from which a head is opened.

use leptos::html::{Canvas, Div};
use leptos::prelude::*;

use super::View;
use super::tiles::{Tile, Tiles, draw};
use crate::app::canvas::follow_theme;
use crate::app::is_open;
use crate::app::matrix::watch_width;
use crate::app::share::picture::{Drawn, SavePicture, provenance};
use crate::app::state::{Side, State};
use crate::app::teach::Explain;
use crate::app::toolbar::Segmented;
use crate::app::weights;
use crate::page::weights::{Shown, Whose};
use crate::share::heads::{Head, Heads};
use crate::share::sheet::Legend;
use crate::teach::terms::Panel;
use crate::wording::{common, overview as wording};

/// Heads that are drawn before the user asks for more.
const DRAWN: usize = 300;

/// Which stand first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Order {
    #[default]
    Changed,
    Layer,
}

const ORDERS: &[(Order, &str)] = &[(Order::Changed, wording::CHANGED), (Order::Layer, wording::BY_LAYER)];

/// All heads that are known, in this order; those that cannot be compared stand last.
fn tiles(shown: &Shown, order: Order) -> Vec<Tile> {
    let count = shown.layers.iter().map(Vec::len).max().unwrap_or(0);
    let of_layer = |layer: usize| {
        let glances = shown.layers.each_ref().map(|layers| layers.get(layer).cloned().flatten());
        let apart = shown.apart.get(layer).cloned().flatten();
        let heads = glances.iter().flatten().map(|glance| glance.heads.len()).max().unwrap_or(0);
        (0..heads).map(move |head| Tile {
            layer,
            head,
            apart: apart.as_ref().and_then(|all| all.get(head).copied()),
            glances: glances.clone(),
        })
    };
    let mut all: Vec<Tile> = (0..count).flat_map(of_layer).collect();
    if order == Order::Changed {
        let moved = |tile: &Tile| tile.apart.unwrap_or(-1.0);
        all.sort_by(|a, b| moved(b).total_cmp(&moved(a)));
    }
    all
}

/// The section.
#[component]
pub fn Overview(state: State, view: View) -> impl IntoView {
    let open = RwSignal::new(false);
    let toggled = move |e| {
        open.set(is_open(&e));
        weights::overview(state, open.get_untracked());
    };
    view! {
        <details class="panel card overview" id="overview" on:toggle=toggled>
            <summary><h2>{wording::TITLE}</h2></summary>
            <Show when=move || open.get()><Inside state view/></Show>
        </details>
    }
}

#[component]
fn Inside(state: State, view: View) -> impl IntoView {
    let shown = state.weights.overview;
    let order = RwSignal::new(Order::default());
    let most = RwSignal::new(DRAWN);
    let all = Memo::new(move |_| shown.with(|shown| tiles(shown, order.get())));
    let nobodys = move || shown.with(|s| s.whose == Whose::Nobodys);
    let refused = move || {
        shown.with(|s| {
            let said = |side: Side| {
                s.refused[side.index()].as_ref().map(|why| common::of_model(side.name(), &why.to_string()))
            };
            Side::BOTH.into_iter().find_map(said)
        })
    };
    let reading = move || {
        shown.with(|s| {
            let count = |side: Side| {
                let layers = &s.layers[side.index()];
                let done = layers.iter().flatten().count();
                (done < layers.len()).then(|| wording::read_so_far(side.name(), done, layers.len()))
            };
            Side::BOTH.into_iter().filter_map(count).collect::<Vec<_>>().join(", ")
        })
    };
    let more = move || all.with(Vec::len) > most.get();
    view! {
        <p class="cap">{wording::ABOUT}" "<Explain of=Panel::Attention/></p>
        <p class="cap" id="about-sink">{wording::SINK}</p>
        <Show when=move || !nobodys() fallback=|| view! { <p class="empty">{crate::wording::heads::RUN_FIRST}</p> }>
            <p class="cap" id="overview-text">{move || shown.with(read)}</p>
            <div class="bar"><Segmented name=wording::ORDER options=ORDERS value=order set=move |o| order.set(o)/>
                <span class="hint" role="status">{reading}</span></div>
            {move || refused().map(|why| view! { <p class="error" role="status">{why}</p> })}
            <Pictures state view all most/>
            <SavePicture name="heads" make=move || picture(state, &all.get_untracked(), most.get_untracked())/>
            <Show when=more><p class="cap">{move || wording::drawn(most.get(), all.with(Vec::len))}" "<button type="button" class="link" on:click=move |_| most.update(|m| *m += DRAWN)>{wording::MORE}</button></p></Show>
            <Table state view all/>
        </Show>
    }
}

/// Who reads what, and what is compared.
fn read(shown: &Shown) -> String {
    let counts = shown.layers.each_ref().map(Vec::len);
    match shown.whose {
        Whose::Nobodys => String::new(),
        Whose::Own => wording::OTHER_TOKENS.to_owned(),
        Whose::Of(side) if counts[0] > 0 && counts[1] > 0 => {
            common::sentences(&[&wording::both_read(side.name(), shown.tokens[side.index()]), wording::MOVED])
        }
        Whose::Of(side) => wording::one_reads(side.name(), shown.tokens[side.index()]),
    }
}

#[component]
fn Pictures(state: State, view: View, all: Memo<Vec<Tile>>, most: RwSignal<usize>) -> impl IntoView {
    let (canvas, frame) = (NodeRef::<Canvas>::new(), NodeRef::<Div>::new());
    let width = RwSignal::new(0.0);
    watch_width(frame, width);
    let at = RwSignal::new(None::<usize>);
    let count = move || all.with_untracked(Vec::len).min(most.get_untracked());
    Effect::new(move |_| {
        follow_theme();
        let (Some(canvas), layout) = (canvas.get(), Tiles::of(width.get())) else { return };
        all.with(|all| draw(&canvas, layout, &all[..all.len().min(most.get())]));
    });
    let open = move |number: usize| {
        let Some((layer, head)) = all.with_untracked(|all| all.get(number).map(|t| (t.layer, t.head))) else { return };
        open_head(state, view, layer, head);
    };
    let under = move |e: &leptos::ev::MouseEvent| {
        Tiles::of(width.get_untracked()).at(f64::from(e.offset_x()), f64::from(e.offset_y())).filter(|n| *n < count())
    };
    let on_key = move |e: leptos::ev::KeyboardEvent| {
        let (last, columns) = (count().saturating_sub(1), Tiles::of(width.get_untracked()).columns);
        let now = at.get_untracked();
        let step = |by: isize| now.map_or(0, |n| n.saturating_add_signed(by).min(last));
        let next = match e.key().as_str() {
            "ArrowRight" => step(1),
            "ArrowLeft" => step(-1),
            "ArrowDown" => step(columns as isize),
            "ArrowUp" => step(-(columns as isize)),
            "Home" => 0,
            "End" => last,
            "Enter" | " " => {
                e.prevent_default();
                return now.into_iter().for_each(open);
            }
            _ => return,
        };
        e.prevent_default();
        at.set(Some(next));
    };
    // frames lie over the pictures: to move one draws nothing anew
    let opened = move || {
        let chosen = view.chosen.get();
        all.with(|all| all.iter().take(most.get()).position(|t| (t.layer, t.head) == chosen))
    };
    let framed = move |number: Option<usize>| number.map(|number| Tiles::of(width.get()).frame(number));
    let said = move || {
        let tile = at.get().and_then(|n| all.with(|all| all.get(n).map(said)));
        tile.unwrap_or_else(|| wording::POINT_OR_WALK.to_owned())
    };
    view! {
        <div class="tiles" node_ref=frame>
            <canvas node_ref=canvas id="overview-canvas" tabindex="0" role="img" aria-label=wording::PICTURE
                on:mousemove=move |e| at.set(under(&e)) on:mouseleave=move |_| at.set(None)
                on:click=move |e| under(&e).into_iter().for_each(open) on:keydown=on_key></canvas>
            {move || framed(opened()).map(|style| view! { <i class="open" style=style></i> })}
            {move || framed(at.get()).map(|style| view! { <i style=style></i> })}
        </div>
        <p class="cap value" id="overview-said" aria-live="polite">{said}</p>
    }
}

fn said(tile: &Tile) -> String {
    wording::said((tile.layer, tile.head), tile.apart, tile.sinks())
}

/// The heads that are drawn, as a file.
fn picture(state: State, all: &[Tile], most: usize) -> Option<Drawn> {
    let drawn = &all[..all.len().min(most)];
    let shown = state.weights.overview.read_untracked();
    let left_out = if drawn.len() < all.len() { wording::drawn(drawn.len(), all.len()) } else { String::new() };
    let about = [&read(&shown), wording::ABOUT, &left_out, &provenance(state)];
    let picture = Heads {
        title: wording::TITLE.to_owned(),
        heads: drawn.iter().map(in_file).collect(),
        legend: Legend::Levels(wording::LEAST, wording::MOST),
        caption: common::sentences(&about),
    };
    (!drawn.is_empty()).then(|| (picture.svg(), picture.size()))
}

fn in_file(tile: &Tile) -> Head<'_> {
    Head {
        head: tile.head,
        glances: tile.glances.each_ref().map(Option::as_deref),
        words: [wording::place(tile.layer, tile.head), wording::shares(tile.sinks())],
    }
}

/// Chooses the head and goes to where its attention is seen.
fn open_head(state: State, view: View, layer: usize, head: usize) {
    view.choose(state, layer, head);
    if let Some(section) = crate::app::document().get_element_by_id("on-prompt") {
        section.scroll_into_view();
    }
    crate::app::focus("on-prompt");
}

/// The same as a table, in the same order.
#[component]
fn Table(state: State, view: View, all: Memo<Vec<Tile>>) -> impl IntoView {
    let open = RwSignal::new(false);
    let row = move |tile: Tile| {
        let (layer, head) = (tile.layer, tile.head);
        let number = |share: Option<f32>| share.map_or_else(|| "–".to_owned(), wording::percent);
        let [base, tuned] = tile.sinks().map(number);
        view! {
            <tr>
                <th scope="row"><button type="button" class="link" on:click=move |_| open_head(state, view, layer, head)>{common::head(layer, head)}</button></th>
                <td class="num">{number(tile.apart)}</td><td class="num">{base}</td><td class="num">{tuned}</td>
            </tr>
        }
    };
    view! {
        <details class="fold" id="overview-table" on:toggle=move |e| open.set(is_open(&e))>
            <summary>{wording::AS_TABLE}</summary>
            <Show when=move || open.get()>
                <div class="frame"><table class="components">
                    <thead><tr><th scope="col">{wording::HEAD}</th><th scope="col">{wording::HOW_MUCH_CHANGED}</th><th scope="col">{wording::FIRST_TOKEN_BASE}</th><th scope="col">{wording::FIRST_TOKEN_TUNED}</th></tr></thead>
                    <tbody>{move || all.get().into_iter().map(row).collect_view()}</tbody>
                </table></div>
            </Show>
        </details>
    }
}
