//! What tuning changed on one text: both models on the same tokens, one token layer by layer, and the four cells of model and
//! template. Nothing is computed before the panel is opened. Everything is of one [`Subject`], and goes when that is no longer
//! what is on screen.

mod cells;
mod comparison;
mod lens;
mod subject;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use cells::{Cell, FourCells};
pub use comparison::Comparison;
pub use lens::{Layers, Lenses};
pub use subject::{Missing, Subject, whose};

use super::ledger::Purpose;
use super::runs::Round;
use super::{Context, Effect, Facts, Progress, Side, Tracked};
use crate::protocol::text::{Answer, Question};
use crate::protocol::{Event, Failure, JobId, Request, Run};

/// Bytes of log-probabilities that are on their way from one engine to the other, at most: longer responses are compared in parts.
const IN_FLIGHT: usize = 64 << 20;

/// What the user wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The panel is opened or closed.
    Open(bool),
    /// Compare the models on this one's text.
    Whose(Side),
    /// Look at a token of the response.
    Choose(usize),
    /// The part about layers is opened or closed.
    Layers(bool),
    /// Compute the four cells.
    Cells,
    /// Stop what is being computed.
    Stop,
    /// Go on after it was stopped, or has failed.
    GoOn,
}

/// A part of the panel, which can fail without the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Both models on the same text.
    Comparison,
    /// One token, layer by layer.
    Layers,
    /// Model and template.
    Cells,
}

/// What an engine can be asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// The base's log-probabilities.
    Rows,
    /// The tuned model's distance from them.
    Divergence,
    /// How a model goes on where the two part.
    Continue,
    /// A token of this number, layer by layer.
    Layers(usize),
    /// A run on the plain text, or in the template.
    Run(Cell),
}

impl Task {
    fn part(self) -> Part {
        match self {
            Self::Rows | Self::Divergence | Self::Continue => Part::Comparison,
            Self::Layers(_) => Part::Layers,
            Self::Run(_) => Part::Cells,
        }
    }
}

/// What a task is made of.
enum Work {
    Ask(Question),
    Run(Run),
}

impl Work {
    fn request(self, job: JobId) -> Request {
        match self {
            Self::Ask(question) => Request::Text { job, question },
            Self::Run(run) => Request::Run { job, run },
        }
    }
}

/// The panel.
#[derive(Debug, Clone, Default)]
pub struct Text {
    /// Whether it is open.
    pub open: Tracked<bool>,
    /// On whose text the user wants the models to be compared; see [`subject::whose`].
    pub whose: Tracked<Option<Side>>,
    /// What everything is of.
    pub subject: Tracked<Option<Arc<Subject>>>,
    /// Why there is no such text.
    pub missing: Tracked<Option<Missing>>,
    /// Both models on its text.
    pub comparison: Tracked<Comparison>,
    /// The token that the user has chosen; see [`Text::token`].
    chosen: Option<usize>,
    /// The token that is looked at.
    pub token: Tracked<Option<usize>>,
    /// Whether the part about layers is open.
    layers_open: bool,
    /// That token, layer by layer.
    pub lenses: Tracked<Lenses>,
    /// Model and template.
    pub cells: Tracked<FourCells>,
    /// Why a part is not there.
    pub failures: Tracked<BTreeMap<Part, Failure>>,
    /// What stopped an engine, and on what: it is not asked again by itself once the model is back.
    fatal: Option<(Arc<Subject>, Part, Failure)>,
    /// How far each engine's job is.
    pub progress: Tracked<[Option<Progress>; 2]>,
    /// What is being computed.
    pub working: Tracked<Option<Part>>,
    jobs: [Vec<(JobId, Task)>; 2],
}

