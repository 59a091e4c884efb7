//! The whole page: header, prompt on the left, results on the right.

use leptos::prelude::*;

use super::backend::BackendDialog;
use super::concepts::Concepts;
use super::conversation::ExplainedTurns;
use super::difference::Difference;
use super::edited::EditedPanel;
use super::findings::FindingsView;
use super::graph::{self, SaveBoth};
use super::header::Header;
use super::heads::Heads;
use super::history::{self, HistoryPanel};
use super::loading::WaitingNote;
use super::model_card::ModelCard;
use super::models::{ModelsDialog, PairHint};
use super::offline::{self, UpdateNote};
use super::prompt::PromptPanel;
use super::share::ShareDialog;
use super::share::linked::{self, LinkedNote, Notice};
use super::state::{Side, State, Tab};
use super::study::StudyView;
use super::tabs::{self, Tabs};
use super::teach::{Coach, GuessPanel, LearnDialog, NotShown, Presenter};
use super::text::TextPanel;
use super::toolbar::Toolbar;
use super::{backend, effects, engines, examples, focus, loading, models, teach, window};
use crate::page::slots::Command;
use crate::page::{Msg, editor};
use crate::share::presets::PRESETS;
use crate::teach::terms::Picture;
use crate::wording::frame as wording;

/// The page.
#[component]
pub fn Page() -> impl IntoView {
    let state = State::new();
    effects::carry_out(state);
    state.dispatch(Msg::Slots(Command::Compute(backend::wanted())));
    engines::recall(state);
    state.edit(editor::Command::Prompt(PRESETS[0].text.to_owned()));
    let picture = linked::open(state);
    leptos::task::spawn_local(async move {
        if !picture && state.prompt.with_untracked(|p| p == PRESETS[0].text) {
            examples::fetch(state, 0).await;
        }
        loading::when_idle(state).await;
    });
    graph::recall(state);
    history::recall(state);
    linked::watch(state);
    offline::begin(state);
    let guessing = move || state.guess.with(|g| g.as_ref().is_some_and(|g| !g.looked));
    let embedded = super::embedded();
    if embedded && let Some(body) = super::document().body() {
        let _ = body.class_list().add_1("embedded");
    }
    models::begin(state);
    teach::begin(state);
    // not by the address, whose fragment may hold a picture
    let skip = move |e: leptos::ev::MouseEvent| {
        e.prevent_default();
        focus(if state.tab.get_untracked() == Tab::Prompt { "results" } else { "main" });
    };
    view! {
        <a class="skip" href="#results" on:click=skip>{wording::SKIP_TO_RESULTS}</a>
        <Header state/>
        <UpdateNote/>
        <Show when=move || embedded><p class="whole"><a id="whole-page" target="_blank" rel="noopener" href=whole_address>{wording::OPEN_IN_SHIFTLENS}</a></p></Show>
        <Tabs state/>
        <main id="main" tabindex="-1" class:wide=move || state.tab.get() != Tab::Prompt>
            <div class="view" id="view" role="tabpanel" aria-labelledby=move || tabs::id(state.tab.get())>
            <Notice state/>
            <PairHint state/>
            // hidden, not gone: a run goes on, and its result stays as it was left
            <div class="attribution" style:display=move || if state.tab.get() == Tab::Prompt { "" } else { "none" }>
                <PromptPanel state/>
                <section id="results" tabindex="-1" aria-label=wording::RESULTS class:guessing=guessing>
                    <LinkedNote state/>
                    <GuessPanel state/>
                    <Toolbar state/>
                    <ExplainedTurns state/>
                    <div class="cols">
                        <ModelCard state side=Side::Base/>
                        <ModelCard state side=Side::Tuned/>
                    </div>
                    <EditedPanel state/>
                    <SaveBoth state/>
                    <Difference state/>
                    <TextPanel state/>
                    <NotShown of=Picture::Attribution/>
                    <HistoryPanel state/>
                </section>
            </div>
            <WaitingNote state among_weights=true/>
            <Show when=move || state.tab.get() == Tab::Heads><Heads state/></Show>
            <Show when=move || state.tab.get() == Tab::Concepts><Concepts state/></Show>
            <Show when=move || state.tab.get() == Tab::Findings><FindingsView state/></Show>
            <Show when=move || state.tab.get() == Tab::Study><StudyView state/></Show>
            </div>
        </main>
        <ModelsDialog state/>
        <ShareDialog state/>
        <BackendDialog state/>
        <LearnDialog state/>
        <Presenter state/>
        <Coach state/>
    }
}

/// The address of the page as a whole, with the same picture.
fn whole_address() -> String {
    let location = window().location();
    format!("{}{}", location.pathname().unwrap_or_default(), location.hash().unwrap_or_default())
}
