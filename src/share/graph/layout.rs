//! Where the words and the ribbons of a graph lie: two columns of words of the same height, and between them ribbons whose
//! ends lie side by side within their words, in the order of the words they come from or go to.

use std::collections::HashMap;

use super::measure;
use super::ribbons::{Graph, Ribbon};
use crate::explain::view::Label;
use crate::explain::weights::graph::Origin;

/// The margin above and below, pixels.
const MARGIN: f32 = 6.0;
/// How wide the bar is at which a word's ribbons end, and how far from its label.
pub(super) const BAR: f32 = 4.0;
const APART: f32 = 7.0;
/// A side's labels take at most this share of the width, and at least so many pixels.
const LABELS: f32 = 0.31;
const LEAST: f32 = 28.0;
/// Between the slots of two words.
const GAP: f32 = 4.0;
/// A line of a label, as a multiple of the type's size.
const LINE: f32 = 1.2;

/// What a word of a side of `count` words takes at least, pixels.
pub(super) fn pitch(count: usize) -> f32 {
    match count {
        0..=40 => 21.0,
        41..=80 => 16.0,
        _ => 6.0,
    }
}

/// The type of a side of `count` words, pixels.
fn size(count: usize) -> f32 {
    if count <= 40 { 13.0 } else { 11.0 }
}

/// Whether all words of a side of so many have their labels; of more, those that have room.
fn is_roomy(count: usize) -> bool {
    pitch(count) >= 12.0
}

/// A word of the graph, by its row or column in the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Word {
    /// Of the prompt.
    Row(usize),
    /// Of the response.
    Column(usize),
}

/// Where an arrow key leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// To the word before.
    Back,
    /// To the word after.
    On,
    /// To the first word of the side.
    First,
    /// To its last.
    Last,
    /// To the prompt's side: the word that the strongest ribbon leads to.
    Prompt,
    /// To the response's.
    Response,
}

/// A word in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Which.
    pub word: Word,
    /// Its label, in lines.
    pub lines: Vec<String>,
    /// Whether its label has room when no word is singled out.
    pub is_labelled: bool,
    /// Whether it belongs to the instruction.
    pub instruction: bool,
    /// Its slot: no other word of its side reaches into it.
    pub slot: (f32, f32),
    /// Its bar: where its ribbons end. Within the slot, empty for a word without any.
    pub bar: (f32, f32),
}

impl Place {
    /// The middle of slot and label.
    pub fn middle(&self) -> f32 {
        (self.slot.0 + self.slot.1) / 2.0
    }
}

/// One side's words.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Side {
    /// From the first on.
    pub places: Vec<Place>,
    /// Where the bars begin.
    pub bar: f32,
    /// Where labels end (the prompt's) or begin (the response's).
    pub label: f32,
    /// The size of their type.
    pub size: f32,
}

impl Side {
    /// The height of one line of a label.
    pub fn line(&self) -> f32 {
        self.size * LINE
    }
}

/// A ribbon in its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Strip {
    /// Which.
    pub ribbon: Ribbon,
    /// Its end at the prompt word, from top to bottom.
    pub from: (f32, f32),
    /// Its end at the response word.
    pub to: (f32, f32),
}

impl Strip {
    /// Whether it ends at `word`.
    pub fn touches(&self, word: Word) -> bool {
        match word {
            Word::Row(row) => self.ribbon.row == row,
            Word::Column(column) => self.ribbon.column == column,
        }
    }

    /// The word at its other end.
    pub fn other(&self, word: Word) -> Word {
        match word {
            Word::Row(_) => Word::Column(self.ribbon.column),
            Word::Column(_) => Word::Row(self.ribbon.row),
        }
    }
}

/// A graph with its places, pixels.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Layout {
    /// Width and height.
    pub size: (f32, f32),
    /// The prompt's words.
    pub prompt: Side,
    /// The response's.
    pub response: Side,
    /// The ribbons in the order in which they are drawn: what changed over what was kept, strong ones over weak ones.
    pub strips: Vec<Strip>,
}

