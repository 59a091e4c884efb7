//! "Guess first": the reader marks the words that mattered, and only then sees the model's.

use leptos::prelude::*;

use crate::app::state::{Side, Slot, State};
use crate::explain::Role;
use crate::explain::view::View;
use crate::page::Msg;
use crate::page::guess::Command;
use crate::teach::guess::{Outcome, compare};
use crate::wording::teach as wording;

fn command(state: State, command: Command) {
    state.dispatch(Msg::Guess(command));
}

/// The user's words of a view, with their densities.
fn words(view: &View) -> Vec<(String, f64)> {
    let own = view.rows.iter().zip(&view.density).filter(|(row, _)| row.role == Role::User);
    own.map(|(row, density)| (row.text.trim().to_owned(), *density)).collect()
}

/// Whose words are marked. Reactive.
fn subject(state: State) -> Slot {
    state.slots().iter().for_each(|slot| slot.run.track());
    let reading = state.reading.get();
    state.slot(state.shell.with(|page| page.runs.round.words(reading).side))
}

/// The panel above the results.
#[component]
pub fn GuessPanel(state: State) -> impl IntoView {
    let guess = state.guess;
    let on = move || guess.with(Option::is_some);
    let looked = move || guess.with(|g| g.as_ref().is_some_and(|g| g.looked));
    let ready = move || !state.running() && subject(state).view.with(|v| !v.columns.is_empty());
    let waiting = move || {
        if state.running() { wording::ANSWERING } else { wording::RUN_TO_GUESS }
    };
    view! {
        <Show when=on>
            <article class="panel card" id="guess" aria-label=wording::GUESS_FIRST>
                <div class="head">
                    <h2>{wording::GUESS_FIRST}</h2><span class="grow"></span>
                    <button class="link" id="guess-stop" on:click=move |_| command(state, Command::Stop)>{move || if looked() { wording::DONE } else { wording::SHOW_EVERYTHING }}</button>
                </div>
                <Show when=ready fallback=move || view! { <p class="empty">{waiting}</p> }>
                    <Answer state/>
                    <Show when=looked fallback=move || view! { <Marking state/> }><Held state/></Show>
                </Show>
            </article>
        </Show>
    }
}

/// The answer, plain.
#[component]
fn Answer(state: State) -> impl IntoView {
    let text = move || subject(state).run.with(|r| r.response.iter().map(|t| t.text.as_str()).collect::<String>());
    view! {
        <div class="sub">{move || wording::response_of(subject(state).side.name())}</div>
        <p class="read answer">{text}</p>
    }
}

#[component]
fn Marking(state: State) -> impl IntoView {
    let guess = state.guess;
    let picked = move |i: usize| guess.with(|g| g.as_ref().is_some_and(|g| g.picked.contains(&i)));
    let count = move || guess.with(|g| g.as_ref().map_or(0, |g| g.picked.len()));
    let look = move |_| {
        command(state, Command::Look);
        crate::app::focus("guess-stop");
    };
    let word = move |(i, (text, _)): (usize, (String, f64))| {
        view! { <button type="button" class="tok pick" class:on=move || picked(i) aria-pressed=move || picked(i).to_string() on:click=move |_| command(state, Command::Toggle(i))>{text}</button> }
    };
    let all = move || subject(state).view.with(words);
    view! {
        <p>{wording::WHICH_WORDS}</p>
        <div class="tokens picks" role="group" aria-label=wording::WORDS_OF_PROMPT>{move || all().into_iter().enumerate().map(word).collect_view()}</div>
        <div class="row">
            <button class="btn" id="guess-look" disabled=move || count() == 0 on:click=look>{wording::LOOK}</button>
            <span class="cap" role="status">{move || wording::marked(count())}</span>
        </div>
    }
}

/// What the models say to it.
#[component]
fn Held(state: State) -> impl IntoView {
    let picked = move || state.guess.with(|g| g.as_ref().map(|g| g.picked.clone()).unwrap_or_default());
    let one = move |side: Side| {
        let slot = state.slot(side);
        let all = slot.view.with(|v| (!v.columns.is_empty()).then(|| words(v)))?;
        let picked = picked();
        let density: Vec<f64> = all.iter().map(|w| w.1).collect();
        let outcome = compare(&picked, &density);
        let sentence = outcome.words(side.name(), picked.len());
        Some(view! { <p class="held">{sentence}</p><Marked words=all picked outcome/> })
    };
    view! {
        <div role="status" id="guess-held">{move || [Side::Tuned, Side::Base].map(one).collect_view()}</div>
        <p class="cap">{wording::ABOUT_MARKS}</p>
        <button class="btn" id="guess-again" on:click=move |_| command(state, Command::Start)>{wording::GUESS_AGAIN}</button>
    }
}

#[component]
fn Marked(words: Vec<(String, f64)>, picked: Vec<usize>, outcome: Outcome) -> impl IntoView {
    let word = move |(i, (text, _)): (usize, (String, f64))| {
        let (mark, class, said) = match (picked.contains(&i), outcome.models.contains(&i)) {
            (true, true) => ("✓ ", "tok hit", wording::YOU_AND_MODEL),
            (true, false) => ("○ ", "tok yours", wording::ONLY_YOU),
            (false, true) => ("+ ", "tok models", wording::ONLY_MODEL),
            (false, false) => ("", "tok", wording::NEITHER),
        };
        view! { <span class=class title=said>{mark}{text}</span> }
    };
    view! { <div class="tokens marked">{words.into_iter().enumerate().map(word).collect_view()}</div> }
}
