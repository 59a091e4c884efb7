//! One token of the response, layer by layer: the logit lens of both models, and what each part adds to the token's logit.

use std::sync::Arc;

use leptos::prelude::*;

use super::{State, Trouble, ask, spelled};
use crate::app::state::Side;
use crate::app::{format, is_open};
use crate::model::cpu::Source;
use crate::page::text::{Command, Layers, Lenses, Part};
use crate::wording::{common, numbers, text as wording};

/// Nothing is read before it is opened.
#[component]
pub fn LayersFold(state: State) -> impl IntoView {
    let open = RwSignal::new(false);
    let toggle = move |e: web_sys::Event| {
        open.set(is_open(&e));
        ask(state, Command::Layers(open.get_untracked()));
    };
    // it can go while it is open, and its fold comes back closed
    on_cleanup(move || ask(state, Command::Layers(false)));
    view! {
        <details class="fold text-part" id="text-layers" on:toggle=toggle>
            <summary>{wording::LAYERS}</summary>
            <Show when=move || open.get()>
                <Trouble state part=Part::Layers/>
                <Both state/>
            </Show>
        </details>
    }
}

/// Both models' readings of the token that is looked at.
#[component]
fn Both(state: State) -> impl IntoView {
    let text = state.text;
    let current = move || {
        let (token, subject) = (text.token.get()?, text.subject.get()?);
        let word = spelled(subject.response.get(token)?);
        let lenses = text.lenses.with(|l| (l.token == token).then(|| l.clone())).unwrap_or_default();
        Some((token, word, subject.response.len(), lenses))
    };
    move || {
        let (token, word, all, lenses) = current()?;
        let failed = text.failures.with(|f| f.contains_key(&Part::Layers));
        Some(match both(&lenses) {
            Some(halves) => view! {
                <p id="text-lens"><b>{wording::lens_at(&word, token + 1, all)}</b>" "{summary(&lenses, &halves)}</p>
                <LensTable halves=halves.clone() parts=lenses.parts_at()/>
                <h3>{wording::CONTRIBUTIONS}</h3>
                <p class="cap">{wording::ABOUT_CONTRIBUTIONS}</p>
                <Contributions halves/>
            }
            .into_any(),
            None if failed => ().into_any(),
            None => view! { <p class="cap">{wording::READING}</p> }.into_any(),
        })
    }
}

type Pair = [Arc<Layers>; 2];

fn both(lenses: &Lenses) -> Option<Pair> {
    let [base, tuned] = &lenses.halves;
    Some([base.clone()?, tuned.clone()?])
}

/// Where the token settles in each model, and where the two part.
fn summary(lenses: &Lenses, halves: &Pair) -> String {
    let settled = Side::BOTH.map(|side| wording::settled(side.name(), halves[side.index()].lens.settles()));
    let depths = halves.each_ref().map(|half| half.lens.readings.len());
    let part = match lenses.parts_at() {
        Some(layers) => wording::part_from(layers),
        None if depths[0] != depths[1] => wording::OTHER_DEPTHS.into(),
        None => wording::NEVER_PART.into(),
    };
    common::sentences(&[&part, &settled[0], &settled[1]])
}

/// A row a layer, from the embedding up. The picture is the table: shades, bars and words in its cells.
#[component]
fn LensTable(halves: Pair, parts: Option<usize>) -> impl IntoView {
    let depth = halves.iter().map(|half| half.lens.readings.len()).max().unwrap_or(0);
    let head = Side::BOTH.map(|side| {
        let name = side.name();
        view! { <th scope="col">{wording::part_of(name, wording::WOULD_SAY)}</th><th scope="col" class="num">{wording::part_of(name, wording::OF_THE_TOKEN)}</th> }
    });
    let cells = |half: &Layers, number: usize| {
        let reading = half.lens.readings.get(number);
        let said = half.said(number).map(|(text, p)| {
            let is_token = reading.and_then(|r| r.top.first()).is_some_and(|first| first.id == half.lens.token);
            view! { <code class:same=is_token>{format::visible(text)}</code>" "<span class="cap">{wording::share(p)}</span> }
        });
        let settles =
            (half.lens.settles() == Some(number)).then(|| view! { " "<span class="tag">{wording::SETTLES}</span> });
        let p = reading.map(|r| r.probability);
        let bar = p.map(|p| view! { <span class="bar-in" aria-hidden="true"><i style=format!("width:{:.0}%", p * 100.0)></i></span>{wording::share(p)} });
        view! { <td>{said}{settles}</td><td class="num">{bar}</td> }
    };
    let row = |number: usize| {
        let name = number.checked_sub(1).map_or_else(|| wording::EMBEDDING.to_owned(), |layer| layer.to_string());
        let parts_here = parts == Some(number);
        let mark = parts_here.then(|| view! { " "<span class="tag">{wording::THEY_PART}</span> });
        view! {
            <tr class:parts=parts_here>
                <th scope="row">{name}{mark}</th>
                {halves.iter().map(|half| cells(half, number)).collect_view()}
            </tr>
        }
    };
    view! {
        <div class="frame" tabindex="0" role="region" aria-label=wording::LENS>
            <table class="components lens" id="lens-table">
                <thead><tr><th scope="col">{wording::AFTER_LAYER}</th>{head.into_iter().collect_view()}</tr></thead>
                <tbody>{(0..depth).map(row).collect_view()}</tbody>
            </table>
        </div>
    }
}

