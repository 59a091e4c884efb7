//! A GPU that runs out of memory within a run. A test of its own, in a process of its own: the memory that is taken away
//! is the process's, as a software GPU's memory is.

mod support;

use std::ops::ControlFlow;
use std::process::Command;

use shiftlens::explain::attribution::Mode;
use shiftlens::model::block_on;
use shiftlens::protocol::{Backend, BackendChoice, Prompt, Response, Run, Template, Why};
use shiftlens::worker::{Runner, Update};
use support::Tiny;
use support::listeners::{go_on, no_clock};

/// Lets this process have `more` bytes of addresses than it has, or as many as it likes.
fn allow(more: Option<u64>) {
    let limit = more.map_or_else(
        || "unlimited".to_owned(),
        |more| {
            let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
            let pages: u64 = pages.split(' ').next().unwrap().parse().unwrap();
            (pages * 4096 + more).to_string()
        },
    );
    let me = std::process::id().to_string();
    let done = Command::new("prlimit").args(["--pid", &me, &format!("--as={limit}:")]).status().unwrap();
    assert!(done.success());
}

#[test]
fn a_gpu_without_memory_left_hands_the_run_to_the_cpu() {
    let tiny = Tiny { width: 256, heads: 4, kv_heads: 4, ..Tiny::default() };
    let mut runner = Runner::load_at_once(tiny.checkpoint(), "tiny.gguf").unwrap();
    let report = block_on(runner.select_backend(BackendChoice::Gpu, no_clock, &mut go_on));
    if let (Backend::Cpu, Why::Missing { what }) = (report.used, &report.why) {
        assert!(std::env::var("SHIFTLENS_GPU").as_deref() != Ok("required"), "{what}");
        return println!("skipped: {what}");
    }
    if !report.gpu.as_ref().is_some_and(|name| name.contains("llvmpipe")) {
        return println!("skipped: the memory of {} cannot be taken away by a process's limit", report.name());
    }
    let run = Run {
        mode: Mode::Forward,
        ..Run::by_token(Prompt::text("a b c d ".repeat(20), Template::Off), Response::Text { text: "ab".into() })
    };
    let mut moved = false;
    allow(Some(48 << 20));
    let outcome = block_on(runner.run(&run, no_clock, &mut async |update: Update| {
        if let Update::Backend(report) = update {
            allow(None);
            moved = true;
            assert!(
                matches!(&report.why, Why::Failed { what } if what.contains("not enough memory")),
                "{}",
                report.reason()
            );
        }
        ControlFlow::Continue(())
    }));
    allow(None);
    let report = outcome.unwrap();
    assert!(moved && report.backend == "CPU", "{}", report.backend);
    assert!(report.importance.iter().flatten().any(|v| *v != 0.0));
}
