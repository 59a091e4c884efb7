//! How results are read: granularity, levels or signed values, the paper's three numbers.

use leptos::prelude::*;

use super::graph;
use super::state::{Form, Scale, Slot, State};
use super::teach::Explain;
use crate::explain::view::can_show;
use crate::explain::{By, ModelReport};
use crate::page::Msg;
use crate::share::figure::signed_ends;
use crate::teach::terms::Panel;
use crate::wording::{attribution as wording, graph as graph_wording, methods};

/// A row of buttons of which one is on.
#[component]
pub fn Segmented<T: Copy + PartialEq + Send + Sync + 'static>(
    /// Names the group for screen readers, and the buttons' ids.
    name: &'static str,
    options: &'static [(T, &'static str)],
    #[prop(into)] value: Signal<T>,
    set: impl Fn(T) + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let button = move |&(option, label): &(T, &'static str)| {
        let on = move || value.get() == option;
        view! {
            <button type="button" aria-pressed=move || on().to_string() class:on=on on:click=move |_| set(option)>{label}</button>
        }
    };
    view! { <div class="seg" role="group" aria-label=name>{options.iter().map(button).collect_view()}</div> }
}

const GRANULARITIES: &[(By, &str)] =
    &[(By::Word, wording::WORD), (By::Token, wording::TOKEN), (By::Sentence, wording::SENTENCE)];
const FORMS: &[(Form, &str)] = &[(Form::Matrix, graph_wording::MATRIX), (Form::Graph, graph_wording::GRAPH)];
const SCALES: &[(Scale, &str)] = &[(Scale::Levels, wording::LEVELS), (Scale::Signed, wording::SIGNED)];

/// The bar above the results.
#[component]
pub fn Toolbar(state: State) -> impl IntoView {
    let reading = state.reading;
    // A run by word cannot be read by token.
    let too_coarse = move || {
        let want = reading.get().by;
        state.slots().iter().any(|s| s.run.with(|r| !r.columns.is_empty() && !can_show(r.by, want)))
    };
    let slider = move |name: &'static str,
                       hint: &'static str,
                       min: u8,
                       max: u8,
                       get: fn(&super::state::Reading) -> u8,
                       set: fn(&mut super::state::Reading, u8)| {
        let change = move |e| {
            if let Ok(v) = event_target_value(&e).parse() {
                state.set_reading(|r| set(r, v));
            }
        };
        view! {
            <label title=hint>{name}
                <input type="range" aria-label=hint min=min max=max prop:value=move || get(&reading.get()).to_string() on:input=change/>
                <output>{move || get(&reading.get())}</output>
            </label>
        }
    };
    let ends = Memo::new(move |_| {
        let how = state.spec.with(|spec| spec.how.clone());
        let finished = |slot: &Slot| slot.run.with(|r| r.report.as_ref().map(|r| signed_ends(Some(r), &how)));
        state.slots().iter().find_map(finished).unwrap_or_else(|| signed_ends(None, &how))
    });
    let why = Memo::new(move |_| {
        state.slots().iter().find_map(|s| s.run.with(|r| r.report.as_ref().and_then(ModelReport::why)))
    });
    let about_levels = move || {
        let how = reading.get().how;
        match why.get() {
            Some(why) => methods::about_levels(how.count, how.floor, &why.words_of()[0]),
            None => wording::about_levels(how.count, how.floor),
        }
    };
    let levels = move || reading.get().scale == Scale::Levels;
    view! {
        <div class="bar" role="toolbar" aria-label=wording::HOW_TO_READ>
            <Segmented name=wording::GRANULARITY options=GRANULARITIES value=Signal::derive(move || reading.get().by) set=move |by| state.set_reading(|r| r.by = by)/>
            <Segmented name=graph_wording::FORM options=FORMS value=Signal::derive(move || reading.get().form) set=move |form| graph::set_form(state, form)/>
            <Segmented name=wording::SCALE options=SCALES value=Signal::derive(move || reading.get().scale) set=move |scale| state.set_reading(|r| r.scale = scale)/>
            {slider(wording::L, wording::ABOUT_L, 2, 20, |r| r.how.count, |r, v| { r.how.count = v; r.how.floor = r.how.floor.min(v - 1); })}
            {slider(wording::B, wording::ABOUT_B, 0, 19, |r| r.how.floor, |r, v| r.how.floor = v.min(r.how.count - 1))}
            {slider(wording::P, wording::ABOUT_P, 2, 8, |r| r.how.norm as u8, |r, v| r.how.norm = f32::from(v))}
            <label title=wording::ABOUT_SPACES><input type="checkbox" prop:checked=move || reading.get().spaces on:change=move |e| state.set_reading(|r| r.spaces = event_target_checked(&e))/>{wording::SPACES}</label>
            <Explain of=Panel::Reading/>
        </div>
        <Show when=too_coarse>
            <p class="note" role="status">
                {wording::TOO_COARSE}" "
                <button class="link" on:click=move |_| state.dispatch(Msg::Run)>{wording::RUN_BY_TOKEN}</button>
            </p>
        </Show>
        <div class="legend" aria-label=wording::WHAT_COLOURS_MEAN>
            <Show when=levels fallback=move || view! {
                <span>{move || ends.get()[0].clone()}</span><span class="ramp diverging"></span><span>{move || ends.get()[1].clone()}</span>
                <span class="hint">{wording::ABOUT_SIGNED}</span>
            }>
                <span>{wording::LEAST}</span>
                <span class="ramp">{(1..=10).map(|i| view! { <i style=format!("background:var(--l{i})")></i> }).collect_view()}</span>
                <span>{wording::MOST}</span>
                <span class="hint">{about_levels}</span>
            </Show>
        </div>
    }
}
