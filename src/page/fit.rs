//! Will it run here? What a pair needs, against what this machine and its browser give, before a byte is fetched.

use std::fmt::{Display, Formatter};

use serde::{Deserialize, Serialize};

use crate::checkpoint::catalogue::{CATALOGUE, ENGINE_MEMORY, GROUPS, Pair, RUN};
use crate::explain::ModelReport;
use crate::explain::attribution::cost;
use crate::explain::methods::Method;
use crate::model::in_words as size;
use crate::wording::models as wording;

/// Seconds that a parameter's work for one row takes until something has been measured: twice what one thread of a slow
/// server took (docs/performance.md: 19.1 s with 134.5 million parameters).
const UNMEASURED: f64 = 5e-10;
/// A run shorter than this says more about everything else than about the engine, seconds.
const TOO_SHORT: f64 = 0.05;
/// Browsers say no more than this, whatever there is.
const MOST_SAID: u64 = 8 << 30;
/// Of a device's memory, what the page may count on: the rest is the system's and the browser's own.
const SHARE: f64 = 0.6;
/// What an engine keeps free for longer prompts than the one that is estimated.
const SPARE: u64 = 256 << 20;

/// A run that has been timed on this machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// How long it took.
    pub seconds: f64,
    /// Parameters times rows of linear work.
    pub work: f64,
    /// The model.
    pub model: String,
    /// What computed.
    pub backend: String,
}

/// What is known of this machine.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Here {
    /// Bytes of its memory as the browser says, which says less than there is: at most 8 GiB.
    pub device: Option<u64>,
    /// The run by which others are estimated.
    pub measured: Option<Measured>,
}

/// What the page learns about the machine.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// What the browser says of its memory, gibibytes.
    Device(Option<f64>),
    /// What an earlier visit measured.
    Recalled(Option<String>),
}

/// How long a run will take.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// Seconds.
    pub seconds: f64,
    /// By which run it is known, and on what; a cautious guess if by none.
    pub by: Option<(String, String)>,
}

/// What one model needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Need {
    /// Bytes of its file.
    pub bytes: u64,
    /// Bytes of memory in a run.
    pub memory: u64,
    /// Longest sequence, tokens, if it is known.
    pub context: Option<u64>,
}

/// Why something will not run, or may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// One model does not fit an engine.
    Engine {
        /// Bytes needed.
        need: u64,
    },
    /// Both models do not fit the device.
    Device {
        /// Bytes needed.
        need: u64,
        /// Bytes there are.
        have: u64,
    },
    /// The model reads too few tokens.
    Context {
        /// How many.
        tokens: u64,
    },
    /// What is downloaded cannot be kept.
    Storage {
        /// Bytes needed.
        need: u64,
        /// Bytes there are.
        have: u64,
    },
}

impl Reason {
    /// Whether it will not run; otherwise it may.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Engine { .. } | Self::Context { .. })
    }
}

impl Display for Reason {
    fn fmt(&self, f: &mut Formatter) -> std::fmt::Result {
        match *self {
            Self::Engine { need } => f.write_str(&wording::engine_too_small(&size(need), &size(ENGINE_MEMORY))),
            Self::Device { need, have } => f.write_str(&wording::device_too_small(&size(need), &size(have))),
            Self::Context { tokens } => f.write_str(&wording::context_too_short(tokens, RUN.0 + RUN.1)),
            Self::Storage { need, have } => f.write_str(&wording::storage_too_small(&size(need), &size(have))),
        }
    }
}

impl Need {
    /// What a pair of the catalogue needs for each model.
    pub fn of(pair: &Pair) -> Self {
        Self { bytes: pair.bytes(), memory: pair.memory(), context: Some(pair.context) }
    }
}

/// Rows of linear work of the run that is estimated.
fn rows() -> f64 {
    let (prompt, response) = (RUN.0 as usize, RUN.1 as usize);
    let firsts: Vec<usize> = (0..GROUPS as usize).map(|g| g * prompt / GROUPS as usize).collect();
    cost(prompt, response, &firsts).0 as f64
}

impl Here {
    /// Takes in what is known.
    pub fn command(&mut self, command: Command) {
        match command {
            Command::Device(gibibytes) => {
                let said = gibibytes.filter(|g| g.is_finite() && *g > 0.0 && *g <= 1024.0);
                self.device = said.map(|g| (g * (1u64 << 30) as f64) as u64);
            }
            Command::Recalled(text) => {
                let sound = |m: &Measured| m.seconds > 0.0 && m.work > 0.0 && (m.seconds / m.work).is_finite();
                let recalled = text.and_then(|text| serde_json::from_str(&text).ok()).filter(sound);
                self.measured = self.measured.take().or(recalled);
            }
        }
    }

