//! How results are read: granularity, levels or signed values, the paper's three numbers.

use leptos::prelude::*;

use super::state::{Scale, State};
use super::teach::Explain;
use crate::explain::By;
use crate::explain::view::can_show;
use crate::page::Msg;
use crate::teach::terms::Term;

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

const GRANULARITIES: &[(By, &str)] = &[(By::Word, "Word"), (By::Token, "Token"), (By::Sentence, "Sentence")];
const SCALES: &[(Scale, &str)] = &[(Scale::Levels, "Levels"), (Scale::Signed, "Signed")];

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
    let levels = move || reading.get().scale == Scale::Levels;
    view! {
        <div class="bar" role="toolbar" aria-label="How to read the results">
            <span class="with-what"><Segmented name="Granularity" options=GRANULARITIES value=Signal::derive(move || reading.get().by) set=move |by| state.set_reading(|r| r.by = by)/><Explain term=Term::Granularity/></span>
            <span class="with-what"><Segmented name="Scale" options=SCALES value=Signal::derive(move || reading.get().scale) set=move |scale| state.set_reading(|r| r.scale = scale)/><Explain term=Term::Scale/></span>
            <span class="with-what">{slider("L", "L: number of levels", 2, 20, |r| r.how.count, |r, v| { r.how.count = v; r.how.floor = r.how.floor.min(v - 1); })}<Explain term=Term::Levels/></span>
            <span class="with-what">{slider("b", "b: hide levels up to", 0, 19, |r| r.how.floor, |r, v| r.how.floor = v.min(r.how.count - 1))}<Explain term=Term::Floor/></span>
            <span class="with-what">{slider("p", "p: norm that density divides by", 2, 8, |r| r.how.norm as u8, |r, v| r.how.norm = f32::from(v))}<Explain term=Term::Norm/></span>
            <label title="Spaces and line breaks as signs"><input type="checkbox" prop:checked=move || reading.get().spaces on:change=move |e| state.set_reading(|r| r.spaces = event_target_checked(&e))/>"Spaces"</label>
        </div>
        <Show when=too_coarse>
            <p class="note" role="status">
                "This result was computed by word or sentence; token by token needs another run. "
                <button class="link" on:click=move |_| state.dispatch(Msg::Run)>"Run by token"</button>
            </p>
        </Show>
        <div class="legend" aria-label="What the colours mean">
            <Show when=levels fallback=|| view! {
                <span>"lowered the word's probability"</span><span class="ramp diverging"></span><span>"raised it"</span>
                <span class="hint">"Zero is the background. One scale for both models."</span>
            }>
                <span>"least"</span>
                <span class="ramp">{(1..=10).map(|i| view! { <i style=format!("background:var(--l{i})")></i> }).collect_view()}</span>
                <span>"most influence"</span>
                <span class="hint">{move || format!("Levels 1 to {}; up to {} hidden. Empty: below that, or the probability was not raised.", reading.get().how.count, reading.get().how.floor)}</span>
            </Show>
        </div>
    }
}
