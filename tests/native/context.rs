//! A model's context: what does not fit is refused before anything runs, and an answer that fills it says so.

use std::ops::ControlFlow;

use crate::support::Tiny;
use crate::support::listeners::{hearing, no_clock};
use shiftlens::checkpoint::{Checkpoint, MemoryBytes};
use shiftlens::explain::attribution::Mode;
use shiftlens::explain::{By, ModelReport};
use shiftlens::model::{Length, ModelError, block_on};
use shiftlens::protocol::{Prompt, Response, Run, Template};
use shiftlens::worker::Runner;

/// A model that reads 256 tokens, each of them a byte.
fn runner() -> Runner {
    let files = vec![Box::new(MemoryBytes::new("tiny.gguf", Tiny::default().gguf())) as _];
    Runner::load_at_once(Checkpoint::open(files).unwrap(), "tiny.gguf").unwrap()
}

/// Nine tokens of a template around the prompt.
fn prompt(tokens: usize) -> Prompt {
    let source = "Task:{{ messages[0]['content'] }}\nA: ".to_owned();
    Prompt::text("x".repeat(tokens), Template::Given { source })
}

/// The outcome, and what was heard before it.
fn run(runner: &mut Runner, prompt: Prompt, response: Response) -> (Result<ModelReport, ModelError>, usize) {
    let run = Run { by: By::Word, mode: Mode::Off, ..Run::by_token(prompt, response) };
    let mut heard = 0;
    let outcome = block_on(runner.run(
        &run,
        no_clock,
        &mut hearing(&mut |_| {
            heard += 1;
            ControlFlow::Continue(())
        }),
    ));
    (outcome, heard)
}

fn own(limit: usize) -> Response {
    Response::Own { limit, sampling: Default::default() }
}

#[test]
fn what_is_too_long_is_refused_before_anything_runs() {
    let mut runner = runner();
    let typed = |n: usize| Response::Text { text: "y".repeat(n) };
    for (tokens, response, over) in [(247, own(48), 1), (300, own(48), 54), (200, typed(50), 3), (10, typed(400), 163)]
    {
        let (outcome, heard) = run(&mut runner, prompt(tokens), response.clone());
        let Err(ModelError::TooLong(length)) = outcome else { panic!("{outcome:?}") };
        assert_eq!((length.over(), length.template, length.prompt, heard), (over, 9, tokens + 9, 0));
        let (prepared, _) = runner.prepare(&prompt(tokens)).unwrap();
        assert_eq!(runner.length(&prepared, &response).unwrap(), length, "the page is told the same");
    }
    for (tokens, response) in [(246, own(48)), (197, typed(50))] {
        assert!(run(&mut runner, prompt(tokens), response).0.is_ok());
    }
    // ids have no template
    let ids = Prompt::Ids { ids: vec![7; 250] };
    let (outcome, _) = run(&mut runner, ids, Response::Ids { ids: vec![7; 10] });
    let expected = Length { prompt: 250, template: 0, response: Some(10), context: 256 };
    assert_eq!(outcome.unwrap_err(), ModelError::TooLong(expected));
}

#[test]
fn an_answer_that_fills_the_context_says_so() {
    let mut runner = runner();
    let (whole, _) = run(&mut runner, prompt(200), own(400));
    let whole = whole.unwrap();
    assert_eq!((whole.response.len(), whole.fills_context()), (47, true));
    // without a template too, as the page's own test has it
    let plain = Prompt::text("x".repeat(200), Template::Off);
    assert_eq!(run(&mut runner, plain, own(60)).0.unwrap().response.len(), 56);
    let short = run(&mut runner, prompt(200), own(46)).0.unwrap();
    assert_eq!((short.response.len(), short.fills_context()), (46, false));
}

/// A load looks up between layers, and can be stopped there.
#[test]
fn a_load_that_is_cancelled_stops_at_the_next_layer() {
    let checkpoint = Tiny { layers: 4, ..Tiny::default() }.checkpoint();
    let mut looked = 0;
    let progress = &mut async |done: usize, total: usize| {
        looked += 1;
        assert!(done <= total);
        if looked == 2 { Err(ModelError::Cancelled) } else { Ok(()) }
    };
    let outcome = block_on(Runner::load(checkpoint, "tiny.gguf", None, progress));
    assert!(matches!(outcome, Err(ModelError::Cancelled)));
    assert_eq!(looked, 2);
}