impl Text {
    /// Does what the user wants.
    pub fn command(&mut self, command: Command, context: &mut Context) {
        match command {
            Command::Open(open) => {
                *self.open = open;
                if !open {
                    self.drop_jobs(|_| true, context);
                }
            }
            Command::Whose(side) => *self.whose = Some(side),
            Command::Choose(token) => self.chosen = Some(token),
            Command::Layers(open) => self.layers_open = open,
            Command::Cells => {
                self.failures.remove(&Part::Cells);
                self.cells.wanted = true;
            }
            Command::Stop => {
                let parts: Vec<Part> = self.jobs.iter().flatten().map(|(_, task)| task.part()).collect();
                self.drop_jobs(|_| true, context);
                self.failures.extend(parts.into_iter().map(|part| (part, Failure::Cancelled)));
            }
            Command::GoOn => {
                self.failures.clear();
                self.fatal = None;
            }
        }
    }

    /// Stops the jobs of `which` tasks.
    fn drop_jobs(&mut self, which: impl Fn(Task) -> bool, context: &mut Context) {
        for side in Side::BOTH {
            let (gone, stay): (Vec<_>, Vec<_>) =
                std::mem::take(&mut self.jobs[side.index()]).into_iter().partition(|(_, task)| which(*task));
            self.jobs[side.index()] = stay;
            for (job, _) in gone {
                context.ledger.close(side, job);
                context.effects.push(Effect::Send(side, Request::Cancel { job }));
                self.progress[side.index()] = None;
            }
        }
        self.say_what_works();
    }

    /// Takes in an event of one of these jobs, at so many seconds.
    pub fn event(&mut self, (side, job, task): (Side, JobId, Task), event: Event, at: f64, context: &mut Context) {
        let failure = match event {
            Event::Progress { stage, done, total, .. } => {
                let progress = &mut self.progress[side.index()];
                *progress = Some(Progress::next(*progress, (stage, done, total), at));
                return;
            }
            Event::Text { answer, .. } => self.answered(side, task, *answer, context),
            Event::Finished { report, .. } => {
                match task {
                    Task::Run(cell) => self.cells.take(side, cell, *report),
                    _ => self.comparison.went_on(side, &report),
                }
                None
            }
            Event::Failed { failure, .. } => Some(failure),
            // what a run says on its way
            _ => return,
        };
        context.ledger.close(side, job);
        self.jobs[side.index()].retain(|(of, _)| *of != job);
        self.progress[side.index()] = None;
        if let Some(failure) = failure {
            let part = task.part();
            self.drop_jobs(|task| task.part() == part, context);
            self.failures.insert(part, failure);
        }
        self.say_what_works();
    }

    /// Takes in what was found; gives why it is of no use.
    fn answered(&mut self, side: Side, task: Task, answer: Answer, context: &mut Context) -> Option<Failure> {
        match (task, answer) {
            (Task::Rows, Answer::Rows { .. }) => {
                let subject = self.subject.as_ref()?;
                let job = context.ledger.open(Side::Tuned, Purpose::Text(Task::Divergence));
                let question = self.comparison.divergence(subject, IN_FLIGHT);
                context.effects.push(Effect::SendRows(Side::Tuned, Request::Text { job, question }));
                self.jobs[Side::Tuned.index()].push((job, Task::Divergence));
            }
            (Task::Divergence, Answer::Divergence { tokens, spelled }) => self.comparison.add(tokens, spelled),
            (Task::Layers(token), Answer::Lens { lens, contributions, spelled }) => {
                self.lenses.take(side, token, Layers::new(lens, contributions, spelled));
            }
            _ => {}
        }
        None
    }

    /// The engine of `side` is gone, and its jobs with it.
    pub fn engine_gone(&mut self, side: Side, failure: &Failure, context: &mut Context) {
        self.progress[side.index()] = None;
        let gone = std::mem::take(&mut self.jobs[side.index()]);
        if let (Some((_, task)), Some(subject)) = (gone.first(), &*self.subject) {
            self.fatal = Some((subject.clone(), task.part(), failure.clone()));
        }
        self.drop_jobs(|_| true, context);
    }

