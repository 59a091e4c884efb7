//! Which words and word vectors the weights are read by.

use leptos::html::Input;
use leptos::prelude::*;
use web_sys::File;

use crate::app::state::{Side, State};
use crate::app::weights;
use crate::wording::heads as wording;

fn chosen(input: NodeRef<Input>) -> Option<File> {
    input.get_untracked()?.files()?.get(0)
}

/// What is used, what deviates from the paper, and files that follow it to the letter.
#[component]
pub fn WordFiles(state: State) -> impl IntoView {
    let inputs = [(); 3].map(|()| NodeRef::<Input>::new());
    let [list, vectors, judge] = inputs;
    let given = RwSignal::new([false; 3]);
    let take = move |_| {
        let files = inputs.map(chosen);
        given.set(files.each_ref().map(Option::is_some));
        let [list, vectors, judge] = files;
        weights::use_words(state, list, vectors, judge);
    };
    let used = move || {
        let [list, vectors, judge] = given.get();
        wording::used(list, vectors, judge)
    };
    let counted = move |side: Side| {
        state.weights.half(side).work.with(|w| w.words.as_ref().map(|words| wording::taken(side.name(), words)))
    };
    view! {
        <details class="fold" id="words">
            <summary>{wording::WORDS_AND_VECTORS}</summary>
            <p class="cap">{used}</p>
            <div class="numbers">
                <label class="number">{wording::LIST_OF_WORDS}<input type="file" node_ref=list accept=".txt,.tsv,.csv,text/plain"/></label>
                <label class="number">{wording::VECTORS}<input type="file" id="vectors" node_ref=vectors accept=".txt,.vec,text/plain"/></label>
                <label class="number">{wording::JUDGE}<input type="file" id="judge" node_ref=judge accept=".txt,.vec,text/plain"/></label>
            </div>
            <p class="hint">{wording::ABOUT_VECTORS}</p>
            <div class="row">
                <button type="button" class="btn" id="use-words" on:click=take>{wording::USE_THIS_LIST}</button>
                <span class="cap" role="status">{move || counted(Side::Base)}{move || counted(Side::Tuned)}</span>
            </div>
        </details>
    }
}
