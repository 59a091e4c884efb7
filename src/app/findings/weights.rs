//! Findings 2 and 3, from the weights.

use leptos::prelude::*;

use super::copy::CopyTable;
use super::{VerdictLine, cells, chance_cells, figure, save_csv, unread};
use crate::app::chance::{controls, heads_coherence};
use crate::app::concepts::labels::View as ConceptView;
use crate::app::progress::Reading;
use crate::app::state::{Side, State};
use crate::app::teach::Explain;
use crate::explain::findings::{ConceptShift, VerbFinding, VerbShift, concept_shift, percent, permille, verb_shift};
use crate::explain::weights::compare::HeadChange;
use crate::teach::terms::Panel;
use crate::wording::{common, concepts, findings as wording, heads};

/// All layers, once both models' have been read.
fn shifts(state: State) -> Option<VerbFinding> {
    let coherence = heads_coherence(state);
    state.weights.changes.with(|layers| {
        let all: Option<Vec<&[HeadChange]>> = layers.iter().map(|l| l.as_ref().map(|l| l.as_slice())).collect();
        all.filter(|a| !a.is_empty()).map(|all| verb_shift(&all, coherence))
    })
}

#[component]
pub fn Verbs(state: State) -> impl IntoView {
    let found = Memo::new(move |_| shifts(state));
    let download = move |_| {
        let rows = found.get_untracked().into_iter().flat_map(|f| f.groups).flat_map(|s| {
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
    let row = |s: &VerbShift| view! { <tr><th scope="row">{wording::layers_of(s.group.name())}</th>{cells(&s.comparison, 3)}{chance_cells(s.chance, s.corrected)}</tr> };
    let dots = move || {
        let f = found.get()?;
        let of = |instruction: bool| {
            f.groups.iter().flat_map(|s| &s.verbs).filter(|v| v.1 == instruction).map(|v| v.2).collect::<Vec<_>>()
        };
        Some(figure::strips((wording::GENERAL, of(false)), (wording::INSTRUCTION, of(true))))
    };
    view! {
        <section class="panel card" id="finding-2" aria-label=wording::FINDING_2>
            <div class="head"><h2>{wording::TITLE_2}</h2><Explain of=Panel::FindingVerbs/></div>
            <p class="cap">{wording::ABOUT_2}</p>
            <Reading state of=heads::LAYERS_OF_HEADS count=move |side| state.weights.half(side).heads.with(|h| (h.iter().flatten().count(), h.len()))/>
            <VerdictLine verdict=Signal::derive(move || found.with(|f| f.as_ref().map_or_else(unread, |f| f.verdict.clone())))/>
            {dots}
            <div class="frame"><table class="components tests">
                <thead><tr><th scope="col">{wording::LAYERS}</th><th scope="col">{wording::VERBS}</th><th scope="col">{wording::GENERAL}</th><th scope="col">{wording::INSTRUCTION}</th><th scope="col">{wording::WELCH_T}</th><th scope="col">{wording::WELCH_P}</th><th scope="col">{wording::EFFECT}</th><th scope="col" title=wording::ABOUT_PERMUTATION_2>{wording::PERMUTATION_P}</th><th scope="col" title=wording::ABOUT_HOLM_2>{wording::P_AFTER_HOLM}</th></tr></thead>
                <tbody>
                    {move || found.with(|f| f.as_ref().map(|f| f.groups.iter().map(row).collect_view()))}
                    <tr class="paper"><th scope="row">{wording::PAPER}</th><td colspan="8">{wording::PAPER_2}</td></tr>
                </tbody>
            </table></div>
            <CopyTable id="finding-2"/><figure::SaveFigure state id="finding-2"/>
            <button type="button" class="btn" disabled=move || found.with(Option::is_none) on:click=download>{wording::CSV}</button>
        </section>
    }
}

fn concepts(state: State, labels: ConceptView) -> Option<ConceptShift> {
    let controls = controls(state);
    let layers = |side| state.weights.half(side).concepts.with(|c| c.iter().cloned().collect::<Option<Vec<_>>>());
    let (base, tuned) = (layers(Side::Base)?, layers(Side::Tuned)?);
    if base.is_empty() || tuned.is_empty() {
        return None;
    }
    let pairs = base.iter().zip(&tuned).map(|(b, t)| (&**b, &**t));
    Some(concept_shift(
        pairs,
        |tuned, layer, number, component| labels.task(state, (tuned, layer, number), component).0.value,
        controls,
    ))
}

/// The tests' results as rows of a table.
fn rows(f: &ConceptShift) -> impl IntoView + use<> {
    let [tasks, levels] = f.corrected;
    let by_chance = f.chance_of_levels;
    let distance = wording::levels_differ(&permille(f.level_distance()), &permille(by_chance.mean));
    let turn = f
        .controls
        .turn
        .map(|t| view! { <tr><th scope="row">{wording::COMPONENTS}</th><td colspan="8">{t.words()}</td></tr> });
    let judged = f
        .controls
        .coherence
        .map(|c| view! { <tr><th scope="row">{wording::THEIR_WORDS}</th><td colspan="8">{c.words()}</td></tr> });
    view! {
        <tr><th scope="row">{wording::THIS_PAIR}</th>{cells(&f.comparison, 3)}{chance_cells(Some(f.chance), Some(tasks))}</tr>
        <tr><th scope="row">{wording::LEVELS}</th><td colspan="6">{distance}</td>{chance_cells(Some(by_chance), Some(levels))}</tr>
        <tr><th scope="row">{wording::NO_LABEL}</th><td colspan="8">{wording::of_components(&percent(f.unlabelled))}</td></tr>
        {turn}{judged}
    }
}

#[component]
pub fn Tasks(state: State) -> impl IntoView {
    let labels = ConceptView::new(state);
    let found = Memo::new(move |_| concepts(state, labels));
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
            figure::strips((common::BASE, b), (common::TUNED, t))
        })
    };
    view! {
        <section class="panel card" id="finding-3" aria-label=wording::FINDING_3>
            <div class="head"><h2>{wording::TITLE_3}</h2><Explain of=Panel::FindingConcepts/></div>
            <p class="cap">{wording::ABOUT_3}</p>
            <Reading state of=concepts::LAYERS_OF_CONCEPTS count=move |side| state.weights.half(side).concepts.with(|c| (c.iter().flatten().count(), c.len()))/>
            <VerdictLine verdict=Signal::derive(move || found.with(|f| f.as_ref().map_or_else(unread, |f| f.verdict.clone())))/>
            {dots}
            <div class="frame"><table class="components tests">
                <thead><tr><th scope="col">{wording::SHARE_ABOUT_A_TASK}</th><th scope="col">{wording::N_LAYERS}</th><th scope="col">{wording::BASE_MEAN}</th><th scope="col">{common::TUNED}</th><th scope="col">{wording::WELCH_T}</th><th scope="col">{wording::WELCH_P}</th><th scope="col">{wording::EFFECT}</th><th scope="col" title=wording::ABOUT_PERMUTATION_3>{wording::PERMUTATION_P}</th><th scope="col" title=wording::ABOUT_HOLM_3>{wording::P_AFTER_HOLM}</th></tr></thead>
                <tbody>
                    {move || found.with(|f| f.as_ref().map(rows))}
                    <tr class="paper"><th scope="row">{wording::PAPER}</th><td colspan="8">{wording::PAPER_3}</td></tr>
                </tbody>
            </table></div>
            <CopyTable id="finding-3"/><figure::SaveFigure state id="finding-3"/>
            <button type="button" class="btn" disabled=move || found.with(Option::is_none) on:click=download>{wording::CSV}</button>
        </section>
    }
}
