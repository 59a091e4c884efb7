//! The whole page: header, prompt on the left, results on the right.

use leptos::prelude::*;

use super::difference::Difference;
use super::header::Header;
use super::model_card::ModelCard;
use super::models::{ModelsDialog, drop_zone};
use super::prompt::PromptPanel;
use super::state::{Side, State};
use super::toolbar::Toolbar;
use super::{examples, runs};
use crate::share::presets::PRESETS;

/// The page.
#[component]
pub fn Page() -> impl IntoView {
    let state = State::new();
    state.prompt.set(PRESETS[0].text.to_owned());
    runs::begin(state);
    leptos::task::spawn_local(examples::show(state, PRESETS[0]));
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
