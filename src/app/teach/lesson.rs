//! Lessons as the page fetches and remembers them; `page::lesson` decides when a step is done.

use leptos::prelude::*;

use crate::app::state::State;
use crate::app::{fetch_text, memory, parameter};
use crate::page::Msg;
use crate::page::lesson::{Command, Left};
use crate::teach::lesson::is_name;
use crate::teach::{Lesson, LessonError};

/// Under this name a lesson that was left is remembered.
const KEPT: &str = "shiftlens.lesson";

/// The lesson that was left, if one was.
pub fn left() -> Option<Left> {
    Left::read(&memory::get(KEPT)?)
}

/// Remembers where a lesson is.
pub fn keep(state: State, text: &str) {
    memory::keep(state, KEPT, text);
}

/// The lesson has come to its end.
pub fn forget() {
    memory::remove(KEPT);
}

fn command(state: State, command: Command) {
    state.dispatch(Msg::Lesson(command));
}

/// Begins `lesson` at `step`.
pub fn start(state: State, lesson: Lesson, step: usize) {
    state.learn_open.set(false);
    command(state, Command::Start(Box::new(lesson), step));
}

/// Goes to a step, past the last one: ends.
pub fn enter(state: State, step: usize) {
    command(state, Command::Enter(step));
}

/// Leaves the lesson; it can be gone on with.
pub fn leave(state: State) {
    command(state, Command::Leave);
}

/// The shipped lesson of this name.
pub async fn fetch(name: &str) -> Result<Lesson, LessonError> {
    let missing = || LessonError::Missing(name.to_owned());
    if !is_name(name) {
        return Err(missing());
    }
    let text = fetch_text(&format!("lessons/{name}.json")).await.ok_or_else(missing)?;
    Lesson::read(&text)
}

/// Names of the lessons that ship.
pub async fn names() -> Vec<String> {
    let text = fetch_text("lessons/index.json").await.unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Begins the lesson that the address names, or says why not.
pub fn open_named(state: State) {
    if let Some(name) = parameter("lesson") {
        leptos::task::spawn_local(async move {
            match fetch(&name).await {
                Ok(lesson) => start(state, lesson, 0),
                Err(e) => state.notify(e.to_string()),
            }
        });
    }
}