impl Layout {
    /// The places of `graph` in a picture `width` wide; a ribbon of strength 1 is `unit` wide (see [`super::unit`]).
    pub fn of(graph: &Graph, width: f32, unit: f32) -> Self {
        let most = width * LABELS;
        let total = |word: Word| {
            let touching = graph.ribbons.iter().filter(|r| match word {
                Word::Row(row) => r.row == row,
                Word::Column(column) => r.column == column,
            });
            touching.map(|r| r.width(unit)).sum::<f32>()
        };
        let side = |labels: &[(usize, Label)], word: fn(usize) -> Word| -> Vec<(Word, Label, f32)> {
            labels.iter().map(|(at, label)| (word(*at), label.clone(), total(word(*at)))).collect()
        };
        let (prompt, wide_left) = slots(side(&graph.rows, Word::Row), most);
        let (response, wide_right) = slots(side(&graph.columns, Word::Column), most);
        let high = |slots: &[Slot]| slots.iter().map(|s| s.high).sum::<f32>();
        let height = high(&prompt).max(high(&response));
        let (size_left, size_right) = (size(prompt.len()), size(response.len()));
        let mut layout = Self {
            size: (width, height + 2.0 * MARGIN),
            prompt: Side { places: placed(prompt, height), bar: wide_left + APART, label: wide_left, size: size_left },
            response: Side {
                places: placed(response, height),
                bar: width - wide_right - APART - BAR,
                label: width - wide_right,
                size: size_right,
            },
            strips: Vec::new(),
        };
        layout.strips = strips(&layout, graph, unit);
        layout
    }

    /// All words, the prompt's first.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.prompt.places.iter().chain(&self.response.places)
    }

    /// The side that `word` is on.
    pub fn side(&self, word: Word) -> &Side {
        match word {
            Word::Row(_) => &self.prompt,
            Word::Column(_) => &self.response,
        }
    }

    /// The place of `word`, if it is drawn.
    pub fn place(&self, word: Word) -> Option<&Place> {
        self.side(word).places.iter().find(|p| p.word == word)
    }

    /// The ribbons of `word`, the strongest first.
    pub fn of_word(&self, word: Word) -> Vec<&Strip> {
        let mut all: Vec<&Strip> = self.strips.iter().filter(|s| s.touches(word)).collect();
        all.sort_by(|a, b| b.ribbon.strength.total_cmp(&a.ribbon.strength));
        all
    }

    /// Where a step leads from `from`, or where the walk begins.
    pub fn step(&self, from: Option<Word>, step: Step) -> Option<Word> {
        let first = |side: &Side| side.places.first().map(|p| p.word);
        let Some((word, place)) = from.and_then(|word| Some((word, self.place(word)?))) else {
            return if step == Step::Response { first(&self.response) } else { first(&self.prompt) };
        };
        let places = &self.side(word).places;
        let at = places.iter().position(|p| p.word == word)?;
        let across = |to: &Side| {
            let strongest = self.of_word(word).first().map(|s| s.other(word));
            let far = |p: &&Place| (p.middle() - place.middle()).abs();
            strongest.or_else(|| to.places.iter().min_by(|a, b| far(a).total_cmp(&far(b))).map(|p| p.word))
        };
        match (step, word) {
            (Step::Back, _) => places.get(at.saturating_sub(1)).map(|p| p.word),
            (Step::On, _) => places.get((at + 1).min(places.len() - 1)).map(|p| p.word),
            (Step::First, _) => places.first().map(|p| p.word),
            (Step::Last, _) => places.last().map(|p| p.word),
            (Step::Prompt, Word::Column(_)) => across(&self.prompt).or(from),
            (Step::Response, Word::Row(_)) => across(&self.response).or(from),
            (Step::Prompt | Step::Response, _) => from,
        }
    }
}

/// A word before it has its place.
struct Slot {
    word: Word,
    lines: Vec<String>,
    instruction: bool,
    /// What its ribbons take.
    bar: f32,
    /// What it takes.
    high: f32,
}

/// What the words of one side take, and how wide their labels are; `most` is the widest that they may be.
fn slots(words: Vec<(Word, Label, f32)>, most: f32) -> (Vec<Slot>, f32) {
    let count = words.len();
    let (size, roomy) = (size(count), is_roomy(count));
    let slot = |(word, label, bar): (Word, Label, f32)| {
        let text = shown(&label.text);
        let lines = if roomy { measure::lines(&text, size, most) } else { vec![measure::line(&text, size, most)] };
        let label_high = if roomy { lines.len() as f32 * size * LINE } else { 0.0 };
        let gap = if roomy { GAP } else { 1.0 };
        let high = (bar.max(label_high) + gap).max(pitch(count));
        Slot { word, lines, instruction: label.instruction, bar, high }
    };
    let slots: Vec<Slot> = words.into_iter().map(slot).collect();
    let lines = slots.iter().flat_map(|s| &s.lines);
    let wide = lines.map(|line| measure::width(line, size)).fold(LEAST, f32::max);
    (slots, wide.min(most.max(LEAST)))
}

