//! What the words on the page mean, in plain words, and what each picture does not show.

use strum::VariantArray;

/// A word that the page uses and a newcomer may not know; in the order in which the page lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, VariantArray)]
#[expect(missing_docs, reason = "the names say what they are")]
pub enum Term {
    BaseAndTuned,
    Token,
    Instruction,
    ResponseToExplain,
    ChatTemplate,
    Turns,
    Target,
    Explainer,
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
    Why,
    Check,
    Difference,
    Divergence,
    Lens,
    Contribution,
    FourCells,
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
            Self::Target => "Gradient of",
            Self::Explainer => "Method",
            Self::Method => "Forward and reverse",
            Self::Sampling => "Sampling",
            Self::Importance => "Importance",
            Self::Granularity => "Word, token, sentence",
            Self::Scale => "Levels and signed values",
            Self::Levels => "L, the number of levels",
            Self::Floor => "b, the levels left out",
            Self::Norm => "p, the norm of the density",
            Self::Density => "Density",
            Self::Score => "Instruction score",
            Self::Choices => "Probability, rank, entropy",
            Self::Why => "Why this word and not that",
            Self::Check => "Check this picture",
            Self::Difference => "Difference",
            Self::Divergence => "KL divergence",
            Self::Lens => "Logit lens",
            Self::Contribution => "Direct contribution",
            Self::FourCells => "Template and weights",
            Self::Compute => "CPU and GPU",
            Self::Head => "Attention head",
            Self::Reading => "Relation and Paper",
            Self::HeadMeasure => "What the map shows",
            Self::Pair => "Related pair of words",
            Self::Attention => "Attention on the prompt",
            Self::Concept => "Concept",
            Self::Matching => "Matching and rotation",
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
                "The base model was trained to continue text. The tuned model is the same network, trained a little longer on instructions and good answers to them. Whatever differs between the two is the effect of tuning."
            }
            Self::Token => {
                "A model reads and writes pieces of text: whole words, parts of words, punctuation. Each piece is a token, and each has a vector, a row of numbers, in place of its letters."
            }
            Self::Instruction => {
                "The part of the prompt that says what to do. The page looks for it by itself; select other words and mark them if it chose wrongly. The instruction score is about these words."
            }
            Self::ResponseToExplain => {
                "Each its own: each model explains its own answer. Tuned model’s or Base model’s: both explain that one answer, so that their matrices can be compared. Custom: both explain a text of yours."
            }
            Self::Turns => {
                "What was said before the prompt: a system prompt, or earlier questions and answers. Choose which turns to explain: their words become rows of the matrix. The other turns are read too, and their words are grey and not counted, like those of the chat template. Without a template, turns are joined by blank lines."
            }
            Self::ChatTemplate => {
                "The marks that a tuned model was trained to see around a prompt, such as “user” and “assistant”. Base models were not, so by default only the tuned one gets them. Their words are grey and are not counted."
            }
            Self::Target => {
                "What is differentiated for each word of the response: its probability, the logarithm of the probability, or its logit, the raw score before the softmax. The paper uses the probability."
            }
            Self::Explainer => {
                "How importance is found. Gradient × input: what a small change along a word’s own vector does. Gradient norm: how strongly any change of it can act. Integrated gradients: such changes added up on the whole way from a baseline. Occlusion: the word is really replaced. Where they agree, the picture does not depend on the choice."
            }
            Self::Method => {
                "Two exact ways to compute the same numbers. Forward mode carries every prompt word’s influence along while the answer is written. Reverse mode works back from each word of the answer. Auto uses the cheaper one."
            }
            Self::Sampling => {
                "How the next token is chosen. At temperature 0 it is always the likeliest; above that it is sampled from the k likeliest, or from the likeliest that together have probability p. The same seed gives the same sample."
            }
            Self::Importance => {
                "Gradient times input: if a prompt word’s vector were made slightly longer, how much would the probability of the response’s word rise or fall? (Paper, section 3.1.) Every word of the response has one such number for every word of the prompt."
            }
            Self::Granularity => "The same numbers, added up over the tokens of a word or a sentence.",
            Self::Scale => {
                "Levels: what raised a word’s probability, in steps, as the paper draws it. Signed: everything; what lowered the probability has another colour."
            }
            Self::Levels => {
                "Each column’s values are divided by its largest one and rounded up to a level from 1 to L. The paper uses 10."
            }
            Self::Floor => {
                "Levels up to b count as zero, so that only what clearly stands out is left. The paper uses 7 of 10."
            }
            Self::Norm => {
                "The norm that the density is divided by: a higher p favours words that matter evenly over words that matter in one place only. The paper uses 4."
            }
            Self::Density => {
                "How much of the response a prompt word matters to: the sum of its row of levels, divided by the row’s p-norm. A word that matters to the whole answer has a high density."
            }
            Self::Score => {
                "How much the instruction’s words influence the whole answer: a normalised sum of their densities. Each density is taken relative to the prompt’s largest one; the sum is divided by the logarithm of the number of words plus two, so that long instructions gain little. It is not a share, and can exceed 1. (Paper, section 4.)"
            }
            Self::Choices => {
                "How likely the model found the word: its probability, its rank among all words (1 is the likeliest), and the entropy, which says how undecided the model was (0 is certain)."
            }
            Self::Why => {
                "Press a word that the model considered at this place, or type one. The same response is explained again: coloured is what made the one likelier than the other. What would explain either word drops out."
            }
            Self::Check => {
                "Whether the picture ranks the prompt’s words as the model uses them: removing those that it ranks highest should lower the probability faster than removing words at random. Ten cells are also recomputed by finite differences."
            }
            Self::Difference => {
                "The tuned model’s signed values minus the base’s, where both explain the same response."
            }
            Self::Divergence => {
                "How differently two models predict the next token, in nats: 0 where their probabilities are the same. KL(tuned ‖ base) is large where the tuned model favours tokens that the base finds unlikely; KL(base ‖ tuned) where the base favours tokens that the tuned model has given up."
            }
            Self::Lens => {
                "What the model would answer if it stopped after a layer: that layer’s vector is read as if it were the last. Only the last layer was trained to be read so, and early layers often read as noise. A token settles at the layer from which on it stays the most probable one."
            }
            Self::Contribution => {
                "A token’s logit, its raw score, is a sum of what the embedding, each layer’s attention and each layer’s feed-forward block add to it, with the last norm’s scale held fixed. What a part changes in the input of later layers counts as theirs."
            }
            Self::FourCells => {
                "A base model usually reads plain text and a tuned model a chat template, so a difference can have two causes. Each model reads the prompt both ways, and all four runs explain one response: between the columns only the template changes, between the rows only the weights."
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
                "Tuning may reorder and rotate directions. The page pairs each direction of the base with one of the tuned model’s, so that all pairs together fit best (optimal assignment); the angle says how far it has rotated."
            }
            Self::Task => {
                "A guess from a concept’s words: what sort of task they serve (writing, solving…) and at which level of language they work. You may correct it; that is remembered."
            }
            Self::Firing => "How strongly the prompt and answer of the last run drive a direction.",
            Self::Welch => {
                "Whether two means differ by more than chance. p is how often a difference like this would come up if there were none: below 0.05 is commonly called significant. Beside it stands the permutation p: how often 2,000 random permutations of the labels give a result as large. Tests made together are corrected by Holm’s method, because one of many succeeds by luck."
            }
            Self::Shift => {
                "Tuned minus base: how many more of the changed pairs, or of the leading concepts, are of the kind in question."
            }
        }
    }
}

