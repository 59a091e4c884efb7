//! Which backend computes: a GPU proves itself, is raced, and hands over to the CPU when it fails.

use std::cell::RefCell;
use std::ops::ControlFlow;

use crate::support::listeners::{go_on, hearing, no_clock, quiet};
use crate::support::{Tiny, gpu, on_gpu, relative_error, run, singles};
use shiftlens::explain::attribution::{Mode, Respond, Sampling};
use shiftlens::explain::methods::faithfulness::Curves;
use shiftlens::explain::methods::{How, Intervention, Method, Of, Site};
use shiftlens::explain::{By, ResponseToken};
use shiftlens::model::gpu::{Gpu, GpuError};
use shiftlens::model::head::Target;
use shiftlens::model::{ModelError, block_on};
use shiftlens::protocol::{Backend, BackendChoice, Prompt, Response, Run, Template, Why};
use shiftlens::worker::{Backends, Runner, Update};

const FEW_WORDS: &str = "Write about a fox and a boat.";

fn a_run() -> Run {
    Run {
        by: By::Word,
        mode: Mode::Forward,
        ..Run::by_token(
            Prompt::text(FEW_WORDS, Template::Off),
            Response::Own { limit: 4, sampling: Sampling::default() },
        )
    }
}

fn runner() -> Runner {
    Runner::load_at_once(Tiny::default().checkpoint(), "tiny.gguf").unwrap()
}

#[test]
fn a_gpu_lost_within_a_run_hands_it_to_the_cpu() {
    moves_to_the_cpu(&a_run(), Gpu::destroy, "lost");
}

/// Other methods are the GPU's too, and the CPU's where that fails.
#[test]
fn a_gpu_lost_within_a_run_by_another_method_hands_it_to_the_cpu() {
    for method in [Method::GradientNorm, Method::Occlusion] {
        let how = How { method, ..How::default() };
        moves_to_the_cpu(&Run { how, ..a_run() }, Gpu::destroy, "lost");
    }
}

#[test]
fn a_gpu_out_of_memory_within_a_run_hands_it_to_the_cpu() {
    moves_to_the_cpu(&a_run(), |gpu| gpu.fail(GpuError::OutOfMemory), "not enough memory");
}

/// What the page does: the GPU proves itself, runs, fails within a run, and the CPU does that run again.
fn moves_to_the_cpu(run: &Run, fail: impl Fn(&Gpu), word: &str) {
    if gpu().is_none() {
        return;
    }
    let mut runner = runner();
    block_on(async {
        let report = runner.select_backend(BackendChoice::Gpu, no_clock, &mut go_on).await;
        assert_eq!(report.used, Backend::Gpu, "{}", report.reason());
        let on_gpu = runner.run(run, no_clock, &mut quiet).await.unwrap();
        assert!(on_gpu.backend.starts_with("GPU"), "{}", on_gpu.backend);
        let mut said = Vec::new();
        fail(runner.gpu().unwrap().gpu());
        let mut noted = |update: Update| {
            said.push(match update {
                Update::Started(..) => "started",
                Update::Backend(report) => {
                    assert!(matches!(&report.why, Why::Failed { what } if what.contains(word)), "{}", report.reason());
                    "moved"
                }
                Update::Token(..) => "token",
                _ => return ControlFlow::Continue(()),
            });
            ControlFlow::Continue(())
        };
        let on_cpu = runner.run(run, no_clock, &mut hearing(&mut noted)).await.unwrap();
        assert_eq!(said, ["started", "moved", "started", "token", "token", "token", "token"]);
        assert_eq!(on_cpu.backend, "CPU");
        for (a, b) in on_cpu.importance.iter().zip(&on_gpu.importance) {
            assert!(relative_error(a, b) < 2e-3, "{a:?} {b:?}");
        }
    });
}

