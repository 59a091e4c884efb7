//! Attention heads: what they relate, and how they attend on the prompt.

use super::numbers::{counted, thousands};

pub const HEADS_OF_BOTH: &str = "Heads of both models";
pub const TITLE: &str = "What tuning changed in the attention heads";
pub const HOW_TO_READ: &str = "How to read the heads";
pub const READING: &str = "Reading";
pub const RELATION: &str = "Relation";
pub const PAPER: &str = "Paper";
pub const ABOUT_RELATION: &str = "Each head as the form it computes: which word looks for which. Directed, query → key; only contextually related words. Each model's 200 strongest pairs of a head are compared.";
pub const ABOUT_PAPER: &str = "Each head dimension by dimension, as in the paper: words that are strong in the same dimension and contextually related; a head's pairs occur in more than one of its dimensions. Each model's 1000 most frequent pairs of a head, or a dimension's 24 most related, are compared.";
pub const MEASURE: &str = "Measure";
pub const PAIRS_CHANGED: &str = "Pairs changed";
pub const INSTRUCTION_VERBS: &str = "Instruction verbs";
pub const DISTANCE: &str = "Distance";
pub const ORDER: &str = "Order";
pub const MAP: &str = "Map";
pub const RANKING: &str = "Ranking";
pub const ONLY_PAIRS_WITH: &str = "Only pairs with";
pub const A_WORD: &str = "a word";
pub const AN_INSTRUCTION_VERB: &str = "an instruction verb";
pub const LAYERS_OF_HEADS: &str = "layers of heads";

/// The map.
pub const GAINED_AND_LOST: &str = "pairs gained and lost";
pub const VERBS_GAINED_AND_LOST: &str = "pairs with instruction verbs gained and lost";
pub const RELATIVE_DISTANCE: &str = "distance between the two models' relations, relative to the base's";
pub const NO_DISTANCE: &str = "There is no distance in the paper's reading, nor between models that write different words. Choose Relation, or another measure.";
pub const READ_NEXT: &str = "Read this layer next";
pub const NOT_READ_YET: &str = "not read yet";
pub const LAYER: &str = "layer";
pub const ABOUT_MAP: &str = "Rows are layers, columns heads. Choose a head to see its words.";

/// A head's changes, spoken: pairs gained, lost and kept; those with instruction verbs; the distance, if there is one.
pub fn spoken(
    (layer, head): (usize, usize),
    pairs: [usize; 3],
    verbs: (usize, usize),
    distance: Option<f32>,
) -> String {
    let distance = distance.map_or_else(String::new, |d| format!("; distance {d:.2}"));
    format!(
        "{}: {}; with instruction verbs {} gained, {} lost{distance}",
        super::common::head(layer, head),
        gained_lost_kept(pairs),
        verbs.0,
        verbs.1
    )
}

/// "12 pairs gained, 9 lost, 40 kept".
pub fn gained_lost_kept([gained, lost, kept]: [usize; 3]) -> String {
    format!("{}, {} kept", gained_lost(gained, lost), thousands(kept as u64))
}

/// "12 pairs gained, 9 lost".
pub fn gained_lost(gained: usize, lost: usize) -> String {
    format!("{} gained, {} lost", counted(gained, "pair", "pairs"), thousands(lost as u64))
}

/// The chosen head.
pub const CHOSEN_HEAD: &str = "The chosen head";
pub const DIMENSION: &str = "Dimension";
pub const ALL_DIMENSIONS: &str = "All: pairs of more than one dimension";

/// A dimension to choose.
pub fn dimension(index: usize, weight: f32, pairs: usize) -> String {
    format!("{index} · weight {weight:.0} · {}", counted(pairs, "pair", "pairs"))
}

/// How coherent its pairs are: each model's by [`coherence_of`].
pub fn coherence(sides: &[String]) -> String {
    format!("Coherence of its 60 strongest pairs: {}.", sides.join(", "))
}
pub fn coherence_of(side: &str, coherence: &str, bound: &str) -> String {
    format!("{side} {coherence} (by chance up to {bound})")
}

/// The graph.
pub const FIND: &str = "Find";
pub fn found(count: usize) -> String {
    format!("{} found", thousands(count as u64))
}
pub const PAIRS: &str = "Pairs";
pub const PAIRS_DRAWN: &str = "Pairs drawn";
pub const ZOOM_IN: &str = "Zoom in";
pub const ZOOM_OUT: &str = "Zoom out";
pub const FIT_TO_VIEW: &str = "Fit to view";
pub const TUNED_ONLY: &str = "tuned only";
pub const BASE_ONLY: &str = "base only";
pub const BOTH: &str = "both";
pub const ABOUT_GRAPH: &str =
    "Arrows point from query to key. Drag a word, or the background to pan; Ctrl and wheel to zoom.";
pub const NO_PAIRS: &str = "No pairs: this head relates none of the words, or none that the filter keeps.";
pub const GRAPH: &str = "Graph of the head's pairs; the list beside it holds the same";

/// Beneath the graph as a file; `paper` says by which reading.
pub fn graph_caption(paper: bool, provenance: &str) -> String {
    let reading = if paper { "paper" } else { "relation" };
    format!(
        "Words that the head connects, from query to key: solid, only in the tuned model; dashed, only in the base; dotted, in both. Reading: {reading}. {provenance}"
    )
}

/// The list of pairs.
pub const PAIRS_OF_HEAD: &str = "Pairs of the head";
pub const GAINED: &str = "Gained by tuning";
pub const LOST: &str = "Lost by tuning";
pub const KEPT: &str = "Kept";
pub fn all(count: usize) -> String {
    format!("All {}", thousands(count as u64))
}
pub fn dimensions(count: f32) -> String {
    format!("{count:.0} dimensions")
}
pub const SCORES_OF_RELATION: &str =
    "Numbers: the head's score for the pair, (query · key) / √width. Kept pairs show the tuned model's.";
