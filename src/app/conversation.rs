//! The turns before the prompt: who says what, and whether it is explained.

use leptos::prelude::*;

use super::state::State;
use crate::checkpoint::Speaker;
use crate::checkpoint::conversation::{MOST_TURNS, explained_turns};
use crate::page::editor::{Before, Command, Conversation};
use crate::wording::conversation as wording;

/// What the roles are called.
const SPEAKERS: &[(Speaker, &str)] =
    &[(Speaker::System, wording::SYSTEM), (Speaker::User, wording::USER), (Speaker::Assistant, wording::ASSISTANT)];

/// The editor of the turns, folded away while there are none.
#[component]
pub fn Turns(state: State) -> impl IntoView {
    let count = Memo::new(move |_| state.conversation.with(|c| c.before.len()));
    let there = Memo::new(move |_| count.get() > 0);
    let summary = move || wording::turns(count.get());
    let add = move |_| {
        change(state, |c| {
            let speaker = next(c.before.last().map(|turn| turn.speaker));
            c.before.push(Before { speaker, ..Before::default() });
        });
        super::focus(&format!("turn-{}", count.get_untracked().saturating_sub(1)));
    };
    let full = move || count.get() + 1 >= MOST_TURNS;
    view! {
        <details class="fold" id="conversation" prop:open=move || there.get()>
            <summary>{summary}</summary>
            <p class="cap">{wording::ABOUT}</p>
            <For each=move || 0..count.get() key=|at| *at children=move |at| view! { <TurnFields state at/> }/>
            <div class="row"><button class="link" id="add-turn" disabled=full on:click=add>{wording::ADD}</button></div>
            <Show when=move || state.conversation.with(Conversation::explains_another)>
                <label class="check"><input type="checkbox" id="explain-prompt" prop:checked=move || state.conversation.with(|c| !c.prompt_left_out)
                    on:change=move |e| change(state, |c| c.prompt_left_out = !event_target_checked(&e))/>{wording::EXPLAIN_THE_PROMPT}</label>
            </Show>
        </details>
    }
}

/// Turn `at` before the prompt.
#[component]
fn TurnFields(state: State, at: usize) -> impl IntoView {
    let turn = Memo::new(move |_| state.conversation.with(|c| c.before.get(at).cloned()).unwrap_or_default());
    let set = move |to: fn(&mut Before, String), value: String| {
        change(state, |c| c.before.get_mut(at).into_iter().for_each(|turn| to(turn, value.clone())))
    };
    let role = move |e| {
        set(
            |turn, name| {
                turn.speaker = Speaker::ALL.into_iter().find(|s| s.name() == name).unwrap_or_default();
            },
            event_target_value(&e),
        )
    };
    let explain = move |e| {
        let on = event_target_checked(&e);
        change(state, |c| c.before.get_mut(at).into_iter().for_each(|turn| turn.explained = on));
    };
    let remove = move |_| {
        change(state, |c| {
            if at < c.before.len() {
                c.before.remove(at);
            }
        });
        super::focus("add-turn"); // the button that had the focus is gone
    };
    let options = SPEAKERS
        .iter()
        .map(|(s, name)| view! { <option value=s.name() selected=move || turn.get().speaker == *s>{*name}</option> });
    let number = at + 1;
    view! {
        <fieldset class="turn">
            <legend class="visually-hidden">{wording::turn(number)}</legend>
            <div class="row">
                <select class="speaker" aria-label=wording::speaker_of(number) prop:value=move || turn.get().speaker.name() on:change=role>{options.collect_view()}</select>
                <label class="check"><input type="checkbox" prop:checked=move || turn.get().explained on:change=explain/>{wording::EXPLAIN}</label>
                <button class="link" aria-label=wording::remove_turn(number) on:click=remove>{wording::REMOVE}</button>
            </div>
            <textarea class="small" id=format!("turn-{at}") spellcheck="false" aria-label=wording::text_of(number)
                placeholder=wording::BLANK_IS_LEFT_OUT prop:value=move || turn.get().text on:input=move |e| set(|turn, text| turn.text = text, event_target_value(&e))></textarea>
        </fieldset>
    }
}

/// Which turns the results on screen explain, if their prompt is part of a conversation.
#[component]
pub fn ExplainedTurns(state: State) -> impl IntoView {
    let said = move || {
        let any = state.slots().iter().any(|slot| slot.run.with(|r| !r.is_empty()));
        any.then(|| state.spec.with(|spec| explained_turns(&spec.turns))).flatten()
    };
    move || said().map(|words| view! { <p class="cap" id="explained-turns">{words}</p> })
}

fn change(state: State, change: impl FnOnce(&mut Conversation)) {
    let mut conversation = state.conversation.get_untracked();
    change(&mut conversation);
    state.edit(Command::Conversation(conversation));
}

/// Who speaks after `last`.
fn next(last: Option<Speaker>) -> Speaker {
    match last {
        None => Speaker::System,
        Some(Speaker::User) => Speaker::Assistant,
        Some(Speaker::System | Speaker::Assistant) => Speaker::User,
    }
}
