//! The card of the present step, and the mark at what it points at.

use leptos::prelude::*;
use web_sys::{ScrollBehavior, ScrollIntoViewOptions, ScrollLogicalPosition};

use super::lesson::{enter, leave};
use crate::app::state::State;
use crate::app::{document, focus, window};
use crate::wording::teach as wording;

const POINTED: &str = "data-pointed";

/// Takes the mark away, and puts it at `selector`.
fn point(selector: Option<&str>, scroll: bool) {
    let marked = document().query_selector(&format!("[{POINTED}]")).ok().flatten();
    let found = selector.and_then(|s| document().query_selector(s).ok().flatten());
    if marked == found && !scroll {
        return;
    }
    if let Some(marked) = marked {
        let _ = marked.remove_attribute(POINTED);
    }
    if let Some(found) = found {
        let _ = found.set_attribute(POINTED, "");
        let still =
            window().match_media("(prefers-reduced-motion: reduce)").ok().flatten().is_some_and(|m| m.matches());
        let options = ScrollIntoViewOptions::new();
        options.set_block(ScrollLogicalPosition::Nearest);
        options.set_behavior(if still { ScrollBehavior::Instant } else { ScrollBehavior::Smooth });
        found.scroll_into_view_with_scroll_into_view_options(&options);
    }
}

/// Keeps the mark where the step wants it, also at what is drawn later.
fn follow(state: State) {
    let last = StoredValue::new(None::<usize>);
    Effect::new(move |_| {
        let current = state.lesson.get();
        // what may draw or remove parts of the page
        state.tab.track();
        state.guess.track();
        state.slots().iter().for_each(|s| s.run.track());
        state.weights.changes.track();
        state.weights.matches.track();
        let step = current.as_ref().map(|c| c.step);
        let selector = current.as_ref().and_then(|c| c.step()?.at).map(|p| p.selector());
        let fresh = step != last.get_value();
        last.set_value(step);
        // beyond the frame in which the change is drawn
        request_animation_frame(move || request_animation_frame(move || point(selector, fresh)));
    });
    // who starts a lesson by keyboard finds it without looking for it, and comes back to where lessons are chosen
    Effect::new(move |before: Option<bool>| {
        let on = state.lesson.with(Option::is_some);
        match (before, on) {
            (None | Some(false), true) => focus("coach"),
            (Some(true), false) => focus("learn"),
            _ => {}
        }
        on
    });
    let body = document().body();
    Effect::new(move |_| {
        let on = state.lesson.with(Option::is_some);
        if let Some(body) = &body {
            let _ = body.class_list().toggle_with_force("taught", on);
        }
    });
}

/// The card.
#[component]
pub fn Coach(state: State) -> impl IntoView {
    follow(state);
    let lesson = state.lesson;
    let on_key = move |e: leptos::ev::KeyboardEvent| {
        if e.key() == "Escape" {
            leave(state);
        }
    };
    let card = move || {
        let current = lesson.get()?;
        let step = current.step()?.clone();
        let (at, all) = (current.step, current.lesson.steps.len());
        let waits = current.waits_for();
        let next = match (waits, at + 1 == all) {
            (Some(_), _) => wording::SKIP,
            (None, true) => wording::FINISH,
            (None, false) => wording::NEXT,
        };
        Some(view! {
            <p class="cap where">{wording::where_in_lesson(&current.lesson.title, at + 1, all)}</p>
            <progress max=all value=at + 1 aria-label=wording::PROGRESS></progress>
            <div aria-live="polite">
                <h2>{step.title}</h2>
                {step.text.into_iter().map(|t| view! { <p>{t}</p> }).collect_view()}
                {waits.map(|deed| view! { <p class="ask">"→ "{deed.words()}</p> })}
            </div>
            <div class="row">
                <button class="btn" id="lesson-back" disabled=at == 0 on:click=move |_| enter(state, at - 1)>{wording::BACK}</button>
                <button class="btn" class:primary=waits.is_none() id="lesson-next" on:click=move |_| enter(state, at + 1)>{next}</button>
                <span class="grow"></span>
                <button class="link" id="lesson-leave" on:click=move |_| leave(state)>{wording::LEAVE}</button>
            </div>
        })
    };
    view! {
        <Show when=move || lesson.with(Option::is_some)>
            <aside class="coach panel" id="coach" tabindex="-1" aria-label=wording::LESSON on:keydown=on_key>{card}</aside>
        </Show>
    }
}
