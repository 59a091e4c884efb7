//! A matrix as a figure for a paper: SVG with text that stays text, a legend in words, and a caption that says what it is.

use std::fmt::Write;

use super::screen::{Reading, Scale};
use crate::explain::view::View;
use crate::explain::{ModelReport, Role};
use crate::model::head::Target;

/// The page's own colours, light (`public/style.css`), as print asks for them.
const LEVELS: [&str; 10] =
    ["#eef1fb", "#dfe5f8", "#cdd7f4", "#b8c6ef", "#a0b3e8", "#859ddf", "#6a86d3", "#506ec3", "#3856ae", "#243f92"];
const RAISED: [f32; 3] = [196.0, 96.0, 26.0];
const LOWERED: [f32; 3] = [33.0, 102.0, 172.0];
const INK: &str = "#1b1d21";
const FAINT: &str = "#565b64";
const LINE: &str = "#e0dfda";

const CELL: (f32, f32) = (26.0, 18.0);
const LEFT: f32 = 120.0;
const TOP: f32 = 96.0;
const FONT: &str = "font-family=\"Inter,Helvetica,Arial,sans-serif\"";

/// What is drawn.
pub struct Figure<'a> {
    /// "Base", "Tuned".
    pub side: &'a str,
    /// The run.
    pub report: &'a ModelReport,
    /// Its matrix as it is read.
    pub view: &'a View,
    /// How it is read.
    pub reading: Reading,
    /// The largest magnitude of both models: one scale for both.
    pub extent: f32,
    /// The day, as it is to be printed.
    pub date: &'a str,
}

/// Text within markup.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push('⏎'),
            // what XML does not know
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

