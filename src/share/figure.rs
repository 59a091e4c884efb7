//! A run's matrix as a figure for a paper, with a caption that says what it is; the same as a table.

use super::graph::{Graph, Key, Layout, Panel, Poster};
use super::screen::{Reading, Scale};
use super::sheet::{Legend, Sheet, level_colour, shorter, signed_colour};
use super::window::Window;
use crate::checkpoint::Turn;
use crate::checkpoint::conversation::explained_turns;
use crate::explain::ModelReport;
use crate::explain::methods::{How, Method};
use crate::explain::view::View;
use crate::explain::weights::graph::Origin;

/// How wide a graph is drawn in a file, pixels.
const GRAPH: f32 = 640.0;

/// In which form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Drawn {
    /// Rows and columns of cells.
    Matrix,
    /// Ribbons between words.
    Graph {
        /// Whose they are.
        origin: Origin,
        /// How wide one of strength 1 is, pixels; the same for both models.
        unit: f32,
        /// The response words that are drawn.
        seen: Window,
    },
}

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
    /// The conversation that the prompt is a part of, if it is one.
    pub turns: &'a [Turn],
    /// The largest magnitude of both models: one scale for both.
    pub extent: f32,
    /// The day, as it is to be printed.
    pub date: &'a str,
    /// In which form.
    pub drawn: Drawn,
}

impl Figure<'_> {
    /// Pair, method, settings and day, in a sentence or two.
    pub fn caption(&self) -> Vec<String> {
        let (r, how) = (self.report, self.reading.how);
        let values = match self.reading.scale {
            Scale::Levels => {
                format!("Levels 1 to {} of each column's largest value, up to {} left out.", how.count, how.floor)
            }
            Scale::Signed => format!("Signed values; the largest magnitude on the scale is {:.3e}.", self.extent),
        };
        let score =
            self.view.score.map_or_else(String::new, |s| format!(" Instruction score {s:.2} (p = {}).", how.norm));
        let turns = explained_turns(self.turns).map_or_else(String::new, |words| format!(" {words}"));
        let others = self.view.other_rows().map_or_else(String::new, |words| format!(" {words}"));
        let places = match self.drawn {
            Drawn::Matrix => "Importance of each prompt word (rows) for each response word (columns)",
            Drawn::Graph { .. } => "Importance of prompt words (left) for response words (right)",
        };
        vec![
            format!(
                "{} ({}, {}), {} model.",
                r.checkpoint.name,
                r.checkpoint.file,
                r.checkpoint.quantization,
                self.side.to_lowercase()
            ),
            format!("{places}: {}, {} mode.{turns}{others}", r.what(), r.mode),
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
        match self.reading.scale {
            Scale::Levels => {
                let (level, count) = (self.view.levels[row][column], self.reading.how.count.max(1));
                level_colour(f32::from(level) / f32::from(count))
            }
            Scale::Signed => signed_colour(self.view.signed[row][column] / self.extent.max(f32::MIN_POSITIVE)),
        }
    }

    /// What is drawn.
    fn sheet<R>(&self, f: impl FnOnce(&Sheet) -> R) -> R {
        let fill = |n: usize, m: usize| self.fill(n, m);
        let [lowered, raised] = signed_ends(Some(self.report), &How::default());
        let tip = |n: usize, m: usize| format!("level {}, {:.4e}", self.view.levels[n][m], self.view.signed[n][m]);
        f(&Sheet {
            title: format!("{}: {}", self.side, self.report.checkpoint.name),
            rows: &self.view.rows,
            columns: &self.view.columns,
            fill: &fill,
            tip: &tip,
            legend: match self.reading.scale {
                Scale::Levels => Legend::Levels("least", "most influence"),
                Scale::Signed => Legend::Signed(&lowered, &raised),
            },
            caption: self.caption().join(" "),
        })
    }

    /// The run as a graph, with its legend.
    fn poster<R>(&self, (origin, unit, seen): (Origin, f32, Window), f: impl FnOnce(&Poster) -> R) -> R {
        let graph = Graph::of(self.view, &self.reading, self.extent, seen, origin);
        let layout = Layout::of(&graph, GRAPH, unit);
        let keys = ribbon_keys(Some(self.report), &How::default(), origin, self.reading.scale);
        let legend: Vec<Key> = keys.iter().map(|(kind, words)| (*kind, words.as_str())).collect();
        let part = match graph.columns.len() {
            drawn if drawn == self.view.columns.len() => String::new(),
            _ => format!(" Words {} to {} of {} of the response.", seen.start + 1, seen.end, self.view.columns.len()),
        };
        let ribbons = format!("{} of {} ribbons drawn.{part}", graph.ribbons.len(), graph.all);
        f(&Poster {
            title: format!("{}: {}", self.side, self.report.checkpoint.name),
            panels: vec![Panel { heading: String::new(), layout: &layout }],
            legend,
            differs: false,
            caption: format!("{} {ribbons}", self.caption().join(" ")),
        })
    }

    /// Width and height.
    pub fn size(&self) -> (f32, f32) {
        match self.drawn {
            Drawn::Matrix => self.sheet(|s| s.size()),
            Drawn::Graph { origin, unit, seen } => self.poster((origin, unit, seen), |p| p.size()),
        }
    }

    /// The matrix and its legend alone, for a slide.
    pub fn bare(&self) -> String {
        self.sheet(|s| Sheet { title: String::new(), caption: String::new(), ..*s }.svg())
    }

    /// The SVG.
    pub fn svg(&self) -> String {
        match self.drawn {
            Drawn::Matrix => self.sheet(|s| s.svg()),
            Drawn::Graph { origin, unit, seen } => self.poster((origin, unit, seen), |p| p.svg()),
        }
    }

    /// The matrix as CSV: a row for each of the prompt's, with signed values and levels by turns. Fails on what cannot be encoded.
    pub fn csv(&self) -> Result<String, csv::Error> {
        let names = self
            .view
            .columns
            .iter()
            .flat_map(|c| [format!("{} (value)", c.text.trim()), format!("{} (level)", c.text.trim())]);
        let head = ["prompt", "in the instruction", "density"].map(str::to_owned);
        let rows = self.view.rows.iter().enumerate().map(|(n, label)| {
            let cells = (0..self.view.columns.len())
                .flat_map(move |m| [self.view.signed[n][m].to_string(), self.view.levels[n][m].to_string()]);
            let head =
                [label.text.trim().to_owned(), label.instruction.to_string(), format!("{:.6}", self.view.density[n])];
            head.into_iter().chain(cells)
        });
        super::csv(head.into_iter().chain(names), rows)
    }
}

