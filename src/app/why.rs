//! Why this word, and not that: the question at a word's alternatives, and what stands above its answer.

use leptos::prelude::*;

use super::state::{Phase, Side, Slot, State};
use super::{focus, format};
use crate::explain::methods::How;
use crate::explain::{ModelReport, ResponseToken, Why};
use crate::page::runs::{Ask, Command, Half, Other, Which, is_contrast};
use crate::page::{Msg, Wish};
use crate::wording::{methods as wording, numbers};

/// Puts a question to the picture of `side` that is on screen.
fn ask(state: State, side: Side, token: usize, other: Other) {
    let which = state.shell.with(|page| Which::of(&page.runs.round, side));
    if let Some(which) = which {
        state.dispatch(Msg::Wish(Wish::Why(Box::new(Ask { which, token, other }))));
    }
}

/// Whether the picture of `half` can be asked about; reactive.
pub fn can_be_asked(state: State, half: Slot) -> bool {
    half.run.with(Half::can_be_asked) && !state.running()
}

/// The words that the model considered at response token `at`, each a question where one can be put.
#[component]
pub fn Alternatives(state: State, half: Slot, at: usize, token: ResponseToken) -> impl IntoView {
    let side = half.side;
    // what it is set against in this picture
    let against = move || half.run.with(|r| r.report.as_ref().and_then(|p| p.against.get(at).copied()));
    let this = token.text.clone();
    let own = token.id;
    let one = move |(candidate, text): (&crate::model::head::Candidate, &String)| {
        let (id, share) = (candidate.id, format!("width:{:.1}%", candidate.probability * 100.0));
        let said = (format::visible(text), numbers::percent(f64::from(candidate.probability)));
        if id == own || !can_be_asked(state, half) {
            return view! { <span class="alt" class:chosen=id == own><i style=share></i><code>{said.0}</code>{said.1}</span> }.into_any();
        }
        let on = against() == Some(id);
        let [this, that] = Why { token: at, this: this.clone(), that: text.clone() }.words_of();
        let question = wording::why(&this, &that);
        view! {
            <button type="button" class="alt" class:on=on title=question aria-pressed=on.to_string() on:click=move |_| ask(state, side, at, Other::Token(id))>
                <i style=share></i><code>{said.0}</code>{said.1}
            </button>
        }
        .into_any()
    };
    // drawn anew once both models are done
    move || token.top.iter().zip(&token.top_text).map(&one).collect_view()
}

/// Any other word, typed.
#[component]
pub fn WhyNot(state: State, half: Slot, at: usize) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let side = half.side;
    let submit = move |e: leptos::ev::SubmitEvent| {
        e.prevent_default();
        ask(state, side, at, Other::Text(typed.get_untracked()));
    };
    view! {
        <Show when=move || can_be_asked(state, half)>
            <form class="why-not" on:submit=submit>
                <label>{wording::WHY_NOT}" "<input type="text" class="word" placeholder=wording::ANOTHER_WORD prop:value=typed on:input=move |e| typed.set(event_target_value(&e))/></label>
                <button class="btn small">{wording::ASK}</button>
            </form>
        </Show>
    }
}

/// What is to be said of a question at the picture of `half`.
#[component]
pub fn QuestionNote(state: State, half: Slot) -> impl IntoView {
    let said = move || {
        state.asked.with(|asked| match (&asked.note, asked.reading) {
            (_, Some(side)) if side == half.side => Some(wording::READING_WORD.to_owned()),
            (Some((side, note)), _) if *side == half.side => Some(note.clone()),
            _ => None,
        })
    };
    let id = format!("asked-{}", half.side.key());
    view! { <p class="cap asked" role="status" id=id>{said}</p> }
}

/// The question that the picture of `half` answers, with the way back.
#[component]
pub fn WhyBanner(state: State, half: Slot) -> impl IntoView {
    let key = half.side.key();
    let why = move || half.run.with(|r| r.report.as_ref().and_then(ModelReport::why));
    let running = move || half.run.with(|r| r.phase != Phase::Over);
    let question = move || match (why(), running()) {
        (Some(why), _) => {
            let [this, that] = why.words_of();
            wording::why(&this, &that)
        }
        (None, true) => wording::ASKING.to_owned(),
        (None, false) => String::new(),
    };
    let can_return = move || state.asked.with(|asked| asked.back_to.is_some());
    // what was pressed is drawn anew: the keyboard goes on at what has come of it
    Effect::new(move |before: Option<Option<How>>| {
        let here = state.asked.with(|asked| asked.back_to == Some(half.side));
        let asked = here.then(|| state.spec.with(|spec| spec.how.clone()));
        if asked.is_some() && before.is_some_and(|before| before != asked) {
            focus(&format!("plain-{key}"));
        }
        asked
    });
    let back = move |_| {
        state.dispatch(Msg::Runs(Command::Plain));
        focus(&format!("card-{key}"));
    };
    view! {
        <Show when=move || state.spec.with(|spec| is_contrast(&spec.how))>
            <div class="note linked" id=format!("why-{key}") role="status">
                <b>{question}</b>" "<span>{move || why().map(|_| wording::ABOUT_WHY)}</span>" "
                <Show when=can_return>
                    <button type="button" class="btn small" id=format!("plain-{key}") on:click=back>{wording::BACK_TO_PLAIN}</button>
                </Show>
            </div>
        </Show>
    }
}
