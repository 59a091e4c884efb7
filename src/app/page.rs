//! The whole page: header, prompt on the left, results on the right.

use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::difference::Difference;
use super::header::Header;
use super::model_card::ModelCard;
use super::models::{ModelsDialog, drop_zone};
use super::presets::PRESETS;
use super::prompt::PromptPanel;
use super::state::{RunState, Selection, Side, State};
use super::toolbar::Toolbar;
use super::{runs, window};
use crate::explain::view::View;
use crate::share::Export;

/// The page.
#[component]
pub fn Page() -> impl IntoView {
    let state = State::new();
    state.prompt.set(PRESETS[0].text.to_owned());
    runs::begin(state);
    leptos::task::spawn_local(show_example(state));
    drop_zone(state);
    view! {
        <a class="skip" href="#results">"Skip to the results"</a>
        <Header state/>
        <main>
            <PromptPanel state/>
            <section id="results" aria-label="Results">
                <Toolbar state/>
                <div class="cols">
                    <ModelCard state side=Side::Base/>
                    <ModelCard state side=Side::Tuned/>
                </div>
                <Difference state/>
            </section>
        </main>
        <ModelsDialog state/>
    }
}

/// The finished example that ships with the page stands there until something is run.
async fn show_example(state: State) {
    let Some(export) = fetch_example().await else { return };
    let untouched = state.slots().iter().all(|s| s.run.with_untracked(|r| r.job.is_none() && r.report.is_none()));
    if !untouched {
        return;
    }
    for (slot, report) in [(state.base, export.models.base), (state.tuned, export.models.tuned)] {
        if let Some(report) = report {
            slot.run.set(RunState::of(report, export.prompt.clone(), true));
            // A word of the response is chosen, so that the picture speaks at once.
            let column = slot.view.with_untracked(most_telling);
            slot.selection.set(Selection { row: None, column });
        }
    }
}

/// The column that most prompt units fed.
fn most_telling(view: &View) -> Option<usize> {
    let fed = |m: usize| view.levels.iter().filter(|row| row[m] > 0).count();
    (0..view.columns.len()).rev().max_by_key(|&m| fed(m))
}

async fn fetch_example() -> Option<Export> {
    let response = JsFuture::from(window().fetch_with_str("examples/first.json")).await.ok()?;
    let response: web_sys::Response = response.dyn_into().ok()?;
    let text = JsFuture::from(response.text().ok()?).await.ok()?.as_string()?;
    serde_json::from_str(&text).ok()
}