/// What of a word is drawn: line breaks and bare spaces are told by signs.
fn shown(text: &str) -> String {
    match text.trim() {
        "" if text.contains('\n') => "⏎".repeat(text.matches('\n').count().min(3)),
        "" => "␣".into(),
        text => text.replace('\n', " ⏎ "),
    }
}

/// The words of one side, spread over `height`; those labels that have no room are left out, the busiest words' last.
fn placed(slots: Vec<Slot>, height: f32) -> Vec<Place> {
    let (count, high) = (slots.len(), slots.iter().map(|s| s.high).sum::<f32>());
    let (size, more) = (size(count), (height - high) / count.max(1) as f32);
    let mut y = MARGIN;
    let place = |slot: Slot| {
        let (from, to) = (y, y + slot.high + more);
        y = to;
        let middle = (from + to) / 2.0;
        Place {
            word: slot.word,
            lines: slot.lines,
            is_labelled: is_roomy(count),
            instruction: slot.instruction,
            slot: (from, to),
            bar: (middle - slot.bar / 2.0, middle + slot.bar / 2.0),
        }
    };
    let mut places: Vec<Place> = slots.into_iter().map(place).collect();
    if !is_roomy(count) {
        let mut order: Vec<usize> = (0..count).collect();
        let busy = |at: &usize| places[*at].bar.1 - places[*at].bar.0;
        order.sort_by(|a, b| busy(b).total_cmp(&busy(a)));
        let words = order.iter().map(|at| &places[*at]);
        let labelled: Vec<Word> = apart(words, size * LINE).into_iter().map(|p| p.word).collect();
        places.iter_mut().for_each(|p| p.is_labelled = labelled.contains(&p.word));
    }
    places
}

/// Those of one side's `places`, in the order of their importance, whose labels stand at least `line` apart.
pub(super) fn apart<'a>(places: impl Iterator<Item = &'a Place>, line: f32) -> Vec<&'a Place> {
    let mut kept: Vec<&Place> = Vec::new();
    for place in places {
        let high = |p: &Place| p.lines.len() as f32 * line;
        let clear = |other: &&Place| (other.middle() - place.middle()).abs() >= (high(other) + high(place)) / 2.0;
        if kept.iter().all(clear) {
            kept.push(place);
        }
    }
    kept
}

/// The ribbons' ends, side by side within their words: at a word in the order of the words at the other end, so that no two
/// ribbons of a word cross.
fn strips(layout: &Layout, graph: &Graph, unit: f32) -> Vec<Strip> {
    let tops = |side: &Side| -> HashMap<Word, f32> { side.places.iter().map(|p| (p.word, p.bar.0)).collect() };
    let (mut at_row, mut at_column) = (tops(&layout.prompt), tops(&layout.response));
    let end = |tops: &mut HashMap<Word, f32>, word: Word, wide: f32| {
        let top = tops.get_mut(&word)?;
        let from = *top;
        *top += wide;
        Some((from, *top))
    };
    // ribbons come by row, then by column: so each word meets its ribbons in the other side's order
    let mut strips: Vec<Strip> = graph
        .ribbons
        .iter()
        .filter_map(|ribbon| {
            let wide = ribbon.width(unit);
            let from = end(&mut at_row, Word::Row(ribbon.row), wide)?;
            let to = end(&mut at_column, Word::Column(ribbon.column), wide)?;
            Some(Strip { ribbon: *ribbon, from, to })
        })
        .collect();
    let changed = |s: &Strip| s.ribbon.origin != Origin::Both;
    let order = |a: &Strip, b: &Strip| a.ribbon.strength.total_cmp(&b.ribbon.strength);
    strips.sort_by(|a, b| changed(a).cmp(&changed(b)).then(order(a, b)));
    strips
}
