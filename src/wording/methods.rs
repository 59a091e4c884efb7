//! By which method a picture is made, why a word and not another, and the check of a picture.

use super::numbers::thousands;

/// The choice of a method, among the options of a run.
pub const METHOD: &str = "Method";
pub const GRADIENT_INPUT: &str = "Gradient × input";
pub const GRADIENT_NORM: &str = "Gradient norm";
pub const INTEGRATED: &str = "Integrated gradients";
pub const OCCLUSION: &str = "Occlusion";
pub const ABOUT_GRADIENT_INPUT: &str =
    "The paper's: what a small change along each word's own vector does to the response. It comes with the response.";
pub const ABOUT_GRADIENT_NORM: &str =
    "How strongly the response can move with each word's vector, in whatever direction: sizes, without a sign.";
pub const ABOUT_INTEGRATED: &str = "The gradient averaged along the path from a baseline to the prompt: each column sums to what the whole prompt changed. It takes many times as long.";
pub const ABOUT_OCCLUSION: &str = "What the response's probability actually loses when a word is replaced by the baseline: a removal, not a derivative.";
pub const AFTERWARDS: &str = "It is computed after the response.";
pub const BASELINE: &str = "Baseline (what stands in a word's place)";
pub const BASELINE_GROUP: &str = "Baseline";
pub const MEAN: &str = "Mean";
pub const ZERO: &str = "Zero";
pub const A_TEXT: &str = "Text";
pub const ABOUT_MEAN: &str = "The mean of all the vocabulary's vectors.";
pub const ABOUT_ZERO: &str = "A vector of zeros. The model's norms remove the scale, so integrated gradients change almost entirely near zero and need very many steps.";
pub const ABOUT_TEXT: &str = "The vector of a filler, such as “…” or “the”.";
pub const THE_TEXT: &str = "The baseline's text";
pub const DEFAULT_TEXT: &str = "…";
pub const NODES: &str = "Steps (0: as many as it takes)";

/// How far a run is that is explained after its response.
pub fn working(method: &str, done: u64, all: u64) -> String {
    format!("{}: step {} of {}", capital(method), thousands(done), thousands(all))
}

/// How long each part took, where what comes after the response is no reverse pass.
pub fn times(before: &str, method: &str) -> String {
    format!("{before}, explanation {method}")
}

