//! How the page says what a model needs and how long it will take.

use crate::app::format;
use crate::page::Here;
use crate::page::fit::Reason;

/// "a run of 48 tokens takes about 20 s", with less certainty as long as nothing has been timed.
pub fn time(here: &Here, parameters: u64) -> String {
    let estimate = here.estimate(parameters);
    let seconds = format::about(estimate.seconds);
    match estimate.by {
        Some(_) => format!("a run of 48 tokens takes about {seconds}"),
        None => format!("a run of 48 tokens probably takes less than {seconds}"),
    }
}

/// By what times are known.
pub fn how_times_are_known(here: &Here) -> String {
    match here.estimate(1).by {
        Some((model, backend)) => {
            let on = if backend.is_empty() { String::new() } else { format!(" on {backend}") };
            format!("Times are scaled by the number of parameters from a run of {model}{on} on this machine.")
        }
        None => "Times are cautious guesses until a run has been timed on this machine.".to_owned(),
    }
}

/// Whether it will run here, in words, with the reasons against it.
pub fn verdict(reasons: &[Reason]) -> String {
    let all = || reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    match reasons {
        [] => "Runs here".to_owned(),
        some if some.iter().any(|r| r.is_final()) => format!("Does not run here: {}", all()),
        _ => format!("May not run here: {}", all()),
    }
}
