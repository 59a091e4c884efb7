//! Attention on the last prompt and its response: a head in both models, all heads of the layer, rollout.

use std::sync::Arc;

use leptos::html::{Canvas, Div};
use leptos::prelude::*;

use super::View;
use crate::app::canvas::{Cell, Layout, Picture, draw, follow_theme, thumbnail};
use crate::app::matrix::{on_resize, watch_width};
use crate::app::share::picture::{Drawn, SavePicture, of_page, provenance};
use crate::app::state::{Slot, State};
use crate::app::switching::WholeModel;
use crate::app::teach::Explain;
use crate::app::toolbar::Segmented;
use crate::app::weights::Task;
use crate::app::{format, weights};
use crate::explain::Role;
use crate::explain::local::{LayerAttention, weight, without_sink};
use crate::explain::view::Label;
use crate::explain::weights::Packed;
use crate::share::sheet::{Legend, Sheet, level_colour};
use crate::teach::terms::Panel;
use crate::wording::heads as wording;

/// Which pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Of {
    #[default]
    Head,
    Mean,
    Rollout,
}

/// How it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Style {
    #[default]
    Matrix,
    Lines,
}

const OFS: &[(Of, &str)] =
    &[(Of::Head, wording::THIS_HEAD), (Of::Mean, wording::MEAN_OF_HEADS), (Of::Rollout, wording::ROLLOUT)];
const STYLES: &[(Style, &str)] = &[(Style::Matrix, wording::MATRIX), (Style::Lines, wording::LINES)];

/// A pattern ready to be drawn.
#[derive(Debug, Clone, PartialEq)]
struct Pattern {
    labels: Vec<Label>,
    weights: Packed,
}

/// What the whole section shows.
#[derive(Clone, Copy)]
struct Shown {
    of: RwSignal<Of>,
    style: RwSignal<Style>,
    sink: RwSignal<bool>,
    /// The token the user points at or has walked to, in either model.
    token: RwSignal<Option<usize>>,
}

/// The layer's attention of `slot` on its last run.
fn layer_attention(state: State, view: View, slot: Slot) -> Option<Arc<LayerAttention>> {
    let (layer, _) = view.chosen.get();
    let ids = weights::sequence(slot);
    state.weights.half(slot.side).attention.with(|a| weights::present(a, &ids, layer, |a| a.layer))
}

fn labels(slot: Slot) -> Vec<Label> {
    slot.run.with(|r| {
        let Some(report) = &r.report else { return Vec::new() };
        let prompt = report.prompt.iter().map(|t| (t.text.clone(), t.role));
        let all = prompt.chain(report.response.iter().map(|t| (t.text.clone(), Role::User))).enumerate();
        let prompt = report.prompt.len();
        all.map(|(i, (text, role))| Label {
            text,
            role,
            counted: true,
            instruction: i >= prompt,
            parts: vec![i],
            spaced: false,
            own: false,
        })
        .collect()
    })
}

fn pattern(state: State, view: View, shown: Shown, slot: Slot) -> Option<Pattern> {
    let attention = layer_attention(state, view, slot)?;
    let weights = match shown.of.get() {
        Of::Head => attention.heads.get(view.chosen.get().1)?.clone(),
        Of::Mean => attention.mean(),
        Of::Rollout => attention.rollout.clone(),
    };
    let weights = if shown.sink.get() { without_sink(&weights, attention.tokens) } else { weights };
    Some(Pattern { labels: labels(slot), weights })
}