/// A picture is checked where it was made; by the CPU where the GPU fails within the check. Both come to the same.
#[test]
fn a_picture_is_checked_on_the_gpu_and_on_the_cpu_where_that_fails() {
    if gpu().is_none() {
        return;
    }
    let mut runner = runner();
    block_on(async {
        let how = How { method: Method::Occlusion, check: true, ..How::default() };
        let prompt = Prompt::text("A fox ran.", Template::Off);
        let asked =
            Run { prompt, response: Response::Ids { ids: vec![104, 101, 33] }, how, target: Target::Logit, ..a_run() };
        let on_cpu = runner.run(&asked, no_clock, &mut quiet).await.unwrap();
        runner.select_backend(BackendChoice::Gpu, no_clock, &mut go_on).await;
        let on_gpu = runner.run(&asked, no_clock, &mut quiet).await.unwrap();
        assert!(on_gpu.backend.starts_with("GPU"), "{}", on_gpu.backend);
        let (cpu, found) = (on_cpu.faithfulness.unwrap(), on_gpu.faithfulness.unwrap());
        assert!(found.said.contains("agree within"), "{}", found.said);
        assert!(found.order != cpu.order, "the GPU rounds otherwise: these are the CPU's own values");
        let ends = |curves: &Curves| [&curves.most_first, &curves.least_first].map(|c| [c[0], c[c.len() - 1]]).concat();
        for (a, b) in ends(&found.order.deletion).iter().zip(ends(&cpu.order.deletion)) {
            assert!((a - b).abs() < 2e-3 * b.abs().max(1.0), "{a} {b}");
        }
        let prompt: Vec<u32> = on_gpu.prompt.iter().map(|t| t.id).collect();
        let later = Run { how: How { check: false, ..asked.how.clone() }, ..asked };
        let again = runner.check(&later, &prompt, &on_gpu.importance, &mut quiet).await.unwrap();
        assert_eq!(again, found);
        runner.gpu().unwrap().gpu().destroy();
        let instead = runner.check(&later, &prompt, &on_gpu.importance, &mut quiet).await.unwrap();
        assert!(
            matches!(&runner.backend().why, Why::Failed { what } if what.contains("lost")),
            "{:?}",
            runner.backend()
        );
        let by_cpu = runner.check(&later, &prompt, &on_gpu.importance, &mut quiet).await.unwrap();
        assert_eq!(instead, by_cpu);
    });
}

/// A head that is switched off is the CPU's, with the whole model's answer; the next run is the GPU's again.
#[test]
fn a_part_switched_off_takes_only_its_own_run_to_the_cpu() {
    if gpu().is_none() {
        return;
    }
    let mut runner = runner();
    block_on(async {
        runner.select_backend(BackendChoice::Gpu, no_clock, &mut go_on).await;
        let plain = runner.run(&a_run(), no_clock, &mut quiet).await.unwrap();
        let one = Intervention { layer: 0, site: Site::Head(0), factor: 0.0, of: Of::Both };
        let off = Run { how: How { interventions: vec![one], ..How::default() }, ..a_run() };
        let off = runner.run(&off, no_clock, &mut quiet).await.unwrap();
        assert_eq!(off.backend, "CPU");
        let texts = |all: &[ResponseToken]| all.iter().map(|t| t.text.clone()).collect::<Vec<_>>();
        assert_eq!(texts(&off.without), texts(&plain.response));
        let again = runner.run(&a_run(), no_clock, &mut quiet).await.unwrap();
        assert!(again.backend.starts_with("GPU"), "{}", again.backend);
        assert_eq!(again.importance, plain.importance);
    });
}

