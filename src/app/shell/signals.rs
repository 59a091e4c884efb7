//! What views read of the core.

use std::ops::Range;
use std::sync::Arc;

use super::edited::Edited;
use super::mirror::Mirror;
use super::study::Study;
use super::text::Text;
use crate::explain::CheckpointInfo;
use crate::explain::findings::{PromptCase, ScoreRow};
use crate::explain::local::{LayerAttention, LayerFiring};
use crate::explain::methods::How;
use crate::explain::weights::coherence::Judged;
use crate::explain::weights::compare::HeadChange;
use crate::explain::weights::heads;
use crate::explain::weights::matching::LayerMatches;
use crate::explain::weights::{LayerConcepts, LayerHeads};
use crate::page::editor::Conversation;
use crate::page::gpu_check::Check;
use crate::page::guess::Guess;
use crate::page::history::{Entry, Place};
use crate::page::hub::Look;
use crate::page::lesson::Current;
use crate::page::linked::Picture;
use crate::page::prepared::Prepared;
use crate::page::runs::{Asked, Checking, Half, Shown};
use crate::page::stored::Kept;
use crate::page::weights::{Layers, Local, Shown as Overview, Work};
use crate::page::{self, Here, Page, Progress, Scores, Side, Wish, slots};
use crate::protocol::{BackendReport, Failure, JobId};
use crate::share::RunSpec;
use crate::share::screen::{Options, Reading, Selection, Tab};

/// A slot's checkpoint.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Model {
    pub info: Option<CheckpointInfo>,
    pub template: Option<String>,
    /// The load in progress, with its job.
    pub loading: Option<(JobId, Option<Progress>)>,
    pub failure: Option<Failure>,
    pub not_kept: Option<Failure>,
}

impl Model {
    /// What a slot shows.
    fn of(slot: &slots::Slot, model: Option<&page::Model>) -> Self {
        Self {
            info: model.map(|m| m.info.clone()),
            template: model.and_then(|m| m.template.clone()),
            loading: slot.loading.as_ref().map(|l| (l.job, l.progress)),
            failure: slot.failure.clone(),
            not_kept: slot.not_kept.clone(),
        }
    }
}

/// A set of prompts and what has been measured on it.
#[derive(Clone, Copy)]
pub struct Findings {
    /// Where the prompts come from, in words.
    pub name: Mirror<String>,
    pub cases: Mirror<Vec<PromptCase>>,
    /// The first so many cases' scores.
    pub rows: Mirror<Vec<ScoreRow>>,
    /// Each model its own response, or the tuned one's under both.
    pub own: Mirror<bool>,
    pub running: Mirror<bool>,
    pub failure: Mirror<Option<String>>,
}

impl Findings {
    fn new() -> Self {
        Self {
            name: Mirror::new(),
            cases: Mirror::new(),
            rows: Mirror::new(),
            own: Mirror::new(),
            running: Mirror::new(),
            failure: Mirror::new(),
        }
    }

    fn draw(&self, scores: &mut Scores) {
        self.name.draw(&mut scores.name);
        self.cases.draw(&mut scores.cases);
        self.rows.draw(&mut scores.rows);
        self.own.draw(&mut scores.own);
        self.running.draw(&mut scores.running);
        self.failure.draw(&mut scores.failure);
    }
}

/// One model's weights.
#[derive(Clone, Copy)]
pub struct HalfWeights {
    pub work: Mirror<Work>,
    pub heads: Mirror<Layers<LayerHeads>>,
    pub concepts: Mirror<Layers<LayerConcepts>>,
    /// What a judge says of them, where one was brought.
    pub judged_heads: Mirror<Layers<Judged>>,
    pub judged_concepts: Mirror<Layers<Judged>>,
    /// On the sequence on screen, the visible layer's.
    pub attention: Mirror<Local<LayerAttention>>,
    pub firing: Mirror<Local<LayerFiring>>,
}

impl HalfWeights {
    fn new() -> Self {
        Self {
            work: Mirror::new(),
            heads: Mirror::new(),
            concepts: Mirror::new(),
            judged_heads: Mirror::new(),
            judged_concepts: Mirror::new(),
            attention: Mirror::new(),
            firing: Mirror::new(),
        }
    }

