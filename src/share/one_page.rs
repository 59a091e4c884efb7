//! What is on screen as one file of HTML: it opens from a disk, without a network, and words can be chosen in it.

use serde::Serialize;

use super::figure::Figure;
use super::sheet::escaped;
use crate::explain::view::Label;

const PAGE: &str = include_str!("one_page.html");

#[derive(Serialize)]
struct Word<'a> {
    text: &'a str,
    spaced: bool,
    instruction: bool,
}

#[derive(Serialize)]
struct Model<'a> {
    side: &'a str,
    name: &'a str,
    caption: String,
    score: Option<f64>,
    rows: Vec<Word<'a>>,
    columns: Vec<Word<'a>>,
    levels: &'a [Vec<u8>],
    signed: &'a [Vec<f32>],
}

#[derive(Serialize)]
struct Data<'a> {
    count: u8,
    models: Vec<Model<'a>>,
}

fn words(labels: &[Label]) -> Vec<Word<'_>> {
    labels.iter().map(|l| Word { text: &l.text, spaced: l.spaced, instruction: l.instruction }).collect()
}

/// The file, for the figures of one or both models. `prompt` names it.
pub fn one_page(prompt: &str, figures: &[Figure]) -> String {
    let model = |f: &Figure<'_>| f.caption().join(" ");
    let captions: Vec<String> = figures.iter().map(model).collect();
    let models = figures.iter().zip(captions).map(|(f, caption)| Model {
        side: f.side,
        name: &f.report.checkpoint.name,
        caption,
        score: f.view.score,
        rows: words(&f.view.rows),
        columns: words(&f.view.columns),
        levels: &f.view.levels,
        signed: &f.view.signed,
    });
    let data = Data { count: figures.first().map_or(10, |f| f.reading.how.count), models: models.collect() };
    // plain data of our own always has a JSON form; `<` could end the script that holds it
    let data = serde_json::to_string(&data).unwrap_or_default().replace('<', "\\u003c");
    let title: String = prompt.trim().chars().take(90).collect();
    // one pass: what a prompt says is never looked at for placeholders
    let mut out = String::new();
    for (i, part) in PAGE.split("__TITLE__").enumerate() {
        if i > 0 {
            out += &escaped(&title);
        }
        match part.split_once("__DATA__") {
            Some((before, after)) => out.extend([before, &data, after]),
            None => out += part,
        }
    }
    out
}
