//! What tests give to work that reports its progress. Each is of one type, so that the generic code of a run is compiled once
//! for all of them: a closure of every test's own takes minutes.

use std::ops::ControlFlow;

use shiftlens::model::ModelError;

/// A clock that stands still.
pub fn no_clock() -> f64 {
    0.0
}

/// Hears anything, and lets the work go on.
pub async fn quiet<T>(_: T) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Lets an upload go on.
pub async fn go_on() -> Result<(), ModelError> {
    Ok(())
}

/// Does what `hear` does.
pub fn hearing<'a, T: 'a>(hear: &'a mut dyn FnMut(T) -> ControlFlow<()>) -> impl AsyncFnMut(T) -> ControlFlow<()> + 'a {
    async move |heard| hear(heard)
}
