//! A picture that came by a link or a file: shown at once, without any model, and computed again when asked.

use super::facts::{bundled, by_file};
use super::history;
use super::runs::{self, Round, Shown, spec_of_link};
use super::slots;
use super::study;
use super::waiting;
use super::{Effect, Msg, Side, Tracked, editor, weights};
use crate::explain::ModelReport;
use crate::protocol::Source;
use crate::share::link::{Link, Origin, Precision};
use crate::share::screen::{Reading, Tab};
use crate::share::{Collection, Export, FileError, Match, Study, compare};
use crate::wording::share as wording;

/// What the user wants.
#[derive(Debug, Clone)]
pub enum Command {
    /// Show what is in the address's fragment, if it holds a link.
    Address(String),
    /// Show the results in a file.
    File {
        /// Its name.
        name: String,
        /// What is in it.
        text: String,
    },
    /// Show what two checkpoints of a study made of a prompt.
    OfStudy {
        /// Where it is from, in words.
        by: String,
        /// The same as a file of results.
        export: Box<Export>,
    },
    /// What had been sent before is on screen again, if anything had.
    Restore(Option<Box<Picture>>),
    /// Load what the picture was made with.
    Load,
    /// Compute it again.
    Recompute,
    /// What is on screen from now on has nothing to do with it; neither has the address.
    Forget,
    /// Something could not be opened, in words; or that has been read.
    Notice(Option<String>),
}

/// Where computing it again stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Again {
    /// Not asked for.
    No,
    /// The models are on their way.
    Loading,
    /// They run.
    Running,
    /// What came of it, by side.
    Done(Vec<(Side, Match)>),
}

/// A picture of somebody else's making.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// "a link", or a file's name.
    pub by: String,
    /// Reports as they came, base and tuned.
    pub sent: [Option<ModelReport>; 2],
    /// Where their models are.
    pub origins: [Origin; 2],
    /// None for an exact file.
    pub precision: Option<Precision>,
    /// Whether it was computed again.
    pub again: Again,
    /// Whether it is from the report of a study that is open.
    pub of_study: bool,
}

impl Picture {
    /// Where its models come from, as far as it says.
    fn sources(&self) -> [Option<Source>; 2] {
        Side::BOTH.map(|side| match &self.origins[side.index()] {
            Origin::Bundled => Some(bundled(side)),
            Origin::Urls(urls) => Some(Source::Url { urls: urls.clone() }),
            Origin::Elsewhere => None,
        })
    }

    /// The sides that it holds a report of.
    fn sides(&self) -> impl Iterator<Item = Side> + '_ {
        Side::BOTH.into_iter().filter(|side| self.sent[side.index()].is_some())
    }
}

/// The picture on screen, if it was sent.
#[derive(Debug, Clone, Default)]
pub struct Linked {
    /// Until something else is run.
    pub picture: Tracked<Option<Picture>>,
    /// What could not be opened, in words.
    pub notice: Tracked<Option<String>>,
}

impl Linked {
    /// Does what the user wants: what others have to do for it comes back as messages.
    pub fn command(&mut self, command: Command, effects: &mut Vec<Effect>) -> Vec<Msg> {
        match command {
            Command::Address(fragment) => match Link::decode(&fragment) {
                None => Vec::new(),
                Some(Err(e)) => self.refuse(e.to_string()),
                Some(Ok(link)) => self.open_link(link),
            },
            Command::File { name, text } => self.open_file(&name, &text),
            Command::OfStudy { by, export } => self.show(by, *export, true),
            Command::Restore(picture) => {
                *self.picture = picture.map(|picture| *picture);
                Vec::new()
            }
            Command::Load => self.load(),
            Command::Recompute => {
                self.set_again(Again::Loading);
                self.load()
            }
            Command::Forget => {
                if self.picture.is_some() {
                    *self.picture = None;
                    effects.push(Effect::ClearAddress);
                }
                Vec::new()
            }
            Command::Notice(what) => {
                *self.notice = what;
                Vec::new()
            }
        }
    }

    fn refuse(&mut self, why: String) -> Vec<Msg> {
        *self.notice = Some(why);
        Vec::new()
    }

    fn open_link(&mut self, link: Link) -> Vec<Msg> {
        let origins = link.seen.each_ref().map(|s| s.as_ref().map_or(Origin::Elsewhere, |s| s.origin.clone()));
        let sent = link.seen.each_ref().map(|s| s.as_ref().map(|s| s.report.clone()));
        // prompt and settings only, or a view of models that are at hand; else what can be seen without any
        let at_hand = origins.iter().zip(&sent).all(|(origin, sent)| sent.is_none() || *origin == Origin::Bundled);
        let tab = if at_hand { link.tab } else { Tab::Prompt };
        let mut then = set(link.reading, spec_of_link(&link));
        then.extend([Msg::Weights(weights::Command::Look(link.inside)), Msg::Show(tab)]);
        if sent.iter().all(Option::is_none) {
            then.push(Msg::Runs(runs::Command::Stop));
            if tab != Tab::Prompt {
                then.push(Msg::Waiting(waiting::Command::Need));
            }
            return then;
        }
        then.push(Msg::Runs(runs::Command::Show(Box::new(Round::of_link(&link)))));
        let (by, precision, again) = (wording::BY_LINK.to_owned(), Some(link.precision), Again::No);
        *self.picture = Some(Picture { by, sent, origins, precision, again, of_study: false });
        if tab != Tab::Prompt {
            then.extend(self.load());
        }
        then
    }

