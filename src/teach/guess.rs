//! A reader's guess which words of the prompt mattered, held against the model's own.

/// What came of a guess of k words.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The k words that mattered most to the model, strongest first; fewer if fewer mattered at all.
    pub models: Vec<usize>,
    /// How many of the guessed words are among them.
    pub hits: usize,
    /// How many would be if the words had been drawn by lot.
    pub by_lot: f64,
}

/// Holds the words `picked` against `density`, the model's weight of every word. Of equal weights the earlier word counts.
pub fn compare(picked: &[usize], density: &[f64]) -> Outcome {
    let mut order: Vec<usize> = (0..density.len()).filter(|&i| density[i] > 0.0).collect();
    order.sort_by(|&a, &b| density[b].total_cmp(&density[a]));
    order.truncate(picked.len());
    let hits = order.iter().filter(|i| picked.contains(i)).count();
    let by_lot = if density.is_empty() { 0.0 } else { (picked.len() * order.len()) as f64 / density.len() as f64 };
    Outcome { models: order, hits, by_lot }
}

impl Outcome {
    /// A sentence for `name`'s model.
    pub fn words(&self, name: &str, picked: usize) -> String {
        let of = match picked {
            1 => "your word".to_owned(),
            n => format!("your {n} words"),
        };
        let strongest = match self.models.len() {
            1 => "the one that mattered most".to_owned(),
            n => format!("the {n} that mattered most"),
        };
        format!("{name}: {} of {of} among {strongest} (expected by chance: {:.1}).", self.hits, self.by_lot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guess_is_held_against_as_many_of_the_strongest() {
        let density = [0.1, 0.9, 0.0, 0.5, 0.9, 0.2];
        let found = compare(&[1, 2, 3], &density);
        assert_eq!(found, Outcome { models: vec![1, 4, 3], hits: 2, by_lot: 1.5 });
        assert_eq!(
            found.words("Tuned", 3),
            "Tuned: 2 of your 3 words among the 3 that mattered most (expected by chance: 1.5)."
        );
    }

    #[test]
    fn words_that_did_not_matter_are_no_answer() {
        let found = compare(&[0, 1, 2], &[0.0, 0.4, 0.0]);
        assert_eq!((found.models, found.hits, found.by_lot), (vec![1], 1, 1.0));
        assert_eq!(compare(&[], &[0.5]).hits, 0);
        assert_eq!(compare(&[3], &[]).by_lot, 0.0);
    }
}