    fn draw(&self, half: &mut page::weights::Half) {
        self.work.draw(&mut half.work);
        self.heads.draw(&mut half.heads);
        self.concepts.draw(&mut half.concepts);
        self.judged_heads.draw(&mut half.judged_heads);
        self.judged_concepts.draw(&mut half.judged_concepts);
        self.attention.draw(&mut half.attention);
        self.firing.draw(&mut half.firing);
    }
}

/// Both models' weights and what tuning changed in them.
#[derive(Clone, Copy)]
pub struct Weights {
    halves: [HalfWeights; 2],
    pub reading: Mirror<heads::Reading>,
    /// The user's pause.
    pub paused: Mirror<bool>,
    /// The chosen layer and head.
    pub head: Mirror<(usize, usize)>,
    /// The layer whose concepts are shown.
    pub concepts: Mirror<usize>,
    pub changes: Mirror<Layers<Vec<HeadChange>>>,
    /// What heads keep of their pairs, and of each other's.
    pub kept: Mirror<Layers<Vec<Vec<f32>>>>,
    pub matches: Mirror<Layers<LayerMatches>>,
    /// All heads on one text.
    pub overview: Mirror<Overview>,
}

impl Weights {
    pub fn half(&self, side: Side) -> HalfWeights {
        self.halves[side.index()]
    }

    fn new() -> Self {
        Self {
            halves: [HalfWeights::new(), HalfWeights::new()],
            reading: Mirror::new(),
            paused: Mirror::new(),
            head: Mirror::new(),
            concepts: Mirror::new(),
            changes: Mirror::new(),
            kept: Mirror::new(),
            matches: Mirror::new(),
            overview: Mirror::new(),
        }
    }

    fn draw(&self, weights: &mut page::Weights) {
        self.halves.iter().zip(&mut weights.halves).for_each(|(signals, half)| signals.draw(half));
        self.reading.draw(&mut weights.reading);
        self.paused.draw(&mut weights.paused);
        self.head.draw(&mut weights.head);
        self.concepts.draw(&mut weights.concepts);
        self.changes.draw(&mut weights.changes);
        self.kept.draw(&mut weights.kept);
        self.matches.draw(&mut weights.matches);
        self.overview.draw(&mut weights.overview.shown);
    }
}

/// All of it. Pairs are the base's and the tuned model's.
#[derive(Clone, Copy)]
pub struct Signals {
    pub tab: Mirror<Tab>,
    /// The editor's text.
    pub prompt: Mirror<String>,
    /// The turns before it.
    pub conversation: Mirror<Conversation>,
    /// The user's own mark in it; found automatically if absent.
    pub marked: Mirror<Option<Range<usize>>>,
    /// Parts of it that are read as one unit each.
    pub units: Mirror<Vec<Range<usize>>>,
    /// Whether the template's tokens make up a row.
    pub template_row: Mirror<bool>,
    pub options: Mirror<Options>,
    /// By which method the next run is explained.
    pub how: Mirror<How>,
    /// Why something cannot be switched off for it.
    pub refused: Mirror<Option<String>>,
    pub reading: Mirror<Reading>,
    /// What waits for the models.
    pub wishes: Mirror<Vec<Wish>>,
    /// The page has had nothing to do, and has left the models where they are.
    pub rested: Mirror<bool>,
    /// The runs of this visit, where the one on screen stands among them, those that are pinned, and what there was before some
    /// were dropped.
    pub history: Mirror<Vec<Arc<Entry>>>,
    pub history_place: Mirror<Place>,
    pub pinned: Mirror<Vec<u32>>,
    pub history_dropped: Mirror<Option<Vec<Arc<Entry>>>>,
    /// A picture that was sent, until something else is run.
    pub linked: Mirror<Option<Picture>>,
    /// The report of a study.
    pub study: Study,
    /// What could not be opened, in words.
    pub notice: Mirror<Option<String>>,
    /// What both halves of the run on screen were asked, and where they come from.
    pub spec: Mirror<Arc<RunSpec>>,
    pub shown: Mirror<Shown>,
    pub model: [Mirror<Model>; 2],
    pub run: [Mirror<Half>; 2],
    pub progress: [Mirror<Option<Progress>>; 2],
    /// Questions about single words, and checks of pictures.
    pub asked: Mirror<Asked>,
    pub checks: [Mirror<Checking>; 2],
    pub selection: [Mirror<Selection>; 2],
    pub prepared: [Mirror<Option<Prepared>>; 2],
    pub backend: [Mirror<Option<BackendReport>>; 2],
    pub gpu_check: Mirror<Check>,
    pub stored: Mirror<Kept>,
    /// Repositories that were asked for.
    pub looks: [Mirror<Look>; 2],
    /// What is known of this machine.
    pub here: Mirror<Here>,
    /// The lesson on screen.
    pub lesson: Mirror<Option<Current>>,
    /// A guess, if colours are hidden until one is made.
    pub guess: Mirror<Option<Guess>>,
    pub weights: Weights,
    /// What tuning changed on the text on screen.
    pub text: Text,
    /// A word of the prompt taken out or replaced.
    pub edited: Edited,
    pub findings: Findings,
}

