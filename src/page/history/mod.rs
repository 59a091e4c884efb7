//! The runs of this visit: kept when they are finished, gone back to, and two of them held against each other.

mod differences;

use std::sync::Arc;

pub use differences::{Differing, Refused, differing, refused};

use super::facts::by_file;
use super::runs::{self, Round, Shown};
use super::{Effect, Msg, Side, Tracked, editor, linked};
use crate::explain::ModelReport;
use crate::share::link::{Link, Origin, Precision};
use crate::share::screen::{Inside, Reading, Tab};
use crate::share::{Collection, Export, RunSpec};

/// Most runs that are kept; the oldest go first.
pub const MOST: usize = 24;
/// Most cells of all their matrices together: about 100 MB as they are held.
const CELLS: usize = 8 << 20;
/// Most bytes of them that outlive a reload of the page.
const BYTES: usize = 256 << 10;

/// What the user wants.
#[derive(Debug, Clone)]
pub enum Command {
    /// Put this run on screen again, and set the editor as it was asked.
    Show(u32),
    /// The same with the run before the one on screen.
    Back,
    /// The same with the run after it.
    Forward,
    /// Hold it against another; or no more. Of three, the one pinned first goes.
    Pin(u32),
    /// Drop it.
    Remove(u32),
    /// Drop all.
    Clear,
    /// Bring back what was dropped last.
    Restore,
    /// What was written down before the page was loaded again.
    Recalled(Option<String>),
    /// The runs in a file, the newest first.
    Opened(Vec<Export>),
}

/// A finished run.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its number: runs are counted from 1 on.
    pub number: u32,
    /// What was asked, and what came of it.
    pub round: Round,
    /// The same as a link's fragment, in which form it outlives a reload.
    written: String,
}

impl Entry {
    /// The cells of both matrices.
    fn cells(&self) -> usize {
        self.round.halves.iter().map(|half| half.units.len() * half.response.len()).sum()
    }
}

/// Where the run on screen stands among those that are kept: its number, and those of the runs that can be gone to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// The run on screen, if it is kept.
    pub on_screen: Option<u32>,
    /// The run before it; the newest, if it is not kept.
    pub before: Option<u32>,
    /// The run after it.
    pub after: Option<u32>,
}

/// The runs that are kept.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// The newest first.
    pub entries: Tracked<Vec<Arc<Entry>>>,
    /// Where the run on screen stands among them.
    pub place: Tracked<Place>,
    /// The numbers of at most two that are held against each other.
    pub pinned: Tracked<Vec<u32>>,
    /// What there was before some of it was dropped.
    pub dropped: Tracked<Option<Vec<Arc<Entry>>>>,
    /// How many there were.
    count: u32,
    /// Whether a run was at work when this was last looked at.
    running: bool,
}

impl History {
    /// Does what the user wants: what others have to do for it comes back as messages.
    pub fn command(&mut self, command: Command, effects: &mut Vec<Effect>) -> Vec<Msg> {
        match command {
            Command::Show(number) => return self.show(Some(number)),
            Command::Back => return self.show(self.place.before),
            Command::Forward => return self.show(self.place.after),
            Command::Pin(number) => {
                self.pin(number);
                return Vec::new();
            }
            Command::Remove(number) => self.drop_runs(|entry| entry.number == number),
            Command::Clear => self.drop_runs(|_| true),
            Command::Restore => {
                if let Some(before) = self.dropped.take() {
                    // with what has been run since
                    let new = self.entries.iter().filter(|e| before.iter().all(|b| b.number != e.number)).cloned();
                    *self.entries = new.chain(before.iter().cloned()).collect();
                    self.bound();
                }
            }
            Command::Recalled(text) => {
                let read = |line: &str| Some((Link::decode(line)?.ok()?, line.to_owned()));
                let links: Vec<(Link, String)> = text.iter().flat_map(|text| text.lines()).filter_map(read).collect();
                for (link, written) in links.into_iter().rev() {
                    self.add(Round { shown: Shown::Earlier, ..Round::of_link(&link) }, written);
                }
                return Vec::new(); // it is written down already
            }
            Command::Opened(exports) => return self.opened(exports, effects),
        }
        self.write(effects);
        Vec::new()
    }

    fn pin(&mut self, number: u32) {
        match self.pinned.iter().position(|n| *n == number) {
            Some(at) => drop(self.pinned.remove(at)),
            None if self.entry(number).is_some() => self.pinned.push(number),
            None => {}
        }
        if self.pinned.len() > 2 {
            self.pinned.remove(0);
        }
    }

    fn opened(&mut self, exports: Vec<Export>, effects: &mut Vec<Effect>) -> Vec<Msg> {
        for export in exports.into_iter().rev() {
            let origins = [&export.models.base, &export.models.tuned]
                .map(|report| report.as_ref().map_or(Origin::Elsewhere, |report| by_file(&report.checkpoint.file)));
            let round = Round::of_export(export, Shown::Earlier, origins);
            if round.halves.iter().any(|half| half.report.is_some()) {
                let written = written(&round);
                self.add(round, written);
            }
        }
        self.write(effects);
        self.show(self.entries.first().map(|newest| newest.number))
    }

