//! Where the texts of a conversation are in what a template makes of it.
//!
//! A template is asked: a character that occurs nowhere is put at one place of a turn's text. If all else stays as it is, the
//! place where the character comes out is that place of the text. What equals the text around it is the text.

use std::cell::Cell;
use std::collections::VecDeque;
use std::ops::Range;

use super::Own;
use super::text::is_space;
use crate::checkpoint::CheckpointError;
use crate::checkpoint::conversation::{MOST_TURNS, Message};

/// How often what is left of a text is halved to find a part of it.
const HALVINGS: u32 = 3;
/// Most blank characters at an edge that are asked for one by one.
const EDGE: usize = 8;

/// Another text for a turn.
pub(super) type Change = (usize, String);

/// The explained texts within `whole`, in its order. `render` renders the conversation with other texts in some turns.
pub(super) fn find(
    messages: &[Message],
    whole: &str,
    source: &str,
    render: impl Fn(&[Change]) -> Result<String, CheckpointError>,
) -> Result<Vec<Own>, CheckpointError> {
    let marks = Marks::new(messages.iter().map(|m| m.text).chain([whole, source]));
    let mut own = match all_at_once(messages, whole, &marks, &render) {
        Some(own) => own,
        None => one_by_one(messages, whole, &marks, &render)?,
    };
    own.sort_by_key(|own: &Own| own.at.start);
    // a template's own words can equal those that it has left out beside a part: what is found first has them
    let mut end = 0_usize;
    for own in &mut own {
        let twice = end.saturating_sub(own.at.start).min(own.at.len());
        (own.at.start, own.from) = (own.at.start + twice, own.from + twice);
        end = end.max(own.at.end);
    }
    own.retain(|own| !own.at.is_empty());
    Ok(own)
}

/// Characters that occur nowhere, one a turn.
struct Marks {
    first: u32,
}

impl Marks {
    fn new<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Self {
        let width = MOST_TURNS as u32;
        let is_known =
            |first: u32| texts.clone().flat_map(str::chars).any(|c| (first..first + width).contains(&c.into()));
        let firsts = (0xF0000..0xFFF00).step_by(MOST_TURNS);
        Self { first: firsts.into_iter().find(|first| !is_known(*first)).unwrap_or(0xF0000) }
    }

    fn of(&self, turn: usize) -> char {
        char::from_u32(self.first + (turn % MOST_TURNS) as u32).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    fn turn(&self, mark: char) -> Option<usize> {
        (self.first..self.first + MOST_TURNS as u32)
            .contains(&mark.into())
            .then(|| (u32::from(mark) - self.first) as usize)
    }
}

/// Where each text stands once, whole, with a mark on both sides, if nothing else changes.
fn all_at_once(
    messages: &[Message],
    whole: &str,
    marks: &Marks,
    render: impl Fn(&[Change]) -> Result<String, CheckpointError>,
) -> Option<Vec<Own>> {
    let explained = || messages.iter().enumerate().filter(|(_, m)| m.explained.is_some());
    let change = |(turn, m): (usize, &Message)| (turn, format!("{0}{1}{0}", marks.of(turn), m.text));
    let marked = render(&explained().map(change).collect::<Vec<_>>()).ok()?;
    let mut places: Vec<Vec<usize>> = vec![Vec::new(); messages.len().max(MOST_TURNS)];
    let mut plain = String::with_capacity(marked.len());
    for c in marked.chars() {
        match marks.turn(c) {
            Some(turn) => places[turn].push(plain.len()),
            None => plain.push(c),
        }
    }
    let own = |(turn, message): (usize, &Message)| match places[turn][..] {
        [start, end] if whole[start..end] == *message.text => Some(Own { at: start..end, from: message.explained? }),
        _ => None,
    };
    if plain == whole { explained().map(own).collect() } else { None }
}

fn one_by_one(
    messages: &[Message],
    whole: &str,
    marks: &Marks,
    render: impl Fn(&[Change]) -> Result<String, CheckpointError>,
) -> Result<Vec<Own>, CheckpointError> {
    let mut own = Vec::new();
    for (turn, message) in messages.iter().enumerate() {
        let Some(from) = message.explained else { continue };
        let render = |text: String| render(&[(turn, text)]);
        let search = Search { text: message.text, whole, mark: marks.of(turn), render, seen: Cell::default() };
        let parts = search
            .parts()
            .map_err(|what| CheckpointError::Template(format!("it {what} the {}'s message", message.speaker.name())))?;
        own.extend(parts.into_iter().map(|p| Own { at: p.at..p.at + p.text.len(), from: from + p.text.start }));
    }
    Ok(own)
}

/// A part of a text, or a place in it, and where that begins in the rendered text.
#[derive(Debug, Clone)]
struct Part {
    text: Range<usize>,
    at: usize,
}

/// What has become of marks.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    /// One came out more than once.
    twice: bool,
    /// More has changed than that one came out.
    changed: bool,
}

