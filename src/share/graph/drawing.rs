//! A graph's places as SVG: the same for the page, whose colours are its own, and for files.

use std::fmt::Write;

use super::layout::{BAR, Layout, Place, Strip, Word, apart};
use crate::explain::weights::graph::Origin;
use crate::share::sheet::escaped;

/// The colours of a drawing, as CSS has them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Colours {
    /// Of words that are joined.
    pub ink: &'static str,
    /// Of words that nothing is joined to.
    pub soft: &'static str,
    /// Of the base model's ribbons, which a difference calls lost.
    pub base: &'static str,
    /// Of the tuned model's, which it calls gained.
    pub tuned: &'static str,
    /// Of those that both have.
    pub kept: &'static str,
    /// The line beneath the instruction's words.
    pub instruction: &'static str,
}

impl Colours {
    /// The page's, in either theme.
    pub const PAGE: Self = Self {
        ink: "var(--ink)",
        soft: "var(--ink-3)",
        base: "var(--neg)",
        tuned: "var(--pos)",
        kept: "var(--ink-2)",
        instruction: "var(--accent)",
    };
    /// On white paper.
    pub const PRINT: Self = Self {
        ink: "#1b1d21",
        soft: "#6d727a",
        base: "#2166ac",
        tuned: "#c4601a",
        kept: "#565b64",
        instruction: "#3b4cc0",
    };

    /// Of ribbons of `origin`.
    pub fn of(&self, origin: Origin) -> &'static str {
        match origin {
            Origin::Base => self.base,
            Origin::Tuned => self.tuned,
            Origin::Both => self.kept,
        }
    }
}

/// What is pointed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pointed {
    /// A word with all its ribbons.
    Word(Word),
    /// One ribbon, by its place among the layout's strips.
    Ribbon(usize),
}

/// The name of a word's parts in the drawing: "r3", "c12".
fn name(word: Word) -> String {
    match word {
        Word::Row(n) => format!("r{n}"),
        Word::Column(m) => format!("c{m}"),
    }
}

/// What stands within the `svg` element, its text in the element's typeface. `differs` says that ribbons that were lost
/// are to look unlike others.
pub fn drawing(layout: &Layout, colours: &Colours, differs: bool) -> String {
    let mut out = String::with_capacity(layout.strips.len() * 220);
    let (x0, x1) = (layout.prompt.bar + BAR, layout.response.bar);
    for (at, strip) in layout.strips.iter().enumerate() {
        ribbon(&mut out, (at, strip), (x0, x1), colours, differs);
    }
    for place in layout.places() {
        word(&mut out, layout, place, colours);
    }
    out
}

/// How a ribbon of this strength and width is drawn: a whole one raised the probability, a dotted one lowered it, a dashed
/// one was lost.
fn look(strength: f32, width: f32, (origin, lowers, differs): (Origin, bool, bool), colours: &Colours) -> String {
    // the square keeps the strong apart from the middling; the weakest are still seen
    let opacity = 0.28 + 0.42 * strength * strength;
    // what was kept recedes behind what changed
    let opacity = if differs && origin == Origin::Both { opacity * 0.6 } else { opacity };
    let dashes = match (lowers, differs && origin == Origin::Base) {
        (false, false) => "",
        (true, false) => " stroke-dasharray=\"2 3\"",
        (false, true) => " stroke-dasharray=\"9 3\"",
        (true, true) => " stroke-dasharray=\"9 3 2 3\"",
    };
    format!("stroke=\"{}\" stroke-width=\"{width:.2}\" stroke-opacity=\"{opacity:.2}\"{dashes}", colours.of(origin))
}

/// A piece of a ribbon for a legend, as the inside of an `svg` element 30 by 12 pixels large at (`x`, `y`).
pub fn swatch((x, y): (f32, f32), kind: (Origin, bool, bool), colours: &Colours) -> String {
    format!("<path d=\"M{} {}h28\" {}/>", x + 1.0, y + 6.0, look(1.0, 7.0, kind, colours))
}

fn ribbon(out: &mut String, (at, strip): (usize, &Strip), (x0, x1): (f32, f32), colours: &Colours, differs: bool) {
    let middle = (x0 + x1) / 2.0;
    let of = |(top, bottom): (f32, f32)| (top + bottom) / 2.0;
    let (from, to, r) = (of(strip.from), of(strip.to), &strip.ribbon);
    let look = look(r.strength, strip.from.1 - strip.from.0, (r.origin, r.lowers, differs), colours);
    let _ = write!(
        out,
        "<path class=\"ribbon b{at}\" data-ribbon=\"{at}\" fill=\"none\" {look} d=\"M{x0:.1} {from:.2}C{middle:.1} {from:.2} {middle:.1} {to:.2} {x1:.1} {to:.2}\"/>"
    );
}

