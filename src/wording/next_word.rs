//! The newest token of an answer, and what else could have stood there.

/// Over the bars, while a model answers.
pub fn newest(token: &str, probability: f32) -> String {
    format!("Newest token “{token}”, p {probability:.2}; its likeliest alternatives:")
}
