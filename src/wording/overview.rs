//! All heads on the prompt at once.

use super::common;
use super::numbers::counted;

pub const TITLE: &str = "All heads on this prompt";
pub const ORDER: &str = "Order of the pictures";
pub const CHANGED: &str = "Changed most";
pub const BY_LAYER: &str = "By layer";
pub const ABOUT: &str = "Each pair of pictures is one head, base on the left and tuned on the right, on one scale: rows look back at columns. Beneath it stand its layer and head, and how many percent of its attention go to the first token in each.";

/// What a sink is, said where its shares stand.
pub const SINK: &str = "In many heads most of it goes to the first token, whatever that is: every row of weights has to sum to 1, and a head that finds nothing to look at leaves them on the one token that all the others can see, whose value then adds next to nothing (an attention sink).";

/// Whose text is read; tokens are counted.
pub fn both_read(side: &str, tokens: usize) -> String {
    format!(
        "Both models read the {} model's text, prompt and response: {}.",
        side.to_lowercase(),
        counted(tokens, "token", "tokens")
    )
}
pub fn one_reads(side: &str, tokens: usize) -> String {
    format!("{side} model: its own text, prompt and response, {}.", counted(tokens, "token", "tokens"))
}
pub const OTHER_TOKENS: &str = "The two models split text into different tokens. Each reads its own, so their patterns cannot be compared, and the heads stand by layer.";
pub const MOVED: &str = "“Changed” is the share of attention that lies elsewhere in the tuned model: half the sum of the weights' differences, as a mean over all tokens after the first.";
pub fn read_so_far(side: &str, done: usize, all: usize) -> String {
    format!("{side}: {done} of {} read", counted(all, "layer", "layers"))
}
pub fn drawn(shown: usize, all: usize) -> String {
    format!("{shown} of {all} heads drawn.")
}
pub const MORE: &str = "Draw more";
pub const PICTURE: &str = "All heads' attention as small pictures. Arrow keys walk the heads, Enter opens one; the table below holds the same.";
pub const POINT_OR_WALK: &str = "Point at a head, or walk with the arrow keys; press it, or Enter, to open it.";

/// What is known of a head: how much of its attention moved, and what goes to the first token in base and tuned.
pub fn said((layer, head): (usize, usize), moved: Option<f32>, sink: [Option<f32>; 2]) -> String {
    let moved = moved.map_or_else(String::new, |m| format!(" {} changed.", percent(m)));
    let of = |side: &str, share: Option<f32>| share.map(|s| format!("{side} {}", percent(s)));
    let shares: Vec<String> = [of("base", sink[0]), of("tuned", sink[1])].into_iter().flatten().collect();
    let shares = if shares.is_empty() { String::new() } else { format!(" To the first token: {}.", shares.join(", ")) };
    format!("{}.{moved}{shares}", common::head(layer, head))
}
pub fn percent(share: f32) -> String {
    let percent = share * 100.0;
    if percent < 9.95 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

/// The ends of the colours' scale.
pub const LEAST: &str = "least attention";
pub const MOST: &str = "most";

/// Beneath a small picture.
pub fn place(layer: usize, head: usize) -> String {
    format!("{layer}.{head}")
}
pub fn shares(sink: [Option<f32>; 2]) -> String {
    let [base, tuned] = sink.map(|share| share.map_or_else(|| "–".to_owned(), |s| format!("{:.0}", s * 100.0)));
    format!("{base}→{tuned}")
}

/// The table.
pub const AS_TABLE: &str = "As a table";
pub const HEAD: &str = "Head";
pub const HOW_MUCH_CHANGED: &str = "Changed";
pub const FIRST_TOKEN_BASE: &str = "To the first token, base";
pub const FIRST_TOKEN_TUNED: &str = "To the first token, tuned";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_told_by_what_is_known_of_it() {
        let all = said((2, 3), Some(0.13), [Some(0.71), Some(0.044)]);
        assert_eq!(all, "Layer 2, head 3. 13 % changed. To the first token: base 71 %, tuned 4.4 %.");
        assert_eq!(said((0, 1), None, [None, None]), "Layer 0, head 1.");
        assert_eq!(shares([Some(0.714), None]), "71→–");
    }
}
