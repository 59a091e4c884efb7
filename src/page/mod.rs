//! What the page knows and decides, without a browser. [`Page::update`] takes one message and answers with effects; `app`
//! draws the state and carries the effects out.
//!
//! A feature has a state and an `update` of its own, and never calls another feature: what another has to do for it, it
//! asks for with a message. What they share are the [`Facts`].

pub mod dropped;
pub mod edited;
pub mod editor;
mod examples;
pub mod facts;
pub mod fit;
pub mod gpu_check;
pub mod guess;
pub mod history;
pub mod hub;
mod ledger;
pub mod lesson;
pub mod linked;
mod messages;
pub mod pair;
pub mod prepared;
pub mod runs;
pub mod scores;
mod side;
pub mod slots;
pub mod stored;
pub mod study;
pub mod switching;
pub mod text;
mod tracked;
pub mod waiting;
pub mod weights;

use std::collections::VecDeque;

pub use edited::Edited;
pub use editor::Editor;
pub use facts::{Facts, Model};
pub use fit::Here;
pub use gpu_check::GpuCheck;
pub use guess::Guessing;
pub use history::History;
pub use hub::Hub;
pub use ledger::{Ledger, Purpose};
pub use lesson::Lessons;
pub use linked::Linked;
pub use messages::{Effect, Files, Msg};
pub use prepared::Preparing;
pub use runs::Runs;
pub use scores::Scores;
pub use side::{Progress, Side};
pub use slots::Slots;
pub use stored::Stored;
pub use study::StudyReport;
pub use switching::Switching;
pub use text::Text;
pub use tracked::Tracked;
pub use waiting::{Waiting, Wish};
pub use weights::Weights;

use crate::protocol::Event;
use crate::share::screen::Tab;
use crate::teach::Deed;

/// What the update of a feature may read and use.
pub struct Context<'a> {
    /// What all may read.
    pub facts: &'a Facts,
    /// Owns the jobs.
    pub ledger: &'a mut Ledger,
    /// What is to be done.
    pub effects: &'a mut Vec<Effect>,
}

/// All that the page knows.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// What all features read.
    pub facts: Facts,
    /// Who owns which job.
    pub ledger: Ledger,
    /// Which checkpoints are there.
    pub slots: Slots,
    /// What waits for them.
    pub waiting: Waiting,
    /// The runs of the prompt.
    pub runs: Runs,
    /// The runs of this visit.
    pub history: History,
    /// A word of the prompt taken out or replaced, compared.
    pub edited: Edited,
    /// A picture that was sent.
    pub linked: Linked,
    /// The report of a study.
    pub study: StudyReport,
    /// What is read from the weights.
    pub weights: Weights,
    /// What tuning changed on the text on screen.
    pub text: Text,
    /// The scores of a set of prompts.
    pub scores: Scores,
    /// How the prompt in the editor will be read.
    pub preparing: Preparing,
    /// The check of the GPU.
    pub gpu_check: GpuCheck,
    /// What is kept in the browser's storage.
    pub stored: Stored,
    /// Repositories of the hub.
    pub hub: Hub,
    /// What is known of this machine.
    pub here: Tracked<Here>,
    /// The lesson on screen.
    pub lessons: Lessons,
    /// The reader's guess.
    pub guessing: Guessing,
    /// What the next run has switched off.
    pub switching: Switching,
}

