//! Feed-forward concepts: components of both models, matched, and what they are about.

use super::numbers::counted;

pub const CONCEPTS_OF_BOTH: &str = "Feed-forward concepts of both models";
pub const TITLE: &str = "What tuning changed in the feed-forward concepts";
pub const ABOUT: &str = "The principal directions in which each layer's feed-forward block writes, named by the words they lie closest to. Directions of the two models are matched by optimal assignment; the angle says how far each has rotated.";
pub const LAYERS_OF_CONCEPTS: &str = "layers of concepts";
pub const CHOSEN_LAYER: &str = "The chosen layer";

/// All layers.
pub const LAYERS: &str = "Layers";
pub const MEAN_ROTATION: &str = "mean rotation of a layer's components";
pub const NOT_COMPARED_YET: &str = "not compared yet";
pub fn rotated(angle: f32) -> String {
    format!("components rotated by {angle:.1}° on average")
}
pub fn layer_and_rotation(layer: usize, rotation: &str) -> String {
    format!("Layer {layer}: {rotation}")
}

/// The search.
pub const WHICH_CARRY: &str = "Which components carry";
pub const A_WORD_TO_SEEK: &str = "translate";
pub fn not_found(word: &str) -> String {
    format!("No component read so far has “{word}” among its 50 words.")
}
/// How many were found, of which no more than `shown` are listed.
pub fn found(count: usize, shown: usize) -> String {
    let components = counted(count, "component", "components");
    if count > shown { format!("{components}; the {shown} strongest:") } else { format!("{components}:") }
}
pub const IN_BASE: &str = "base";
pub const IN_TUNED: &str = "tuned";
/// After the layer; `rank` is the word's place among the component's.
pub fn component_found(number: usize, model: &str, rank: usize) -> String {
    format!(" · component {number} · {model} · word {rank}")
}
pub fn strength(value: f32) -> String {
    format!("strength {value:+.3}")
}

/// The charts, and what is written beneath them as files.
pub const VARIANCE: &str = "Variance explained: base dashed, tuned solid";
pub const TO_100_PERCENT: &str = "0 to 100 %";
pub const ANGLES: &str = "Principal angles between both models' leading subspaces; dashed: between random ones";
pub const TO_90_DEGREES: &str = "0 to 90°";
pub const THE_VARIANCE: &str = "the variance";
pub const THE_ANGLES: &str = "the angles";
pub const VARIANCE_CAPTION: &str =
    "Variance explained by the leading components: base dashed, tuned solid (0 to 100 %).";
pub const ANGLES_CAPTION: &str =
    "Principal angles between both models’ leading subspaces (0 to 90°); dashed, between random ones.";
pub fn caption(about: &str, provenance: &str) -> String {
    format!("{about} {provenance}")
}
pub fn first_ten(of: usize, base: f32, tuned: f32) -> String {
    format!("the first 10 of {of}: {base:.0} and {tuned:.0} %")
}
pub fn leading_directions(count: usize, largest: f32) -> String {
    format!("{}, up to {largest:.1}°", counted(count, "leading direction", "leading directions"))
}

/// A component's coherence: its words along the direction and against it, and what chance gives.
pub fn coherence(along: &str, against: &str, bound: &str) -> String {
    format!("coherence {along}, of opposing words {against} (by chance up to {bound})")
}

/// The table of components.
pub const ORDER: &str = "Order of components";
pub const LARGEST: &str = "Largest";
pub const TURNED_MOST: &str = "Rotated most";
pub const ROSE_MOST: &str = "Rose";
pub const FELL_MOST: &str = "Fell";
pub const ABOUT_TABLE: &str =
    "Opposing words are marked “−”. Labels are estimates: point at one for its evidence, or choose another.";
pub const COMPONENT: &str = "Component";
pub const SHARE_OF_VARIANCE: &str = "Share of variance";
pub const TURNED: &str = "Rotation";
pub const WORDS_SHARED: &str = "Words shared";
pub const OF_LEADING_WORDS: &str = "Of the 20 leading words";
pub const SHOW_MORE: &str = "Show more";
pub const ROSE: &str = "▲ rose";
pub const FELL: &str = "▼ fell";
pub const STEADY: &str = "steady";
pub const WHAT_IT_IS_ABOUT: &str = "What the component is about";
pub fn estimate(task: &str) -> String {
    format!("{task} (estimate)")
}
/// What a label rests on.
pub fn evidence(words: &[String]) -> String {
    match words {
        [] => "none of its leading words is on a list".into(),
        words => format!("from the words {}", words.join(", ")),
    }
}

/// Tasks and levels.
pub const TASKS_AND_LEVELS: &str = "Tasks and linguistic levels";
pub const SHARE_OF_COMPONENTS: &str = "share of components, base → tuned";
pub const HOW_ESTIMATED: &str = "Estimated from each component's 30 leading words: a task needs four words of its list, and more than any other task; a level is syntax (a third function words), morphology (forms of one word, or an ending such as -ing shared by a third), phonology (a third begin or rhyme alike), or else semantics. The paper asked a chat model; your own labels in the table above count here.";
pub const TASK: &str = "Task";
pub const LEVEL: &str = "Level";
pub const NOT_READ_YET: &str = "not read yet";
/// A group of layers: "lower layers".
pub fn layers_of(group: &str) -> String {
    format!("{group} layers")
}

/// What fires on the prompt.
pub const FIRE_ON_PROMPT: &str = "Components that fire on the prompt";
pub const ON_YOUR_PROMPT: &str = "On your prompt";
pub const ABOUT_FIRING: &str = "The components along which this layer's feed-forward block writes most at a token";
pub const RUN_FIRST: &str = "Run a prompt in the first tab, and what fires shows here.";
pub const TOKENS: &str = "Tokens";
pub const TOWARDS: &str = "towards";
pub const AWAY_FROM: &str = "away from";
pub fn activation(value: f32) -> String {
    format!("activation {value:+.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_is_counted() {
        assert_eq!([found(1, 24), found(3, 24)], ["1 component:", "3 components:"]);
        assert_eq!(found(1_200, 24), "1,200 components; the 24 strongest:");
    }

    #[test]
    fn evidence_is_listed_or_said_to_be_missing() {
        assert_eq!(evidence(&[]), "none of its leading words is on a list");
        assert_eq!(evidence(&["sum".into(), "add".into()]), "from the words sum, add");
    }
}
