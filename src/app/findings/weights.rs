//! Findings 2 and 3, from the weights.

use leptos::prelude::*;

use super::copy::CopyTable;
use super::{VerdictLine, cells, figure, save_csv};
use crate::app::concepts::View as ConceptView;
use crate::app::progress::Reading;
use crate::app::state::{Side, State};
use crate::app::teach::Explain;
use crate::explain::findings::{ConceptShift, VerbShift, Verdict, concept_shift, verb_shift};
use crate::explain::weights::compare::HeadChange;
use crate::teach::terms::Term;

/// All layers, once both models' have been read.
fn shifts(state: State) -> Option<Vec<VerbShift>> {
    state.weights.changes.with(|layers| {
        let all: Option<Vec<&[HeadChange]>> = layers.iter().map(|l| l.as_ref().map(|l| l.as_slice())).collect();
        all.filter(|a| !a.is_empty()).map(|all| verb_shift(&all))
    })
}

/// The finding holds where it holds in the lower or middle layers, as in the paper.
fn verdict(shifts: Option<&Vec<VerbShift>>) -> Verdict {
    let Some(shifts) = shifts else { return Verdict::TooFew };
    let all: Vec<Verdict> = shifts.iter().map(|s| s.comparison.verdict()).collect();
    match &all[..] {
        [lower, middle, _] if [lower, middle].contains(&&Verdict::Holds) => Verdict::Holds,
        [lower, middle, _] if lower == middle => *lower,
        [lower, middle, _] if [lower, middle].contains(&&Verdict::Opposite) => Verdict::Opposite,
        [_, _, _] => Verdict::NotHere,
        _ => Verdict::TooFew,
    }
}

#[component]
pub fn Verbs(state: State) -> impl IntoView {
    let found = Memo::new(move |_| shifts(state));
    let more = Signal::derive(move || {
        found.with(|f| {
            f.as_ref().map_or_else(
                || "All layers of both models have to be read first.".to_owned(),
                |f| {
                    let held: Vec<&str> =
                        f.iter().filter(|s| s.comparison.verdict() == Verdict::Holds).map(|s| s.group.name()).collect();
                    if held.is_empty() {
                        "It shows in no group of layers.".into()
                    } else {
                        format!("It shows in the {} layers.", held.join(" and "))
                    }
                },
            )
        })
    });
    let download = move |_| {
        let rows = found.get_untracked().into_iter().flatten().flat_map(|s| {
            let group = s.group.name();
            s.verbs.into_iter().map(move |(verb, instruction, share)| {
                vec![
                    group.to_owned(),
                    verb,
                    if instruction { "instruction" } else { "general" }.into(),
                    share.to_string(),
                ]
            })
        });
        save_csv("shiftlens-finding-2.csv", &["layers", "verb", "kind", "share of heads"], rows);
    };
    let row = |s: &VerbShift| view! { <tr><th scope="row">{format!("{} layers", s.group.name())}</th>{cells(&s.comparison, 3)}</tr> };
    let dots = move || {
        let f = found.get()?;
        let of = |instruction: bool| {
            f.iter().flat_map(|s| &s.verbs).filter(|v| v.1 == instruction).map(|v| v.2).collect::<Vec<_>>()
        };
        Some(figure::strips(("General", of(false)), ("Instruction", of(true))))
    };
    view! {
        <section class="panel card" id="finding-2" aria-label="Finding 2">
            <div class="head"><h2>"Finding 2: heads relate more words to instruction verbs, in the lower and middle layers above all"</h2><Explain term=Term::Shift/></div>
            <p class="cap">"For each verb: of the heads whose number of pairs with it changed by tuning, the share in which it rose. The paper's instruction verbs against 64 general verbs."</p>
            <Reading state of="layers of heads" count=move |side| state.weights.half(side).heads.with(|h| (h.iter().flatten().count(), h.len()))/>
            <VerdictLine verdict=Signal::derive(move || found.with(|f| verdict(f.as_ref()))) more/>
            {dots}
            <div class="frame"><table class="components">
                <thead><tr><th scope="col">"Layers"</th><th scope="col">"verbs, general / instruction"</th><th scope="col">"General"</th><th scope="col">"Instruction"</th><th scope="col">"Welch's t"</th><th scope="col">"p, one-sided"</th><th scope="col">"Effect (d)"</th></tr></thead>
                <tbody>
                    {move || found.with(|f| f.as_ref().map(|f| f.iter().map(row).collect_view()))}
                    <tr class="paper"><th scope="row">"Paper"</th><td colspan="6">"LLaMA-7B to Vicuna-7B: more words related to instruction verbs than to general verbs, in the lower and middle layers above all."</td></tr>
                </tbody>
            </table></div>
            <CopyTable id="finding-2"/><figure::SaveFigure state id="finding-2"/>
            <button type="button" class="btn" disabled=move || found.with(Option::is_none) on:click=download>"CSV"</button>
        </section>
    }
}

