//! A layer's components, base beside tuned.

use leptos::prelude::*;

use super::labels::{Place, View};
use super::{Layer, leading, level_of};
use crate::app::state::{Side, State};
use crate::app::switching::{Refused, RunSo, ScaleConcept};
use crate::app::toolbar::Segmented;
use crate::explain::weights::matching::Match;
use crate::explain::weights::scorer::Task;
use crate::explain::weights::{LayerConcepts, NamedComponent};
use crate::wording::{common, concepts as wording};

/// Components shown before the user asks for more, and words of each.
const SHOWN: usize = 20;
const WORDS: usize = 12;

/// What comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Order {
    #[default]
    Share,
    Turned,
    Rose,
    Fell,
}

const ORDERS: &[(Order, &str)] = &[
    (Order::Share, wording::LARGEST),
    (Order::Turned, wording::TURNED_MOST),
    (Order::Rose, wording::ROSE_MOST),
    (Order::Fell, wording::FELL_MOST),
];

fn ordered(matches: &[Match], base: &LayerConcepts, tuned: &LayerConcepts, order: Order) -> Vec<Match> {
    let rise = |m: &Match| tuned.components[m.tuned].share - base.components[m.base].share;
    let fits = |m: &&Match| m.base < base.components.len() && m.tuned < tuned.components.len();
    let mut all: Vec<Match> = matches.iter().filter(fits).cloned().collect();
    match order {
        Order::Share => {}
        Order::Turned => all.sort_by(|a, b| b.angle.total_cmp(&a.angle)),
        Order::Rose => all.sort_by(|a, b| rise(b).total_cmp(&rise(a))),
        Order::Fell => all.sort_by(|a, b| rise(a).total_cmp(&rise(b))),
    }
    all
}

/// The table.
#[component]
pub fn Table(state: State, view: View, shown: Memo<Layer>) -> impl IntoView {
    let order = RwSignal::new(Order::default());
    let count = RwSignal::new(SHOWN);
    Effect::new(move |_| {
        view.layer.track();
        count.set(SHOWN);
    });
    let rows = move || {
        shown.with(|l| {
            let (base, tuned, matches) = (l.base.clone()?, l.tuned.clone()?, l.matches.clone()?);
            let mut all = ordered(&matches.matches, &base, &tuned, order.get());
            if let Some((is_tuned, layer, number)) = view.sought.get().filter(|s| s.1 == base.layer) {
                let is_it = |m: &Match| if is_tuned { m.tuned == number } else { m.base == number };
                all.sort_by_key(|m| !is_it(m)); // stable: what was sought stands first
                debug_assert_eq!(layer, base.layer);
            }
            let total = all.len();
            let rows = all
                .into_iter()
                .take(count.get())
                .map(|m| {
                    let coherence = [l.coherence(Side::Base, m.base), l.coherence(Side::Tuned, m.tuned)];
                    let components = [&base.components[m.base], &tuned.components[m.tuned]];
                    row(state, view, base.layer, m, components, coherence)
                })
                .collect_view();
            Some((rows, total))
        })
    };
    let more = move || shown.with(|l| l.matches.as_ref().is_some_and(|m| m.matches.len() > count.get()));
    view! {
        <Show when=move || shown.with(|l| l.matches.is_some()) fallback=move || view! { <p class="empty">{common::READ_NO_LAYER_YET}</p> }>
            <div class="bar"><Segmented name=wording::ORDER options=ORDERS value=order set=move |o| order.set(o)/>
                <span class="hint">{wording::ABOUT_TABLE}</span><RunSo state/></div>
            <Refused state/>
            <div class="frame">
                <table class="components matched" id="concept-table">
                    <thead><tr>
                        <th scope="col">{wording::COMPONENT}</th><th scope="col">{wording::SHARE_OF_VARIANCE}</th><th scope="col">{wording::TURNED}</th><th scope="col" title=wording::OF_LEADING_WORDS>{wording::WORDS_SHARED}</th>
                        <th scope="col">{common::BASE}</th><th scope="col">{common::TUNED}</th>
                    </tr></thead>
                    <tbody>{move || rows().map(|(rows, _)| rows)}</tbody>
                </table>
            </div>
            <Show when=more><button type="button" class="link" id="more-components" on:click=move |_| count.update(|c| *c += 40)>{wording::SHOW_MORE}</button></Show>
        </Show>
    }
}

fn row(
    state: State,
    view: View,
    layer: usize,
    m: Match,
    [base, tuned]: [&NamedComponent; 2],
    coherence: [Option<String>; 2],
) -> impl IntoView + use<> {
    let (b, t) = (base.share * 100.0, tuned.share * 100.0);
    let trend = match t - b {
        d if d > 0.005 => wording::ROSE,
        d if d < -0.005 => wording::FELL,
        _ => wording::STEADY,
    };
    let [of_base, of_tuned] = coherence.map(|c| c.map(|c| view! { <br/><span class="cap">{c}</span> }));
    let sought = view.sought.get().is_some_and(|s| s == (true, layer, m.tuned) || s == (false, layer, m.base));
    view! {
        <tr class:sought=sought>
            <th scope="row">{if m.base == m.tuned { m.base.to_string() } else { format!("{} → {}", m.base, m.tuned) }}</th>
            <td class="num">{format!("{b:.2} → {t:.2} %")}<br/><span class="cap">{trend}</span></td>
            <td class="num"><span class="bar-in" aria-hidden="true"><i style=format!("width:{:.0}%", m.angle / 0.9)></i></span>{format!("{:.1}°", m.angle)}</td>
            <td class="num">{format!("{:.0} %", m.overlap * 100.0)}</td>
            <td><Labels state view place=(false, layer, m.base) component=base.clone()/>{leading(base, WORDS)}{of_base}</td>
            <td><Labels state view place=(true, layer, m.tuned) component=tuned.clone()/>{leading(tuned, WORDS)}{of_tuned}</td>
        </tr>
    }
}

/// What a component is about: an estimate with its evidence, or the user's word.
#[component]
fn Labels(state: State, view: View, place: Place, component: NamedComponent) -> impl IntoView {
    let level = level_of(&component);
    let level_title = wording::evidence(&level.evidence);
    let estimate = crate::explain::weights::scorer::task(&component);
    let task_title = wording::evidence(&estimate.evidence);
    let shown = Memo::new(move |_| {
        let (label, own) = view.task(state, place, &component);
        (label.value, own)
    });
    let change = move |e| {
        let chosen = event_target_value(&e);
        view.relabel(state, place, Task::ALL.into_iter().find(|t| t.name() == chosen));
    };
    let option = move |task: Task| view! { <option value=task.name() selected=move || shown.get() == (task, true)>{task.name()}</option> };
    view! {
        <span class="labels">
            <select class="task" aria-label=wording::WHAT_IT_IS_ABOUT title=task_title class:own=move || shown.get().1 on:change=change>
                <option value="" selected=move || !shown.get().1>{wording::estimate(estimate.value.name())}</option>
                {Task::ALL.map(option).collect_view()}
            </select>
            <span class="cap" title=level_title>{level.value.name()}</span>
            <ScaleConcept state side=if place.0 { Side::Tuned } else { Side::Base } layer=place.1 component=place.2/>
        </span>
    }
}