/// By which method a picture is, and whether it sets words against others: of `report`, or of a run asked for by `how` that is not
/// finished.
fn kind(report: Option<&ModelReport>, how: &How) -> (Method, bool) {
    report.map_or((how.method, how.against.is_some()), |r| (r.method, !r.against.is_empty()))
}

/// What the ends of signed colours mean in the picture of `report`, or of a run asked for by `how` that is not finished.
pub fn signed_ends(report: Option<&ModelReport>, how: &How) -> [String; 2] {
    let ends = match (report.and_then(ModelReport::why), kind(report, how)) {
        (Some(why), _) => {
            let [this, that] = why.words_of();
            return [format!("spoke for \"{that}\""), format!("spoke for \"{this}\"")];
        }
        (None, (_, true)) => ["spoke for the other word", "spoke for the word itself"],
        (None, (Method::GradientNorm, _)) => ["", "could move the word's probability most"],
        _ => ["lowered the word's probability", "raised it"],
    };
    ends.map(str::to_owned)
}

/// A kind of ribbon (whose, whether it lowers, whether it is one of a difference), with what it means.
pub type RibbonKey = ((Origin, bool, bool), String);

/// What the ribbons of `origin` mean in the picture of `report`, or of a run asked for by `how` that is not finished.
pub fn ribbon_keys(report: Option<&ModelReport>, how: &How, origin: Origin, scale: Scale) -> Vec<RibbonKey> {
    let stronger = || vec![((origin, false, false), "wider and more solid: more influence".to_owned())];
    let [lowered, raised] = match kind(report, how) {
        _ if scale == Scale::Levels => return stronger(),
        (Method::GradientNorm, _) => return stronger(),
        (_, true) => signed_ends(report, how),
        _ => ["lowered it", "raised the word's probability"].map(str::to_owned),
    };
    vec![((origin, false, false), raised), ((origin, true, false), format!("{lowered} (dotted)"))]
}

