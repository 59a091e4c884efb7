//! What the page is about: the prompt, or the weights.

use leptos::prelude::*;

use super::state::{State, Tab};
use super::weights;

const TABS: &[(Tab, &str, &str)] = &[
    (Tab::Prompt, "Prompt", "tab-prompt"),
    (Tab::Heads, "Attention heads", "tab-heads"),
    (Tab::Concepts, "Concepts", "tab-concepts"),
    (Tab::Findings, "Findings", "tab-findings"),
];

/// The row of tabs.
#[component]
pub fn Tabs(state: State) -> impl IntoView {
    let tab = move |&(tab, name, id): &(Tab, &'static str, &'static str)| {
        let on = move || state.tab.get() == tab;
        view! {
            <button
                type="button" role="tab" id=id class:on=on aria-selected=move || on().to_string() aria-controls="view"
                on:click=move |_| weights::open(state, tab)
            >{name}</button>
        }
    };
    view! { <nav class="tabs" role="tablist" aria-label="What to look at">{TABS.iter().map(tab).collect_view()}</nav> }
}