    /// Follows what is on screen, and asks idle engines for what is missing.
    pub fn go_on(&mut self, round: &Round, context: &mut Context) {
        if !*self.open {
            return;
        }
        self.follow(Subject::of(round, *self.whose, context.facts), context);
        let Some(subject) = (*self.subject).clone() else { return };
        let (instruction, how) = (round.spec.instruction(), context.facts.editor.reading.how);
        if !self.cells.is_read_as(&instruction, how) {
            self.cells.read_as(instruction, how);
        }
        self.choose();
        let wanted = (*self.token).filter(|_| self.layers_open);
        if self.jobs.iter().flatten().any(|(_, task)| matches!(task, Task::Layers(t) if Some(*t) != wanted)) {
            self.drop_jobs(|task| task.part() == Part::Layers, context);
        }
        if round.is_running() {
            return;
        }
        for side in Side::BOTH {
            if self.jobs[side.index()].is_empty()
                && let Some((task, work)) = self.next(side, &subject, round, context.facts)
            {
                let job = context.ledger.open(side, Purpose::Text(task));
                self.jobs[side.index()].push((job, task));
                context.effects.push(Effect::Send(side, work.request(job)));
            }
        }
        self.say_what_works();
    }

    /// Something else may be on screen: what was found of the text before it goes.
    fn follow(&mut self, now: Result<Subject, Missing>, context: &mut Context) {
        let (subject, missing) = match now {
            Ok(subject) => (Some(subject), None),
            Err(missing) => (None, Some(missing)),
        };
        if *self.missing != missing {
            *self.missing = missing;
        }
        if self.subject.as_deref() == subject.as_ref() {
            return;
        }
        let subject = subject.map(Arc::new);
        self.drop_jobs(|_| true, context);
        *self.comparison = Comparison::default();
        *self.lenses = Lenses::default();
        *self.cells = FourCells::default();
        *self.token = None;
        self.failures.clear();
        self.chosen = None;
        if let (Some(subject), Some((of, part, failure))) = (&subject, &self.fatal)
            && subject == of
        {
            self.failures.insert(*part, failure.clone());
        }
        *self.subject = subject;
    }

    /// The token that is looked at: the user's, or else the one at which the models part, or the one that they see most differently.
    fn choose(&mut self) {
        let count = self.comparison.tokens.len();
        let token = self.chosen.filter(|token| *token < count).or_else(|| self.comparison.most_telling());
        if *self.token != token {
            *self.token = token;
        }
    }

    /// What `side` is to do next.
    fn next(&self, side: Side, subject: &Subject, round: &Round, facts: &Facts) -> Option<(Task, Work)> {
        let fine = |part: Part| !self.failures.contains_key(&part);
        let works = |task: Task| self.jobs.iter().flatten().any(|(_, other)| *other == task);
        if fine(Part::Comparison) {
            if side == Side::Base && !works(Task::Divergence) && !self.comparison.is_read(subject) {
                return Some((Task::Rows, Work::Ask(self.comparison.rows(subject, IN_FLIGHT))));
            }
            if let Some(run) = self.comparison.continuation(side, subject) {
                return Some((Task::Continue, Work::Run(run)));
            }
        }
        if let Some(token) = (*self.token).filter(|_| self.layers_open && fine(Part::Layers))
            && let Some(question) = self.lenses.question(side, token, subject)
        {
            return Some((Task::Layers(token), Work::Ask(question)));
        }
        let (cell, run) = self.cells.next(side, subject, &round.spec, facts).filter(|_| fine(Part::Cells))?;
        Some((Task::Run(cell), Work::Run(run)))
    }

    fn say_what_works(&mut self) {
        let part = self.jobs.iter().flatten().map(|(_, task)| task.part()).min();
        if *self.working != part {
            *self.working = part;
        }
    }

    /// The jobs that are open.
    #[cfg(test)]
    pub(super) fn jobs(&self, side: Side) -> impl Iterator<Item = (JobId, Purpose)> + '_ {
        self.jobs[side.index()].iter().map(|(job, task)| (*job, Purpose::Text(*task)))
    }
}