impl Signals {
    /// Of a page on which nothing has happened.
    pub(super) fn new() -> Self {
        Self {
            tab: Mirror::new(),
            prompt: Mirror::new(),
            conversation: Mirror::new(),
            marked: Mirror::new(),
            units: Mirror::new(),
            template_row: Mirror::new(),
            options: Mirror::new(),
            how: Mirror::new(),
            refused: Mirror::new(),
            reading: Mirror::new(),
            wishes: Mirror::new(),
            rested: Mirror::new(),
            history: Mirror::new(),
            history_place: Mirror::new(),
            pinned: Mirror::new(),
            history_dropped: Mirror::new(),
            linked: Mirror::new(),
            study: Study::new(),
            notice: Mirror::new(),
            spec: Mirror::new(),
            shown: Mirror::new(),
            model: Mirror::both(),
            run: Mirror::both(),
            progress: Mirror::both(),
            asked: Mirror::new(),
            checks: Mirror::both(),
            selection: Mirror::both(),
            prepared: Mirror::both(),
            backend: Mirror::both(),
            gpu_check: Mirror::new(),
            stored: Mirror::new(),
            looks: Mirror::both(),
            here: Mirror::new(),
            lesson: Mirror::new(),
            guess: Mirror::new(),
            weights: Weights::new(),
            text: Text::new(),
            edited: Edited::new(),
            findings: Findings::new(),
        }
    }

    /// Takes over what has changed.
    pub(super) fn draw(&self, page: &mut Page) {
        self.tab.put(page.facts.tab);
        let editor = &mut page.facts.editor;
        self.prompt.draw(&mut editor.prompt);
        self.conversation.draw(&mut editor.conversation);
        self.marked.draw(&mut editor.marked);
        self.units.draw(&mut editor.units);
        self.template_row.draw(&mut editor.template_row);
        self.options.draw(&mut editor.options);
        self.how.draw(&mut editor.how);
        self.reading.draw(&mut editor.reading);
        self.refused.draw(&mut page.switching.refused);
        self.wishes.draw(&mut page.waiting.wishes);
        self.rested.draw(&mut page.waiting.rested);
        self.history.draw(&mut page.history.entries);
        self.history_place.draw(&mut page.history.place);
        self.pinned.draw(&mut page.history.pinned);
        self.history_dropped.draw(&mut page.history.dropped);
        self.linked.draw(&mut page.linked.picture);
        self.notice.draw(&mut page.linked.notice);
        self.study.draw(&mut page.study);
        let round = &mut page.runs.round;
        self.spec.draw(&mut round.spec);
        self.shown.put(round.shown);
        self.run.iter().zip(&mut round.halves).for_each(|(signal, half)| signal.draw(half));
        Mirror::each(&self.selection, &mut round.selections);
        Mirror::each(&self.progress, &mut page.runs.progress);
        self.asked.draw(&mut page.runs.questions.asked);
        Mirror::each(&self.checks, &mut page.runs.checks);
        Mirror::each(&self.prepared, &mut page.preparing.prepared);
        for side in Side::BOTH {
            let slot = page.slots.slot(side);
            self.model[side.index()].put(Model::of(slot, page.facts.model(side)));
            self.backend[side.index()].put(slot.backend.clone());
        }
        self.gpu_check.draw(&mut page.gpu_check.0);
        self.stored.draw(&mut page.stored.kept);
        Mirror::each(&self.looks, &mut page.hub.looks);
        self.here.draw(&mut page.here);
        self.lesson.draw(&mut page.lessons.current);
        self.guess.draw(&mut page.guessing.guess);
        self.weights.draw(&mut page.weights);
        self.text.draw(&mut page.text);
        self.edited.draw(&mut page.edited);
        self.findings.draw(&mut page.scores);
    }
}