/// A prompt that the GPU has no room for is the CPU's; the next one is the GPU's again.
#[test]
fn a_prompt_too_long_for_the_gpu_takes_only_its_own_run_to_the_cpu() {
    if gpu().is_none() {
        return;
    }
    let mut runner = runner();
    block_on(async {
        runner.select_backend(BackendChoice::Gpu, no_clock, &mut go_on).await;
        runner.gpu().unwrap().gpu().limit_bindings(300_000);
        let said = RefCell::new(Vec::new());
        let mut noted = |update: Update| {
            if let Update::Backend(report) = update {
                said.borrow_mut().push((report.used, report.reason()));
            }
            ControlFlow::Continue(())
        };
        let long = "Write about a fox and a boat. ".repeat(4);
        let long = Run { prompt: Prompt::text(long, Template::Off), ..a_run() };
        // also if it is stopped as soon as the CPU takes it
        let mut starts = 0;
        let mut stops = |update: Update| {
            starts += usize::from(matches!(update, Update::Started(..)));
            let _ = noted(update);
            if starts == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        assert_eq!(runner.run(&long, no_clock, &mut hearing(&mut stops)).await.unwrap_err(), ModelError::Cancelled);
        assert_eq!(said.borrow().iter().map(|(used, _)| *used).collect::<Vec<_>>(), [Backend::Cpu, Backend::Gpu]);
        said.borrow_mut().clear();
        assert_eq!(runner.run(&long, no_clock, &mut hearing(&mut noted)).await.unwrap().backend, "CPU");
        let first = said.borrow()[0].clone();
        assert!(first.0 == Backend::Cpu && first.1.contains("does not fit the GPU"), "{first:?}");
        assert_eq!((said.borrow().len(), said.borrow()[1].0), (2, Backend::Gpu), "{said:?}");
        assert!(runner.run(&a_run(), no_clock, &mut hearing(&mut noted)).await.unwrap().backend.starts_with("GPU"));
        assert_eq!(said.borrow().len(), 2);
    });
}

/// What is not a number is first held against the GPU; where the CPU says the same, the checkpoint is to blame.
#[test]
fn values_that_are_no_numbers_are_the_checkpoints_fault_only_if_the_cpu_has_them_too() {
    if gpu().is_none() {
        return;
    }
    let broken = || {
        Tiny::default().checkpoint_edited(&|name, t| {
            if name == "blk.1.ffn_norm.weight" { (t * f64::NAN).unwrap() } else { t }
        })
    };
    let mut runner = Runner::load_at_once(broken(), "broken.gguf").unwrap();
    block_on(async {
        let report = runner.select_backend(BackendChoice::Gpu, no_clock, &mut go_on).await;
        assert_eq!(report.used, Backend::Cpu);
        assert_eq!(runner.run(&a_run(), no_clock, &mut quiet).await.unwrap_err(), ModelError::NotANumber);
    });
    let mut ours = on_gpu(gpu().unwrap(), &broken());
    for mode in [Mode::Forward, Mode::Reverse] {
        let respond = Respond::Forced(vec![1, 2]);
        let refused = run(&mut ours, &[5, 9, 2, 40], singles(4), respond, Target::Prob, mode).unwrap_err();
        assert!(matches!(refused, ModelError::Gpu(GpuError::Wrong(_))), "{refused:?}");
    }
}

/// A GPU that answers the known question otherwise than the CPU is not used: here it holds another model's weights.
#[test]
fn a_gpu_that_computes_wrongly_is_found_out() {
    if gpu().is_none() {
        return;
    }
    let (tiny, other) = (Tiny::default(), Tiny { seed: 2, ..Tiny::default() });
    for choice in [BackendChoice::Auto, BackendChoice::Gpu] {
        let mut backends = Backends::new(tiny.engine());
        backends.race_software();
        let report = block_on(backends.select_backend(&other.checkpoint(), choice, no_clock, &mut go_on)).clone();
        assert_eq!(report.used, Backend::Cpu);
        assert!(matches!(&report.why, Why::Failed { what } if what.contains("wrong values")), "{}", report.reason());
        assert!(backends.gpu().is_none());
    }
}

/// Another model is wanted while this one's weights are sent: that is no fault of the GPU's.
#[test]
fn a_moot_upload_stops_and_blames_nobody() {
    if gpu().is_none() {
        return;
    }
    let mut runner = runner();
    let report =
        block_on(runner.select_backend(BackendChoice::Gpu, no_clock, &mut async || Err(ModelError::Cancelled)));
    assert_eq!(report.used, Backend::Cpu);
    assert!(!matches!(report.why, Why::Failed { .. } | Why::Missing { .. }), "{}", report.reason());
    let report = block_on(runner.select_backend(BackendChoice::Gpu, no_clock, &mut go_on));
    assert_eq!(report.used, Backend::Gpu, "{}", report.reason());
}

#[test]
fn the_faster_backend_is_chosen_and_the_users_wish_counts() {
    let Some(gpu) = gpu() else { return };
    let mut runner = runner();
    let clock = std::time::Instant::now();
    block_on(async {
        if gpu.is_software() {
            // an emulated GPU is not even tried, unless it is asked for
            let report = runner.select_backend(BackendChoice::Auto, no_clock, &mut go_on).await;
            assert_eq!((report.used, report.why), (Backend::Cpu, Why::Software));
            runner.race_software();
        }
        let report = runner.select_backend(BackendChoice::Auto, || clock.elapsed().as_secs_f64(), &mut go_on).await;
        let Why::Raced { cpu, gpu } = report.why else { panic!("{}", report.reason()) };
        assert_eq!(report.used == Backend::Gpu, gpu < cpu);
        assert_eq!(runner.select_backend(BackendChoice::Cpu, no_clock, &mut go_on).await.used, Backend::Cpu);
    });
}
