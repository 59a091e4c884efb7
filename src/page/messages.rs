//! What the page is told, and what it wants done.

use super::{
    Side, Wish, edited, editor, fit, gpu_check, guess, history, hub, lesson, linked, runs, scores, slots, stored,
    study, switching, text, waiting, weights,
};
use crate::protocol::{Event, Request, Source};
use crate::share::Export;
use crate::share::screen::Tab;

/// What happens to the page.
#[derive(Debug, Clone)]
pub enum Msg {
    /// The user changes the settings.
    Edit(editor::Command),
    /// The user wants something of the slots.
    Slots(slots::Command),
    /// Something needs the models, or does not any more.
    Waiting(waiting::Command),
    /// The user opens this tab, which may need the models.
    Open(Tab),
    /// This tab is on screen now; whoever shows it knows which models it needs.
    Show(Tab),
    /// Run is pressed: the prompt is run as it is set now, once the models are there.
    Run,
    /// Stop is pressed: nothing is run, and nothing waits to be.
    Stop,
    /// This needs the models.
    Wish(Wish),
    /// The user chooses an example, by its place in the list.
    Example(usize),
    /// Its finished result, which ships with the page, has come.
    ExampleCame(usize, Box<Export>),
    /// The user wants something of the runs.
    Runs(runs::Command),
    /// The address's fragment, which may carry a picture or a lesson.
    Address(String),
    /// The user wants something of a picture that was sent.
    Linked(linked::Command),
    /// The reader wants something of a lesson.
    Lesson(lesson::Command),
    /// The reader guesses.
    Guess(guess::Command),
    /// The user wants something of the runs of this visit.
    History(history::Command),
    /// The user wants something of a study's report.
    Study(study::Command),
    /// The user switches a part of the models off for the next run, or on again.
    Switch(switching::Command),
    /// The user wants something of the weights.
    Weights(weights::Command),
    /// The user wants to see what tuning changed on a text.
    Text(text::Command),
    /// The user wants something of an edited prompt.
    Edited(edited::Command),
    /// The user wants something of the scores.
    Scores(scores::Command),
    /// The user wants the GPU to be checked, or no more.
    GpuCheck(gpu_check::Command),
    /// The user wants something of what is kept in the browser's storage.
    Stored(stored::Command),
    /// The user wants something of the hub.
    Hub(hub::Command),
    /// The page learns something about this machine.
    Here(fit::Command),
    /// Whether the browser keeps what is stored until the user deletes it.
    Lasting(bool),
    /// The pause that was asked for is over.
    Paused,
    /// An engine says something, at so many seconds.
    Engine {
        /// Whose engine.
        side: Side,
        /// Which of its engines, one after the other.
        epoch: u32,
        /// What.
        event: Box<Event>,
        /// When, seconds.
        at: f64,
    },
    /// The frame that was asked for is about to be drawn.
    Frame,
}

/// Names files of the user's, which only the browser holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Files(pub u32);

/// What the page wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// The worker of an epoch, in place of the one before.
    Start(Side, u32),
    /// A request for an engine.
    Send(Side, Request),
    /// A request for an engine, with the rows of numbers that came beside the event that is being heard.
    SendRows(Side, Request),
    /// A request with files of the user's.
    SendFiles(Side, Request, Files),
    /// Remember for the next visit what is in a slot.
    Remember(Side, Source),
    /// Write down how fast this machine is, for the next visit; see [`fit::Command::Recalled`].
    KeepSpeed(String),
    /// Write scores down for the next visit.
    WriteScores(String),
    /// Write the runs of this visit down for when the page is loaded again; see [`history::Command::Recalled`].
    WriteHistory(String),
    /// Say with [`scores::Command::Recalled`] what was written down.
    RecallScores,
    /// These files are not needed any more.
    DropFiles(Files),
    /// Ask the browser to keep what is stored, and say with [`Msg::Lasting`] whether it will.
    Persist,
    /// Write down where the lesson is, for when it is gone on with; see [`lesson::Left`].
    KeepLesson(String),
    /// The lesson that was written down has come to its end.
    ForgetLesson,
    /// Say with [`Msg::ExampleCame`] what ships for this example.
    FetchExample(usize),
    /// The address does not name the picture any more that is on screen.
    ClearAddress,
    /// [`Msg::Frame`] with the next frame.
    Frame,
    /// [`Msg::Paused`] when nothing more has asked for a pause for a moment.
    Pause,
}
