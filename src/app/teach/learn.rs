//! The dialog from which one learns and teaches: lessons, guesses, presenting, the meaning of words.

use leptos::prelude::*;
use strum::VariantArray;
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

use super::lesson;
use crate::app::dialog::Modal;
use crate::app::share::to_clipboard;
use crate::app::state::State;
use crate::app::{address, window};
use crate::page::Msg;
use crate::page::guess::Command;
use crate::page::lesson::Left;
use crate::teach::lesson::LARGEST;
use crate::teach::terms::Term;
use crate::teach::{Lesson, LessonError};
use crate::wording::{common, teach as wording};

/// A lesson in the list: by the name under which it ships, or opened from a file.
#[derive(Clone, PartialEq)]
struct Listed {
    name: Option<String>,
    lesson: Lesson,
}

impl Listed {
    /// An address that opens it.
    fn link(&self) -> String {
        match &self.name {
            Some(name) => format!("{}?lesson={name}", address()),
            None => format!("{}#{}", address(), self.lesson.encode()),
        }
    }
}

/// The dialog.
#[component]
pub fn LearnDialog(state: State) -> impl IntoView {
    let (listed, problem) = (RwSignal::new(Vec::<Listed>::new()), RwSignal::new(None::<String>));
    let left = RwSignal::new(None::<Left>);
    let copied = RwSignal::new(None::<String>);
    let prepare = move || {
        left.set(lesson::left());
        copied.set(None);
        if listed.with_untracked(Vec::is_empty) {
            leptos::task::spawn_local(async move { list(listed, problem).await });
        }
    };
    let go_on = move |_| {
        if let Some(left) = left.get_untracked() {
            lesson::start(state, left.lesson, left.step);
        }
    };
    let open_file = move |e| {
        let input: web_sys::HtmlInputElement = event_target(&e);
        if let Some(file) = input.files().and_then(|f| f.get(0)) {
            leptos::task::spawn_local(async move { read(file, listed, problem).await });
        }
        input.set_value(""); // the same file can be chosen again
    };
    let guess = move |_| {
        state.dispatch(Msg::Guess(Command::Start));
        crate::app::weights::open(state, crate::app::state::Tab::Prompt);
        state.learn_open.set(false);
    };
    let present = move |_| {
        state.learn_open.set(false);
        state.presenting.set(true);
    };
    view! {
        <Modal id="learn-dialog" title=wording::LEARN_AND_TEACH close="close-learn" open=state.learn_open prepare>
            <Show when=move || left.get().is_some()>
                <p class="note linked">
                    {move || left.get().map(|l| wording::left_at(&l.lesson.title, l.step + 1, l.lesson.steps.len()))}
                    <button class="btn" id="lesson-go-on" on:click=go_on>{common::RESUME}</button>
                </p>
            </Show>
            // above the lessons, which arrive one by one: nothing that can be pressed moves away under the finger
            <h3>{wording::IN_CLASS}</h3>
            <ul class="list">
                <li><span><b>{wording::GUESS_FIRST}</b><span class="cap">{wording::ABOUT_GUESSING}</span></span><button class="btn" id="guess-start" on:click=guess>{wording::GUESS}</button></li>
                <li><span><b>{wording::PRESENT}</b><span class="cap">{wording::ABOUT_PRESENTING}</span></span><button class="btn" id="present" on:click=present>{wording::PRESENT}</button></li>
            </ul>
            <h3>{wording::LESSONS}</h3>
            <p class="cap">{wording::ABOUT_LESSONS}</p>
            <ul class="list" id="lessons">{move || listed.get().into_iter().map(|l| view! { <Entry state listed=l copied/> }).collect_view()}</ul>
            <Show when=move || problem.get().is_some()><p class="error" role="alert">{move || problem.get().unwrap_or_default()}</p></Show>
            <p class="cap" role="status">{move || copied.get()}</p>
            <label class="inline">{wording::OPEN_A_LESSON}<input type="file" id="open-lesson" accept=".json" on:change=open_file/></label>
            <h3>{wording::THE_WORDS}</h3>
            <div class="terms">{Term::VARIANTS.iter().map(|t| view! { <details class="fold"><summary>{t.name()}</summary><p>{t.plain()}</p></details> }).collect_view()}</div>
        </Modal>
    }
}

#[component]
fn Entry(state: State, listed: Listed, copied: RwSignal<Option<String>>) -> impl IntoView {
    let Lesson { title, about, minutes, .. } = listed.lesson.clone();
    let id = listed.name.as_ref().map(|n| format!("start-{n}"));
    let length = minutes.map(wording::minutes);
    let link = listed.link();
    let copy = move |_| {
        let link = link.clone();
        leptos::task::spawn_local(async move {
            copied.set(Some(match to_clipboard(&link).await {
                Some(()) => wording::LINK_COPIED.to_owned(),
                None => wording::link_not_copied(&link),
            }));
        });
    };
    let lesson = listed.lesson;
    view! {
        <li>
            <span><b>{title}</b><span class="cap">" · "{about}{length}</span></span>
            <span class="row">
                <button class="btn" id=id on:click=move |_| lesson::start(state, lesson.clone(), 0)>{wording::START}</button>
                <button class="btn copy-lesson" on:click=copy>{wording::COPY_LINK}</button>
            </span>
        </li>
    }
}

async fn list(listed: RwSignal<Vec<Listed>>, problem: RwSignal<Option<String>>) {
    for name in lesson::names().await {
        match lesson::fetch(&name).await {
            // the dialog may have been opened again meanwhile
            Ok(_) if listed.with_untracked(|l| l.iter().any(|l| l.name.as_ref() == Some(&name))) => {}
            Ok(found) => listed.update(|l| l.push(Listed { name: Some(name), lesson: found })),
            Err(e) => problem.set(Some(e.to_string())),
        }
    }
    // one that came with the address
    if let Some(Ok(found)) = window().location().hash().ok().and_then(|h| Lesson::decode(&h)) {
        listed.update(|l| l.push(Listed { name: None, lesson: found }));
    }
}

async fn read(file: File, listed: RwSignal<Vec<Listed>>, problem: RwSignal<Option<String>>) {
    // before it is taken into memory
    if file.size() > LARGEST as f64 {
        let what = wording::too_many_bytes(file.size(), LARGEST);
        return problem.set(Some(wording::in_file(&file.name(), &LessonError::TooLong(what).to_string())));
    }
    let text = JsFuture::from(file.text()).await.ok().and_then(|t| t.as_string()).unwrap_or_default();
    match Lesson::read(&text) {
        Ok(found) => {
            problem.set(None);
            listed.update(|l| l.push(Listed { name: None, lesson: found }));
        }
        Err(e) => problem.set(Some(wording::in_file(&file.name(), &e.to_string()))),
    }
}
