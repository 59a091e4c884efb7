//! What the engines that only pretend answer.

use super::*;

/// What an engine that has `info` loaded says to `run`: a response that names what was asked, and of which model.
pub(super) fn report(info: &CheckpointInfo, run: &Run) -> ModelReport {
    let Prompt::Text { text, turns, .. } = &run.prompt else { panic!("the page sends its prompts as text") };
    let said = match &run.response {
        Response::Own { .. } => vec![token(7, &format!("{} on {text}", info.weights))],
        Response::Text { text } => vec![token(8, text)],
        Response::Ids { ids } => ids.iter().map(|id| token(*id, "again")).collect(),
    };
    let against = match &run.how.against {
        Some(Against::Tokens(ids)) => ids.clone(),
        _ => Vec::new(),
    };
    let unit = Unit { text: text.clone(), tokens: vec![0], span: 0..text.len(), role: Role::User };
    let instruction = run.instruction.clone().unwrap_or_else(|| crate::explain::find_instruction_of(text, turns));
    let mut report = ModelReport {
        checkpoint: info.clone(),
        prompt: vec![PromptToken {
            id: 1,
            text: conversation(text, turns),
            bytes: None,
            span: 0..text.len(),
            role: Role::User,
        }],
        importance: vec![vec![1.0; said.len()]],
        response: said,
        units: vec![unit],
        levels: Vec::new(),
        density: Vec::new(),
        instruction_score: None,
        instruction,
        target: run.target,
        method: run.how.method,
        baseline: run.how.method.has_baseline().then(|| run.how.baseline.clone()),
        steps: None,
        completeness: Vec::new(),
        faithfulness: None,
        against_text: against.iter().map(|id| if *id == 7 { String::new() } else { format!(" other {id}") }).collect(),
        against,
        without: if run.how.interventions.is_empty() { Vec::new() } else { vec![token(7, "without")] },
        interventions: run.how.interventions.clone(),
        by: run.by,
        mode: "forward".into(),
        backend: String::new(),
        seconds: Seconds::default(),
    };
    report.score(Default::default());
    report
}

fn job_of(request: &Request) -> u32 {
    let value = serde_json::to_value(request).unwrap();
    value["job"].as_u64().unwrap() as u32
}

