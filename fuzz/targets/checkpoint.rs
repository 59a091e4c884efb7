//! A hostile GGUF file: read within bounds, and refused in words; what is not refused can be loaded and run.
#![no_main]

use std::ops::ControlFlow;

use libfuzzer_sys::fuzz_target;
use shiftlens::checkpoint::{Checkpoint, MemoryBytes};
use shiftlens::explain::By;
use shiftlens::explain::attribution::{Mode, Sampling};
use shiftlens::model::block_on;
use shiftlens::model::head::Target;
use shiftlens::protocol::{Prompt, Response, Run, Template};
use shiftlens::worker::{Runner, Update};

fuzz_target!(|bytes: &[u8]| {
    let Ok(checkpoint) = Checkpoint::open(vec![Box::new(MemoryBytes::new("fuzzed.gguf", bytes.to_vec()))]) else {
        return;
    };
    let Ok(mut runner) = Runner::load_at_once(checkpoint, "fuzzed.gguf") else { return };
    for (mode, template) in [(Mode::Forward, Template::Own), (Mode::Reverse, Template::Off)] {
        let run = Run {
            prompt: Prompt::text("hi you", template),
            response: Response::Own { limit: 2, sampling: Sampling::default() },
            by: By::Word,
            target: Target::Prob,
            mode,
            instruction: None,
            template_row: false,
            how: Default::default(),
        };
        let _ = block_on(runner.run(&run, || 0.0, &mut async |_: Update| ControlFlow::Continue(())));
    }
});
