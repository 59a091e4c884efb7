//! Which words and word vectors the weights are read by.

use leptos::html::Input;
use leptos::prelude::*;
use web_sys::File;

use crate::app::state::{Side, State};
use crate::app::weights;

fn chosen(input: NodeRef<Input>) -> Option<File> {
    input.get_untracked()?.files()?.get(0)
}

/// What is used, what deviates from the paper, and files that follow it to the letter.
#[component]
pub fn WordFiles(state: State) -> impl IntoView {
    let (list, vectors) = (NodeRef::<Input>::new(), NodeRef::<Input>::new());
    let given = RwSignal::new([false; 2]);
    let take = move |_| {
        let files = (chosen(list), chosen(vectors));
        given.set([files.0.is_some(), files.1.is_some()]);
        weights::use_words(state, files.0, files.1);
    };
    let used = move || {
        let [list, vectors] = given.get();
        let list = if list { "your list of words" } else { "10,901 common English words (SCOWL, levels 10 and 20)" };
        let related = if vectors {
            "your word vectors, as in the paper"
        } else {
            "the model's own input embeddings, freed of their 8 leading directions, where the paper takes GloVe"
        };
        format!(
            "Words: {list}, those that the model writes with one or two tokens (with one, where the vocabulary is small). Related by: {related}. Frequent words: by their place in the vocabulary, where the paper counts a corpus."
        )
    };
    let counted = move |side: Side| {
        state.weights.half(side).work.with(|w| w.words.as_ref().map(|words| format!("{}: {words}. ", side.name())))
    };
    view! {
        <details class="fold" id="words">
            <summary>"Words and vectors"</summary>
            <p class="cap">{used}</p>
            <div class="numbers">
                <label class="number">"A list of words, one a line"<input type="file" node_ref=list accept=".txt,.tsv,.csv,text/plain"/></label>
                <label class="number">"Word vectors, “word v1 v2 …” a line"<input type="file" node_ref=vectors accept=".txt,.vec,text/plain"/></label>
            </div>
            <div class="row">
                <button type="button" class="btn" id="use-words" on:click=take>"Read the weights by these"</button>
                <span class="cap" role="status">{move || counted(Side::Base)}{move || counted(Side::Tuned)}</span>
            </div>
        </details>
    }
}