impl Played {
    /// The engine of `side` does its next request; tells whether there was one.
    pub(super) fn work(&mut self, side: Side, fails: bool) -> bool {
        let engine = &mut self.engines[side.index()];
        while engine.queue.front().is_some_and(|(r, _)| matches!(r, Request::Cancel { .. })) {
            engine.queue.pop_front(); // heard when it comes, and nothing to do of its own
        }
        let Some((request, files)) = engine.queue.pop_front() else { return false };
        let cancelled = |job: u32| {
            engine.queue.iter().any(|(r, _)| matches!(r, Request::Cancel { job: cancelled } if *cancelled == job))
        };
        let without = matches!(
            request,
            Request::Load { .. } | Request::List { .. } | Request::CheckGpu { .. } | Request::Ask { .. }
        );
        if !without && engine.model.is_none() {
            let job = job_of(&request);
            self.hear(side, Event::Failed { job, failure: Failure::NotLoaded });
            return true;
        }
        let event = match request {
            Request::Load { job, source } => return self.do_load(side, job, &source, fails),
            Request::Run { job, .. }
            | Request::Heads { job, .. }
            | Request::Words { job, .. }
            | Request::CheckPicture { job, .. }
                if cancelled(job) =>
            {
                Event::Failed { job, failure: Failure::Cancelled }
            }
            Request::CheckPicture { job, .. } if fails => {
                Event::Failed { job, failure: Failure::Model(ModelError::OtherPicture) }
            }
            Request::CheckPicture { job, run, .. } => methods::checked(job, engine.model.as_ref(), &run),
            Request::Tokenize { job, text } => methods::tokenized(job, engine.model.as_ref(), &text),
            Request::Text { job, .. } if cancelled(job) || fails => Event::Failed { job, failure: Failure::Cancelled },
            Request::Text { job, question } => {
                let name = engine.model.as_ref().map_or("", |m| &m.info.weights);
                Event::Text { job, answer: Box::new(text::answer(name, question)) }
            }
            Request::CheckGpu { job } if cancelled(job) => Event::Failed { job, failure: Failure::Cancelled },
            Request::CheckGpu { job } => Event::Checked { job, gpu: "a GPU".into(), checked: Vec::new() },
            Request::Ask { job, .. } if fails => {
                Event::Failed { job, failure: Failure::Network { url: String::new(), message: "no network".into() } }
            }
            Request::Ask { job, url, .. } => hubs::answer(job, &url),
            Request::List { job } if fails => Event::Failed { job, failure: Failure::NotLoaded },
            Request::List { job } => Event::Listed { job, entries: Vec::new(), results: 1, free: None },
            Request::Prepare { job, prompt, .. } => {
                let Prompt::Text { text, turns, .. } = prompt else { panic!("the page sends its prompts as text") };
                let (span, said) = (0..text.len(), conversation(&text, &turns));
                let token = PromptToken { id: 1, text: said, bytes: None, span, role: Role::User };
                Event::Prepared { job, prompt: vec![token], length: Length::of(1, 256), need: None }
            }
            Request::Run { job, run } => return self.do_run(side, job, &run, fails),
            Request::Words { job, .. } => {
                engine.lexicon = files;
                Event::Words { job, count: 100, vectors: None, judge: None }
            }
            Request::Heads { job, layer, reading } => {
                let name = engine.model.as_ref().map_or("", |m| &m.info.weights);
                let words = format!("{name} {:?} {reading:?}", engine.lexicon);
                let heads = LayerHeads { layer, words, heads: vec![NamedHead::default(); 2] };
                Event::Heads { job, reading, heads: Box::new(heads), judged: None }
            }
            Request::Concepts { job, layer } => {
                let concepts = LayerConcepts { layer, ..LayerConcepts::default() };
                Event::Concepts { job, concepts: Box::new(concepts), judged: None }
            }
            Request::Match { job, base } => {
                let (matches, principal, control) = (Vec::new(), Vec::new(), Default::default());
                let matches = LayerMatches { layer: base.layer, matches, principal, control };
                Event::Matches { job, matches: Box::new(matches) }
            }
            Request::Attention { job, layer, .. } => {
                // the second token's attention is the model's own
                let first = if engine.model.as_ref().is_some_and(|m| m.info.weights == "b") { 0.25 } else { 0.75 };
                let heads = vec![Packed(vec![1.0, first, 1.0 - first])];
                let attention = LayerAttention { layer, tokens: 2, heads, rollout: Packed::default() };
                Event::Attention { job, attention: Box::new(attention) }
            }
            Request::Firing { job, layer, .. } => {
                Event::Firing { job, firing: Box::new(LayerFiring { layer, tokens: Vec::new() }) }
            }
            _ => return true,
        };
        self.hear(side, event);
        true
    }

    /// A load that is past its last look at what was cancelled succeeds all the same.
    fn do_load(&mut self, side: Side, job: u32, source: &Source, fails: bool) -> bool {
        if fails {
            let failure = Failure::Http { url: String::new(), status: 404 };
            self.hear(side, Event::Failed { job, failure });
            return true;
        }
        let model = model(&name_of(source));
        self.engines[side.index()].model = Some(model.clone());
        let (info, template, stored, not_kept) = (Box::new(model.info), model.template, None, None);
        self.hear(side, Event::Loaded { job, info, template, stored, not_kept, memory: 0 });
        true
    }

    fn do_run(&mut self, side: Side, job: u32, run: &Run, fails: bool) -> bool {
        let info = self.engines[side.index()].model.as_ref().expect("a model is loaded before it runs").info.clone();
        let whole = match &run.prompt {
            Prompt::Ids { ids } => text::goes_on(&info, ids, run),
            Prompt::Text { .. } => report(&info, run),
        };
        self.hear(side, Event::Started { job, prompt: whole.prompt.clone(), units: whole.units.clone() });
        let end = match fails {
            true => Event::Failed { job, failure: Failure::Cancelled },
            false => {
                let (token, column) = (whole.response[0].clone(), Some(vec![1.0]));
                self.hear(side, Event::Token { job, token, column });
                Event::Finished { job, report: Box::new(whole), memory: 0, threads: 1 }
            }
        };
        self.hear(side, end);
        true
    }
}