/// A panel of the page. One question mark explains its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, VariantArray)]
#[expect(missing_docs, reason = "the names say what they are")]
pub enum Panel {
    Header,
    Prompt,
    Reading,
    Result,
    Difference,
    Text,
    Heads,
    Head,
    Attention,
    Concepts,
    Layer,
    Firing,
    Tasks,
    FindingScores,
    FindingVerbs,
    FindingConcepts,
}

impl Panel {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Header => "What computes",
            Self::Prompt => "Prompt",
            Self::Reading => "How to read the results",
            Self::Result => "A model’s result",
            Self::Difference => "Difference",
            Self::Text => "What tuning changed on this text",
            Self::Heads => "Attention heads",
            Self::Head => "The chosen head",
            Self::Attention => "Attention on the prompt",
            Self::Concepts => "Concepts",
            Self::Layer => "The chosen layer",
            Self::Firing => "Components that fire on the prompt",
            Self::Tasks => "Tasks and levels",
            Self::FindingScores => "Finding 1",
            Self::FindingVerbs => "Finding 2",
            Self::FindingConcepts => "Finding 3",
        }
    }

    /// Its words, in the order in which they stand there.
    pub fn terms(self) -> &'static [Term] {
        match self {
            Self::Header => &[Term::Compute],
            Self::Prompt => &[
                Term::Token,
                Term::Instruction,
                Term::Turns,
                Term::ResponseToExplain,
                Term::ChatTemplate,
                Term::Target,
                Term::Explainer,
                Term::Method,
                Term::Sampling,
            ],
            Self::Reading => &[Term::Granularity, Term::Scale, Term::Levels, Term::Floor, Term::Norm],
            Self::Result => &[
                Term::BaseAndTuned,
                Term::Score,
                Term::Choices,
                Term::Why,
                Term::Importance,
                Term::Density,
                Term::Check,
            ],
            Self::Difference => &[Term::Difference],
            Self::Text => &[Term::Divergence, Term::Lens, Term::Contribution, Term::FourCells],
            Self::Heads => &[Term::Head, Term::Reading, Term::HeadMeasure],
            Self::Head => &[Term::Pair],
            Self::Attention => &[Term::Attention],
            Self::Concepts => &[Term::Concept],
            Self::Layer => &[Term::Matching],
            Self::Firing => &[Term::Firing],
            Self::Tasks => &[Term::Task],
            Self::FindingScores => &[Term::Score, Term::Welch],
            Self::FindingVerbs => &[Term::Shift, Term::Welch],
            Self::FindingConcepts => &[Term::Task, Term::Shift, Term::Welch],
        }
    }
}

