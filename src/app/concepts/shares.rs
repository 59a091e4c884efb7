//! How many components are about which task, and of which linguistic level, by group of layers.

use leptos::prelude::*;

use super::{View, level_of};
use crate::app::state::{Side, State};
use crate::app::teach::Explain;
use crate::explain::weights::LayerGroup;
use crate::explain::weights::scorer::{Level, Task};
use crate::teach::terms::Panel;
use crate::wording::concepts as wording;

/// Counts by label and group of layers.
#[derive(Clone, PartialEq, Default)]
struct Counted {
    tasks: Vec<[usize; 3]>,
    levels: Vec<[usize; 3]>,
    all: [usize; 3],
}

fn count(state: State, view: View, side: Side) -> Counted {
    let mut counted =
        Counted { tasks: vec![[0; 3]; Task::ALL.len()], levels: vec![[0; 3]; Level::ALL.len()], all: [0; 3] };
    state.weights.half(side).concepts.with(|layers| {
        for layer in layers.iter().flatten() {
            let group = LayerGroup::of(layer.layer, layers.len()) as usize;
            for (number, component) in layer.components.iter().enumerate() {
                let (task, _) = view.task(state, (side == Side::Tuned, layer.layer, number), component);
                let level = level_of(component);
                counted.tasks[Task::ALL.iter().position(|t| *t == task.value).unwrap_or(0)][group] += 1;
                counted.levels[Level::ALL.iter().position(|l| *l == level.value).unwrap_or(0)][group] += 1;
                counted.all[group] += 1;
            }
        }
    });
    counted
}

/// The two tables.
#[component]
pub fn Shares(state: State, view: View) -> impl IntoView {
    let base = Memo::new(move |_| count(state, view, Side::Base));
    let tuned = Memo::new(move |_| count(state, view, Side::Tuned));
    let cell = |before: usize, of_before: usize, after: usize, of_after: usize| {
        if of_before == 0 || of_after == 0 {
            return view! { <td class="num cap">{wording::NOT_READ_YET}</td> }.into_any();
        }
        let (b, t) = (before as f32 / of_before as f32 * 100.0, after as f32 / of_after as f32 * 100.0);
        view! { <td class="num">{format!("{b:.1} → {t:.1} %")}" "<span class="cap">{format!("{:+.1}", t - b).replace('-', "−")}</span></td> }.into_any()
    };
    let table = move |title: &'static str, names: Vec<&'static str>, of: fn(&Counted) -> &Vec<[usize; 3]>| {
        let rows = move || {
            base.with(|b| {
                tuned.with(|t| {
                    let row = |(i, name): (usize, &&'static str)| {
                        let cells = (0..3).map(|g| cell(of(b)[i][g], b.all[g], of(t)[i][g], t.all[g])).collect_view();
                        view! { <tr><th scope="row">{*name}</th>{cells}</tr> }
                    };
                    names.iter().enumerate().map(row).collect_view()
                })
            })
        };
        view! {
            <div class="frame"><table class="components shares">
                <thead><tr><th scope="col">{title}</th>{LayerGroup::ALL.map(|g| view! { <th scope="col">{wording::layers_of(g.name())}</th> }).collect_view()}</tr></thead>
                <tbody>{rows}</tbody>
            </table></div>
        }
    };
    view! {
        <div class="head"><h2>{wording::TASKS_AND_LEVELS}</h2><Explain of=Panel::Tasks/><span class="cap">{wording::SHARE_OF_COMPONENTS}</span></div>
        <p class="cap">{wording::HOW_ESTIMATED}</p>
        <div class="cols">
            {table(wording::TASK, Task::ALL.map(Task::name).to_vec(), |c| &c.tasks)}
            {table(wording::LEVEL, Level::ALL.map(Level::name).to_vec(), |c| &c.levels)}
        </div>
    }
}
