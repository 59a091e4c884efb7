//! The way from a picture back to the report.

use leptos::prelude::*;

use crate::app::focus;
use crate::app::state::State;
use crate::page::Msg;
use crate::page::study::Command;
use crate::wording::study as wording;

/// The id of the button that shows the picture at this place of the report.
pub fn id(at: usize) -> String {
    format!("study-show-{at}")
}

/// Back to the report, to the prompt that was chosen there.
#[component]
pub fn BackToReport(state: State) -> impl IntoView {
    let back = move |_| {
        let shown = state.study.shown.get_untracked();
        state.dispatch(Msg::Study(Command::Back));
        if let Some(at) = shown {
            focus(&id(at));
        }
    };
    view! { <button type="button" class="btn" id="back-to-study" on:click=back>{wording::BACK}</button> }
}