fn shorter(text: &str, most: usize) -> String {
    let text = text.trim();
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

impl Figure<'_> {
    /// Pair, method, settings and day, in a sentence or two.
    pub fn caption(&self) -> Vec<String> {
        let (r, how) = (self.report, self.reading.how);
        let target = match r.target {
            Target::Prob => "probability",
            Target::Logprob => "log-probability",
            Target::Logit => "logit",
        };
        let values = match self.reading.scale {
            Scale::Levels => {
                format!("Levels 1 to {} of each column's largest value, up to {} left out.", how.count, how.floor)
            }
            Scale::Signed => format!("Signed values; the largest magnitude on the scale is {:.3e}.", self.extent),
        };
        let score =
            self.view.score.map_or_else(String::new, |s| format!(" Instruction score {s:.2} (p = {}).", how.norm));
        vec![
            format!(
                "{} ({}, {}), {} model.",
                r.checkpoint.name,
                r.checkpoint.file,
                r.checkpoint.quantization,
                self.side.to_lowercase()
            ),
            format!(
                "Importance of each word of the prompt (rows) for each of the response (columns): gradient x input of the {target}, {} mode.",
                r.mode
            ),
            format!("{values}{score}"),
            format!(
                "Made with Shiftlens {}, {}. Weights {}. Method: Wu et al., NAACL 2024 (arXiv 2310.00492).",
                env!("CARGO_PKG_VERSION"),
                self.date,
                shorter(&r.checkpoint.weights, 12)
            ),
        ]
    }

    fn fill(&self, row: usize, column: usize) -> Option<String> {
        let count = u32::from(self.reading.how.count.max(1));
        match self.reading.scale {
            Scale::Levels => {
                let level = u32::from(self.view.levels[row][column]);
                (level > 0).then(|| LEVELS[((level * 10).div_ceil(count).clamp(1, 10) - 1) as usize].to_owned())
            }
            Scale::Signed => {
                let share = self.view.signed[row][column] / self.extent.max(f32::MIN_POSITIVE);
                let strength = share.abs().min(1.0).sqrt() * 0.85;
                let hue = if share > 0.0 { RAISED } else { LOWERED };
                let mixed = hue.map(|c| (255.0 + (c - 255.0) * strength).round());
                (strength > 0.02).then(|| format!("rgb({},{},{})", mixed[0], mixed[1], mixed[2]))
            }
        }
    }

    /// Width and height.
    pub fn size(&self) -> (f32, f32) {
        let (rows, columns) = (self.view.rows.len(), self.view.columns.len());
        let width = (LEFT + columns as f32 * CELL.0 + 40.0).max(640.0);
        (width, TOP + rows as f32 * CELL.1 + 56.0 + 16.0 * self.caption_lines(width).len() as f32)
    }

    /// The caption in lines that fit.
    fn caption_lines(&self, width: f32) -> Vec<String> {
        let most = (width / 6.0) as usize;
        let mut lines: Vec<String> = vec![String::new()];
        for word in self.caption().join(" ").split(' ') {
            let last = lines.len() - 1;
            if !lines[last].is_empty() && lines[last].chars().count() + 1 + word.chars().count() > most {
                lines.push(word.to_owned());
            } else {
                let gap = if lines[last].is_empty() { "" } else { " " };
                let _ = write!(lines[last], "{gap}{word}");
            }
        }
        lines
    }

    /// The SVG.
    pub fn svg(&self) -> String {
        let (width, height) = self.size();
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" {FONT} font-size=\"12\">\
             <title>{}</title><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>",
            escaped(&self.caption().join(" "))
        );
        let _ = write!(
            out,
            "<text x=\"16\" y=\"22\" font-size=\"14\" font-weight=\"600\" fill=\"{INK}\">{}: {}</text>",
            escaped(self.side),
            escaped(&self.report.checkpoint.name)
        );
        for (m, label) in self.view.columns.iter().enumerate() {
            let (x, y) = (LEFT + (m as f32 + 0.5) * CELL.0, TOP - 6.0);
            let _ = write!(
                out,
                "<text transform=\"translate({x},{y}) rotate(-50)\" fill=\"{INK}\">{}</text>",
                escaped(&shorter(&label.text, 12))
            );
        }
        for (n, label) in self.view.rows.iter().enumerate() {
            let y = TOP + n as f32 * CELL.1;
            let weight = if label.instruction { " text-decoration=\"underline\"" } else { "" };
            let fill = if label.role == Role::User { INK } else { FAINT };
            let _ = write!(
                out,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"{fill}\"{weight}>{}</text>",
                LEFT - 8.0,
                y + 13.0,
                escaped(&shorter(&label.text, 16))
            );
            for m in 0..self.view.columns.len() {
                let fill = self.fill(n, m).unwrap_or_else(|| "#fff".into());
                let _ = write!(
                    out,
                    "<rect x=\"{}\" y=\"{y}\" width=\"{}\" height=\"{}\" fill=\"{fill}\" stroke=\"{LINE}\" stroke-width=\".6\"><title>{} → {}: level {}, {:.4e}</title></rect>",
                    LEFT + m as f32 * CELL.0,
                    CELL.0,
                    CELL.1,
                    escaped(label.text.trim()),
                    escaped(self.view.columns[m].text.trim()),
                    self.view.levels[n][m],
                    self.view.signed[n][m]
                );
            }
        }
        let below = TOP + self.view.rows.len() as f32 * CELL.1 + 14.0;
        self.legend(&mut out, below);
        for (i, line) in self.caption_lines(width).iter().enumerate() {
            let _ = write!(
                out,
                "<text x=\"16\" y=\"{}\" font-size=\"11\" fill=\"{FAINT}\">{}</text>",
                below + 40.0 + 16.0 * i as f32,
                escaped(line)
            );
        }
        out + "</svg>"
    }

    fn legend(&self, out: &mut String, y: f32) {
        let (left, right, colours): (_, _, Vec<String>) = match self.reading.scale {
            Scale::Levels => ("came from it least", "most", LEVELS.iter().map(|c| (*c).to_owned()).collect()),
            Scale::Signed => {
                let colour = |i: i32| {
                    let (hue, strength) = (if i > 0 { RAISED } else { LOWERED }, (i.abs() as f32 / 5.0).sqrt() * 0.85);
                    let mixed = hue.map(|c| (255.0 + (c - 255.0) * strength).round());
                    format!("rgb({},{},{})", mixed[0], mixed[1], mixed[2])
                };
                ("lowered the word's probability", "raised it", (-5..=5).map(colour).collect())
            }
        };
        let text = |x: f32, anchor: &str, words: &str| {
            format!(
                "<text x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\" font-size=\"11\" fill=\"{FAINT}\">{words}</text>",
                y + 10.0
            )
        };
        let start = 200.0;
        *out += &text(start - 8.0, "end", left);
        for (i, colour) in colours.iter().enumerate() {
            let _ = write!(
                out,
                "<rect x=\"{}\" y=\"{y}\" width=\"14\" height=\"12\" fill=\"{colour}\"/>",
                start + 14.0 * i as f32
            );
        }
        *out += &text(start + 14.0 * colours.len() as f32 + 8.0, "start", right);
    }

    /// The matrix as CSV: a row for each of the prompt's, with signed values and levels by turns. Fails on what cannot be encoded.
    pub fn csv(&self) -> Result<String, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let names = self
            .view
            .columns
            .iter()
            .flat_map(|c| [format!("{} (value)", c.text.trim()), format!("{} (level)", c.text.trim())]);
        writer.write_record(
            ["prompt".to_owned(), "in the instruction".into(), "density".into()].into_iter().chain(names),
        )?;
        for (n, label) in self.view.rows.iter().enumerate() {
            let cells = (0..self.view.columns.len())
                .flat_map(|m| [self.view.signed[n][m].to_string(), self.view.levels[n][m].to_string()]);
            let head =
                [label.text.trim().to_owned(), label.instruction.to_string(), format!("{:.6}", self.view.density[n])];
            writer.write_record(head.into_iter().chain(cells))?;
        }
        let bytes = writer.into_inner().map_err(|e| e.into_error())?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// How the page is cited, as BibTeX.
