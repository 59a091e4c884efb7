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
use crate::teach::terms::Term;

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
    let row = |s: &VerbShift| view! { <tr><th scope="row">{format!("{} layers", s.group.name())}</th>{cells(&s.comparison, 3)}{chance_cells(s.chance, s.corrected)}</tr> };
    let dots = move || {
        let f = found.get()?;
        let of = |instruction: bool| {
            f.groups.iter().flat_map(|s| &s.verbs).filter(|v| v.1 == instruction).map(|v| v.2).collect::<Vec<_>>()
        };
        Some(figure::strips(("General", of(false)), ("Instruction", of(true))))
    };
    view! {
        <section class="panel card" id="finding-2" aria-label="Finding 2">
            <div class="head"><h2>"Finding 2: heads relate more words to instruction verbs, in the lower and middle layers above all"</h2><Explain term=Term::Shift/></div>
            <p class="cap">"For each verb: of the heads whose number of pairs with it changed by tuning, the share in which it rose. The paper's instruction verbs are compared with 64 general verbs, and with 2,000 random permutations of these labels."</p>
            <Reading state of="layers of heads" count=move |side| state.weights.half(side).heads.with(|h| (h.iter().flatten().count(), h.len()))/>
            <VerdictLine verdict=Signal::derive(move || found.with(|f| f.as_ref().map_or_else(unread, |f| f.verdict.clone())))/>
            {dots}
            <div class="frame"><table class="components tests">
                <thead><tr><th scope="col">"Layers"</th><th scope="col">"verbs, general / instruction"</th><th scope="col">"General"</th><th scope="col">"Instruction"</th><th scope="col">"Welch's t"</th><th scope="col">"Welch's p, one-sided"</th><th scope="col">"Effect (d)"</th><th scope="col" title="The share of 2,000 random permutations of the verbs' labels (instruction, general) with a difference as large">"Permutation p"</th><th scope="col" title="The permutation p, corrected for three groups of layers">"p after Holm"</th></tr></thead>
                <tbody>
                    {move || found.with(|f| f.as_ref().map(|f| f.groups.iter().map(row).collect_view()))}
                    <tr class="paper"><th scope="row">"Paper"</th><td colspan="8">"LLaMA-7B to Vicuna-7B: more words related to instruction verbs than to general verbs, in the lower and middle layers above all."</td></tr>
                </tbody>
            </table></div>
            <CopyTable id="finding-2"/><figure::SaveFigure state id="finding-2"/>
            <button type="button" class="btn" disabled=move || found.with(Option::is_none) on:click=download>"CSV"</button>
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
    let distance = format!("differ by {}, by chance by {}", permille(f.level_distance()), permille(by_chance.mean));
    let turn =
        f.controls.turn.map(|t| view! { <tr><th scope="row">"Components"</th><td colspan="8">{t.words()}</td></tr> });
    let judged = f
        .controls
        .coherence
        .map(|c| view! { <tr><th scope="row">"Their words"</th><td colspan="8">{c.words()}</td></tr> });
    view! {
        <tr><th scope="row">"This pair"</th>{cells(&f.comparison, 3)}{chance_cells(Some(f.chance), Some(tasks))}</tr>
        <tr><th scope="row">"Levels"</th><td colspan="6">{distance}</td>{chance_cells(Some(by_chance), Some(levels))}</tr>
        <tr><th scope="row">"No label"</th><td colspan="8">{format!("{} of both models' components", percent(f.unlabelled))}</td></tr>
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
            figure::strips(("Base", b), ("Tuned", t))
        })
    };
    view! {
        <section class="panel card" id="finding-3" aria-label="Finding 3">
            <div class="head"><h2>"Finding 3: concepts rotate toward users' tasks, while linguistic levels stay"</h2><Explain term=Term::Task/></div>
            <p class="cap">"For each layer: the share of its components that are about writing, math, coding or translation, by the scorer of the Concepts tab and your own labels there. The finding holds if that share rises by more than with permuted labels, and the shares of linguistic levels differ by no more than 5 % or than by chance. It cannot be told where over 90 % of the components have no task label, where components are rotated as far as unrelated ones, or where their words are no closer than random words."</p>
            <Reading state of="layers of concepts" count=move |side| state.weights.half(side).concepts.with(|c| (c.iter().flatten().count(), c.len()))/>
            <VerdictLine verdict=Signal::derive(move || found.with(|f| f.as_ref().map_or_else(unread, |f| f.verdict.clone())))/>
            {dots}
            <div class="frame"><table class="components tests">
                <thead><tr><th scope="col">"Share about a task"</th><th scope="col">"n, layers"</th><th scope="col">"Base, mean ± sd"</th><th scope="col">"Tuned"</th><th scope="col">"Welch's t"</th><th scope="col">"Welch's p, one-sided"</th><th scope="col">"Effect (d)"</th><th scope="col" title="The share of 2,000 random permutations of the labels among both models' components with a result as large">"Permutation p"</th><th scope="col" title="The permutation p, corrected for two tests: of tasks and of levels">"p after Holm"</th></tr></thead>
                <tbody>
                    {move || found.with(|f| f.as_ref().map(rows))}
                    <tr class="paper"><th scope="row">"Paper"</th><td colspan="8">"LLaMA-7B to Vicuna-7B: feed-forward concepts rotate toward user-oriented tasks, while the shares of linguistic levels barely move."</td></tr>
                </tbody>
            </table></div>
            <CopyTable id="finding-3"/><figure::SaveFigure state id="finding-3"/>
            <button type="button" class="btn" disabled=move || found.with(Option::is_none) on:click=download>"CSV"</button>
        </section>
    }
}
