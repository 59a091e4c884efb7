//! What tuning changed on a text, with engines that pretend: what they say names the models and the tokens that they were asked
//! about.

use super::*;
use crate::explain::contributions::Contributions;
use crate::explain::divergence::TokenDivergence;
use crate::explain::lens::Lens;
use crate::model::cpu::{Contribution, Source as From};
use crate::model::head::{Candidate, Choice};
use crate::page::text::{Command as Ask, Missing, Part, Subject, Task};
use crate::protocol::Template;
use crate::protocol::text::{Answer, Question};

fn choice(id: u32) -> Choice {
    Choice { probability: 0.5, rank: 1, entropy: 1.0, top: vec![Candidate { id, probability: 0.5 }] }
}

/// What the engine that has the model `name` says. The models part at the response's second token.
pub fn answer(name: &str, question: Question) -> Answer {
    match question {
        Question::Rows { response, .. } => Answer::Rows { vocabulary: response.len() },
        Question::Divergence { before, response, .. } => {
            let one = |(at, id): (usize, &u32)| TokenDivergence {
                id: *id,
                kl_tuned_base: at as f64,
                kl_base_tuned: 1.0,
                base: choice(100 + at as u32),
                tuned: choice(100 + at as u32 * 2),
            };
            let spelled = vec![(0, format!("{name} {before:?} {response:?}"))];
            Answer::Divergence { tokens: response.iter().enumerate().map(one).collect(), spelled }
        }
        Question::Lens { before, token, .. } => {
            let parts = vec![Contribution { source: From::Embedding, value: before.len() as f32 }];
            let contributions = Contributions { token, against: None, logit: before.len() as f32, parts };
            let lens = Lens { token, readings: vec![choice(0); LAYERS + 1] };
            Answer::Lens { lens, contributions, spelled: vec![(0, format!("{name} at {before:?}"))] }
        }
    }
}

/// How a model goes on after these ids.
pub fn goes_on(info: &CheckpointInfo, ids: &[u32], run: &Run) -> ModelReport {
    let prompt = Prompt::text("", Default::default());
    let report = report(info, &Run { prompt, response: Response::Text { text: String::new() }, ..run.clone() });
    ModelReport { response: vec![token(9, &format!("{} after {ids:?}", info.weights))], ..report }
}

impl Played {
    fn tell_text(&mut self, command: Ask) {
        self.tell(Msg::Text(command));
    }

    fn text(&self) -> &Text {
        &self.page.text
    }

    /// What is shown of the text is of the models and the run that are there.
    pub(super) fn check_text(&self) {
        let text = self.text();
        let Some(subject) = text.subject.as_deref().filter(|_| *text.open) else { return };
        let now = Subject::of(self.round(), Some(subject.whose), &self.page.facts);
        assert_eq!(now.as_ref(), Ok(subject));
        let [(base, _), (tuned, _)] = &subject.models;
        let ids: Vec<u32> = subject.ids().collect();
        if let Some(said) = text.comparison.spelled.get(&0) {
            assert_eq!(said, &format!("{tuned} {:?} {ids:?}", subject.prompt));
        }
        let at = text.comparison.parting();
        for (said, name) in
            text.comparison.continuations.iter().zip([base, tuned]).filter_map(|(s, n)| Some((s.as_ref()?, n)))
        {
            assert_eq!(said, &format!("{name} after {:?}", subject.before(at.unwrap())));
        }
        for (half, name) in text.lenses.halves.iter().zip([base, tuned]).filter_map(|(h, n)| Some((h.as_ref()?, n))) {
            assert_eq!(half.said(0).unwrap().0, format!("{name} at {:?}", subject.before(text.lenses.token)));
        }
        if let Some(Ok(cells)) = &text.cells.found {
            assert_eq!(cells.response, ids);
        }
    }

    /// Nothing is missing that was asked for and has not failed.
    pub(super) fn check_text_at_rest(&self) {
        let text = self.text();
        assert_eq!(*text.working, None);
        assert_eq!(*text.progress, [None, None]);
        let Some(subject) = text.subject.as_deref().filter(|_| *text.open) else { return };
        let has_template = self.page.facts.model(Side::Tuned).is_some_and(|m| m.template.is_some());
        if text.cells.wanted && has_template && !text.failures.contains_key(&Part::Cells) {
            assert_eq!((text.cells.done(), text.cells.found.is_some()), (4, true));
        }
        if !text.failures.contains_key(&Part::Comparison) {
            assert!(text.comparison.is_read(subject));
            let parts = text.comparison.parting().is_some();
            assert_eq!(text.comparison.continuations.each_ref().map(Option::is_some), [parts; 2]);
        }
    }
}

fn asked(played: &Played, side: Side) -> Vec<&Request> {
    let of_text = |r: &&Request| match r {
        Request::Text { .. } => true,
        Request::Run { run, .. } => matches!(run.prompt, Prompt::Ids { .. }),
        _ => false,
    };
    played.asked[side.index()].iter().filter(of_text).collect()
}

