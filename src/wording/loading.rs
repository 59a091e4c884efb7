//! Models that are on their way, and what waits for them.

pub const LOADING: &str = "Loading the models…";
pub const NOT_LOADED: &str = "This needs the models, which are not loaded.";
pub const LOAD_THEM: &str = "Load them";

/// What a press is waiting for.
pub const RUN_THE_PROMPT: &str = "run the prompt";
pub const ANSWER_THE_QUESTION: &str = "answer your question";
pub const CHECK_THE_PICTURE: &str = "check the picture";
pub const MEASURE_THE_PROMPTS: &str = "measure the prompts";

/// What happens once they are there.
pub fn loading_for(next: &[&str]) -> String {
    match next {
        [] => LOADING.into(),
        all => format!("Loading the models. Next: {}.", all.join(", then ")),
    }
}

pub fn here(side: &str) -> String {
    format!("{side}: loaded")
}

pub fn failed(side: &str) -> String {
    format!("{side}: failed to load")
}

pub const OPENING: &str = "Opening…";
pub const STORING: &str = "Storing";
pub const DOWNLOADING: &str = "Downloading";

pub fn reading_weights(done: u64, all: u64) -> String {
    format!("Reading weights: tensor {done} of {all}")
}

/// [`STORING`] or [`DOWNLOADING`], bytes that are there, bytes of all and time left where they are known.
pub fn bytes_of(verb: &str, done: &str, all: Option<&str>, left: Option<&str>) -> String {
    let of = all.map_or_else(String::new, |all| format!(" of {all}"));
    let left = left.map_or_else(String::new, |left| format!(", {left} left"));
    format!("{verb}: {done}{of}{left}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_told_in_its_order() {
        assert_eq!(loading_for(&[]), "Loading the models…");
        assert_eq!(
            loading_for(&[RUN_THE_PROMPT, MEASURE_THE_PROMPTS]),
            "Loading the models. Next: run the prompt, then measure the prompts."
        );
    }

    #[test]
    fn bytes_are_told_as_far_as_they_are_known() {
        assert_eq!(bytes_of(DOWNLOADING, "5 MB", None, None), "Downloading: 5 MB");
        assert_eq!(bytes_of(STORING, "5 MB", Some("98 MB"), Some("3.0 s")), "Storing: 5 MB of 98 MB, 3.0 s left");
    }
}
