//! What changes while tuning goes on: `cargo run --release --example pair -- curve`.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::Serialize;
use shiftlens::explain::statistics::Summary;
use shiftlens::protocol::Template;

use super::finding::EXPLAINED;
use super::{Model, Plan, Read, Weights, answer_limit, held_out, ids, plot};
use crate::instruct::{Example, Split};
use crate::train::{self, BASE, TUNED};

/// Instructions that are put to each checkpoint, and whose responses, those of the finished model, are scored.
const ASKED: usize = 105;

/// A checkpoint on the way; step 0 is the base.
#[derive(Serialize)]
pub struct Point {
    pub step: usize,
    /// Of held-out combinations, asked in the template.
    pub followed: f64,
    /// The leading components' angle to the base's, degrees.
    pub angle: f64,
    /// The share of heads' strongest pairs that is kept.
    pub kept: f64,
    /// The instruction score of the finished model's responses, in the template.
    pub score: Summary,
    /// The same with the prompt as plain text.
    pub score_plain: Summary,
}

pub fn run(plan: &Plan, picture: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let stories = train::stories(plan.state)?;
    let asked = held_out(&stories, plan.seed, Split::Combination, ASKED);
    let mut finished = Model::open(&plan.models.join(TUNED), true)?;
    let template = finished.template();
    let mut responses = Vec::new();
    for e in &asked {
        let said = ids(&finished.explained(&e.prompt, template.clone(), None, EXPLAINED)?);
        responses.push((e.prompt.clone(), said));
    }
    let base = Read::of(Model::open(&plan.models.join(BASE), false)?.checkpoint())?;
    let work = Mutex::new(checkpoints(plan)?.into_iter());
    let next = || work.lock().ok().and_then(|mut left| left.next());
    let worker = || -> Result<Vec<Point>, String> {
        let mut points = Vec::new();
        while let Some((step, file)) = next() {
            let found = point(step, &file, &base, &asked, &responses, &template).map_err(|e| e.to_string())?;
            println!("{found}");
            points.push(found);
        }
        Ok(points)
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let parts: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..cores).map(|_| scope.spawn(worker)).collect();
        running.into_iter().map(|r| r.join()).collect()
    });
    let mut points = Vec::new();
    for part in parts {
        points.extend(part.map_err(|_| "a thread failed")??);
    }
    points.sort_by_key(|p| p.step);
    if let Some(path) = plan.json {
        std::fs::write(path, serde_json::to_string_pretty(&points)?)?;
    }
    if let Some(path) = picture {
        std::fs::write(path, plot::svg(&points))?;
    }
    Ok(())
}

fn point(
    step: usize,
    file: &Path,
    base: &Read,
    asked: &[Example],
    responses: &[(String, Vec<u32>)],
    template: &Template,
) -> Result<Point, Box<dyn Error>> {
    let mut model = Model::open(file, true)?;
    let weights = Weights::between(base, &Read::of(model.checkpoint())?, None)?;
    Ok(Point {
        step,
        followed: followed(&mut model, asked, template)?,
        angle: weights.angle(),
        kept: weights.kept(),
        score: score(&mut model, responses, template)?,
        score_plain: score(&mut model, responses, &Template::Off)?,
    })
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (inside, plain) = (&self.score, &self.score_plain);
        write!(
            f,
            "step {}: follows {:.1} %, turned by {:.1} degrees, keeps {:.1} % of pairs, score {:.3} +- {:.3} (plain {:.3} +- {:.3})",
            self.step,
            self.followed * 100.0,
            self.angle,
            self.kept * 100.0,
            inside.mean,
            inside.deviation,
            plain.mean,
            plain.deviation
        )
    }
}

/// A checkpoint is taken if it has this many times the steps of the one before it: most happens early.
const APART: f64 = 1.25;

/// The base, and of what training kept in its state some checkpoints and the last, by step.
fn checkpoints(plan: &Plan) -> Result<Vec<(usize, PathBuf)>, Box<dyn Error>> {
    let step = |path: &Path| path.file_stem()?.to_str()?.strip_prefix("step-")?.parse::<usize>().ok();
    let files = std::fs::read_dir(plan.state)?.filter_map(Result::ok).map(|f| f.path());
    let mut found: Vec<(usize, PathBuf)> = files.filter_map(|f| Some((step(&f)?, f))).collect();
    found.sort();
    let last = found.last().map_or(0, |f| f.0);
    let mut taken = vec![(0, plan.models.join(BASE))];
    for (step, file) in found {
        let before = taken.last().map_or(0, |t| t.0);
        if step == last || step as f64 >= APART * before as f64 {
            taken.push((step, file));
        }
    }
    Ok(taken)
}

fn followed(model: &mut Model, asked: &[Example], template: &Template) -> Result<f64, Box<dyn Error>> {
    let mut right = 0;
    for e in asked {
        right += usize::from(e.check.accepts(&model.answer_in(&e.prompt, template.clone(), answer_limit(e))?));
    }
    Ok(right as f64 / asked.len().max(1) as f64)
}

fn score(model: &mut Model, responses: &[(String, Vec<u32>)], template: &Template) -> Result<Summary, Box<dyn Error>> {
    let mut scores = Vec::new();
    for (prompt, said) in responses.iter().filter(|r| !r.1.is_empty()) {
        scores.extend(model.explained(prompt, template.clone(), Some(said), EXPLAINED)?.instruction_score);
    }
    Ok(Summary::of(&scores))
}
