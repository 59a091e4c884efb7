//! What a run will take of memory, said before it where it is much, or more than there is.

use leptos::prelude::*;

use super::state::{Slot, State};
use crate::model::in_words;
use crate::page::prepared::LARGE;
use crate::wording::{common, prompt as wording};

/// A line for each model whose run needs much memory; an error where there is not so much.
#[component]
pub fn Memory(state: State) -> impl IntoView {
    let said = move |slot: Slot| {
        let need = slot.prepared.with(|p| p.as_ref().and_then(|p| p.need.clone()))?;
        let (name, id) = (slot.side.name(), format!("memory-{}", slot.side.key()));
        match need.refused {
            Some(shortage) => Some(
                view! { <p class="error" role="status" id=id>{common::of_model(name, &shortage.to_string())}</p> }
                    .into_any(),
            ),
            None if need.bytes >= LARGE => {
                let words = wording::needs_memory(name, &in_words(need.bytes));
                Some(view! { <p class="note" role="status" id=id>{words}</p> }.into_any())
            }
            None => None,
        }
    };
    move || state.slots().map(said).collect_view()
}
