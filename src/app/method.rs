//! By which method a run is explained: the choice before it, and what is said of it at its picture.

use leptos::prelude::*;

use super::state::{Slot, State};
use super::toolbar::Segmented;
use crate::explain::methods::{Baseline, GAP, How, Method};
use crate::explain::{ModelReport, methods};
use crate::page::editor::Command;
use crate::wording::methods as wording;

const METHODS: [(Method, &str, &str); 4] = [
    (Method::GradientInput, wording::GRADIENT_INPUT, wording::ABOUT_GRADIENT_INPUT),
    (Method::GradientNorm, wording::GRADIENT_NORM, wording::ABOUT_GRADIENT_NORM),
    (Method::IntegratedGradients, wording::INTEGRATED, wording::ABOUT_INTEGRATED),
    (Method::Occlusion, wording::OCCLUSION, wording::ABOUT_OCCLUSION),
];

/// What stands in a word's place, as it is chosen; a text is typed beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mean,
    Zero,
    Text,
}

const BASELINES: &[(Kind, &str)] =
    &[(Kind::Mean, wording::MEAN), (Kind::Zero, wording::ZERO), (Kind::Text, wording::A_TEXT)];

impl Kind {
    fn of(how: &How) -> Self {
        match how.baseline {
            Baseline::Mean => Self::Mean,
            Baseline::Zero => Self::Zero,
            Baseline::Text(_) => Self::Text,
        }
    }

    fn baseline(self) -> Baseline {
        match self {
            Self::Mean => Baseline::Mean,
            Self::Zero => Baseline::Zero,
            Self::Text => Baseline::Text(wording::DEFAULT_TEXT.to_owned()),
        }
    }

    fn about(self) -> &'static str {
        match self {
            Self::Mean => wording::ABOUT_MEAN,
            Self::Zero => wording::ABOUT_ZERO,
            Self::Text => wording::ABOUT_TEXT,
        }
    }
}

/// The method of the next run, with what it needs to know.
#[component]
pub fn MethodChoice(state: State) -> impl IntoView {
    let how = state.how;
    let set = move |change: &dyn Fn(&mut How)| {
        let mut chosen = how.get_untracked();
        change(&mut chosen);
        state.edit(Command::How(chosen));
    };
    let method = move || how.with(|how| how.method);
    let about = move || METHODS.iter().find(|(m, ..)| *m == method()).map_or("", |(.., about)| *about);
    let choose = move |e: leptos::ev::Event| {
        let name = event_target_value(&e);
        if let Some((method, ..)) = METHODS.iter().find(|(m, ..)| m.name() == name) {
            set(&|how| how.method = *method);
        }
    };
    let kind = Signal::derive(move || how.with(Kind::of));
    let text =
        move || how.with(|how| if let Baseline::Text(text) = &how.baseline { text.clone() } else { String::new() });
    let steps = move |e: leptos::ev::Event| {
        if let Ok(count) = event_target_value(&e).parse::<f64>() {
            let count = count.clamp(0.0, methods::MOST_STEPS as f64) as usize;
            set(&|how| how.steps = (count > 0).then_some(count));
        }
    };
    view! {
        <label class="label" for="method">{wording::METHOD}</label>
        <select id="method" prop:value=move || method().name() on:change=choose>
            {METHODS.iter().map(|(m, name, _)| view! { <option value=m.name()>{*name}</option> }).collect_view()}
        </select>
        <p class="cap" id="about-method">{about}" "{move || (method() != Method::default()).then_some(wording::AFTERWARDS)}</p>
        <Show when=move || method().has_baseline()>
            <span class="label">{wording::BASELINE}</span>
            <Segmented name=wording::BASELINE_GROUP options=BASELINES value=kind set=move |kind: Kind| set(&|how| how.baseline = kind.baseline())/>
            <Show when=move || kind.get() == Kind::Text>
                <input type="text" class="baseline" id="baseline" aria-label=wording::THE_TEXT prop:value=text on:input=move |e| {
                    let text = event_target_value(&e);
                    set(&|how| how.baseline = Baseline::Text(text.clone()));
                }/>
            </Show>
            <p class="cap">{move || kind.get().about()}</p>
        </Show>
        <Show when=move || method() == Method::IntegratedGradients>
            <div class="numbers"><label class="number" for="steps">{wording::NODES}
                <input id="steps" type="number" min="0" max=methods::MOST_STEPS step="1" prop:value=move || how.with(|how| how.steps.unwrap_or(0).to_string()) on:change=steps/>
            </label></div>
        </Show>
    }
}

/// Whether a picture is made otherwise than usual, so that it is said above it.
fn is_unusual(report: &ModelReport) -> bool {
    report.method != Method::default() || !report.against.is_empty() || !report.interventions.is_empty()
}

/// What the importance in a picture is, where it is not the usual.
pub fn made_by(report: &ModelReport) -> Option<String> {
    is_unusual(report).then(|| wording::made_by(&report.what().replace(" x ", " × ")))
}

/// By which method the picture of `half` was made, where it is not the usual one.
#[component]
pub fn MadeBy(half: Slot, #[prop(into)] class: String) -> impl IntoView {
    let said = move || half.run.with(|r| r.report.as_ref().and_then(made_by));
    move || said().map(|said| view! { <p class=class.clone()>{said}</p> })
}

/// How well the columns of integrated gradients add up.
#[component]
pub fn Completeness(half: Slot) -> impl IntoView {
    let found = move || {
        half.run.with(|r| {
            let report = r.report.as_ref().filter(|p| !p.completeness.is_empty())?;
            let most = report.completeness.iter().fold(0f64, |most, gap| most.max(f64::from(*gap)));
            Some((most, report.steps.unwrap_or_default()))
        })
    };
    let id = format!("gap-{}", half.side.key());
    move || {
        let (id, (gap, steps)) = (id.clone(), found()?);
        Some(match gap < GAP {
            true => view! { <p class="cap" id=id>{wording::complete(gap * 100.0, steps)}</p> }.into_any(),
            false => {
                view! { <p class="note" role="status" id=id>{wording::incomplete(gap * 100.0, steps)}</p> }.into_any()
            }
        })
    }
}