/// Three tokens that both models explain.
fn with_text() -> Played {
    let mut played = Played::with_both();
    played.run(&spec("Say it.", Whose::Tuned));
    played.finish();
    let three: Vec<ResponseToken> = (5..8).map(|id| token(id, "word")).collect();
    for side in Side::BOTH {
        let half = played.page.runs.round.half_mut(side);
        half.response = three.clone();
        half.report.as_mut().unwrap().response = three.clone();
    }
    played
}

#[test]
fn nothing_is_computed_before_the_panel_is_opened() {
    let mut played = with_text();
    played.finish();
    assert!(asked(&played, Side::Base).is_empty() && asked(&played, Side::Tuned).is_empty());
    played.tell_text(Ask::Open(true));
    assert_eq!(asked(&played, Side::Base).len(), 1);
    assert_eq!(*played.text().working, Some(Part::Comparison));
    // closed again, it is stopped
    played.tell_text(Ask::Open(false));
    assert_eq!((*played.text().working, played.page.ledger.open_jobs(Side::Base).count()), (None, 0));
    played.finish();
    assert!(played.text().comparison.tokens.is_empty());
}

#[test]
fn rows_go_from_one_engine_to_the_other_and_both_go_on_where_they_part() {
    let mut played = with_text();
    played.tell_text(Ask::Open(true));
    let Some(Request::Text { question: Question::Rows { before, response }, .. }) = asked(&played, Side::Base).first()
    else {
        panic!()
    };
    assert_eq!((before.as_slice(), response.as_slice()), ([1].as_slice(), [5, 6, 7].as_slice()));
    assert!(asked(&played, Side::Tuned).is_empty(), "it waits for the rows");
    played.work(Side::Base, false);
    assert!(matches!(
        asked(&played, Side::Tuned)[0],
        Request::Text { question: Question::Divergence { response, .. }, .. } if response == &[5, 6, 7]
    ));
    played.finish();
    let text = played.text();
    assert_eq!((text.comparison.tokens.len(), text.comparison.parting(), *text.token), (3, Some(1), Some(1)));
    let said = |side: Side| text.comparison.continuations[side.index()].clone().unwrap();
    assert_eq!((said(Side::Base), said(Side::Tuned)), ("b after [1, 5]".into(), "t after [1, 5]".into()));
    played.check_text_at_rest();
}

#[test]
fn what_was_found_leaves_with_its_run_and_with_its_models() {
    let mut played = with_text();
    played.tell_text(Ask::Open(true));
    played.finish();
    assert_eq!(played.text().comparison.tokens.len(), 3);
    // another run takes its place: nothing stands under it that is not its own
    played.run(&spec("Say more.", Whose::Tuned));
    assert!(played.text().comparison.tokens.is_empty() && played.text().subject.is_none());
    assert_eq!(*played.text().missing, Some(Missing::Running));
    played.finish();
    assert_eq!(played.text().comparison.tokens.len(), 1);
    played.check_text();
    // and so does another model
    played.load(Side::Base, "other");
    played.finish();
    played.check_text();
    assert_eq!(played.text().subject.as_ref().unwrap().models[0].0, "other");
    played.tell_text(Ask::Whose(Side::Base));
    assert_eq!(*played.text().missing, Some(Missing::OtherModel(Side::Base)));
}

/// The base read its prompt in the template of the tuned model that was there then, whatever is there now.
#[test]
fn the_caption_says_how_the_prompt_was_read_by_its_run() {
    let mut played = Played::default();
    played.load(Side::Base, "x");
    played.load(Side::Tuned, "y");
    let own = spec("Say it.", Whose::Own);
    played.run(&RunSpec { options: Options { chat: Chat::Both, ..own.options.clone() }, ..own });
    played.finish();
    let report = played.page.runs.round.half_mut(Side::Base).report.as_mut().unwrap();
    let framing = PromptToken { text: "<user>".into(), role: Role::Template, span: 0..0, ..report.prompt[0].clone() };
    report.prompt.push(framing);
    played.tell_text(Ask::Open(true));
    played.tell_text(Ask::Whose(Side::Base));
    played.finish();
    let caption = |played: &Played| played.text().subject.as_ref().unwrap().caption();
    assert!(caption(&played).contains("in its chat template"), "{}", caption(&played));
    // a tuned model without a template takes the place of the one that had it
    played.load(Side::Tuned, "t");
    played.finish();
    assert!(caption(&played).contains("in its chat template"), "{}", caption(&played));
}

#[test]
fn a_mark_in_the_prompt_changes_nothing_of_it() {
    let mut played = with_text();
    played.tell_text(Ask::Open(true));
    played.finish();
    let before = asked(&played, Side::Base).len();
    played.tell(Msg::Edit(editor::Command::Prompt("Say it.".into())));
    played.tell(Msg::Edit(editor::Command::Mark(Some(0..3))));
    played.finish();
    assert_eq!((asked(&played, Side::Base).len(), played.text().comparison.tokens.len()), (before, 3));
}