/// The section.
#[component]
pub fn OnPrompt(state: State, view: View) -> impl IntoView {
    let shown = Shown {
        of: RwSignal::new(Of::default()),
        style: RwSignal::new(Style::default()),
        sink: RwSignal::new(false),
        token: RwSignal::new(None),
    };
    let patterns = state.slots().map(|slot| Memo::new(move |_| pattern(state, view, shown, slot)));
    let ran = move || weights::has_sequence(state);
    let what = move || match shown.of.get() {
        Of::Head => wording::ABOUT_HEAD,
        Of::Mean => wording::ABOUT_MEAN,
        Of::Rollout => wording::ABOUT_ROLLOUT,
    };
    view! {
        <div class="head"><h2>{wording::ON_YOUR_PROMPT}</h2><Explain of=Panel::Attention/><span class="cap">{what}</span></div>
        <Show when=ran fallback=|| view! { <p class="empty">{wording::RUN_FIRST}</p> }>
            <div class="bar">
                <Segmented name=wording::PATTERN options=OFS value=shown.of set=move |o| shown.of.set(o)/>
                <Segmented name=wording::DRAWN_AS options=STYLES value=shown.style set=move |s| shown.style.set(s)/>
                <label><input type="checkbox" id="mask-sink" prop:checked=shown.sink on:change=move |e| shown.sink.set(event_target_checked(&e))/>{wording::WITHOUT_SINK}</label>
            </div>
            <WholeModel state/>
            <div class="legend"><span>"0"</span><span class="ramp">{(1..=10).map(|i| view! { <i style=format!("background:var(--l{i})")></i> }).collect_view()}</span><span>"1"</span><span class="hint">{wording::ATTENTION_WEIGHT}</span></div>
            <div class="cols">
                {state.slots().into_iter().zip(patterns).map(|(slot, pattern)| view! { <Half state view shown half=slot pattern/> }).collect_view()}
            </div>
            <Difference shown base=patterns[0] tuned=patterns[1]/>
        </Show>
    }
}

#[component]
fn Half(state: State, view: View, shown: Shown, half: Slot, pattern: Memo<Option<Pattern>>) -> impl IntoView {
    let side = half.side;
    let words = move || said(shown, pattern);
    view! {
        <div id=format!("attention-{}", side.key())>
            <p class="sub">{side.name()}</p>
            <Glance state view half/>
            <Show when=move || pattern.with(Option::is_some) fallback=move || not_there(state, half)>
                {move || match shown.style.get() {
                    Style::Matrix => view! { <Matrix shown pattern name=side.name()/> }.into_any(),
                    Style::Lines => view! { <Lines shown pattern name=side.name()/> }.into_any(),
                }}
                <SavePicture name=format!("attention-{}", side.key()) make=move || picture(state, shown, half, pattern)/>
                <p class="cap value" aria-live="polite">{words}</p>
            </Show>
        </div>
    }
}

/// A pattern as a figure: the matrix, or the lines as they are drawn.
fn picture(state: State, shown: Shown, half: Slot, pattern: Memo<Option<Pattern>>) -> Option<Drawn> {
    let what = match shown.of.get_untracked() {
        Of::Head => wording::OF_HEAD,
        Of::Mean => wording::OF_MEAN,
        Of::Rollout => wording::OF_ROLLOUT,
    };
    let title = wording::attention_title(&half.side.name().to_lowercase());
    let about = wording::attention_caption(what, &provenance(state));
    if shown.style.get_untracked() == Style::Lines {
        return of_page(&format!("#attention-{} .attention-lines", half.side.key()), &title, &about);
    }
    pattern.with_untracked(|p| {
        let p = p.as_ref()?;
        let sheet = Sheet {
            title,
            rows: &p.labels,
            columns: &p.labels,
            fill: &|n, m| level_colour(weight(&p.weights, n, m)).filter(|_| m <= n),
            tip: &|n, m| format!("{:.4}", weight(&p.weights, n, m)),
            legend: Legend::Levels("0", "1"),
            caption: about,
        };
        Some((sheet.svg(), sheet.size()))
    })
}

/// What stands where a pattern is not.
fn not_there(state: State, slot: Slot) -> impl IntoView {
    move || match weights::refused(state, slot, Task::Attention(0)) {
        Some(why) => view! { <p class="error" role="status">{why}</p> }.into_any(),
        None => view! { <p class="empty">{waiting(slot)}</p> }.into_any(),
    }
}

fn waiting(slot: Slot) -> &'static str {
    match (slot.run.with(|r| r.report.is_some()), slot.model.with(|m| m.info.is_some())) {
        (false, _) => wording::NOT_RUN,
        (_, false) => wording::STILL_LOADING,
        _ => wording::READING_THE_PROMPT,
    }
}

