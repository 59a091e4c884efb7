//! What the words on the page mean, in plain words, and what each picture does not show.

use strum::VariantArray;

/// A word that the page uses and a newcomer may not know; in the order in which the page lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, VariantArray)]
#[expect(missing_docs, reason = "they are named after what they are")]
pub enum Term {
    BaseAndTuned,
    Token,
    Instruction,
    ResponseToExplain,
    ChatTemplate,
    Turns,
    Target,
    Method,
    Sampling,
    Importance,
    Granularity,
    Scale,
    Levels,
    Floor,
    Norm,
    Density,
    Score,
    Choices,
    Difference,
    Compute,
    Head,
    Reading,
    HeadMeasure,
    Pair,
    Attention,
    Concept,
    Matching,
    Task,
    Firing,
    Welch,
    Shift,
}

impl Term {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::BaseAndTuned => "Base and tuned",
            Self::Token => "Token",
            Self::Instruction => "Instruction",
            Self::ResponseToExplain => "Response to explain",
            Self::ChatTemplate => "Chat template",
            Self::Turns => "Turns before the prompt",
            Self::Target => "Attribution target",
            Self::Method => "Forward and reverse",
            Self::Sampling => "Temperature, top k, top p",
            Self::Importance => "Importance",
            Self::Granularity => "Word, token, sentence",
            Self::Scale => "Levels and signed values",
            Self::Levels => "L, the number of levels",
            Self::Floor => "b, the levels left out",
            Self::Norm => "p, the norm of the density",
            Self::Density => "Density",
            Self::Score => "Instruction score",
            Self::Choices => "Probability, rank, entropy",
            Self::Difference => "Difference",
            Self::Compute => "CPU and GPU",
            Self::Head => "Attention head",
            Self::Reading => "Relation and Paper",
            Self::HeadMeasure => "What the map shows",
            Self::Pair => "Related pair of words",
            Self::Attention => "Attention on the prompt",
            Self::Concept => "Concept",
            Self::Matching => "Matched, and turned by an angle",
            Self::Task => "Task and level of a concept",
            Self::Firing => "Firing",
            Self::Welch => "Welch’s t-test and p",
            Self::Shift => "Shift",
        }
    }

    /// What it means.
    pub fn plain(self) -> &'static str {
        match self {
            Self::BaseAndTuned => {
                "The base model was trained to go on with texts. The tuned model is the same network, trained a little longer on instructions and good answers to them. What differs between the two is what tuning did."
            }
            Self::Token => {
                "A model reads and writes pieces of text: whole words, parts of words, punctuation. Each piece is a token, and each has a vector, a row of numbers, in place of its letters."
            }
            Self::Instruction => {
                "The part of the prompt that says what to do. The page looks for it by itself; select other words and mark them if it chose wrongly. The instruction score is about these words."
            }
            Self::ResponseToExplain => {
                "Own: each model explains its own answer. Tuned’s or Base’s: both explain that one answer, so that their matrices can be compared. Typed: both explain a text of yours."
            }
            Self::Turns => {
                "What was said before the prompt: a system prompt, or earlier questions and answers. Choose which turns to explain: their words become rows of the matrix. The other turns are read too, and their words are grey and not counted, like those of the chat template. Without a template, turns are joined by blank lines."
            }
            Self::ChatTemplate => {
                "The marks that a tuned model was trained to see around a prompt, such as “user” and “assistant”. Base models were not, so by default only the tuned one gets them. Their words are grey and are not counted."
            }
            Self::Target => {
                "Of a word of the response one can ask: what raised its probability, the probability’s logarithm, or its logit, the raw score before all words are weighed against each other? The paper takes the probability."
            }
            Self::Method => {
                "Two exact ways to the same numbers. Forward carries every prompt word’s influence along while the answer is written. Reverse goes back from each word of the answer. Auto takes the cheaper."
            }
            Self::Sampling => {
                "How the next token is drawn. Temperature 0 always takes the likeliest; above that, chance plays a part among the k likeliest, or the likeliest that together have probability p. The seed makes chance repeatable."
            }
            Self::Importance => {
                "Gradient times input: if a prompt word’s vector were made slightly longer, how much would the probability of the response’s word rise or fall? (Paper, section 3.1.) Every word of the response has one such number for every word of the prompt."
            }
            Self::Granularity => "The same numbers, added up over the tokens of a word or a sentence.",
            Self::Scale => {
                "Levels: what raised a word’s probability, in steps, as the paper draws it. Signed: everything, with what lowered it in another hue."
            }
            Self::Levels => {
                "Each column’s values are set against its largest one and rounded up to a level from 1 to L. The paper takes 10."
            }
            Self::Floor => {
                "Levels up to b count as zero: only what clearly stands out is left. The paper takes 7 of 10."
            }
            Self::Norm => {
                "How the density is divided: a higher p favours words that matter evenly over words that matter to one place only. The paper takes 4."
            }
            Self::Density => {
                "To how much of the response a prompt word matters: the sum of its row of levels, divided by the row’s p-norm. A word that matters to all of the answer has a high density."
            }
            Self::Score => {
                "How much the instruction’s words weigh for the whole answer: their densities, each set against the densest word of the prompt, are added up and divided by the logarithm of their number plus two, so that long instructions gain little. (Paper, section 4.)"
            }
            Self::Choices => {
                "What the model gave the word that came: its probability, its place among all words (rank 1: the likeliest), and how undecided the model was (entropy; 0 is sure)."
            }
            Self::Difference => {
                "The tuned model’s signed values minus the base’s, where both explain the same response."
            }
            Self::Compute => {
                "The page computes on your processor or on your graphics card, whichever gives the right answer sooner. The results are the same."
            }
            Self::Head => {
                "In every layer a model has several heads. Each lets words look back at earlier ones and take something from them, by a rule of its own that is written in its weights."
            }
            Self::Reading => {
                "Two ways to read a head’s rule from its weights. Paper: words that are strong in the same dimension, as Wu et al. do. Relation: the head’s whole form, which word looks for which."
            }
            Self::HeadMeasure => {
                "Pairs changed: how many of a head’s pairs of words only one of the models has. Instruction verbs: whether the gained ones hold such verbs. Distance: how much the ordering of all pairs has changed."
            }
            Self::Pair => {
                "Two words that a head connects strongly and that are related in meaning. Gained: only the tuned model’s head connects them. Lost: only the base’s."
            }
            Self::Attention => {
                "How much each word in fact looks at each earlier one, on the prompt and answer of the last run. The first word often gets most of it without meaning anything."
            }
            Self::Concept => {
                "A direction in which a layer’s feed-forward block writes more than in others (a principal component), named by the words whose vectors lie closest to it."
            }
            Self::Matching => {
                "Tuning may reorder and turn directions. The page pairs each direction of the base with the tuned model’s most similar one, so that all pairs together fit best; the angle says how far it has turned."
            }
            Self::Task => {
                "A guess from a concept’s words: what sort of task they serve (writing, solving…) and at which level of language they work. You may correct it; that is remembered."
            }
            Self::Firing => "How strongly the prompt and answer of the last run drive a direction.",
            Self::Welch => {
                "Whether two means differ by more than chance. p is how often a difference like this would come up if there were none: below 0.05 is commonly called significant. Beside it stands what chance does: labels dealt at random 2,000 times. What is tested at once is corrected by Holm’s method, as one of many tests succeeds by luck."
            }
            Self::Shift => {
                "Tuned minus base: how many more of the changed pairs, or of the leading concepts, are of the kind in question."
            }
        }
    }
}

