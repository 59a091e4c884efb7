//! What tuning changed on one text: both models on the same tokens, one token layer by layer, model and template.

use super::numbers::{counted, thousands};

pub const TITLE: &str = "What tuning changed on this text";
pub const ABOUT: &str = "Both models read the same prompt and response. How differently do they predict each token, at which layer do they diverge, and how much of the difference comes from the template?";
pub const WHOSE_TEXT: &str = "Text that both models read";
pub const BASES: &str = "Base model's";
pub const TUNEDS: &str = "Tuned model's";
pub const GO_ON: &str = "Continue";
pub const TRY_AGAIN: &str = "Try again";

/// Why there is nothing to compare the models on.
pub const NO_MODELS: &str = "This needs both models. It starts as soon as they are loaded.";
pub const NO_RUN: &str = "This model has no finished run on screen. Press Run, and the comparison follows.";
pub const RUNNING: &str = "The comparison starts once the run is finished.";
pub const NO_IDS: &str = "This result came without token ids. Press Run to compute it here.";

pub fn other_tokens(base: usize, tuned: usize) -> String {
    let (base, tuned) = (thousands(base as u64), thousands(tuned as u64));
    format!(
        "These two models cannot be compared token by token: they split text into different tokens (the base knows {base}, the tuned model {tuned}), so a probability in one has no counterpart in the other. Open two models with the same tokenizer."
    )
}
pub fn other_model(side: &str) -> String {
    format!("The run on screen is of another {} model than the one that is loaded now. Press Run.", side.to_lowercase())
}
pub fn empty_response(side: &str) -> String {
    format!("The {} model's response is empty, so there are no tokens to compare.", side.to_lowercase())
}

/// Who read what.
pub fn caption(base: &str, tuned: &str, whose: &str, in_template: bool, prompt: usize, response: usize) -> String {
    let how = if in_template { "in its chat template" } else { "as plain text" };
    format!(
        "{base} (base) and {tuned} (tuned) both read the {} model's text: its prompt {how} ({}) and its response ({}).",
        whose.to_lowercase(),
        counted(prompt, "token", "tokens"),
        counted(response, "token", "tokens")
    )
}

/// How far it is.
pub fn comparing(side: &str, done: u64, all: u64) -> String {
    format!("{side}: reading the response, token {done} of {all}")
}
pub fn reading_layers(side: &str, done: u64, all: u64) -> String {
    format!("{side}: layer {done} of {all}")
}
pub fn waits(side: &str) -> String {
    format!("{side}: idle")
}

// The strip.
pub const STRIP: &str = "KL divergence of the tuned model from the base, token by token";
pub const HOW_STRIP: &str = "The number under a token is KL(tuned ‖ base) in nats: 0 where both models predict the same. The shade follows its square root. Choose a token to see both distributions; the arrow keys move between tokens.";
pub const PARTS_HERE: &str = "diverge here";

pub fn strip_summary(tuned_base: f64, base_tuned: f64, tokens: usize) -> String {
    format!(
        "Mean over {}: KL(tuned ‖ base) {}, KL(base ‖ tuned) {} nats.",
        counted(tokens, "token", "tokens"),
        nats(tuned_base),
        nats(base_tuned)
    )
}

/// What a token says to those who point at it, and to a screen reader.
pub fn token_and_kl(token: &str, kl: f64, parts: bool) -> String {
    let parts = if parts { ". The models diverge here" } else { "" };
    format!("{token}: KL {} nats{parts}", nats(kl))
}

/// A divergence with as many digits as it deserves.
pub fn nats(kl: f64) -> String {
    match kl {
        k if k >= 9.995 => format!("{k:.1}"),
        k if k >= 0.005 => format!("{k:.2}"),
        k if k >= 0.0005 => format!("{k:.3}"),
        _ => "0".into(),
    }
}

// Where they part.
pub const SAME_CHOICE: &str = "At every token of this response both models rank the same token first: on this text their greedy answers would be the same.";

pub fn part_at(number: usize, all: usize) -> String {
    format!("The models diverge at token {number} of {all}: from here on their greedy answers differ.")
}
pub const AFTER: &str = "Both begin:";
pub const THE_PROMPT: &str = "(nothing: they diverge at the first token)";
pub const BASE_SAYS: &str = "The base model would continue:";
pub const TUNED_SAYS: &str = "The tuned model would continue:";
pub const ENDS_HERE: &str = "(it ends its answer here)";
pub const STILL_WRITING: &str = "…";

