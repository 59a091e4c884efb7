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
        let list = if list { "your list of words" } else { "10,901 common English words (SCOWL, levels 10 and 20)" };
        let related = if vectors {
            "your word vectors, as in the paper"
        } else {
            "the model's own input embeddings, with their 8 leading directions removed (the paper uses GloVe)"
        };
        let judge = if judge { "by your vectors of another model" } else { "by no one" };
        format!(
            "Words: {list}, those that the model writes with one or two tokens (with one, where the vocabulary is small). Related by: {related}. Frequent words: by their place in the vocabulary, where the paper counts a corpus. Coherence judged: {judge}."
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
                <label class="number">"Word vectors that say which words are related"<input type="file" id="vectors" node_ref=vectors accept=".txt,.vec,text/plain"/></label>
                <label class="number">"Another model's word vectors, to judge by"<input type="file" id="judge" node_ref=judge accept=".txt,.vec,text/plain"/></label>
            </div>
            <p class="hint">"Vectors: “word v1 v2 …” a line. The judge measures coherence: how much closer to each other than random words the words of a head or component lie, in standard deviations. It must not be what selected the related words."</p>
            <div class="row">
                <button type="button" class="btn" id="use-words" on:click=take>"Use this list"</button>
                <span class="cap" role="status">{move || counted(Side::Base)}{move || counted(Side::Tuned)}</span>
            </div>
        </details>
    }
}