/// Looks for one turn's text.
struct Search<'a, R> {
    text: &'a str,
    whole: &'a str,
    mark: char,
    render: R,
    seen: Cell<Seen>,
}

impl<R: Fn(String) -> Result<String, CheckpointError>> Search<'_, R> {
    /// The parts that are there, in the text's order; or what the template does to it.
    fn parts(&self) -> Result<Vec<Part>, &'static str> {
        let mut found = self.search();
        found.sort_by_key(|part| (part.text.start, part.text.end));
        if found.windows(2).any(|pair| self.differs(&pair[0], &pair[1])) {
            return Err("changes");
        }
        found.retain(|part| !part.text.is_empty());
        if found.is_empty() && !is_blank(self.text) {
            let Seen { twice, changed } = self.seen.get();
            return Err(if twice {
                "repeats"
            } else if changed {
                "changes"
            } else {
                "leaves out"
            });
        }
        Ok(found)
    }

    /// Parts, and places at which nothing equals the text.
    fn search(&self) -> Vec<Part> {
        let mut found = Vec::new();
        let mut open = VecDeque::from([(0..self.text.len(), 0)]);
        while let Some((range, halvings)) = open.pop_front() {
            let text = &self.text[range.clone()];
            if is_blank(text) {
                continue;
            }
            let start = range.end - text.trim_start_matches(is_space).len();
            let end = range.start + text.trim_end_matches(is_space).len();
            let middle = self.boundary(start + (end - start) / 2);
            let grown = [start, end, middle].into_iter().find_map(|from| {
                let part = self.grow(from, self.place(from)?, &range);
                found.push(part.clone());
                (!part.text.is_empty()).then_some(part)
            });
            match grown {
                Some(part) => {
                    open.push_back((range.start..part.text.start, halvings));
                    open.push_back((part.text.end..range.end, halvings));
                }
                None if halvings < HALVINGS && start < middle => {
                    open.push_back((start..middle, halvings + 1));
                    open.push_back((middle..end, halvings + 1));
                }
                None => {}
            }
        }
        found
    }

    /// What equals the text within `range` around a place of it that is at `at` in the rendered text.
    fn grow(&self, from: usize, at: usize, range: &Range<usize>) -> Part {
        let equal = |(a, b): &(u8, u8)| a == b;
        let (text, whole) = (self.text.as_bytes(), self.whole.as_bytes());
        let back = text[range.start..from].iter().copied().rev().zip(whole[..at].iter().copied().rev());
        let ahead = text[from..range.end].iter().copied().zip(whole[at..].iter().copied());
        let start = from - back.take_while(equal).count();
        let start = (start..=from).find(|i| self.text.is_char_boundary(*i)).unwrap_or(from);
        let end = self.boundary(from + ahead.take_while(equal).count());
        // blank characters at an edge can be the template's own
        let is_here = |i: usize| i == from || self.place(i) == (at + i).checked_sub(from);
        let blank = &self.text[start..from];
        let blank = blank.len() - blank.trim_start_matches(is_space).len();
        let edge = |i: &usize| self.text.is_char_boundary(*i);
        let start = (start..start + blank).filter(edge).take(EDGE).find(|i| is_here(*i)).unwrap_or(start + blank);
        let solid = from + self.text[from..end].trim_end_matches(is_space).len();
        let end = (solid + 1..=end).rev().filter(edge).take(EDGE).find(|i| is_here(*i)).unwrap_or(solid);
        Part { text: start..end, at: at + start - from }
    }

    /// Whether something else stands in place of what is between two parts: neither nothing nor a piece of it.
    fn differs(&self, a: &Part, b: &Part) -> bool {
        let solid = |text: Option<&str>| text.unwrap_or_default().split(is_space).collect::<String>();
        let between = solid(self.whole.get(a.at + a.text.len()..b.at));
        let expected = solid(self.text.get(a.text.end..b.text.start));
        !expected.is_empty() && !expected.contains(&between)
    }

    /// Where the mark comes out if it is put there, if nothing else changes.
    fn place(&self, at: usize) -> Option<usize> {
        let (before, after) = self.text.split_at(at);
        let marked = (self.render)(format!("{before}{}{after}", self.mark));
        let mut seen = self.seen.get();
        let mut place = None;
        match marked.as_ref().map(|marked| marked.split_once(self.mark)) {
            Ok(Some((_, after))) if after.contains(self.mark) => seen.twice = true,
            Ok(Some((before, after))) => {
                place = self.whole.strip_prefix(before).filter(|rest| *rest == after).map(|_| before.len());
                seen.changed |= place.is_none();
            }
            _ => seen.changed |= marked.as_deref() != Ok(self.whole),
        }
        self.seen.set(seen);
        place
    }

    /// The last place at or before `at` where a character begins.
    fn boundary(&self, at: usize) -> usize {
        (0..=at).rev().find(|i| self.text.is_char_boundary(*i)).unwrap_or(0)
    }
}

fn is_blank(text: &str) -> bool {
    text.chars().all(is_space)
}
