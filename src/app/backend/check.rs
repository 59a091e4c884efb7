//! What computes, in full, and the check of this GPU's every operation.

use leptos::prelude::*;

use crate::app::dialog::Modal;
use crate::app::header::Mark;
use crate::app::state::{Slot, State};
use crate::model::gpu::check::{Checked, Derivative, TOLERANCE};
use crate::page::Msg;
use crate::page::gpu_check::{Check, Command};
use crate::wording::{backend as wording, common};

/// The dialog.
#[component]
pub fn BackendDialog(state: State) -> impl IntoView {
    let running = move || matches!(state.gpu_check.get(), Check::Running(..));
    view! {
        <Modal id="backend-dialog" title=wording::WHAT_COMPUTES close="close-backend" open=state.backend_open prepare=|| ()>
            <ul class="list">{state.slots().map(|half| view! { <Reason half/> }).collect_view()}</ul>
            <p class="cap">{wording::HOW_IT_IS_CHOSEN}</p>
            <h3>{wording::CHECK_QUESTION}</h3>
            <p class="cap">{wording::WHAT_THE_CHECK_DOES}</p>
            <div class="row">
                <button class="btn" id="check-gpu" disabled=running on:click=move |_| state.dispatch(Msg::GpuCheck(Command::Start))>{wording::CHECK_THIS_GPU}</button>
                <Show when=running><button class="btn" id="stop-check" on:click=move |_| state.dispatch(Msg::GpuCheck(Command::Stop))>{common::STOP}</button></Show>
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
        None => (wording::NOT_DECIDED.to_owned(), wording::DECIDED_LATER.to_owned()),
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
            view! { <div class="progress" role="status"><span>{wording::COMPARING}</span><progress max="1" value=value></progress></div> }.into_any()
        }
        Check::Failed(failure) => view! { <p class="error" role="alert">{failure.to_string()}</p> }.into_any(),
        Check::Done(gpu, checked) => view! { <Table gpu checked/> }.into_any(),
    }
}

/// The worst comparison of one kind, if there is any.
fn worst(checked: &[Checked], kernel: &str, derivative: Derivative) -> Option<Checked> {
    let of = checked.iter().filter(|c| c.kernel == kernel && c.derivative == derivative);
    of.max_by(|a, b| a.relative_error.total_cmp(&b.relative_error)).cloned()
}

fn cell(found: Option<Checked>) -> impl IntoView {
    let (words, class) = match &found {
        None => ("–".to_owned(), "num"),
        Some(c) if c.relative_error == 0.0 => ("0".to_owned(), "num"),
        Some(c) if c.agrees() => (format!("{:.0e}", c.relative_error), "num"),
        Some(c) if c.relative_error == f32::MAX => (wording::wrong(None), "num off"),
        Some(c) => (wording::wrong(Some(c.relative_error)), "num off"),
    };
    view! { <td class=class title=found.map(|c| wording::worst_on(&c.case))>{words}</td> }
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
    let verdict = wording::verdict(&gpu, off, checked.len(), TOLERANCE * 100.0);
    let class = if off == 0 { "note good" } else { "error" };
    view! {
        <p class=class role="status" id="gpu-verdict">{verdict}</p>
        <div class="frame"><table class="components" id="gpu-checked">
            <thead><tr><th scope="col">{wording::OPERATION}</th><th scope="col" class="num">{wording::VALUE}</th><th scope="col" class="num">{wording::FORWARD}</th><th scope="col" class="num">{wording::REVERSE}</th></tr></thead>
            <tbody>{kernels.into_iter().map(|kernel| {
                let of = |derivative| cell(worst(&checked, &kernel, derivative));
                view! { <tr><th scope="row"><code>{kernel.clone()}</code></th>{of(Derivative::Value)}{of(Derivative::Jvp)}{of(Derivative::Vjp)}</tr> }
            }).collect_view()}</tbody>
        </table></div>
        <p class="cap">{wording::HOW_IT_IS_MEASURED}</p>
    }
}