/// A picture on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are named after what they are")]
pub enum Picture {
    Attribution,
    Difference,
    Heads,
    Concepts,
    Findings,
}

impl Picture {
    /// What it does not show.
    pub fn limits(self) -> &'static [&'static str] {
        match self {
            Self::Attribution => &[
                "What would happen without a word: the values are derivatives, true for small changes of the word’s vector.",
                "Why a word mattered, or that the model understood it. A word can matter because it is odd, or first.",
                "Influence that cancels out: two paths that push in opposite ways add up to little.",
                "Sizes across columns, in levels: each column is set against its own largest value. Signed values share one scale.",
            ],
            Self::Difference => &[
                "Which part of tuning made the difference: the data, the template, or its length.",
                "A difference of behaviour: both models are made to explain the same response, though one of them would have written another.",
            ],
            Self::Heads => &[
                "What a head does on a sentence: the pairs are read from weights. The section below shows attention on your prompt.",
                "Relations that arise from several heads or layers together.",
                "Pairs of words outside the list that is used, and of words that take more than two tokens.",
            ],
            Self::Concepts => &[
                "That the model “has” a concept: a direction is named by the words that happen to lie close to it.",
                "Concepts that share a direction, or are spread over several.",
                "A cause: that a direction turned does not say that the model’s answers changed because of it.",
            ],
            Self::Findings => &[
                "That a finding holds for other models: each pair is a sample of one.",
                "The size of an effect: a small p can belong to a small difference. The effect column (Cohen’s d) says how large it is.",
                "Anything about prompts unlike those of the set.",
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_have_names_of_their_own_and_say_something() {
        let mut names: Vec<&str> = Term::VARIANTS.iter().map(|t| t.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Term::VARIANTS.len());
        assert!(Term::VARIANTS.iter().all(|t| t.plain().trim_end_matches(')').ends_with('.') && t.plain().len() > 50));
    }
}