/// Where the chosen token looks, in words.
fn said(shown: Shown, pattern: Memo<Option<Pattern>>) -> String {
    pattern.with(|p| {
        let chosen = p.as_ref().zip(shown.token.get()).filter(|(p, t)| *t < p.labels.len());
        let Some((p, query)) = chosen else {
            return wording::POINT_OR_WALK.to_owned();
        };
        // without the sink, the first token is no answer
        let first = usize::from(shown.sink.get() && query > 0);
        let mut all: Vec<(usize, f32)> = (first..=query).map(|key| (key, weight(&p.weights, query, key))).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        let text = |i: usize| format::label(&p.labels[i].text, 24);
        let at: Vec<(String, f32)> = all.iter().take(4).map(|(key, weight)| (text(*key), *weight)).collect();
        wording::looks_at(&text(query), &at)
    })
}

/// All heads of the layer at once.
#[component]
fn Glance(state: State, view: View, half: Slot) -> impl IntoView {
    let attention = Memo::new(move |_| layer_attention(state, view, half));
    let heads = move || {
        let count = attention.with(|a| a.as_ref().map_or(0, |a| a.heads.len()));
        (0..count).map(|head| view! { <Thumbnail state view attention head/> }).collect_view()
    };
    view! { <div class="glance" role="group" aria-label=wording::all_heads_of(half.side.name())>{heads}</div> }
}

#[component]
fn Thumbnail(state: State, view: View, attention: Memo<Option<Arc<LayerAttention>>>, head: usize) -> impl IntoView {
    let canvas = NodeRef::<Canvas>::new();
    Effect::new(move |_| {
        follow_theme();
        let (Some(canvas), Some(attention)) = (canvas.get(), attention.get()) else { return };
        let Some(pattern) = attention.heads.get(head) else { return };
        thumbnail(&canvas, 46.0, attention.tokens, &|n, m| cell(weight(pattern, n, m)));
    });
    let on = move || view.chosen.get().1 == head;
    view! {
        <button type="button" class="thumb" class:on=on aria-pressed=move || on().to_string() title=wording::head(head) aria-label=wording::head(head) on:click=move |_| weights::choose_head(state, view.chosen.get_untracked().0, head)>
            <canvas node_ref=canvas></canvas><span>{head}</span>
        </button>
    }
}

fn cell(weight: f32) -> Cell {
    if weight < 0.005 { Cell::Empty } else { Cell::Level(weight.min(1.0)) }
}

#[component]
fn Matrix(shown: Shown, pattern: Memo<Option<Pattern>>, name: &'static str) -> impl IntoView {
    let canvas = NodeRef::<Canvas>::new();
    let (width, layout) = (RwSignal::new(0.0), RwSignal::new(Layout::default()));
    on_resize(canvas, width);
    Effect::new(move |_| {
        follow_theme();
        width.track();
        let Some(canvas) = canvas.get() else { return };
        pattern.with(|p| {
            let Some(p) = p else { return };
            let cell = |n: usize, m: usize| cell(weight(&p.weights, n, m));
            let row = shown.token.get().filter(|t| *t < p.labels.len());
            let picture = Picture { rows: &p.labels, columns: &p.labels, cell: &cell, row, column: None };
            if let Some(drawn) = draw(&canvas, &picture) {
                layout.set(drawn);
            }
        });
    });
    let on_move = move |e: leptos::ev::MouseEvent| {
        let (row, _) = layout.get_untracked().at(f64::from(e.offset_x()), f64::from(e.offset_y()));
        if row.is_some() && row != shown.token.get_untracked() {
            shown.token.set(row);
        }
    };
    view! {
        <div class="frame"><canvas node_ref=canvas tabindex="0" role="img" aria-label=wording::matrix_of(name) on:mousemove=on_move on:keydown=move |e| walk(shown, pattern, &e)></canvas></div>
    }
}

/// The arrow keys move from token to token.
fn walk(shown: Shown, pattern: Memo<Option<Pattern>>, e: &leptos::ev::KeyboardEvent) {
    let last = pattern.with_untracked(|p| p.as_ref().map_or(0, |p| p.labels.len())).saturating_sub(1);
    let at = shown.token.get_untracked();
    let next = match e.key().as_str() {
        "ArrowDown" | "ArrowRight" => at.map_or(0, |t| (t + 1).min(last)),
        "ArrowUp" | "ArrowLeft" => at.map_or(last, |t| t.saturating_sub(1)),
        _ => return,
    };
    e.prevent_default();
    shown.token.set(Some(next));
}