pub const SCORES_OF_PAPER: &str =
    "Numbers: in how many of the head's dimensions a pair occurs, or within one dimension how related the words are.";

/// Words and vectors.
pub const WORDS_AND_VECTORS: &str = "Words and vectors";
pub const LIST_OF_WORDS: &str = "A list of words, one a line";
pub const VECTORS: &str = "Word vectors that say which words are related";
pub const JUDGE: &str = "Another model's word vectors, to judge by";
pub const ABOUT_VECTORS: &str = "Vectors: “word v1 v2 …” a line. The judge measures coherence: how much closer to each other than random words the words of a head or component lie, in standard deviations. It must not be what selected the related words.";
pub const USE_THIS_LIST: &str = "Use this list";

/// What the weights are read by; each of the three is a file of the user's or not.
pub fn used(list: bool, vectors: bool, judge: bool) -> String {
    let list = if list { "your list of words" } else { "10,901 common English words (SCOWL, levels 10 and 20)" };
    let related = if vectors {
        "your word vectors, as in the paper"
    } else {
        "the model's own input embeddings, with their 8 leading directions removed (the paper uses GloVe)"
    };
    let judge = if judge { "by your vectors of another model" } else { "by no one" };
    format!(
        "Words: {list}, those that the model writes with one or two tokens (with one, where the vocabulary is small). Related by: {related}. Frequent words: by their place in the vocabulary, where the paper counts a corpus. Coherence judged: {judge}."
    )
}

/// What has been taken for one model.
pub fn taken(side: &str, words: &str) -> String {
    format!("{side}: {words}. ")
}

/// Attention on the prompt.
pub const ATTENTION_ON_PROMPT: &str = "Attention on the prompt";
pub const ON_YOUR_PROMPT: &str = "On your prompt";
pub const RUN_FIRST: &str = "Run a prompt in the first tab, and its attention shows here.";
pub const PATTERN: &str = "Pattern";
pub const THIS_HEAD: &str = "This head";
pub const MEAN_OF_HEADS: &str = "Mean of heads";
pub const ROLLOUT: &str = "Rollout";
pub const ABOUT_HEAD: &str = "Rows attend to columns. The response's tokens are darker.";
pub const ABOUT_MEAN: &str = "The mean over all heads of the layer";
pub const ABOUT_ROLLOUT: &str = "How much of each token's vector came from which token, through all layers up to this one (rollout; the residual stream counts for half of every layer)";
pub const DRAWN_AS: &str = "Drawn as";
pub const MATRIX: &str = "Matrix";
pub const LINES: &str = "Lines";
pub const WITHOUT_SINK: &str = "Without the first token (the sink)";
pub const ATTENTION_WEIGHT: &str = "attention weight; each row sums to 1";

pub const NOT_RUN: &str = "This model has not run the prompt.";
pub const STILL_LOADING: &str = "The model is still being loaded.";
pub const READING_THE_PROMPT: &str = "Reading the prompt…";
pub const POINT_OR_WALK: &str = "Point at a row, or walk with the arrow keys, to read where a token looks.";

/// Where a token looks: other tokens with their weights, the strongest first.
pub fn looks_at(token: &str, at: &[(String, f32)]) -> String {
    let at: Vec<String> = at.iter().map(|(text, weight)| format!("“{text}” {weight:.2}")).collect();
    format!("“{token}” looks at {}", at.join(", "))
}

pub fn all_heads_of(side: &str) -> String {
    format!("All heads of the layer, {side} model")
}
pub fn head(number: usize) -> String {
    format!("Head {number}")
}
pub fn matrix_of(side: &str) -> String {
    format!("Attention of the {side} model. Up and down arrows walk the tokens.")
}
pub fn lines_of(side: &str) -> String {
    format!(
        "Attention of the {side} model as lines from each token to those it looks at. Up and down arrows walk the tokens."
    )
}

/// Attention as a file: its title, and what is written beneath it.
pub fn attention_title(side: &str) -> String {
    format!("Attention of the {side} model")
}
pub const OF_HEAD: &str = "of the chosen head";
pub const OF_MEAN: &str = "over all heads of the layer, on average";
pub const OF_ROLLOUT: &str = "through all layers up to this one (rollout)";
pub fn attention_caption(which: &str, provenance: &str) -> String {
    format!("Attention weights {which}: rows look back at columns. {provenance}")
}

pub const DIFFERENCE: &str = "Difference, tuned minus base";
pub const OTHER_TOKENS: &str = "The models read different tokens. Choose “Tuned model's” or “Base model's” under Response to explain in the first tab, the chat template for both or off, and run: then both read the same.";
pub const MORE_IN_BASE: &str = "more in the base";
pub const MORE_IN_TUNED: &str = "more in the tuned model";
pub const DIFFERENCE_PICTURE: &str = "Difference of the two models' attention";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_counted_one_or_many() {
        assert_eq!(gained_lost_kept([1, 0, 2_000]), "1 pair gained, 0 lost, 2,000 kept");
        assert_eq!(
            spoken((2, 3), [12, 9, 40], (2, 1), Some(0.25)),
            "Layer 2, head 3: 12 pairs gained, 9 lost, 40 kept; with instruction verbs 2 gained, 1 lost; distance 0.25"
        );
        assert_eq!(dimension(7, 1.4, 1), "7 · weight 1 · 1 pair");
    }

    #[test]
    fn a_token_looks_at_the_strongest_first() {
        let at = [("two".to_owned(), 0.5), ("one".to_owned(), 0.25)];
        assert_eq!(looks_at("three", &at), "“three” looks at “two” 0.50, “one” 0.25");
    }
}