/// A number with a bar from the middle of its cell, right if it is positive; `most` is the largest magnitude on the scale.
pub fn signed(value: f32, most: f32) -> impl IntoView + use<> {
    let share = if most > 0.0 { (value.abs() / most * 50.0).min(50.0) } else { 0.0 };
    let (class, left) = if value < 0.0 { ("neg", 50.0 - share) } else { ("pos", 50.0) };
    let style = format!("left:{left:.1}%;width:{share:.1}%");
    view! { <span class="signed-bar" aria-hidden="true"><i class=class style=style></i></span>{numbers::signed(value)} }
}

/// What the embedding and every layer's two blocks add, base beside tuned, with the sum beneath.
#[component]
fn Contributions(halves: Pair) -> impl IntoView {
    let layers = halves.iter().map(|half| half.by_layer.len()).max().unwrap_or(0);
    let all = halves.iter().flat_map(|half| half.by_layer.iter().flat_map(|l| [l.attention, l.feed_forward]));
    let most = all.chain(halves.iter().map(|half| half.contributions.embedding())).map(f32::abs).fold(0.0, f32::max);
    let head = Side::BOTH.map(|side| {
        let of = |part| wording::part_of(side.name(), part);
        view! { <th scope="col" class="num">{of(wording::ATTENTION)}</th><th scope="col" class="num">{of(wording::FEED_FORWARD)}</th> }
    });
    let layer = |number: usize| {
        let cells = halves.iter().map(|half| {
            let layer = half.by_layer.get(number);
            view! {
                <td class="num">{layer.map(|l| signed(l.attention, most))}</td>
                <td class="num">{layer.map(|l| signed(l.feed_forward, most))}</td>
            }
        });
        view! { <tr><th scope="row">{common::layer(number)}</th>{cells.collect_view()}</tr> }
    };
    let bias =
        |half: &Layers| half.contributions.parts.iter().find(|p| p.source == Source::OutputBias).map(|p| p.value);
    let has_bias = halves.iter().any(|half| bias(half).is_some());
    // a row whose cells are each as wide as a model's two
    let wide = |name: &'static str, of: &dyn Fn(&Layers) -> Option<String>| {
        let cells = halves.iter().map(|half| view! { <td class="num" colspan="2">{of(half)}</td> }).collect_view();
        view! { <tr><th scope="row">{name}</th>{cells}</tr> }
    };
    let embedding = halves
        .iter()
        .map(|half| view! { <td class="num" colspan="2">{signed(half.contributions.embedding(), most)}</td> })
        .collect_view();
    view! {
        <div class="frame" tabindex="0" role="region" aria-label=wording::CONTRIBUTIONS>
            <table class="components lens" id="contributions">
                <thead><tr><th scope="col">{wording::LAYER}</th>{head.into_iter().collect_view()}</tr></thead>
                <tbody><tr><th scope="row">{wording::EMBEDDING}</th>{embedding}</tr>{(0..layers).map(layer).collect_view()}</tbody>
                <tfoot>
                    {has_bias.then(|| wide(wording::BIAS, &|half| bias(half).map(numbers::signed)))}
                    {wide(wording::SUM, &|half| Some(format!("{:.2}", half.contributions.sum())))}
                    {wide(wording::LOGIT, &|half| Some(format!("{:.2}", half.contributions.logit)))}
                </tfoot>
            </table>
        </div>
    }
}
