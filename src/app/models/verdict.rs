//! Which of the page's sentences say what a model needs, and how long it will take.

use crate::page::Here;
use crate::page::fit::Reason;
use crate::wording::models as wording;
use crate::wording::numbers::about;

/// How long a run takes, with less certainty as long as nothing has been timed.
pub fn time(here: &Here, parameters: u64) -> String {
    let estimate = here.estimate(parameters);
    let seconds = about(estimate.seconds);
    match estimate.by {
        Some(_) => wording::takes_about(&seconds),
        None => wording::takes_less_than(&seconds),
    }
}

/// By what times are known.
pub fn how_times_are_known(here: &Here) -> String {
    match here.estimate(1).by {
        Some((model, backend)) => wording::times_by(&model, &backend),
        None => wording::TIMES_ARE_GUESSES.to_owned(),
    }
}

/// Whether it will run here, with the reasons against it.
pub fn verdict(reasons: &[Reason]) -> String {
    let all = || reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    match reasons {
        [] => wording::RUNS_HERE.to_owned(),
        some if some.iter().any(|r| r.is_final()) => wording::does_not_run(&all()),
        _ => wording::may_not_run(&all()),
    }
}