    fn open_file(&mut self, name: &str, text: &str) -> Vec<Msg> {
        match opened(name, text) {
            Err(e) => {
                *self.notice = Some(e.to_string());
                vec![Msg::Show(Tab::Prompt)] // where it is said what is wrong with it
            }
            Ok(opened) => {
                *self.notice = None;
                match opened {
                    Opened::Study(study) => vec![Msg::Study(study::Command::Opened(name.to_owned(), study))],
                    Opened::Runs(runs) => {
                        vec![Msg::Show(Tab::Prompt), Msg::History(history::Command::Opened(runs))]
                    }
                    Opened::Run(export) => {
                        let mut then = vec![Msg::Show(Tab::Prompt)];
                        then.extend(self.show(name.to_owned(), *export, false));
                        then
                    }
                }
            }
        }
    }

    /// Shows a run whose values are exact.
    fn show(&mut self, by: String, export: Export, of_study: bool) -> Vec<Msg> {
        let edit = Msg::Edit(editor::Command::As(Box::new(export.asked())));
        let sent = [export.models.base.clone(), export.models.tuned.clone()];
        let origins = sent.each_ref().map(|r| r.as_ref().map_or(Origin::Elsewhere, |r| by_file(&r.checkpoint.file)));
        let round = Round::of_export(export, Shown::Linked, origins.clone());
        let (precision, again) = (None, Again::No);
        *self.picture = Some(Picture { by, sent, origins, precision, again, of_study });
        vec![edit, Msg::Runs(runs::Command::Show(Box::new(round)))]
    }

    /// Loads what the picture was made with, and starts the engines if that has not been done.
    fn load(&self) -> Vec<Msg> {
        let wanted = self.picture.as_ref().map(Picture::sources).unwrap_or_default();
        vec![Msg::Slots(slots::Command::Begin { wanted })]
    }

    /// What is loaded when models are needed: those of the picture, if no host has to be asked for them.
    pub fn at_hand(&self) -> [Option<Source>; 2] {
        let picture = self.picture.as_ref();
        let asks = |p: &&Picture| p.origins.iter().any(|o| matches!(o, Origin::Urls(_)));
        picture.filter(|p| !asks(p)).map(Picture::sources).unwrap_or_default()
    }

    fn set_again(&mut self, again: Again) {
        if self.picture.is_some()
            && let Some(picture) = &mut *self.picture
        {
            picture.again = again;
        }
    }

    /// Follows the models and the run of a picture that is computed again: which models are `ready`, and which loads have
    /// `failed`.
    pub fn go_on(&mut self, ready: [bool; 2], failed: [bool; 2], round: &Round) -> Vec<Msg> {
        let Some(picture) = &*self.picture else { return Vec::new() };
        match picture.again {
            Again::Loading if picture.sides().all(|side| ready[side.index()]) => {
                self.set_again(Again::Running);
                // what was sent is on screen: it is computed as it says, not as the page is set
                return vec![Msg::Runs(runs::Command::Run(Box::new((**round.spec).clone())))];
            }
            Again::Loading if picture.sides().any(|side| failed[side.index()]) => {
                self.set_again(Again::No); // said where models are loaded
            }
            Again::Running if !round.is_running() => {
                let outcome = outcome(picture, round);
                // a run that was stopped or failed is said in its card
                self.set_again(outcome.map_or(Again::No, Again::Done));
            }
            _ => {}
        }
        Vec::new()
    }
}

/// What a file holds.
enum Opened {
    Study(Box<Study>),
    Runs(Vec<Export>),
    Run(Box<Export>),
}

/// Reads the file `name`, of whichever kind it is.
fn opened(name: &str, text: &str) -> Result<Opened, FileError> {
    if let Some(study) = Study::read(name, text) {
        return study.map(|study| Opened::Study(Box::new(study)));
    }
    match Collection::read(name, text) {
        Some(runs) => runs.map(Opened::Runs),
        None => Export::read(name, text).map(|export| Opened::Run(Box::new(export))),
    }
}

/// How what was computed here agrees with what was sent; none if it was not computed.
fn outcome(picture: &Picture, round: &Round) -> Option<Vec<(Side, Match)>> {
    let one = |side: Side| {
        let found = round.half(side).report.as_ref().filter(|_| round.shown == Shown::Computed)?;
        let sent = picture.sent[side.index()].as_ref()?;
        Some((side, compare(sent, found, picture.precision)))
    };
    picture.sides().map(one).collect()
}

/// Sets the editor as a run was asked, and how it is read.
fn set(reading: Reading, spec: crate::share::RunSpec) -> Vec<Msg> {
    [editor::Command::As(Box::new(spec)), editor::Command::Reading(reading)].map(Msg::Edit).into()
}