fn word(out: &mut String, layout: &Layout, place: &Place, colours: &Colours) {
    let (side, of_prompt) = (layout.side(place.word), matches!(place.word, Word::Row(_)));
    let has_ribbons = place.bar.1 > place.bar.0;
    let (name, ink) = (name(place.word), if has_ribbons { colours.ink } else { colours.soft });
    let (from, to) = if of_prompt { (0.0, side.bar + BAR) } else { (side.bar, layout.size.0) };
    let hidden = if place.is_labelled { "" } else { " hidden" };
    let _ = write!(
        out,
        "<g class=\"word w{name}{hidden}\" data-word=\"{name}\"><rect x=\"{from:.1}\" y=\"{:.2}\" width=\"{:.1}\" height=\"{:.2}\" fill=\"none\" pointer-events=\"all\"/>",
        place.slot.0,
        to - from,
        place.slot.1 - place.slot.0
    );
    let (top, bottom) = if has_ribbons { place.bar } else { (place.middle() - 1.0, place.middle() + 1.0) };
    let opacity = if has_ribbons { 1.0 } else { 0.35 };
    let _ = write!(
        out,
        "<rect class=\"bar\" x=\"{:.1}\" y=\"{top:.2}\" width=\"{BAR}\" height=\"{:.2}\" rx=\"1\" fill=\"{ink}\" fill-opacity=\"{opacity}\"/>",
        side.bar,
        (bottom - top).max(1.0)
    );
    let underlined = if place.instruction {
        format!(
            " text-decoration=\"underline\" style=\"text-decoration-color:{};text-underline-offset:.2em\"",
            colours.instruction
        )
    } else {
        String::new()
    };
    let anchor = if of_prompt { "end" } else { "start" };
    let first = place.middle() - side.line() * (place.lines.len() as f32 - 1.0) / 2.0 + side.size * 0.35;
    let invisible = if place.is_labelled { "" } else { " visibility=\"hidden\"" };
    for (at, line) in place.lines.iter().enumerate() {
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{:.2}\" font-size=\"{}\" text-anchor=\"{anchor}\" fill=\"{ink}\"{underlined}{invisible}>{}</text>",
            side.label,
            first + side.line() * at as f32,
            side.size,
            escaped(line)
        );
    }
    out.push_str("</g>");
}

/// The style rules that single out what is pointed at, for the drawing within the element `id`; none if nothing is. A label
/// that had no room is shown, and those it would touch are not.
pub fn emphasis(id: &str, layout: &Layout, pointed: Option<Pointed>) -> String {
    let (strips, words): (Vec<usize>, Vec<Word>) = match pointed {
        Some(Pointed::Word(word)) if layout.place(word).is_some() => {
            let touching = layout.strips.iter().enumerate().filter(|(_, s)| s.touches(word));
            let strips = touching.map(|(at, _)| at).collect();
            let mut words = vec![word];
            words.extend(layout.of_word(word).iter().map(|s| s.other(word)));
            (strips, words)
        }
        Some(Pointed::Ribbon(at)) if at < layout.strips.len() => {
            let ribbon = &layout.strips[at].ribbon;
            (vec![at], vec![Word::Row(ribbon.row), Word::Column(ribbon.column)])
        }
        _ => return String::new(),
    };
    let mut rules = format!("#{id} .ribbon{{opacity:.1}}#{id} .word{{opacity:.3}}");
    for side in [&layout.prompt, &layout.response] {
        let joined: Vec<&Place> =
            words.iter().filter_map(|word| side.places.iter().find(|p| p.word == *word)).collect();
        if side.places.iter().any(|p| !p.is_labelled) && !joined.is_empty() {
            side.places.iter().filter(|p| p.is_labelled).for_each(|p| {
                let _ = write!(rules, "#{id} .w{} text{{visibility:hidden}}", name(p.word));
            });
        }
        for place in &joined {
            let _ = write!(rules, "#{id} .w{}{{opacity:1}}", name(place.word));
        }
        for place in apart(joined.into_iter(), side.line()) {
            let _ = write!(rules, "#{id} .w{} text{{visibility:visible}}", name(place.word));
        }
    }
    for at in strips {
        let _ = write!(rules, "#{id} .b{at}{{opacity:1}}");
    }
    rules
}