    /// Takes in how long a run took; gives what to write down if it tells more than what is known. A run of a larger model is
    /// nearer to what is asked about, and what computes now matters more than what did.
    pub fn learn(&mut self, report: &ModelReport) -> Option<String> {
        let (n, m) = (report.prompt.len(), report.response.len());
        let firsts: Vec<usize> = report.units.iter().filter_map(|u| u.tokens.first().copied()).collect();
        let (forward, reverse) = cost(n, m, &firsts);
        let rows = if report.mode == "reverse" { reverse } else { forward };
        let work = report.checkpoint.parameters as f64 * rows as f64;
        if report.method != Method::default() || report.faithfulness.is_some() {
            return None; // other work than that of the run that is estimated
        }
        let known = self.measured.as_ref().is_some_and(|k| k.backend == report.backend && k.work > 4.0 * work);
        if known || m == 0 || work <= 0.0 || report.seconds.total.is_nan() || report.seconds.total < TOO_SHORT {
            return None;
        }
        let (model, backend) = (report.checkpoint.name.clone(), report.backend.clone());
        let measured = Measured { seconds: report.seconds.total, work, model, backend };
        let text = serde_json::to_string(&measured).ok();
        self.measured = Some(measured);
        text
    }

    /// How long a run of 48 tokens takes with a model of so many parameters.
    pub fn estimate(&self, parameters: u64) -> Estimate {
        let work = parameters as f64 * rows();
        match &self.measured {
            Some(m) => Estimate { seconds: m.seconds / m.work * work, by: Some((m.model.clone(), m.backend.clone())) },
            None => Estimate { seconds: UNMEASURED * work, by: None },
        }
    }