// Two distributions.
pub const DISTRIBUTIONS: &str = "Both distributions";

pub fn at_token(token: &str, number: usize, all: usize) -> String {
    format!("At “{token}”, token {number} of {all}")
}
pub fn divergences(tuned_base: f64, base_tuned: f64) -> String {
    format!("KL(tuned ‖ base) {} nats · KL(base ‖ tuned) {} nats", nats(tuned_base), nats(base_tuned))
}
/// One model at the token: "p 0.031, rank 4, entropy 2.10 nats".
pub fn at_rank(probability: f32, rank: usize, entropy: f32) -> String {
    format!("p {}, rank {}, entropy {entropy:.2} nats", share(probability), thousands(rank as u64))
}
pub const RANK: &str = "Rank";
pub const PROBABILITY: &str = "p";
pub const THIS_TOKEN: &str = "the actual token";

/// A probability.
pub fn share(p: f32) -> String {
    match p {
        p if p >= 0.0005 => format!("{p:.3}"),
        p if p > 0.0 => format!("{p:.0e}"),
        _ => "0".into(),
    }
}

// The table of the strip.
pub const AS_A_TABLE: &str = "As a table";
pub const TOKEN: &str = "Token";
pub const KL_TUNED_BASE: &str = "KL(tuned ‖ base)";
pub const KL_BASE_TUNED: &str = "KL(base ‖ tuned)";
pub const TABLE: &str = "Both models at every token of the response";

/// A column of the table: "p (base)".
pub fn of_side(what: &str, side: &str) -> String {
    format!("{what} ({})", side.to_lowercase())
}
pub const ENTROPY: &str = "Entropy";

// One token, layer by layer.
pub const LAYERS: &str = "Layer by layer: what each layer would predict, and what contributes to the token's logit";
pub const LENS: &str = "Logit lens";
pub const LAYER: &str = "Layer";
pub const AFTER_LAYER: &str = "After layer";
pub const EMBEDDING: &str = "Embedding";
pub const WOULD_SAY: &str = "predicts";
pub const OF_THE_TOKEN: &str = "p of the token";
pub const THEY_PART: &str = "they diverge";
pub const SETTLES: &str = "settles";
pub const READING: &str = "Reading the layers…";
pub const OTHER_DEPTHS: &str = "The models have different numbers of layers, so their layers are not paired.";
pub const NEVER_PART: &str = "Both models end up ranking the same token first: they do not diverge.";

pub fn lens_at(token: &str, number: usize, all: usize) -> String {
    format!("At “{token}”, token {number} of {all}:")
}

/// Where the token settles: after so many layers, which are numbered from 0; none if the model says another one in the end.
pub fn settled(side: &str, layers: Option<usize>) -> String {
    let side = side.to_lowercase();
    match layers {
        Some(0) => format!("In the {side} model the token ranks first from the embedding on."),
        Some(layers) => format!("In the {side} model it settles after layer {}.", layers - 1),
        None => format!("The {side} model ends up ranking another token first."),
    }
}
pub fn part_from(layers: usize) -> String {
    match layers {
        0 => "The models diverge at the embedding.".into(),
        layers => {
            format!("The models diverge after layer {}: from there on they rank different tokens first.", layers - 1)
        }
    }
}
pub const CONTRIBUTIONS: &str = "What contributes to the token's logit";
pub const ABOUT_CONTRIBUTIONS: &str = "Bars to the right raise the logit, bars to the left lower it, all on one scale. The parts add up to the logit, up to rounding.";
pub const ATTENTION: &str = "attention";
pub const FEED_FORWARD: &str = "feed-forward";
pub const BIAS: &str = "Output bias";
pub const SUM: &str = "Sum of all parts";
pub const LOGIT: &str = "Logit, as the model computes it";

/// A column of the contributions: "Base: attention".
pub fn part_of(side: &str, part: &str) -> String {
    format!("{side}: {part}")
}