/// Beneath the heading of a matrix: by which method it was made.
pub fn made_by(what: &str) -> String {
    format!("{}.", capital(what))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// How well the columns of integrated gradients add up, in percent, and by how many steps.
pub fn complete(percent: f64, steps: usize) -> String {
    let steps = thousands(steps as u64);
    format!("The columns sum to what the prompt changed, within {percent:.1} % ({steps} steps).")
}
pub fn incomplete(percent: f64, steps: usize) -> String {
    let steps = thousands(steps as u64);
    format!(
        "The columns miss what the prompt changed by up to {percent:.0} % ({steps} steps): take more steps, or another baseline."
    )
}

/// Pictures of two methods.
pub const OTHER_METHODS: &str =
    "The two pictures come from different methods or questions, so they cannot be subtracted.";

/// What the levels are where a word is set against another.
pub fn about_levels(count: u8, hidden: u8, word: &str) -> String {
    format!("Levels 1 to {count}; up to {hidden} hidden. Empty: below that, or the word did not favour “{word}”.")
}

/// Why a word, and not another.
pub fn why(this: &str, that: &str) -> String {
    format!("Why “{this}” and not “{that}”?")
}
pub const ABOUT_WHY: &str = "The same response, explained again. Colour shows what made the first word more likely than the second. Only this column is computed; the others stay empty.";
pub const BACK_TO_PLAIN: &str = "Back to the whole picture";
pub const WHY_NOT: &str = "Why not";
pub const ANOTHER_WORD: &str = "Another word";
pub const ASK: &str = "Ask";
pub const READING_WORD: &str = "Reading the word…";
pub const TYPE_A_WORD: &str = "Type the word you expected instead, then press Ask.";
pub const ASKING: &str = "Explaining the same response again…";
pub const NOT_ASKED: &str = "Not asked here: the question is about a token of the other model, and this model splits text into different tokens.";

/// What is to be said of a word that was typed: [`shown`] texts of tokens.
pub fn no_token(word: &str) -> String {
    format!("The model has no token for “{word}”. Type another word.")
}
pub fn same_token(word: &str, token: &str, tokens: usize) -> String {
    let token = shown(token);
    match tokens {
        1 => format!("“{word}” is the word that the response has here. Type another word."),
        _ => format!(
            "“{word}” begins with “{token}”, the token that the response already has here. Type a word that begins differently."
        ),
    }
}
pub fn first_token(word: &str, token: &str, tokens: usize) -> String {
    let token = shown(token);
    format!("The model writes “{word}” as {tokens} tokens. It is asked about the first of them, “{token}”.")
}

/// A token's text with its white space made visible.
fn shown(token: &str) -> String {
    token.replace('\n', "⏎").replace(' ', "·")
}

/// The check of a picture.
pub const CHECK: &str = "Check this picture";
pub const ABOUT_CHECK: &str = "Removes the prompt's words in the picture's order and in 20 random orders, and recomputes ten cells by finite differences.";
pub const CHECKED: &str = "Check of this picture";
pub const WAITS: &str = "The check waits for the model…";
pub fn checking(done: u64, all: u64) -> String {
    format!("Checking the picture: step {} of {}", thousands(done), thousands(all))
}
pub fn cannot_check(why: &str) -> String {
    format!("The picture could not be checked. {why}")
}

/// The charts of the check: what they count, and the lines in them. `units` is one of [`super::attribution::BY_WORD`] and its like.
pub const DELETION: &str = "Removed one by one";
pub const INSERTION: &str = "Restored one by one";
pub const MOST_FIRST: &str = "ranked highest first";
pub const LEAST_FIRST: &str = "ranked lowest first";
pub const AT_RANDOM: &str = "20 random orders";
pub const LEAST_OF_RANDOM: &str = "random, lowest";
pub const MEAN_OF_RANDOM: &str = "random, mean";
pub const MOST_OF_RANDOM: &str = "random, highest";
pub fn deletion_said(target: &str) -> String {
    format!("The mean {target} of the response as words of the prompt are removed")
}
pub fn insertion_said(target: &str) -> String {
    format!("The mean {target} of the response as words of the prompt are restored")
}
pub fn taken_of(units: usize) -> String {
    format!("of {} removed", thousands(units as u64))
}
pub fn back_of(units: usize) -> String {
    format!("of {} restored", thousands(units as u64))
}
pub fn abpc(area: &str) -> String {
    format!("Area between the two curves: {area}.")
}
pub const CURVES_AS_TABLE: &str = "The curves as a table";
pub const TAKEN: &str = "Removed";
pub const BACK: &str = "Restored";
pub const CELLS_AS_TABLE: &str = "The recomputed cells";
pub const UNIT: &str = "Prompt";
pub const FOR_TOKEN: &str = "Response";
pub const IN_THE_PICTURE: &str = "By the method";
pub const BY_DIFFERENCE: &str = "By finite difference";
pub const APART: &str = "Difference";
pub const CANNOT_TELL: &str = "too small to tell";
pub fn percent_of_largest(percent: f64) -> String {
    format!("{percent:.1} %")
}
pub const ABOUT_APART: &str = "Difference: as a share of the largest value in the cell's column. For the gradient norm and integrated gradients, the slopes they are built from are compared.";
pub fn against_baseline(baseline: &str) -> String {
    format!("What is removed is replaced by {baseline}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_was_typed_is_told_apart_from_its_first_token() {
        assert!(same_token("quiet", " quiet", 1).starts_with("“quiet” is the word"));
        assert!(same_token("quietness", " quiet", 2).contains("begins with “·quiet”"));
        assert!(first_token("quietness", " quiet", 2).ends_with("the first of them, “·quiet”."));
    }

    #[test]
    fn what_a_picture_is_made_by_begins_a_sentence() {
        assert_eq!(made_by("occlusion of the logit"), "Occlusion of the logit.");
        assert_eq!(working("integrated gradients", 3, 1_200), "Integrated gradients: step 3 of 1,200");
        assert_eq!(made_by(""), ".");
        assert!(complete(0.31, 64).contains("within 0.3 % (64 steps)"));
        assert!(incomplete(12.4, 256).contains("by up to 12 %"));
    }
}