    /// Keeps the run on screen once it is finished, and follows which run that is.
    pub fn go_on(&mut self, round: &Round, effects: &mut Vec<Effect>) {
        let running = round.is_running();
        let has_ended = std::mem::replace(&mut self.running, running) && !running;
        let has_result = round.halves.iter().any(|half| half.report.is_some());
        // when nothing comes of a run, the one before it is on screen again
        if has_ended && has_result && round.shown == Shown::Computed && self.kept(round).is_none() {
            let written = written(round);
            self.add(round.clone(), written);
            self.write(effects);
        }
        let on_screen = if running { None } else { self.kept(round) };
        let number = |at: usize| self.entries.get(at).map(|entry| entry.number);
        let place = match on_screen {
            None => Place { before: number(0), ..Place::default() },
            Some(at) => {
                Place { on_screen: number(at), before: number(at + 1), after: at.checked_sub(1).and_then(number) }
            }
        };
        if *self.place != place {
            *self.place = place;
        }
    }

    /// All runs as a file, the newest first.
    pub fn collection(&self) -> Collection {
        Collection::new(self.entries.iter().filter_map(|entry| entry.round.export()).collect())
    }

    /// The two runs that are held against each other, the older one first.
    pub fn pair(entries: &[Arc<Entry>], pinned: &[u32]) -> Option<[Arc<Entry>; 2]> {
        let mut numbers: Vec<u32> = pinned.to_vec();
        numbers.sort_unstable();
        let found = numbers.iter().filter_map(|number| entries.iter().find(|e| e.number == *number).cloned());
        found.collect::<Vec<_>>().try_into().ok()
    }

    fn entry(&self, number: u32) -> Option<&Arc<Entry>> {
        self.entries.iter().find(|entry| entry.number == number)
    }

    /// Where `round` is kept.
    fn kept(&self, round: &Round) -> Option<usize> {
        self.entries.iter().position(|entry| is_same(&entry.round, round))
    }

    fn add(&mut self, round: Round, written: String) {
        self.count += 1;
        let entry = Arc::new(Entry { number: self.count, round, written });
        self.entries.insert(0, entry);
        self.bound();
    }

    /// Lets the oldest go where there are too many, but never the newest.
    fn bound(&mut self) {
        let mut cells = 0;
        let fits = self.entries.iter().take(MOST).take_while(|entry| {
            cells += entry.cells();
            cells <= CELLS
        });
        let kept = fits.count().max(1);
        self.entries.truncate(kept);
        self.unpin_dropped();
    }

    fn drop_runs(&mut self, is_dropped: impl Fn(&Entry) -> bool) {
        if self.entries.iter().any(|entry| is_dropped(entry)) {
            *self.dropped = Some(self.entries.to_vec());
            self.entries.retain(|entry| !is_dropped(entry));
            self.unpin_dropped();
        }
    }

    fn unpin_dropped(&mut self) {
        let there: Vec<u32> = self.entries.iter().map(|e| e.number).collect();
        if self.pinned.iter().any(|number| !there.contains(number)) {
            self.pinned.retain(|number| there.contains(number));
        }
    }

    fn show(&self, number: Option<u32>) -> Vec<Msg> {
        let Some(entry) = number.and_then(|number| self.entry(number)) else { return Vec::new() };
        vec![
            Msg::Linked(linked::Command::Forget),
            Msg::Edit(editor::Command::As(Box::new((**entry.round.spec).clone()))),
            Msg::Runs(runs::Command::Show(Box::new(entry.round.afresh()))),
        ]
    }

    /// Writes down as many as there is room for, the newest first.
    fn write(&self, effects: &mut Vec<Effect>) {
        let mut text = String::new();
        for entry in self.entries.iter() {
            if text.len() + entry.written.len() > BYTES {
                break;
            }
            text.push_str(&entry.written);
            text.push('\n');
        }
        effects.push(Effect::WriteHistory(text));
    }
}

/// Whether both are the same run: what was marked, chosen or checked afterwards makes no other of it, nor does running it again.
fn is_same(a: &Round, b: &Round) -> bool {
    let asked = |round: &Round| RunSpec { marked: None, spans: Vec::new(), ..(**round.spec).clone() };
    let token = |report: &ModelReport, m: usize| (report.response[m].id, report.response[m].probability.to_bits());
    let came = |a: &ModelReport, b: &ModelReport| {
        let count = a.response.len();
        a.checkpoint.weights == b.checkpoint.weights
            && count == b.response.len()
            && (0..count).all(|m| token(a, m) == token(b, m))
    };
    let same = |side: Side| match [a, b].map(|round| round.half(side).report.as_ref()) {
        [Some(a), Some(b)] => came(a, b),
        [None, None] => true,
        _ => false,
    };
    Side::BOTH.into_iter().all(same) && asked(a) == asked(b)
}

/// A run as a link's fragment.
fn written(round: &Round) -> String {
    let spec = (**round.spec).clone();
    let reading = Reading { by: spec.by, ..Reading::default() };
    let link = Link {
        prompt: spec.prompt,
        turns: spec.turns,
        marked: spec.marked,
        spans: spec.spans,
        template_row: spec.template_row,
        options: spec.options,
        how: spec.how,
        reading,
        tab: Tab::default(),
        inside: Inside::default(),
        seen: Side::BOTH.map(|side| round.seen(side)),
        precision: Precision::ladder(reading.how).remove(0),
    };
    link.encode(0).0
}
