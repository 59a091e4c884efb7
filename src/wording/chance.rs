//! What chance alone would show.

pub const PAIRS_NO_CLOSER: &str = "These pairs are no closer than random words.";
pub const COMPONENTS_NO_CLOSER: &str = "These components' words are no closer than random words.";
pub const HEADS_NO_BETTER: &str = "These heads match no better than chance.";

/// One model's coherence, as the engine says it.
pub fn of_side(side: &str, coherence: &str) -> String {
    format!("{side}: {coherence}.")
}

/// How many of a head's pairs stay the same, and how many another head of its layer has of them; both are percentages.
pub fn kept(own: &str, others: &str) -> String {
    format!(
        "On average, {own} of a head's pairs are the same after tuning; another head of its layer has {others} of them."
    )
}

/// How far components are rotated, as the engine says it.
pub fn matched(turn: &str) -> String {
    format!("Matched across the models, {turn}.")
}

/// A percentage of the components.
pub fn unlabelled(percent: &str) -> String {
    format!("{percent} of the components have no task label.")
}