#[test]
fn other_tokens_cannot_be_compared_and_the_panel_says_so() {
    let mut played = with_text();
    let mut other = model("b");
    other.info.tokenizer = "syllables".into();
    other.info.vocab = 300;
    played.page.facts.set(Side::Base, Some(other));
    played.tell_text(Ask::Open(true));
    played.finish();
    assert_eq!(*played.text().missing, Some(Missing::OtherTokens { vocabularies: [300, 0] }));
    assert!(played.text().missing.unwrap().words().contains("split text into different tokens"));
    assert!(asked(&played, Side::Base).is_empty());
}

#[test]
fn what_kills_an_engine_is_not_asked_again_by_itself() {
    let mut played = with_text();
    played.tell_text(Ask::Open(true));
    played.crash_and_load(Side::Base);
    played.finish();
    let text = played.text();
    assert!(text.comparison.tokens.is_empty());
    assert_eq!(text.failures.get(&Part::Comparison), Some(&Failure::Crashed("boom".into())));
    played.tell_text(Ask::GoOn);
    played.finish();
    assert_eq!(played.text().comparison.tokens.len(), 3);
}

#[test]
fn it_can_be_stopped_and_gone_on_with() {
    let mut played = with_text();
    played.tell_text(Ask::Open(true));
    played.work(Side::Base, false);
    played.tell_text(Ask::Stop);
    played.finish();
    assert_eq!(played.text().failures.get(&Part::Comparison), Some(&Failure::Cancelled));
    assert!(played.text().comparison.tokens.is_empty());
    played.tell_text(Ask::GoOn);
    played.finish();
    assert_eq!(played.text().comparison.tokens.len(), 3);
}

#[test]
fn layers_are_of_the_chosen_token() {
    let mut played = with_text();
    played.tell_text(Ask::Open(true));
    played.finish();
    played.tell_text(Ask::Layers(true));
    played.finish();
    assert_eq!((played.text().lenses.token, played.text().lenses.parts_at()), (1, None));
    played.check_text();
    // another token is chosen while one is being read: that one is let go
    played.tell_text(Ask::Choose(2));
    played.tell_text(Ask::Choose(0));
    let open: Vec<_> = played.page.ledger.open_jobs(Side::Tuned).map(|(_, purpose)| purpose).collect();
    assert_eq!(open, [Purpose::Text(Task::Layers(0))]);
    played.finish();
    assert_eq!(played.text().lenses.token, 0);
    assert!(played.text().lenses.halves.iter().all(Option::is_some));
    played.check_text();
}

#[test]
fn four_runs_on_one_response_make_up_the_cells() {
    let mut played = Played::default();
    played.load(Side::Base, "x");
    played.load(Side::Tuned, "y");
    played.run(&spec("Say it.", Whose::Own));
    played.finish();
    played.tell_text(Ask::Open(true));
    played.finish();
    assert_eq!(played.text().cells.done(), 0, "not before they are asked for");
    let before = played.asked.each_ref().map(Vec::len);
    played.tell_text(Ask::Cells);
    played.finish();
    let given = Template::Given { source: "a template".into() };
    for side in Side::BOTH {
        let runs = played.asked[side.index()][before[side.index()]..].iter().map(|request| match request {
            Request::Run { run: Run { prompt: Prompt::Text { template, text, .. }, response, by, .. }, .. } => {
                assert_eq!((text.as_str(), response, *by), ("Say it.", &Response::Ids { ids: vec![7] }, By::Token));
                template
            }
            other => panic!("{other:?}"),
        });
        assert_eq!(runs.collect::<Vec<_>>(), [&Template::Off, &given]);
    }
    let cells = played.text().cells.found.clone().unwrap().unwrap();
    assert_eq!((cells.tokens.len(), cells.left_out, cells.response.as_slice()), (1, 0, [7].as_slice()));
    // other levels, another instruction: read anew, not run anew
    let mut reading = *played.page.facts.editor.reading;
    reading.how.floor = 0;
    let runs = |played: &Played| {
        let run = |r: &&Request| matches!(r, Request::Run { .. });
        played.asked.iter().flatten().filter(run).count()
    };
    let asked = runs(&played);
    played.tell(Msg::Edit(editor::Command::Reading(reading)));
    played.finish();
    assert_eq!((played.text().cells.levels().floor, runs(&played)), (0, asked));
    assert!(played.text().cells.found.is_some());
    played.check_text();
}

#[test]
fn without_a_template_there_are_no_cells() {
    let mut played = with_text();
    played.tell_text(Ask::Open(true));
    played.tell_text(Ask::Cells);
    played.finish();
    assert_eq!((played.text().cells.done(), played.text().failures.len()), (0, 0));
}
