//! The report of a study: opened from a file, its prompts' pictures shown in the first tab, and closed so that the page is as it was
//! before.

use std::sync::Arc;

use super::linked::{Again, Picture};
use super::runs::{self, Phase, Round};
use super::{Facts, Msg, Tracked, editor, linked};
use crate::share::screen::{Reading, Tab};
use crate::share::{RunSpec, Study};
use crate::wording::study as wording;

/// What the user wants.
#[derive(Debug, Clone)]
pub enum Command {
    /// Show the report in a file of this name.
    Opened(String, Box<Study>),
    /// Look at the checkpoint at this place of the chain, beside the one before it.
    Pair(usize),
    /// Show what these two made of the prompt at this place of the report.
    Show(usize),
    /// Go back to the report.
    Back,
    /// Close it.
    Close,
}

/// A report that is open.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Its file's name.
    pub file: String,
    /// What is in it.
    pub study: Study,
}

/// What else is on screen.
pub struct OnScreen<'a> {
    /// What all may read.
    pub facts: &'a Facts,
    /// The run.
    pub round: &'a Round,
    /// Where it was sent from, if it was.
    pub picture: Option<&'a Picture>,
}

/// What a picture of the report has taken the place of.
#[derive(Debug, Clone)]
struct Before {
    round: Round,
    asked: RunSpec,
    reading: Reading,
    picture: Option<Picture>,
}

/// The report, if one is open.
#[derive(Debug, Clone, Default)]
pub struct StudyReport {
    /// With its file's name.
    pub report: Tracked<Option<Arc<Report>>>,
    /// The later one of the two checkpoints that are looked at, by its place in the chain.
    pub later: Tracked<usize>,
    /// The place of the prompt whose picture is on screen.
    pub shown: Tracked<Option<usize>>,
    /// The tab that was on screen when the report was opened.
    from: Tab,
    /// Kept from when the first picture is shown until something else is.
    before: Option<Box<Before>>,
}

impl StudyReport {
    /// Does what the user wants: what others have to do for it comes back as messages.
    pub fn command(&mut self, command: Command, on_screen: &OnScreen) -> Vec<Msg> {
        match command {
            Command::Opened(file, study) => self.open(Report { file, study: *study }, on_screen.facts.tab),
            Command::Pair(later) => {
                let is_there = self.report.as_ref().is_some_and(|report| report.study.pairs().contains(&later));
                if is_there && *self.later != later {
                    *self.later = later;
                }
                Vec::new()
            }
            Command::Show(at) => self.show(at, on_screen),
            Command::Back if self.report.is_some() => vec![Msg::Show(Tab::Study)],
            Command::Back => Vec::new(),
            Command::Close => self.close(on_screen),
        }
    }

    fn open(&mut self, report: Report, tab: Tab) -> Vec<Msg> {
        if tab != Tab::Study {
            self.from = tab;
        }
        *self.later = report.study.pairs().last().unwrap_or(0);
        *self.report = Some(Arc::new(report));
        *self.shown = None;
        vec![Msg::Show(Tab::Study)]
    }

    fn show(&mut self, at: usize, on_screen: &OnScreen) -> Vec<Msg> {
        let Some(report) = (*self.report).clone() else { return Vec::new() };
        let study = &report.study;
        let (Some(export), Some(picture)) = (study.export(at, *self.later), study.pictures.get(at)) else {
            return Vec::new();
        };
        if self.before.is_none() {
            self.before = Some(Box::new(Before::of(on_screen)));
        }
        *self.shown = Some(at);
        let set = study.sets.get(picture.set).map_or("", |set| set.name.as_str());
        let by = wording::picture_of(&report.file, set, picture.index);
        vec![Msg::Show(Tab::Prompt), Msg::Linked(linked::Command::OfStudy { by, export: Box::new(export) })]
    }

    fn close(&mut self, on_screen: &OnScreen) -> Vec<Msg> {
        if self.report.take().is_none() {
            return Vec::new();
        }
        *self.shown = None;
        let mut then = Vec::new();
        if let Some(before) = self.before.take() {
            // a prompt that has been typed since stays in the editor
            let is_typed = on_screen.facts.editor.spec() != **on_screen.round.spec;
            then.extend(before.again(is_typed));
        }
        if on_screen.facts.tab == Tab::Study {
            then.push(Msg::Show(self.from));
        }
        then
    }

    /// Follows what is on screen: once that is no picture of the report, there is nothing to go back to.
    pub fn go_on(&mut self, picture: Option<&Picture>) {
        if !picture.is_some_and(|picture| picture.of_study) {
            self.before = None;
            if self.shown.is_some() {
                *self.shown = None;
            }
        }
    }
}

impl Before {
    /// A run that is at work is stopped when something takes its place: what has come of it by then is kept.
    fn of(on_screen: &OnScreen) -> Self {
        let mut round = on_screen.round.afresh();
        for half in round.halves.iter_mut().filter(|half| half.phase != Phase::Over) {
            half.end(None);
        }
        let editor = &on_screen.facts.editor;
        let mut picture = on_screen.picture.cloned();
        if let Some(picture) = picture.as_mut().filter(|picture| !matches!(picture.again, Again::Done(_))) {
            picture.again = Again::No;
        }
        Self { round, asked: editor.spec(), reading: *editor.reading, picture }
    }

    /// Puts it on screen again; the editor's part only if nothing has been `typed` there.
    fn again(self, is_typed: bool) -> Vec<Msg> {
        let mut then = Vec::new();
        if !is_typed {
            then.push(Msg::Edit(editor::Command::As(Box::new(self.asked))));
        }
        then.push(Msg::Edit(editor::Command::Reading(self.reading)));
        then.push(Msg::Runs(runs::Command::Show(Box::new(self.round))));
        then.push(Msg::Linked(linked::Command::Restore(self.picture.map(Box::new))));
        then
    }
}
