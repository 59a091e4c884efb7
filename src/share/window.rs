//! Which words of a long response are drawn.

use std::ops::Range;

use crate::explain::view::View;

/// A response of more words than this can be looked at in parts.
pub const LONG: usize = 48;
/// The most words that are drawn before a part has been chosen: more are too small to be seen.
const FIRST: usize = 240;
/// Fewest words of a part, where there are so many.
const LEAST: usize = 4;

/// A part of a response: words from `start` to before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    /// The first word that is seen.
    pub start: usize,
    /// The word after the last one.
    pub end: usize,
}

impl Window {
    /// All of `count` words.
    pub fn all(count: usize) -> Self {
        Self { start: 0, end: count }
    }

    /// What is seen of `count` words before a part is chosen.
    pub fn first(count: usize) -> Self {
        Self { start: 0, end: if count > FIRST { FIRST / 4 } else { count } }
    }

    /// From the word `a` to the word `b`, both included, in either order, and a few more where that is too little to see.
    pub fn between(a: usize, b: usize, count: usize) -> Self {
        Self { start: a.min(b), end: a.max(b) + 1 }.within(count)
    }

    /// The same among `count` words.
    pub fn within(self, count: usize) -> Self {
        let long = self.end.saturating_sub(self.start).clamp(LEAST.min(count), count.max(LEAST)).min(count);
        let start = self.start.min(count - long);
        Self { start, end: start + long }
    }

    /// Moved by so many words, as far as there are words.
    pub fn moved(self, by: isize, count: usize) -> Self {
        let start = self.start.saturating_add_signed(by);
        Self { start, end: start + self.len() }.within(count)
    }

    /// With its first word there; its last word stays.
    pub fn from(self, start: usize, count: usize) -> Self {
        Self { start: start.min(self.end.saturating_sub(LEAST)), ..self }.within(count)
    }

    /// With its last word there; its first word stays.
    pub fn to(self, last: usize, count: usize) -> Self {
        let end = last.saturating_add(1).max(self.start + LEAST).min(count);
        Self { end, ..self }.within(count)
    }

    /// How many words it has.
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether it has none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Its words.
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }

    /// The place within it of a word of the response, if it is seen.
    pub fn place(self, word: Option<usize>) -> Option<usize> {
        word.filter(|m| self.range().contains(m)).map(|m| m - self.start)
    }
}

/// How much each response word came from the prompt, by the levels that are shown: 0 to 1, the fullest word's share.
pub fn profile(view: &View) -> Vec<f32> {
    let of = |m: usize| view.levels.iter().map(|row| f32::from(row[m])).sum::<f32>();
    let sums: Vec<f32> = (0..view.columns.len()).map(of).collect();
    let most = sums.iter().copied().fold(0.0, f32::max);
    sums.iter().map(|s| if most > 0.0 { s / most } else { 0.0 }).collect()
}

/// A profile as the path of an SVG whose view box is as wide as there are words, and 1 high. A word without any influence
/// leaves a trace all the same.
pub fn outline(profile: &[f32]) -> String {
    let bar =
        |(m, share): (usize, &f32)| format!("M{m}.1 1v-{:.3}h.8v{:.3}z", 0.08 + 0.92 * share, 0.08 + 0.92 * share);
    profile.iter().enumerate().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_window_is_moved_and_resized_within_its_words() {
        let w = Window { start: 10, end: 30 };
        assert_eq!(w.moved(5, 100), Window { start: 15, end: 35 });
        assert_eq!(w.moved(-50, 100), Window { start: 0, end: 20 });
        assert_eq!(w.moved(500, 100), Window { start: 80, end: 100 });
        assert_eq!(w.from(20, 100), Window { start: 20, end: 30 });
        assert_eq!(w.from(29, 100), Window { start: 26, end: 30 }, "a few words stay");
        assert_eq!(w.to(50, 100), Window { start: 10, end: 51 });
        assert_eq!(w.to(3, 100), Window { start: 10, end: 14 });
        assert_eq!(w.to(500, 100), Window { start: 10, end: 100 });
        assert_eq!(Window::between(7, 3, 100), Window { start: 3, end: 8 });
        assert_eq!(Window::between(99, 99, 100), Window { start: 96, end: 100 });
        assert_eq!(w.within(15), Window { start: 0, end: 15 });
        assert_eq!((w.place(Some(12)), w.place(Some(30)), w.place(None)), (Some(2), None, None));
    }

    #[test]
    fn a_very_long_response_is_seen_from_its_beginning() {
        assert_eq!(Window::first(200), Window::all(200));
        assert_eq!(Window::first(512), Window { start: 0, end: 60 });
        assert!(Window::first(0).is_empty());
    }

    #[test]
    fn a_profile_is_the_share_of_the_fullest_word() {
        let view = View { levels: vec![vec![10, 0, 5], vec![10, 0, 0]], ..View::default() };
        let label = || crate::explain::view::Label {
            text: String::new(),
            role: crate::explain::Role::User,
            counted: true,
            instruction: false,
            parts: vec![],
            spaced: false,
            own: false,
        };
        let view = View { columns: (0..3).map(|_| label()).collect(), ..view };
        assert_eq!(profile(&view), [1.0, 0.0, 0.25]);
        assert_eq!(outline(&profile(&view)).matches('M').count(), 3);
    }

    proptest! {
        #[test]
        fn any_window_fits(start in 0usize..900, end in 0usize..900, count in 0usize..600, by in -900isize..900, to in 0usize..900) {
            let w = Window { start, end }.within(count);
            for w in [w, w.moved(by, count), w.from(to, count), w.to(to, count), Window::between(start, end, count)] {
                prop_assert!(w.start <= w.end && w.end <= count);
                prop_assert!(w.len() >= LEAST.min(count));
            }
        }
    }
}
