//! A finished checkpoint as the evaluation asks it.

use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;

use shiftlens::checkpoint::{Checkpoint, FileBytes};
use shiftlens::explain::ModelReport;
use shiftlens::explain::attribution::{Mode, Sampling};
use shiftlens::model::block_on;
use shiftlens::protocol::{Prompt, Response, Run, Template};
use shiftlens::worker::{Runner, Update};

use crate::network::BOS;

pub struct Model {
    runner: Runner,
    pub tuned: bool,
}

impl Model {
    /// `tuned`: whether it is asked in its chat template.
    pub fn open(path: &Path, tuned: bool) -> Result<Self, Box<dyn Error>> {
        let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let checkpoint = Checkpoint::open(FileBytes::open_set(path)?)?;
        Ok(Self { runner: Runner::load_at_once(checkpoint, &name)?, tuned })
    }

    fn run(&mut self, prompt: Prompt, response: Response, mode: Mode) -> Result<ModelReport, Box<dyn Error>> {
        let run = Run { mode, ..Run::by_token(prompt, response) };
        let mut quiet = async |_: Update| ControlFlow::Continue(());
        Ok(block_on(self.runner.run(&run, || 0.0, &mut quiet))?)
    }

    /// How each model is asked: the tuned one in its template, the base by the text and a new line.
    fn asked(&self, prompt: &str) -> Prompt {
        match self.tuned {
            true => Prompt::text(prompt.to_owned(), Template::Own),
            false => Prompt::text(format!("{prompt}\n"), Template::Off),
        }
    }

    /// The greedy answer.
    pub fn answer(&mut self, prompt: &str, limit: usize) -> Result<String, Box<dyn Error>> {
        let response = Response::Own { limit, sampling: Sampling::default() };
        Ok(text(&self.run(self.asked(prompt), response, Mode::Off)?))
    }

    /// The greedy answer in a template that is given.
    pub fn answer_in(&mut self, prompt: &str, template: Template, limit: usize) -> Result<String, Box<dyn Error>> {
        let response = Response::Own { limit, sampling: Sampling::default() };
        Ok(text(&self.run(Prompt::text(prompt.to_owned(), template), response, Mode::Off)?))
    }

    /// A continuation of plain text.
    pub fn goes_on(&mut self, start: &str, limit: usize, sampling: Sampling) -> Result<String, Box<dyn Error>> {
        self.drawn(Prompt::text(start.to_owned(), Template::Off), limit, sampling)
    }

    /// An answer.
    pub fn tells(&mut self, prompt: &str, limit: usize, sampling: Sampling) -> Result<String, Box<dyn Error>> {
        self.drawn(self.asked(prompt), limit, sampling)
    }

    fn drawn(&mut self, prompt: Prompt, limit: usize, sampling: Sampling) -> Result<String, Box<dyn Error>> {
        Ok(text(&self.run(prompt, Response::Own { limit, sampling }, Mode::Off)?))
    }

    /// The sum of -log p over the tokens of `document`, and their number.
    pub fn surprise(&mut self, document: &str) -> Result<(f64, usize), Box<dyn Error>> {
        let ids = self.runner.checkpoint().tokenizer()?.encode(document)?.iter().map(|p| p.id).collect();
        let report = self.run(Prompt::Ids { ids: vec![BOS] }, Response::Ids { ids }, Mode::Off)?;
        let sum = report.response.iter().map(|t| -f64::from(t.probability.max(1e-30)).ln()).sum();
        Ok((sum, report.response.len()))
    }

    /// The explained run of the greedy answer, or of given ids. The prompt is read as plain text unless there is a
    /// template.
    pub fn explained(
        &mut self,
        prompt: &str,
        template: Template,
        response: Option<&[u32]>,
        limit: usize,
    ) -> Result<ModelReport, Box<dyn Error>> {
        let response = match response {
            Some(ids) => Response::Ids { ids: ids.to_vec() },
            None => Response::Own { limit, sampling: Sampling::default() },
        };
        self.run(Prompt::text(prompt.to_owned(), template), response, Mode::Auto)
    }

    pub fn checkpoint(&self) -> &Checkpoint {
        self.runner.checkpoint()
    }

    /// The chat template, for a model that has none of its own.
    pub fn template(&self) -> Template {
        let source = self.runner.checkpoint().chat_template.as_ref().map(|t| t.source().to_owned());
        source.map_or(Template::Off, |source| Template::Given { source })
    }
}

/// What was said, without the token that ends it.
pub fn text(report: &ModelReport) -> String {
    // characters of several tokens are put together again
    let said = report.response.iter().filter(|t| t.id != BOS);
    let bytes = said.flat_map(|t| t.bytes.clone().unwrap_or_else(|| t.text.clone().into_bytes()));
    String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).trim().to_owned()
}

/// The ids of what was said, without the token that ends it.
pub fn ids(report: &ModelReport) -> Vec<u32> {
    report.response.iter().map(|t| t.id).filter(|id| *id != BOS).collect()
}