pub fn citation(address: &str, year: &str) -> String {
    format!(
        "@software{{shiftlens,\n  title = {{Shiftlens: what instruction tuning changed in a language model}},\n  version = {{{}}},\n  year = {{{year}}},\n  url = {{{address}}}\n}}\n\
         @inproceedings{{wu2024language,\n  title = {{From Language Modeling to Instruction Following: Understanding the Behavior Shift in {{LLM}}s after Instruction Tuning}},\n  author = {{Wu, Xuansheng and Yao, Wenlin and Chen, Jianshu and Pan, Xiaoman and Wang, Xiaoyang and Liu, Ninghao and Yu, Dong}},\n  booktitle = {{NAACL}},\n  year = {{2024}}\n}}\n",
        env!("CARGO_PKG_VERSION")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::By;
    use crate::explain::view::{Source, present};
    use crate::share::{Export, presets::PRESETS};

    fn with<R>(prompt: &str, scale: Scale, f: impl FnOnce(&Figure) -> R) -> R {
        let path = format!("{}/public/{}", env!("CARGO_MANIFEST_DIR"), PRESETS[0].file());
        let export: Export = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut report = export.models.tuned.unwrap();
        report.checkpoint.name = prompt.to_owned();
        let columns: Vec<Vec<f32>> =
            (0..report.response.len()).map(|m| report.importance.iter().map(|r| r[m]).collect()).collect();
        let reading = Reading { by: By::Word, scale, ..Reading::default() };
        let source = Source {
            text: &export.prompt,
            units: &report.units,
            by: report.by,
            columns: &columns,
            response: &report.response,
            instruction: report.instruction.clone(),
        };
        let view = present(&source, reading.by, reading.how);
        let extent = view.extent();
        f(&Figure { side: "Tuned", report: &report, view: &view, reading, extent, date: "2026-11-21" })
    }

    #[test]
    fn a_figure_is_well_formed_whatever_its_words() {
        for scale in [Scale::Levels, Scale::Signed] {
            let svg = with("a <b> & \"c\" \u{1}\u{FFFF}", scale, |f| f.svg());
            assert!(svg.contains("a &lt;b&gt; &amp; &quot;c&quot; \u{FFFD}\u{FFFD}"));
            let plain = svg.replace("&lt;", "").replace("&gt;", "");
            assert_eq!(plain.matches("<text").count(), plain.matches("</text>").count());
            let cells = with("x", scale, |f| f.view.rows.len() * f.view.columns.len());
            assert_eq!(svg.matches("<title>").count(), 1 + cells);
        }
    }

    #[test]
    fn the_table_holds_every_value() {
        with("x", Scale::Levels, |f| {
            let text = f.csv().unwrap();
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
            assert_eq!(rows.len(), f.view.rows.len());
            for (row, values) in rows.iter().zip(&f.view.signed) {
                let read: Vec<f32> = row.iter().skip(3).step_by(2).map(|v| v.parse().unwrap()).collect();
                assert_eq!(&read, values);
            }
        });
    }
}
