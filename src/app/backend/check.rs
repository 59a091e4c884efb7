//! What computes, in full, and the check of this GPU's every operation.

use leptos::prelude::*;

use crate::app::dialog::Modal;
use crate::app::engines;
use crate::app::header::Mark;
use crate::app::state::{Progress, Side, Slot, State};
use crate::model::gpu::check::{Checked, Derivative, TOLERANCE};
use crate::protocol::{Failure, JobId, Request};

/// How far the check has come.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Check {
    /// Not asked for.
    #[default]
    None,
    /// At work.
    Running(JobId, Option<Progress>),
    /// Done, on the GPU of this name.
    Done(String, Vec<Checked>),
    /// Could not be done.
    Failed(Failure),
}

impl Check {
    fn job(&self) -> Option<JobId> {
        match self {
            Self::Running(job, _) => Some(*job),
            _ => None,
        }
    }
}

fn ours(state: State, slot: Slot, job: JobId) -> bool {
    slot.side == Side::Tuned && state.gpu_check.with_untracked(|c| c.job() == Some(job))
}

/// Notes progress, if it is of this job.
pub fn advance(state: State, slot: Slot, job: JobId, next: impl Fn(Option<Progress>) -> Progress) -> bool {
    let ours = ours(state, slot, job);
    if ours {
        state.gpu_check.update(|c| {
            if let Check::Running(_, progress) = c {
                *progress = Some(next(*progress));
            }
        });
    }
    ours
}

/// Takes in what came out.
pub fn done(state: State, slot: Slot, job: JobId, gpu: String, checked: Vec<Checked>) {
    if ours(state, slot, job) {
        state.gpu_check.set(Check::Done(gpu, checked));
    }
}

/// Takes in a failure, if it is of this job.
pub fn failed(state: State, slot: Slot, job: JobId, failure: &Failure) -> bool {
    let ours = ours(state, slot, job);
    if ours {
        state.gpu_check.set(match failure {
            Failure::Cancelled => Check::None,
            other => Check::Failed(other.clone()),
        });
    }
    ours
}

/// The engine that was at work on it is gone.
pub fn engine_gone(state: State, slot: Slot, failure: &Failure) {
    if let Some(job) = state.gpu_check.with_untracked(Check::job) {
        failed(state, slot, job, failure);
    }
}

fn start(state: State) {
    engines::engines(state);
    if let Some(engine) = engines::engine(state.tuned) {
        let job = state.tuned.next_job();
        state.gpu_check.set(Check::Running(job, None));
        engine.send(&Request::CheckGpu { job }, &[]);
    }
}

fn stop(state: State) {
    if let (Some(engine), Some(job)) = (engines::engine(state.tuned), state.gpu_check.with_untracked(Check::job)) {
        engine.send(&Request::Cancel { job }, &[]);
    }
}

/// The dialog.
#[component]
pub fn BackendDialog(state: State) -> impl IntoView {
    let running = move || matches!(state.gpu_check.get(), Check::Running(..));
    view! {
        <Modal id="backend-dialog" title="What computes" close="close-backend" open=state.backend_open prepare=|| ()>
            <ul class="list">{state.slots().map(|half| view! { <Reason half/> }).collect_view()}</ul>
            <p class="cap">"Automatic takes the faster of the two that computes rightly: after a model is loaded, the GPU has to find the CPU’s answer to a known question, and then a short race decides. If it fails within a run, the CPU does that run again."</p>
            <h3>"Is this GPU right?"</h3>
            <p class="cap">"Every operation that the explanations are made of, its result and both of its derivatives, held against the CPU on small matrices of random numbers. It needs no model and takes a few seconds."</p>
            <div class="row">
                <button class="btn" id="check-gpu" disabled=running on:click=move |_| start(state)>"Check this GPU"</button>
                <Show when=running><button class="btn" id="stop-check" on:click=move |_| stop(state)>"Stop"</button></Show>
            </div>
            <Outcome state/>
        </Modal>
    }
}

/// What computes for one model, and why.
#[component]
fn Reason(half: Slot) -> impl IntoView {
    let said = move || match half.backend.get() {
        Some(report) => (report.name(), report.reason()),
        None => ("not decided".to_owned(), "That is done when a model is loaded.".to_owned()),
    };
    view! {
        <li><span><Mark side=half.side/>" "<b>{half.side.name()}</b>" "{move || said().0}<span class="cap">" · "{move || said().1}</span></span></li>
    }
}

#[component]
fn Outcome(state: State) -> impl IntoView {
    move || match state.gpu_check.get() {
        Check::None => ().into_any(),
        Check::Running(_, progress) => {
            let value = progress.map(|p| (p.done as f64 / p.total.max(1) as f64).to_string());
            view! { <div class="progress" role="status"><span>"Comparing the GPU with the CPU…"</span><progress max="1" value=value></progress></div> }.into_any()
        }
        Check::Failed(failure) => view! { <p class="error" role="alert">{failure.to_string()}</p> }.into_any(),
        Check::Done(gpu, checked) => view! { <Table gpu checked/> }.into_any(),
    }
}

/// The worst comparison of one kind, if there is any.
fn worst(checked: &[Checked], kernel: &str, derivative: Derivative) -> Option<Checked> {
    let of = checked.iter().filter(|c| c.kernel == kernel && c.derivative == derivative);
    of.max_by(|a, b| a.apart.total_cmp(&b.apart)).cloned()
}

fn cell(found: Option<Checked>) -> impl IntoView {
    let (words, class) = match &found {
        None => ("–".to_owned(), "num"),
        Some(c) if c.apart == 0.0 => ("0".to_owned(), "num"),
        Some(c) if c.agrees() => (format!("{:.0e}", c.apart), "num"),
        Some(c) if c.apart == f32::MAX => ("wrong".to_owned(), "num off"),
        Some(c) => (format!("wrong: {:.0e}", c.apart), "num off"),
    };
    view! { <td class=class title=found.map(|c| format!("Worst on: {}", c.case))>{words}</td> }
}

#[component]
fn Table(gpu: String, checked: Vec<Checked>) -> impl IntoView {
    let mut kernels: Vec<String> = Vec::new();
    for c in &checked {
        if !kernels.contains(&c.kernel) {
            kernels.push(c.kernel.clone());
        }
    }
    let off = checked.iter().filter(|c| !c.agrees()).count();
    let percent = TOLERANCE * 100.0;
    let verdict = match off {
        0 => format!("{gpu}: all {} comparisons agree with the CPU within {percent} %.", checked.len()),
        n => format!(
            "{gpu}: {n} of {} comparisons differ from the CPU by more than {percent} %. Choose the CPU above, and update the graphics driver.",
            checked.len()
        ),
    };
    let class = if off == 0 { "note good" } else { "error" };
    view! {
        <p class=class role="status" id="gpu-verdict">{verdict}</p>
        <div class="frame"><table class="components" id="gpu-checked">
            <thead><tr><th scope="col">"Operation"</th><th scope="col" class="num">"Value"</th><th scope="col" class="num">"Forward (jvp)"</th><th scope="col" class="num">"Reverse (vjp)"</th></tr></thead>
            <tbody>{kernels.into_iter().map(|kernel| {
                let of = |derivative| cell(worst(&checked, &kernel, derivative));
                view! { <tr><th scope="row"><code>{kernel.clone()}</code></th>{of(Derivative::Value)}{of(Derivative::Jvp)}{of(Derivative::Vjp)}</tr> }
            }).collect_view()}</tbody>
        </table></div>
        <p class="cap">"The largest difference relative to the largest value. Operations are named after their kernels’ files."</p>
    }
}