    /// What stands against running two models with this need side by side; `free` bytes may still be stored.
    pub fn reasons(&self, models: [Need; 2], free: Option<u64>) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let most = models.iter().map(|m| m.memory).max().unwrap_or(0);
        if most > ENGINE_MEMORY {
            reasons.push(Reason::Engine { need: most });
        }
        let together: u64 = models.iter().map(|m| m.memory).fold(0, u64::saturating_add);
        if let Some(have) = self.device.filter(|d| *d < MOST_SAID && together as f64 > *d as f64 * SHARE) {
            reasons.push(Reason::Device { need: together, have });
        }
        if let Some(tokens) = models.iter().filter_map(|m| m.context).min().filter(|c| *c < RUN.0 + RUN.1) {
            reasons.push(Reason::Context { tokens });
        }
        let files: u64 = models.iter().map(|m| m.bytes).fold(0, u64::saturating_add);
        if let Some(have) = free.filter(|have| *have < files) {
            reasons.push(Reason::Storage { need: files, have });
        }
        reasons
    }

    /// Bytes that the file of one of two models may have so that both run here.
    pub fn most(&self) -> u64 {
        let engine = ENGINE_MEMORY - SPARE;
        let device = self.device.filter(|d| *d < MOST_SAID).map(|d| (d as f64 * SHARE / 2.0) as u64);
        device.map_or(engine, |d| d.saturating_sub(SPARE / 2).min(engine))
    }

    /// The largest known pair below this one that runs here.
    pub fn nearest(&self, pair: &Pair) -> Option<&'static Pair> {
        let runs = |p: &&Pair| p.parameters < pair.parameters && self.reasons([Need::of(p); 2], None).is_empty();
        CATALOGUE.iter().rfind(runs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::{CheckpointInfo, PromptToken, ResponseToken, Role, Unit};

    fn report(parameters: u64, seconds: f64, backend: &str) -> ModelReport {
        let (prompt, response) = (RUN.0 as usize, RUN.1 as usize);
        let token = PromptToken { id: 1, text: "a".into(), bytes: None, span: 0..1, role: Role::User };
        let said = ResponseToken {
            id: 1,
            text: "a".into(),
            bytes: None,
            probability: 1.0,
            rank: 1,
            entropy: 0.0,
            top: Vec::new(),
            top_text: Vec::new(),
        };
        let unit = |g: u64| Unit {
            text: "a".into(),
            tokens: vec![(g * RUN.0 / GROUPS) as usize],
            span: 0..1,
            role: Role::User,
        };
        let mut report = ModelReport {
            checkpoint: CheckpointInfo { name: "tiny".into(), parameters, ..CheckpointInfo::default() },
            prompt: vec![token; prompt],
            response: vec![said; response],
            units: (0..GROUPS).map(unit).collect(),
            importance: Vec::new(),
            levels: Vec::new(),
            density: Vec::new(),
            instruction_score: None,
            instruction: 0..1,
            target: Default::default(),
            method: Default::default(),
            baseline: None,
            steps: None,
            completeness: Vec::new(),
            faithfulness: None,
            against: Vec::new(),
            against_text: Vec::new(),
            interventions: Vec::new(),
            without: Vec::new(),
            by: Default::default(),
            mode: "forward".into(),
            backend: backend.into(),
            seconds: Default::default(),
        };
        report.seconds.total = seconds;
        report
    }

    #[test]
    fn a_measured_run_is_scaled_by_parameters() {
        let mut here = Here::default();
        let guess = here.estimate(135_000_000);
        assert!(guess.by.is_none() && guess.seconds > 19.1, "cautious: {guess:?}");
        let text = here.learn(&report(10_000_000, 2.0, "CPU")).unwrap();
        let found = here.estimate(100_000_000);
        assert!((found.seconds - 20.0).abs() < 1e-9, "{found:?}");
        assert_eq!(found.by, Some(("tiny".into(), "CPU".into())));
        // the next visit knows it
        let mut next = Here::default();
        next.command(Command::Recalled(Some(text)));
        assert_eq!(next, here);
        // a much smaller model's run says less, unless something else computes
        assert_eq!(here.learn(&report(1_000_000, 9.0, "CPU")), None);
        assert!(here.learn(&report(1_000_000, 0.1, "GPU")).is_some());
        assert!(here.learn(&report(100_000_000, 0.01, "GPU")).is_none(), "too short to tell");
        assert!(here.learn(&report(100_000_000, f64::NAN, "GPU")).is_none());
        for nonsense in ["", "{}", r#"{"seconds":1,"work":0,"model":"","backend":""}"#] {
            let mut here = Here::default();
            here.command(Command::Recalled(Some(nonsense.into())));
            assert_eq!(here.measured, None);
        }
    }

    #[test]
    fn what_does_not_fit_is_said_with_its_reason() {
        let need = |gb: f64| Need { bytes: (gb * 1e9) as u64, memory: (gb * 1e9) as u64, context: Some(2048) };
        let mut here = Here::default();
        assert_eq!(here.reasons([need(3.9); 2], None), []);
        let large = here.reasons([need(1.0), need(6.0)], None);
        assert!(large[0].is_final() && large[0].to_string().contains("needs 6.0 GB"), "{}", large[0]);
        here.command(Command::Device(Some(4.0)));
        assert!(matches!(here.reasons([need(1.5); 2], None)[..], [Reason::Device { .. }]));
        assert_eq!(here.reasons([need(1.2); 2], None), []);
        assert!(here.most() < 1_300_000_000);
        // a browser never says more than 8, so 8 may be any more
        here.command(Command::Device(Some(8.0)));
        assert_eq!(here.reasons([need(3.9); 2], None), []);
        assert!(matches!(here.reasons([need(1.0); 2], Some(1))[..], [Reason::Storage { .. }]));
        let short = Need { context: Some(64), ..need(1.0) };
        assert!(matches!(here.reasons([short, need(1.0)], None)[..], [Reason::Context { tokens: 64 }]));
        for nonsense in [f64::NAN, -1.0, 0.0, 1e300] {
            here.command(Command::Device(Some(nonsense)));
            assert_eq!(here.device, None);
        }
    }

    #[test]
    fn the_nearest_that_runs_is_named() {
        let mut here = Here::default();
        let largest = CATALOGUE.last().unwrap();
        assert_eq!(
            here.reasons([Need::of(largest); 2], None),
            [],
            "all of the catalogue runs on a machine of some size"
        );
        here.command(Command::Device(Some(2.0)));
        assert!(!here.reasons([Need::of(largest); 2], None).is_empty());
        let nearest = here.nearest(largest).unwrap();
        assert!(here.reasons([Need::of(nearest); 2], None).is_empty());
        let above = CATALOGUE.iter().filter(|p| p.parameters > nearest.parameters);
        assert!(above.into_iter().all(|p| !here.reasons([Need::of(p); 2], None).is_empty()));
        assert_eq!(here.nearest(&CATALOGUE[0]), None);
    }
}