impl Page {
    /// Takes in a message, and what follows from it.
    pub fn update(&mut self, msg: Msg) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut queue = VecDeque::from([msg]);
        while let Some(msg) = queue.pop_front() {
            let then = self.step(msg, &mut effects);
            then.into_iter().rev().for_each(|next| queue.push_front(next));
            if queue.is_empty() {
                queue.extend(self.go_on(&mut effects));
            }
        }
        effects
    }

    /// Takes in one message; gives those that follow from it.
    fn step(&mut self, msg: Msg, effects: &mut Vec<Effect>) -> Vec<Msg> {
        self.update_facts(&msg, effects);
        if let Some(deed) = deed(&msg) {
            self.lessons.did(deed);
        }
        let mut context = Context { facts: &self.facts, ledger: &mut self.ledger, effects };
        match msg {
            Msg::Slots(_) => {}
            Msg::Edit(editor::Command::Mark(_) | editor::Command::Unit(_) | editor::Command::RemoveUnit(_)) => {
                self.runs.mark(self.facts.editor.spec())
            }
            Msg::Edit(editor::Command::Options(_) | editor::Command::As(_)) => {
                self.scores.options_changed(&mut context)
            }
            Msg::Edit(_) => {}
            Msg::Open(tab @ (Tab::Prompt | Tab::Study)) => self.weights.opened(tab),
            Msg::Open(tab) => {
                self.weights.opened(tab);
                return vec![Msg::Waiting(waiting::Command::Need)];
            }
            Msg::Show(tab) => self.weights.opened(tab),
            Msg::Run => return vec![Msg::Wish(Wish::Run(Box::new(self.facts.editor.spec())))],
            Msg::Stop => {
                self.waiting.forget_run();
                self.runs.command(runs::Command::Stop, &mut context);
            }
            Msg::Wish(wish) => return self.wish(wish),
            Msg::Waiting(command) => return self.wait(command),
            Msg::Example(at) => return self.example(at, effects),
            Msg::ExampleCame(at, export) => return self.example_came(at, *export),
            Msg::Runs(command) => {
                if self.runs.command(command, &mut context) {
                    return vec![Msg::Linked(linked::Command::Forget)]; // what is on screen was not sent
                }
            }
            Msg::Address(fragment) => {
                let lesson = Msg::Lesson(lesson::Command::Address(fragment.clone()));
                return vec![Msg::Linked(linked::Command::Address(fragment)), lesson];
            }
            Msg::Linked(command) => return self.linked.command(command, effects),
            Msg::Lesson(command) => {
                let done = self.done();
                return self.lessons.command(command, &self.facts, done, effects);
            }
            Msg::History(command) => return self.history.command(command, effects),
            Msg::Study(command) => {
                let (round, picture) = (&self.runs.round, self.linked.picture.as_ref());
                return self.study.command(command, &study::OnScreen { facts: &self.facts, round, picture });
            }
            Msg::Guess(command) => self.guessing.command(command),
            Msg::Switch(command) => return self.switching.command(command, &self.facts),
            Msg::Weights(command) => {
                let needs_models = matches!(command, weights::Command::Words(_));
                self.weights.command(command, &mut context);
                if needs_models {
                    return vec![Msg::Waiting(waiting::Command::Need)];
                }
            }
            Msg::Text(command) => {
                let opens = command == text::Command::Open(true);
                self.text.command(command, &mut context);
                if opens {
                    return vec![Msg::Waiting(waiting::Command::Need)];
                }
            }
            Msg::Edited(command) => self.edited.command(command, &self.runs.round, &mut context),
            Msg::Scores(command) => self.scores.command(command, &mut context),
            Msg::GpuCheck(command) => self.gpu_check.command(command, &mut context),
            Msg::Stored(command) => self.stored.command(command, &mut context),
            Msg::Hub(command) => return self.hub.command(command, &mut context),
            Msg::Here(command) => self.here.command(command),
            Msg::Lasting(lasting) => self.stored.lasting(lasting),
            Msg::Paused => self.preparing.paused(self.runs.round.is_running(), &mut context),
            Msg::Engine { side, epoch, event, at } => return self.hear(side, epoch, *event, at, effects),
            Msg::Frame => self.runs.frame(),
        }
        Vec::new()
    }

    /// What a message changes of the facts, which are there before any feature looks at it.
    fn update_facts(&mut self, msg: &Msg, effects: &mut Vec<Effect>) {
        let mut context = slots::Context { facts: &mut self.facts, ledger: &mut self.ledger, effects };
        match msg {
            Msg::Open(tab) | Msg::Show(tab) => context.facts.tab = *tab,
            Msg::Edit(command) => context.facts.editor.command(command.clone()),
            Msg::Slots(command) => self.slots.command(command.clone(), &mut context),
            // an engine does it, without any model
            Msg::Stored(_)
            | Msg::GpuCheck(_)
            | Msg::Hub(hub::Command::Look(..) | hub::Command::Counterpart(_) | hub::Command::Pair(..)) => {
                self.slots.command(slots::Command::Start, &mut context);
            }
            _ => {}
        }
    }

    /// Takes in what an engine says, unless it is one that is gone.
    fn hear(&mut self, side: Side, epoch: u32, event: Event, at: f64, effects: &mut Vec<Effect>) -> Vec<Msg> {
        if epoch != self.ledger.epoch(side) {
            return Vec::new();
        }
        let job = event.job();
        let purpose = job.and_then(|job| Some((job, self.ledger.purpose(side, job)?)));
        let mut context = Context { facts: &self.facts, ledger: &mut self.ledger, effects };
        match (purpose, event) {
            (None, Event::Ready {}) => self.slots.ready(side),
            (None, Event::Backend { report }) => {
                if self.slots.slot(side).backend.as_ref().is_some_and(|before| before.used != report.used) {
                    self.preparing.backend_changed();
                }
                self.slots.backend(side, report);
            }
            (None, Event::Crashed { message }) => self.crashed(side, message, effects),
            (Some((job, Purpose::Load)), event) => self.loads((side, job), event, at, effects),
            (Some((job, Purpose::Run)), event) => {
                if let Event::Finished { report, .. } = &event
                    && let Some(text) = self.here.learn(report)
                {
                    context.effects.push(Effect::KeepSpeed(text));
                }
                self.runs.event((side, job), event, at, &mut context);
            }
            (Some((job, Purpose::Picture)), event) => self.runs.check_event((side, job), event, at, &mut context),
            (Some((job, Purpose::Word)), event) => {
                if self.runs.word_event((side, job), event, &mut context) {
                    return vec![Msg::Linked(linked::Command::Forget)];
                }
            }
            (Some((job, Purpose::Score)), event) => self.scores.event((side, job), event, &mut context),
            (Some((job, Purpose::Weights(task))), event) => {
                self.weights.event((side, job, task), event, at, &mut context);
            }
            (Some((job, Purpose::Text(task))), event) => self.text.event((side, job, task), event, at, &mut context),
            (Some((job, Purpose::Edited(task))), event) => {
                self.edited.event((side, job, task), event, at, &self.runs.round, &mut context);
            }
            (Some((job, Purpose::Prepare)), event) => self.preparing.event((side, job), event, &mut context),
            (Some((job, Purpose::Check)), event) => self.gpu_check.event(job, event, at, &mut context),
            (Some((job, Purpose::Store)), event) => return self.stored.event(job, event, &mut context),
            (Some((job, Purpose::Look)), event) => {
                return self.hub.event((side, job), event, self.here.most(), &mut context);
            }
            // of a job that nobody waits for any more
            (None, _) => {}
        }
        Vec::new()
    }

    fn loads(&mut self, job: (Side, u32), event: Event, at: f64, effects: &mut Vec<Effect>) {
        let mut context = slots::Context { facts: &mut self.facts, ledger: &mut self.ledger, effects };
        if self.slots.event(job, event, at, &mut context) {
            let mut context = Context { facts: &self.facts, ledger: &mut self.ledger, effects };
            self.weights.model_changed(job.0, &mut context);
            self.scores.model_changed(&mut context);
        }
    }

    /// An engine is gone, and its model with it.
    fn crashed(&mut self, side: Side, message: String, effects: &mut Vec<Effect>) {
        let mut context = slots::Context { facts: &mut self.facts, ledger: &mut self.ledger, effects };
        let failure = self.slots.crashed(side, message, &mut context);
        let mut context = Context { facts: &self.facts, ledger: &mut self.ledger, effects };
        self.runs.engine_gone(side, &failure);
        self.weights.engine_gone(side, &failure);
        self.scores.engine_gone(side, &mut context);
        self.text.engine_gone(side, &failure, &mut context);
        self.edited.engine_gone(side, &failure);
        self.preparing.engine_gone(side);
        self.gpu_check.engine_gone(side, &failure);
        self.stored.engine_gone(side);
        self.hub.engine_gone(side, &failure);
    }

    fn wish(&mut self, wish: Wish) -> Vec<Msg> {
        if Waiting::is_ready(self.slots.presence(&self.facts)) {
            return wish.granted();
        }
        self.waiting.add(wish);
        vec![Msg::Waiting(waiting::Command::Need)]
    }

    fn wait(&mut self, command: waiting::Command) -> Vec<Msg> {
        let now = self.slots.presence(&self.facts);
        match command {
            waiting::Command::Need if Waiting::is_missing(now) => {
                vec![Msg::Slots(slots::Command::Begin { wanted: self.linked.at_hand() })]
            }
            waiting::Command::Need => Vec::new(),
            waiting::Command::Cancel => {
                self.waiting.decline();
                let coming = Side::BOTH.into_iter().filter(|side| now[side.index()] == slots::Presence::Coming);
                coming.map(|side| Msg::Slots(slots::Command::Cancel(side))).collect()
            }
            waiting::Command::Idle { welcome } => match self.waiting.idle(welcome && self.linked.picture.is_none()) {
                true => vec![Msg::Waiting(waiting::Command::Need)],
                false => Vec::new(),
            },
        }
    }

    /// What goes on by itself after a message: the reading of weights, what has waited for the models, a picture that is
    /// computed again.
    fn go_on(&mut self, effects: &mut Vec<Effect>) -> Vec<Msg> {
        let mut context = Context { facts: &self.facts, ledger: &mut self.ledger, effects };
        let round = &self.runs.round;
        self.weights.go_on(|side| round.sequence(side, &self.facts), &mut context);
        self.text.go_on(round, &mut context);
        self.edited.go_on(round, &mut context);
        self.history.go_on(round, context.effects);
        self.preparing.go_on(round.is_running(), &self.facts, effects);
        let mut then = self.waiting.go_on(self.slots.presence(&self.facts));
        let quiet = |side: Side| self.slots.slot(side).loading.is_none();
        let ready = Side::BOTH.map(|side| quiet(side) && self.facts.model(side).is_some());
        let failed = Side::BOTH.map(|side| quiet(side) && self.slots.slot(side).failure.is_some());
        then.extend(self.linked.go_on(ready, failed, &self.runs.round));
        self.study.go_on(self.linked.picture.as_ref());
        let round = &self.runs.round;
        self.guessing.go_on(|| round.words(*self.facts.editor.reading));
        let done = self.done();
        then.extend(self.lessons.go_on(&self.facts, done));
        then
    }

    /// What has been done that a lesson may ask for.
    fn done(&self) -> lesson::Done {
        let read = |count: &dyn Fn(&weights::Half) -> (usize, usize)| {
            let counts = self.weights.halves.each_ref().map(count);
            counts.iter().all(|(read, all)| *all > 0 && read == all)
        };
        let (cases, rows) = (self.scores.cases.len(), self.scores.rows.len());
        lesson::Done {
            heads: read(&|half| (half.heads.iter().flatten().count(), half.heads.len())),
            concepts: read(&|half| (half.concepts.iter().flatten().count(), half.concepts.len())),
            measured: cases > 0 && rows == cases && !*self.scores.running,
            running: self.runs.round.is_running(),
            has_run: self.runs.round.halves.iter().any(|half| half.report.is_some() && half.failure.is_none()),
        }
    }
}

/// What of a message a lesson may ask for.
fn deed(msg: &Msg) -> Option<Deed> {
    match msg {
        Msg::Runs(runs::Command::Select(..)) => Some(Deed::ChooseWord),
        Msg::Weights(weights::Command::Head(..)) => Some(Deed::ChooseHead),
        Msg::Weights(weights::Command::Concepts(_)) => Some(Deed::ChooseLayer),
        Msg::Guess(guess::Command::Look) => Some(Deed::Guess),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
