//! The numbers of an event, which cross as one buffer of f32 beside its text.
//!
//! A picture of 500 x 500 words is a megabyte so; as decimal text it is three, which the page would have to parse between two
//! frames.

use super::Event;

impl Event {
    /// Takes out the numbers that cross beside the text: a column, the importance of a picture, a layer's attention. The lists
    /// that held them stay, empty. None where an event has none, or lists of several lengths, which nobody could tell apart.
    pub fn take_numbers(&mut self) -> Option<Vec<f32>> {
        let mut lists = self.lists();
        let length = lists.first()?.len();
        if length == 0 || lists.iter().any(|list| list.len() != length) {
            return None;
        }
        let mut numbers = Vec::with_capacity(length * lists.len());
        lists.iter_mut().for_each(|list| numbers.extend(std::mem::take(*list)));
        Some(numbers)
    }

    /// Whether [`Event::put_numbers`] is to be told what came beside the text.
    pub fn misses_numbers(&mut self) -> bool {
        let lists = self.lists();
        !lists.is_empty() && lists.iter().all(|list| list.is_empty())
    }

    /// Puts the numbers back that were taken out. False where there is not the same count for every list.
    #[must_use]
    pub fn put_numbers(&mut self, numbers: &[f32]) -> bool {
        let mut lists = self.lists();
        let length = numbers.len().checked_div(lists.len()).unwrap_or(0);
        if length == 0 || length * lists.len() != numbers.len() {
            return false;
        }
        for (list, numbers) in lists.iter_mut().zip(numbers.chunks_exact(length)) {
            **list = numbers.to_vec();
        }
        true
    }

    /// The lists of numbers that cross beside the text, all of one length.
    fn lists(&mut self) -> Vec<&mut Vec<f32>> {
        match self {
            Self::Token { column: Some(column), .. } => vec![column],
            Self::Finished { report, .. } => report.importance.iter_mut().collect(),
            Self::Attention { attention, .. } => {
                let heads = attention.heads.iter_mut().map(|head| &mut head.0);
                heads.chain([&mut attention.rollout.0]).collect()
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::local::LayerAttention;
    use crate::explain::weights::Packed;

    fn attention(lengths: [usize; 3]) -> Event {
        let [first, second, rollout] = lengths.map(|length| Packed((0..length).map(|i| i as f32 / 7.0).collect()));
        let attention = LayerAttention { layer: 1, tokens: 3, heads: vec![first, second], rollout };
        Event::Attention { job: 4, attention: Box::new(attention) }
    }

    /// What crosses: the text, and the numbers beside it.
    fn crossed(mut event: Event) -> (Event, Option<Vec<f32>>) {
        let numbers = event.take_numbers();
        let text = serde_json::to_string(&event).unwrap();
        (serde_json::from_str(&text).unwrap(), numbers)
    }

    #[test]
    fn numbers_that_cross_beside_the_text_come_back_to_the_last_bit() {
        let sent = attention([6, 6, 6]);
        let (mut heard, numbers) = crossed(sent.clone());
        assert_ne!(heard, sent);
        assert!(heard.misses_numbers() && heard.put_numbers(&numbers.unwrap()));
        assert_eq!(heard, sent);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (mut heard, _) = crossed(attention([6, 6, 6]));
        assert!(!heard.put_numbers(&[0.5; 7]));
        assert!(!heard.put_numbers(&[]));
        assert!(!Event::Ready {}.put_numbers(&[0.5]));
    }

    #[test]
    fn lists_of_several_lengths_cross_as_text() {
        let (mut heard, numbers) = crossed(attention([6, 5, 6]));
        assert_eq!(numbers, None);
        assert!(!heard.misses_numbers());
        assert_eq!(Event::Ready {}.take_numbers(), None);
    }
}