/// A picture on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say what they are")]
pub enum Picture {
    Attribution,
    Difference,
    Text,
    Heads,
    Concepts,
    Findings,
    Study,
}

impl Picture {
    /// What it does not show.
    pub fn limits(self) -> &'static [&'static str] {
        match self {
            Self::Attribution => &[
                "What would happen without a word: the values are derivatives, which hold for small changes of the word’s vector. The method Occlusion, among the options, replaces the word.",
                "Why a word mattered, or that the model understood it. A word can matter because it is odd, or first.",
                "Influence that cancels out: two paths with opposite effects add up to little.",
                "Sizes across columns, in levels: each column is relative to its own largest value. Signed values share one scale.",
            ],
            Self::Difference => &[
                "Which part of tuning made the difference: the data, the template, or its length.",
                "A difference of behaviour: both models are made to explain the same response, though one of them would have written another.",
            ],
            Self::Text => &[
                "What either model would have written: after the first tokens, a model reads a text that may not be its own.",
                "Why the models differ at a token: a large divergence can come from one word of the prompt, or from everything before it.",
                "What a layer does, in the lens: a vector that reads as another word may carry what later layers need.",
                "What a part does by way of later layers: direct contributions leave that out.",
            ],
            Self::Heads => &[
                "What a head does on a sentence: the pairs are read from weights. The section below shows attention on your prompt.",
                "Relations that arise from several heads or layers together.",
                "Pairs of words outside the list in use, or of words that take more than two tokens.",
            ],
            Self::Concepts => &[
                "That the model “has” a concept: a direction is named by the words that happen to lie close to it.",
                "Concepts that share a direction, or are spread over several.",
                "A cause: a direction that rotated need not be why the model’s answers changed.",
            ],
            Self::Findings => &[
                "That a finding holds for other models: each pair is a sample of one.",
                "The size of an effect: a small p can belong to a small difference. The effect column (Cohen’s d) says how large it is.",
                "Anything about prompts unlike those of the set.",
            ],
            Self::Study => &[
                "What in a training step made a difference: two checkpoints that follow one another can differ in more than one way.",
                "That a rise along the chain goes on: each point is measured on the study’s prompts, and says nothing of others.",
                "How sure the numbers of the weights are: turned components and kept pairs have no interval, as each is one comparison.",
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_term_is_explained_in_a_panel_and_panels_have_names_of_their_own() {
        for term in Term::VARIANTS {
            assert!(Panel::VARIANTS.iter().any(|p| p.terms().contains(term)), "no panel explains {}", term.name());
        }
        let mut names: Vec<&str> = Panel::VARIANTS.iter().map(|p| p.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Panel::VARIANTS.len());
    }

    #[test]
    fn terms_have_names_of_their_own_and_say_something() {
        let mut names: Vec<&str> = Term::VARIANTS.iter().map(|t| t.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Term::VARIANTS.len());
        assert!(Term::VARIANTS.iter().all(|t| t.plain().trim_end_matches(')').ends_with('.') && t.plain().len() > 50));
    }
}
