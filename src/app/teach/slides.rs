//! What is presented: the last run's prompt, answers and matrices, the difference, and what the weights said.

use leptos::prelude::*;

use crate::app::method::MadeBy;
use crate::app::reading::{PromptText, ResponseText};
use crate::app::share::figures;
use crate::app::state::{Side, Slot, State};
use crate::app::{format, graph, header::Mark};
use crate::explain::Role;
use crate::explain::weights::compare::NamedPair;
use crate::wording::{common, graph as graph_wording, heads, teach as wording};

/// Words on the slide that holds both models against each other, and pairs of a head.
const WORDS: usize = 9;
const PAIRS: usize = 8;

/// One picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Slide {
    Prompt,
    Answer(Side),
    Both,
    Matrix(Side),
    /// Both models as graphs, and what differs.
    Graphs,
    GraphOfDifference,
    /// Layer and head.
    Head(usize, usize),
}

fn has_run(slot: Slot) -> bool {
    slot.view.with(|v| !v.columns.is_empty())
}

/// The head in which tuning has changed most pairs, of those that have been read.
fn most_changed(state: State) -> Option<(usize, usize)> {
    state.weights.changes.with(|all| {
        let heads = all.iter().enumerate().flat_map(|(layer, heads)| {
            heads.iter().flat_map(move |h| {
                h.iter().enumerate().map(move |(head, c)| ((layer, head), c.gained.len() + c.lost.len()))
            })
        });
        heads.filter(|(_, n)| *n > 0).max_by_key(|(_, n)| *n).map(|(at, _)| at)
    })
}

/// What there is to present; reactive.
pub fn slides(state: State) -> Vec<Slide> {
    let there: Vec<Side> = state.slots().into_iter().filter(|s| has_run(*s)).map(|s| s.side).collect();
    let mut all = Vec::new();
    if !there.is_empty() {
        all.push(Slide::Prompt);
        all.extend(there.iter().map(|side| Slide::Answer(*side)));
        all.push(Slide::Both);
        if graph::is_on(state) {
            all.push(Slide::Graphs);
            all.extend(graph::slide_of_difference(state).map(|_| Slide::GraphOfDifference));
        } else {
            all.extend(there.iter().map(|side| Slide::Matrix(*side)));
        }
    }
    all.extend(most_changed(state).map(|(layer, head)| Slide::Head(layer, head)));
    all
}

impl Slide {
    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Prompt => wording::SLIDE_PROMPT,
            Self::Answer(Side::Base) => wording::SLIDE_BASE,
            Self::Answer(Side::Tuned) => wording::SLIDE_TUNED,
            Self::Both => wording::SLIDE_BOTH,
            Self::Matrix(Side::Base) => wording::SLIDE_BASE_MATRIX,
            Self::Matrix(Side::Tuned) => wording::SLIDE_TUNED_MATRIX,
            Self::Graphs => graph_wording::BOTH_TITLE,
            Self::GraphOfDifference => graph_wording::DIFFERENCE_TITLE,
            Self::Head(..) => wording::SLIDE_HEAD,
        }
    }

    /// The picture itself.
    pub fn draw(self, state: State) -> AnyView {
        match self {
            Self::Prompt => view! { <Prompt state/> }.into_any(),
            Self::Answer(side) => view! { <Answer state side/> }.into_any(),
            Self::Both => view! { <Both state/> }.into_any(),
            Self::Matrix(side) => view! { <Matrix state side/> }.into_any(),
            Self::Graphs => view! { <Figure svg=move || graph::slide(state)/> }.into_any(),
            Self::GraphOfDifference => view! { <Figure svg=move || graph::slide_of_difference(state)/> }.into_any(),
            Self::Head(layer, head) => view! { <Head state layer head/> }.into_any(),
        }
    }
}

/// The prompt, its instruction underlined.
#[component]
fn Prompt(state: State) -> impl IntoView {
    let words = move || {
        let slot = if has_run(state.tuned) { state.tuned } else { state.base };
        slot.view.with(|v| v.rows.iter().filter(|r| r.role == Role::User).cloned().collect::<Vec<_>>())
    };
    let word = |label: crate::explain::view::Label| {
        view! { {label.spaced.then_some(" ")}<span class:instr=label.instruction>{label.text.trim().to_owned()}</span> }
    };
    view! { <p class="slide-prompt">{move || words().into_iter().map(word).collect_view()}</p><p class="slide-note">{wording::UNDERLINED}</p> }
}