// Model and template.
pub const CELLS: &str = "Template or weights: which changed it?";
pub const ABOUT_CELLS: &str = "Both models read the prompt as plain text and in the tuned model's chat template, four runs in all, and explain this one response.";
pub const COMPUTE_CELLS: &str = "Compute the four runs";
pub const NO_TEMPLATE: &str = "The tuned model has no chat template, so there is no template effect to measure.";
pub const PLAIN: &str = "Plain text";
pub const IN_TEMPLATE: &str = "In the template";
pub const FOUR_CELLS: &str = "Mean level of each prompt token over the response, in the four runs";
pub const ABOUT_DISTANCE: &str = "The numbers between the runs say how far apart their importances are: 0 for identical pictures, 2 for pictures with nothing in common.";
pub const EFFECTS: &str = "What changed each token's mean level";
pub const ABOUT_EFFECTS: &str = "In levels. The instruction is underlined. Interaction: how much more the template changes the tuned model than the base.";
pub const TEMPLATE_ON_BASE: &str = "Template, on the base";
pub const TEMPLATE_ON_TUNED: &str = "Template, on the tuned";
pub const WEIGHTS_PLAIN: &str = "Weights, plain text";
pub const WEIGHTS_TEMPLATE: &str = "Weights, in the template";
pub const INTERACTION: &str = "Interaction";
pub const INSTRUCTION_SCORE: &str = "Instruction score";

pub fn cells_done(done: usize) -> String {
    format!("{done} of 4 runs done.")
}
pub fn template_apart(distance: f64) -> String {
    format!("template {distance:.2}")
}
pub fn weights_apart(distance: f64) -> String {
    format!("weights {distance:.2}")
}
pub fn score_of(score: f64) -> String {
    format!("instruction score {score:.2}")
}
pub fn cell(side: &str, reading: &str) -> String {
    format!("{side}, {}", reading.to_lowercase())
}
pub fn token_level(token: &str, level: f64) -> String {
    format!("{token}: mean level {level:.1}")
}

/// The larger of the two causes, in words.
pub fn which_is_larger(template: f64, weights: f64) -> String {
    let (larger, smaller, by) = match template >= weights {
        true => ("template", "weights", template / weights),
        false => ("weights", "template", weights / template),
    };
    if !by.is_finite() || by < 1.15 {
        return format!(
            "The template and the weights changed the picture about as much as each other (distances {template:.2} and {weights:.2})."
        );
    }
    format!(
        "The {larger} changed the picture {by:.1} times as much as the {smaller} (distances: template {template:.2}, weights {weights:.2}, each a mean of two)."
    )
}

/// Beneath the four cells: everything that they depend on.
pub struct CellsMade<'a> {
    pub prompt: &'a str,
    pub response: &'a str,
    pub base: &'a str,
    pub tuned: &'a str,
    /// The method, and of what.
    pub what: &'a str,
    pub levels: u8,
    pub hidden: u8,
    /// Tokens of the prompt in all four runs, and those that are not.
    pub tokens: usize,
    pub left_out: usize,
}
pub fn cells_caption(made: &CellsMade) -> String {
    let CellsMade { prompt, response, base, tuned, what, levels, hidden, tokens, left_out } = made;
    let left_out = match left_out {
        0 => String::new(),
        n => format!(", without {} that one of them splits differently", counted(*n, "token", "tokens")),
    };
    format!(
        "{base} (base) and {tuned} (tuned), each on the plain text “{prompt}” and in the tuned model's template. All four runs explain the response “{response}” by {what}, token by token; levels 1 to {levels}, up to {hidden} hidden, among the {} that all four runs have in common{left_out}.",
        counted(*tokens, "token", "tokens")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divergences_have_the_digits_they_deserve() {
        assert_eq!([0.0, 0.0004, 0.0012, 0.034, 2.345, 12.34].map(nats), ["0", "0", "0.001", "0.03", "2.35", "12.3"]);
        assert_eq!([0.5, 0.0004, 0.0].map(share), ["0.500", "4e-4", "0"]);
    }

    #[test]
    fn a_caption_says_who_read_what() {
        let said = caption("B", "T", "Tuned", true, 12, 1);
        let expected = "B (base) and T (tuned) both read the tuned model's text: its prompt in its chat template (12 tokens) and its response (1 token).";
        assert_eq!(said, expected);
    }
    #[test]
    fn the_larger_cause_is_named_once_it_is_clearly_larger() {
        assert!(
            which_is_larger(1.2, 0.4).starts_with("The template changed the picture 3.0 times as much as the weights")
        );
        assert!(which_is_larger(0.4, 0.6).starts_with("The weights changed the picture 1.5 times"));
        assert!(which_is_larger(0.5, 0.5).contains("about as much"));
        assert!(which_is_larger(0.0, 0.0).contains("about as much"));
    }
}