/// What a dotted ribbon of a difference means, of signed values in such a picture; none where values have no sign.
pub fn dotted(report: Option<&ModelReport>, how: &How) -> Option<String> {
    let [lowered, _] = signed_ends(report, how);
    (kind(report, how).0 != Method::GradientNorm).then(|| format!("dotted: {lowered}"))
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
    use crate::checkpoint::Speaker;
    use crate::checkpoint::conversation::compose;
    use crate::explain::By;
    use crate::explain::attribution::Against;
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
            spans: &[],
            template_row: false,
            columns: &columns,
            response: &report.response,
            instruction: report.instruction.clone(),
        };
        let view = present(&source, reading.by, reading.how);
        let extent = view.extent();
        let (turns, date, drawn) = (&[][..], "2026-11-21", Drawn::Matrix);
        f(&Figure { side: "Tuned", report: &report, view: &view, reading, turns, extent, date, drawn })
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
    fn a_graph_is_a_figure_too() {
        for scale in [Scale::Levels, Scale::Signed] {
            with("a <b> & \"c\"", scale, |f| {
                let (origin, seen) = (Origin::Tuned, Window::all(f.view.columns.len()));
                let graph = Figure { drawn: Drawn::Graph { origin, unit: 6.0, seen }, ..*f };
                let svg = graph.svg();
                let drawn = Graph::of(f.view, &f.reading, f.extent, seen, Origin::Tuned);
                assert!(!drawn.ribbons.is_empty() && svg.matches("data-ribbon").count() == drawn.ribbons.len());
                assert!(svg.contains(&format!("{} of {} ribbons drawn.", drawn.ribbons.len(), drawn.all)));
                assert!(svg.contains("a &lt;b&gt; &amp; &quot;c&quot;") && svg.contains("(left)"));
                assert_eq!(graph.size().0, GRAPH + 32.0);
                let part =
                    Figure { drawn: Drawn::Graph { origin, unit: 6.0, seen: Window { start: 1, end: 4 } }, ..*f };
                assert!(part.svg().contains(&format!("Words 2 to 4 of {}", f.view.columns.len())));
                let ends = svg.matches("</").count() + svg.matches("/>").count();
                assert_eq!(svg.matches('<').count() - svg.matches("</").count(), ends, "every element is closed");
            });
        }
    }

    /// A legend says what this picture's values are, not what most pictures' are.
    #[test]
    fn a_graph_of_signed_values_says_what_they_mean() {
        with("x", Scale::Signed, |f| {
            let mut report = f.report.clone();
            let (origin, seen) = (Origin::Tuned, Window::all(f.view.columns.len()));
            let drawn = Drawn::Graph { origin, unit: 6.0, seen };
            report.against = report.response.iter().map(|t| t.id).collect();
            report.against_text = vec![String::new(); report.response.len()];
            (report.against[1], report.against_text[1]) = (9, " <other>".into());
            let contrast = Figure { report: &report, drawn, ..*f }.svg();
            assert!(contrast.contains("spoke for &quot;&lt;other&gt;&quot;"), "{contrast}");
            assert!(!contrast.contains("raised"), "{contrast}");
            let norm = ModelReport { method: Method::GradientNorm, ..f.report.clone() };
            let norm = Figure { report: &norm, drawn, ..*f }.svg();
            assert!(!norm.contains("raised") && !norm.contains("lowered"), "a norm has no sign: {norm}");
        });
    }

    /// Before a run is finished, what was asked says it.
    #[test]
    fn a_legend_knows_what_was_asked_for() {
        let contrast = How { against: Some(Against::Tokens(vec![3])), ..How::default() };
        assert_eq!(signed_ends(None, &contrast), ["spoke for the other word", "spoke for the word itself"]);
        assert_eq!(dotted(None, &contrast).as_deref(), Some("dotted: spoke for the other word"));
        let norm = How { method: Method::GradientNorm, ..How::default() };
        assert_eq!((signed_ends(None, &norm)[0].as_str(), dotted(None, &norm)), ("", None));
        assert_eq!(signed_ends(None, &How::default())[1], "raised it");
        // a picture that is there is what it says itself, whatever is asked next
        with("x", Scale::Signed, |f| {
            assert_eq!(signed_ends(Some(f.report), &contrast)[1], "raised it");
            assert!(ribbon_keys(Some(f.report), &contrast, Origin::Tuned, Scale::Signed)[0].1.starts_with("raised"));
        });
    }

    #[test]
    fn a_caption_says_that_the_prompt_is_part_of_a_conversation() {
        let (_, turns) = compose(&[(Speaker::System, "Be kind.", false), (Speaker::User, "Hi", true)]);
        with("x", Scale::Levels, |f| {
            assert!(!f.svg().contains("conversation"));
            let figure = Figure { turns: &turns, ..*f };
            assert!(figure.svg().contains("Only turn 2 of a conversation of 2 turns is explained."));
        });
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