/// Prompt and response as text; choosing a word colours the other.
#[component]
fn Answer(state: State, side: Side) -> impl IntoView {
    let half = state.slot(side);
    let chosen = move || {
        let s = half.selection.get();
        half.view.with(|v| match (s.column.and_then(|c| v.columns.get(c)), s.row.and_then(|r| v.rows.get(r))) {
            (Some(word), _) => wording::darker_influenced_it(word.text.trim()),
            (None, Some(word)) => wording::darker_it_influenced(word.text.trim()),
            _ => wording::CHOOSE_A_WORD.to_owned(),
        })
    };
    view! {
        <div class="slide-label">{common::PROMPT}</div>
        <PromptText state half/>
        <div class="slide-label">{common::RESPONSE}</div>
        <ResponseText state half/>
        <p class="slide-note">{chosen}</p>
        <MadeBy half class="slide-note"/>
    }
}

/// Densities side by side, of the words in which the models differ most, and both scores.
#[component]
fn Both(state: State) -> impl IntoView {
    let own = |slot: Slot| {
        slot.view.with(|v| {
            let user = v.rows.iter().zip(&v.density).filter(|(r, _)| r.role == Role::User);
            user.map(|(r, d)| (r.text.trim().to_owned(), r.instruction, *d)).collect::<Vec<_>>()
        })
    };
    let rows = move || {
        let (base, tuned) = (own(state.base), own(state.tuned));
        let longer = if tuned.is_empty() { &base } else { &tuned };
        let of = |all: &[(String, bool, f64)], i: usize| all.get(i).map_or(0.0, |w| w.2);
        let mut rows: Vec<(usize, String, bool, f64, f64)> = longer
            .iter()
            .enumerate()
            .map(|(i, (text, instruction, _))| (i, format::label(text, 18), *instruction, of(&base, i), of(&tuned, i)))
            .collect();
        rows.sort_by(|a, b| (b.3 - b.4).abs().total_cmp(&(a.3 - a.4).abs()));
        rows.truncate(WORDS);
        rows.sort_by_key(|r| r.0);
        rows
    };
    let bar = |class: &'static str, d: f64| view! { <i class=class style=format!("width:{:.0}%", d * 100.0)></i> };
    let row = move |(_, text, instruction, base, tuned): (usize, String, bool, f64, f64)| {
        view! {
            <span class="slide-word" class:instr=instruction>{text}</span>
            <span class="slide-bars">{bar("base", base)}{bar("tuned", tuned)}</span>
            <span class="slide-n">{format!("{base:.2} · {tuned:.2}")}</span>
        }
    };
    let score = |slot: Slot| slot.view.with(|v| v.score).map_or_else(|| "–".to_owned(), |s| format!("{s:.2}"));
    view! {
        <div class="slide-scores">
            {state.slots().map(|s| view! { <span><Mark side=s.side/>{s.side.name()}{wording::INSTRUCTION_SCORE}<b>{move || score(s)}</b></span> }).collect_view()}
        </div>
        <div class="slide-both">{move || rows().into_iter().map(row).collect_view()}</div>
        <p class="slide-note">{wording::ABOUT_BOTH}</p>
        <MadeBy half=if has_run(state.tuned) { state.tuned } else { state.base } class="slide-note"/>
    }
}

/// The matrix as a figure, as large as it can be.
#[component]
fn Matrix(state: State, side: Side) -> impl IntoView {
    let svg = move || {
        state.reading.track();
        state.slot(side).run.track();
        figures::bare(state, state.slot(side)).unwrap_or_default()
    };
    // our own drawing, every text in it escaped
    view! { <MadeBy half=state.slot(side) class="slide-note"/><div class="slide-figure" inner_html=svg></div> }
}

/// A picture as large as it can be.
#[component]
fn Figure(svg: impl Fn() -> Option<String> + Send + 'static) -> impl IntoView {
    // our own drawing, every text in it escaped
    view! { <div class="slide-figure" inner_html=move || svg().unwrap_or_default()></div> }
}

/// Pairs that the head has gained and lost.
#[component]
fn Head(state: State, layer: usize, head: usize) -> impl IntoView {
    let change = move || state.weights.changes.with(|c| c.get(layer)?.as_ref()?.get(head).cloned());
    let list = |pairs: Vec<String>| {
        let empty = pairs.is_empty();
        view! { <ul>{pairs.into_iter().map(|p| view! { <li>{p}</li> }).collect_view()}{empty.then(|| view! { <li class="empty">{wording::NO_PAIRS}</li> })}</ul> }
    };
    let columns = move || {
        let change = change()?;
        let words = |pairs: &[NamedPair]| -> Vec<String> {
            pairs.iter().take(PAIRS).map(|p| format!("{} → {}", p.query, p.key)).collect()
        };
        let (gained, lost) = (words(&change.gained), words(&change.lost));
        let changed = heads::gained_lost(change.gained.len(), change.lost.len());
        Some(view! {
            <p class="slide-note">{wording::about_head(&common::head(layer, head), &changed)}</p>
            <div class="slide-pairs"><div><div class="slide-label">{wording::ONLY_THE_TUNED}</div>{list(gained)}</div><div><div class="slide-label">{wording::ONLY_THE_BASE}</div>{list(lost)}</div></div>
        })
    };
    view! { {columns} }
}
