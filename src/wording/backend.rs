//! What computes, why, and the check of a GPU.

pub const WHAT_COMPUTES: &str = "What computes";
pub const COMPUTE: &str = "Compute";

pub const AUTOMATIC: &str = "Automatic";
pub const CPU: &str = "CPU";
pub const GPU: &str = "GPU";

pub const TRYING_THE_GPU: &str = "trying the GPU…";
pub const ON_THE_CPU: &str = "on the CPU";
pub const ON_THE_GPU: &str = "on the GPU";
pub const ONE_ON_THE_GPU: &str = "one on the GPU";

pub const DECIDED_WHEN_LOADED: &str = "Decided when a model is loaded";
pub const NOT_DECIDED: &str = "not decided";
pub const DECIDED_LATER: &str = "That is done when a model is loaded.";

pub const HOW_IT_IS_CHOSEN: &str = "Automatic uses the faster one, provided that it is correct: once a model is loaded, the GPU has to reproduce the CPU’s answer to a known question, and then both are timed. If the GPU fails during a run, the CPU repeats it.";

pub const CHECK_QUESTION: &str = "Does this GPU compute correctly?";
pub const WHAT_THE_CHECK_DOES: &str = "Compares every operation, its result and both of its derivatives, with the CPU on small random matrices, stored as the tuned model's weights are. This takes a few seconds.";
pub const CHECK_THIS_GPU: &str = "Check this GPU";
pub const COMPARING: &str = "Comparing the GPU with the CPU…";

pub const OPERATION: &str = "Operation";
pub const VALUE: &str = "Value";
pub const FORWARD: &str = "Forward (jvp)";
pub const REVERSE: &str = "Reverse (vjp)";
pub const HOW_IT_IS_MEASURED: &str =
    "The largest difference, relative to the largest value. Each operation is listed by its kernel’s file.";

/// What computes for one model, and why: "Tuned: CPU. As chosen."
pub fn used_and_why(side: &str, used: &str, why: &str) -> String {
    format!("{side}: {used}. {why}")
}

/// What is off by `apart`; nothing if it is not a number at all.
pub fn wrong(apart: Option<f32>) -> String {
    apart.map_or_else(|| "wrong".into(), |apart| format!("wrong: {apart:.0e}"))
}

pub fn worst_on(case: &str) -> String {
    format!("Worst on: {case}")
}

/// The outcome of the check: how many of `all` comparisons differ by more than `percent`.
pub fn verdict(gpu: &str, differ: usize, all: usize, percent: f32) -> String {
    match differ {
        0 => format!("{gpu}: all {all} comparisons agree with the CPU within {percent} %."),
        1 => format!("{gpu}: 1 of {all} comparisons differs from the CPU by more than {percent} %. {WHAT_TO_DO}"),
        n => format!("{gpu}: {n} of {all} comparisons differ from the CPU by more than {percent} %. {WHAT_TO_DO}"),
    }
}

const WHAT_TO_DO: &str = "Choose the CPU above, and update the graphics driver.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_counts_what_differs() {
        assert_eq!(verdict("A GPU", 0, 40, 0.1), "A GPU: all 40 comparisons agree with the CPU within 0.1 %.");
        assert!(verdict("A GPU", 1, 40, 0.1).starts_with("A GPU: 1 of 40 comparisons differs from"));
        assert!(verdict("A GPU", 2, 40, 0.1).starts_with("A GPU: 2 of 40 comparisons differ from"));
        assert_eq!([wrong(None), wrong(Some(0.25))], ["wrong", "wrong: 2e-1"]);
    }
}