/// Height of a token in the line view, pixels.
const LINE: f64 = 20.0;
/// Weights below this are not drawn.
const FAINT: f32 = 0.03;

/// Tokens on the left look at tokens on the right.
#[component]
fn Lines(shown: Shown, pattern: Memo<Option<Pattern>>, name: &'static str) -> impl IntoView {
    let frame = NodeRef::<Div>::new();
    let width = RwSignal::new(0.0);
    watch_width(frame, width);
    let picture = move || {
        pattern.with(|p| {
            let p = p.as_ref()?;
            let (count, wide) = (p.labels.len(), width.get().max(200.0));
            let (left, right) = (wide * 0.34, wide * 0.66);
            let y = |i: usize| (i as f64 + 0.5) * LINE;
            let chosen = shown.token.get();
            let drawn = |query: usize| chosen.is_none_or(|t| t == query);
            let lines = (0..count)
                .filter(|q| drawn(*q))
                .flat_map(|q| (0..=q).map(move |k| (q, k)))
                .filter_map(|(q, k)| {
                    let w = weight(&p.weights, q, k);
                    (w >= FAINT).then(|| view! { <line x1=left + 4.0 y1=y(q) x2=right - 4.0 y2=y(k) style=format!("opacity:{w:.2};stroke-width:{:.1}", 0.6 + 2.4 * w)/> })
                })
                .collect_view();
            let texts = (0..count)
                .map(|i| {
                    let text = format::label(&p.labels[i].text, 16);
                    view! {
                        <text class="query" class:on=chosen == Some(i) x=left y=y(i) text-anchor="end" on:mouseenter=move |_| shown.token.set(Some(i))>{text.clone()}</text>
                        <text x=right y=y(i)>{text}</text>
                    }
                })
                .collect_view();
            Some(view! {
                <svg class="attention-lines" width=wide height=count as f64 * LINE role="img" tabindex="0" aria-label=wording::lines_of(name)
                    on:keydown=move |e| walk(shown, pattern, &e) on:mouseleave=move |_| shown.token.set(None)>{lines}{texts}</svg>
            })
        })
    };
    view! { <div class="frame lines-frame" node_ref=frame>{picture}</div> }
}

/// Tuned minus base, where both read the same tokens.
#[component]
fn Difference(shown: Shown, base: Memo<Option<Pattern>>, tuned: Memo<Option<Pattern>>) -> impl IntoView {
    let canvas = NodeRef::<Canvas>::new();
    let width = RwSignal::new(0.0);
    on_resize(canvas, width);
    let same = Memo::new(move |_| {
        base.with(|b| tuned.with(|t| matches!((b, t), (Some(b), Some(t)) if b.labels.iter().map(|l| &l.text).eq(t.labels.iter().map(|l| &l.text)))))
    });
    Effect::new(move |_| {
        follow_theme();
        width.track();
        let Some(canvas) = canvas.get() else { return };
        base.with(|b| {
            tuned.with(|t| {
                let (Some(b), Some(t)) = (b, t) else { return };
                let cell = |n: usize, m: usize| Cell::Signed(weight(&t.weights, n, m) - weight(&b.weights, n, m));
                let row = shown.token.get().filter(|token| *token < t.labels.len());
                draw(&canvas, &Picture { rows: &t.labels, columns: &t.labels, cell: &cell, row, column: None });
            })
        });
    });
    let both = move || base.with(Option::is_some) && tuned.with(Option::is_some);
    view! {
        <Show when=both>
            <p class="sub">{wording::DIFFERENCE}</p>
            <Show when=move || same.get() fallback=|| view! { <p class="empty">{wording::OTHER_TOKENS}</p> }>
                <div class="legend"><span>{wording::MORE_IN_BASE}</span><span class="ramp diverging"></span><span>{wording::MORE_IN_TUNED}</span></div>
                <div class="frame"><canvas node_ref=canvas role="img" aria-label=wording::DIFFERENCE_PICTURE></canvas></div>
            </Show>
        </Show>
    }
}