fn concepts(state: State, labels: ConceptView) -> Option<ConceptShift> {
    let layers = |side| state.weights.half(side).concepts.with(|c| c.iter().cloned().collect::<Option<Vec<_>>>());
    let (base, tuned) = (layers(Side::Base)?, layers(Side::Tuned)?);
    if base.is_empty() || tuned.is_empty() {
        return None;
    }
    let pairs = base.iter().zip(&tuned).map(|(b, t)| (&**b, &**t));
    Some(concept_shift(pairs, |tuned, layer, number, component| {
        labels.task(state, (tuned, layer, number), component).0.value
    }))
}

#[component]
pub fn Tasks(state: State) -> impl IntoView {
    let labels = ConceptView::new(state);
    let found = Memo::new(move |_| concepts(state, labels));
    let angle = move || {
        state.weights.matches.with(|m| {
            let all: Vec<f32> = m.iter().flatten().flat_map(|l| l.matches.iter().map(|m| m.angle)).collect();
            (!all.is_empty()).then(|| all.iter().sum::<f32>() / all.len() as f32)
        })
    };
    let more = Signal::derive(move || {
        found.with(|f| {
            f.as_ref().map_or_else(
                || "All layers of both models have to be read first.".to_owned(),
                |f| {
                    format!(
                        "The shares of linguistic levels differ by {:.1} % in a layer on average{}.",
                        f.level_distance() * 100.0,
                        angle().map_or_else(String::new, |a| format!("; components have turned by {a:.0}°"))
                    )
                },
            )
        })
    });
    let download = move |_| {
        let Some(f) = found.get_untracked() else { return };
        let rows = f
            .tasks
            .iter()
            .zip(&f.levels)
            .enumerate()
            .map(|(layer, ((b, t), l))| vec![layer.to_string(), b.to_string(), t.to_string(), l.to_string()]);
        save_csv("shiftlens-finding-3.csv", &["layer", "tasks base", "tasks tuned", "distance of levels"], rows);
    };
    let dots = move || {
        found.get().map(|f| {
            let (b, t): (Vec<f64>, Vec<f64>) = f.tasks.into_iter().unzip();
            figure::strips(("Base", b), ("Tuned", t))
        })
    };
    view! {
        <section class="panel card" id="finding-3" aria-label="Finding 3">
            <div class="head"><h2>"Finding 3: concepts turn toward users' tasks, while linguistic levels stay"</h2><Explain term=Term::Task/></div>
            <p class="cap">"For each layer: the share of its components that are about writing, math, coding or translation, by the scorer of the Concepts tab and your own labels there. It holds if that share rises and the shares of linguistic levels differ by no more than 5 %."</p>
            <Reading state of="layers of concepts" count=move |side| state.weights.half(side).concepts.with(|c| (c.iter().flatten().count(), c.len()))/>
            <VerdictLine verdict=Signal::derive(move || found.with(|f| f.as_ref().map_or(Verdict::TooFew, |f| f.verdict()))) more/>
            {dots}
            <div class="frame"><table class="components">
                <thead><tr><th scope="col">"Share about a task"</th><th scope="col">"n, layers"</th><th scope="col">"Base, mean ± sd"</th><th scope="col">"Tuned"</th><th scope="col">"Welch's t"</th><th scope="col">"p, one-sided"</th><th scope="col">"Effect (d)"</th></tr></thead>
                <tbody>
                    {move || found.with(|f| f.as_ref().map(|f| view! { <tr><th scope="row">"This pair"</th>{cells(&f.comparison, 3)}</tr> }))}
                    <tr class="paper"><th scope="row">"Paper"</th><td colspan="6">"LLaMA-7B to Vicuna-7B: feed-forward concepts rotate toward user-oriented tasks, while the shares of linguistic levels barely move."</td></tr>
                </tbody>
            </table></div>
            <CopyTable id="finding-3"/><figure::SaveFigure state id="finding-3"/>
            <button type="button" class="btn" disabled=move || found.with(Option::is_none) on:click=download>"CSV"</button>
        </section>
    }
}
