//! What a class needs: lessons as data, guesses held against the model, and what every word on the page means.

pub mod guess;
pub mod lesson;
pub mod terms;

pub use lesson::{Deed, Lesson, LessonError, Place, Step};
