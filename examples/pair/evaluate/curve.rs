//! What changes while tuning goes on: `cargo run --release --example pair -- curve`.

use std::error::Error;
use std::path::{Path, PathBuf};

use serde::Serialize;
use shiftlens::explain::statistics::Summary;
use shiftlens::protocol::Template;

use super::finding::EXPLAINED;
use super::{ANSWER, Model, Plan, Weights, held_out, ids};
use crate::instruct::{Example, Split};
use crate::train::{self, BASE, TUNED};

/// Instructions whose responses are scored, and those that are put to each checkpoint.
const SCORED: usize = 105;
const ASKED: usize = 105;

/// A checkpoint on the way; step 0 is the base.
#[derive(Serialize)]
struct Point {
    step: usize,
    /// Of held-out combinations, asked in the template.
    followed: f64,
    /// The leading components' angle to the base's, degrees.
    angle: f64,
    /// The share of heads' strongest pairs that is kept.
    kept: f64,
    /// The instruction score of the finished model's responses, in the template.
    score: Summary,
    /// The same with the prompt as plain text.
    score_plain: Summary,
}

pub fn run(plan: &Plan) -> Result<(), Box<dyn Error>> {
    let stories = train::stories(plan.state)?;
    let base = Model::open(&plan.models.join(BASE), false)?;
    let mut finished = Model::open(&plan.models.join(TUNED), true)?;
    let template = finished.template();
    let mut responses = Vec::new();
    for e in held_out(&stories, plan.seed, Split::Combination, SCORED) {
        let said = ids(&finished.explained(&e.prompt, template.clone(), None, EXPLAINED)?);
        responses.push((e.prompt, said));
    }
    let asked = held_out(&stories, plan.seed, Split::Combination, ASKED);
    let mut points = Vec::new();
    for (step, file) in checkpoints(plan)? {
        let mut model = Model::open(&file, true)?;
        let weights = Weights::of(base.checkpoint(), model.checkpoint(), None)?;
        let point = Point {
            step,
            followed: followed(&mut model, &asked, &template)?,
            angle: weights.angle(),
            kept: weights.kept(),
            score: score(&mut model, &responses, &template)?,
            score_plain: score(&mut model, &responses, &Template::Off)?,
        };
        println!(
            "step {step}: follows {:.1} %, turned by {:.1} degrees, keeps {:.1} % of pairs, score {:.3} +- {:.3} (plain {:.3} +- {:.3})",
            point.followed * 100.0,
            point.angle,
            point.kept * 100.0,
            point.score.mean,
            point.score.deviation,
            point.score_plain.mean,
            point.score_plain.deviation
        );
        points.push(point);
        if let Some(path) = plan.json {
            std::fs::write(path, serde_json::to_string_pretty(&points)?)?;
        }
    }
    Ok(())
}

/// The base, and what training kept in its state, by step.
fn checkpoints(plan: &Plan) -> Result<Vec<(usize, PathBuf)>, Box<dyn Error>> {
    let step = |path: &Path| path.file_stem()?.to_str()?.strip_prefix("step-")?.parse::<usize>().ok();
    let files = std::fs::read_dir(plan.state)?.filter_map(Result::ok).map(|f| f.path());
    let mut found: Vec<(usize, PathBuf)> = files.filter_map(|f| Some((step(&f)?, f))).collect();
    found.push((0, plan.models.join(BASE)));
    found.sort();
    Ok(found)
}

fn followed(model: &mut Model, asked: &[Example], template: &Template) -> Result<f64, Box<dyn Error>> {
    let mut right = 0;
    for e in asked {
        right += usize::from(e.check.accepts(&model.answer_in(&e.prompt, template.clone(), ANSWER)?));
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
