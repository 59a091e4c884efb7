//! Which hardware computes, and why.

use serde::{Deserialize, Serialize};

/// What the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackendChoice {
    /// The faster of the two that computes rightly.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// The graphics processor, if there is one that computes rightly.
    Gpu,
}

/// What computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// The processor.
    #[default]
    Cpu,
    /// The graphics processor, by its own name.
    Gpu,
}

/// Why it does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// The user asked for it.
    Asked,
    /// The GPU is being tried; until that is decided the processor computes.
    Trying {
        /// Bytes of its memory that the weights take.
        bytes: u64,
    },
    /// It won a short race: milliseconds that a token of a response takes with its column.
    Raced {
        /// The processor's.
        cpu: f64,
        /// The graphics processor's.
        gpu: f64,
    },
    /// The only GPU there is emulated on the processor, which is faster without that.
    Software,
    /// There is no GPU.
    Missing {
        /// What the browser or the driver said, a sentence.
        what: String,
    },
    /// There is one, and it failed: lost, out of memory, too small for the model, or wrong in its self-test.
    Failed {
        /// What happened, a sentence.
        what: String,
    },
}

/// What computes, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackendReport {
    /// What computes.
    pub used: Backend,
    /// The GPU's name, if it was opened.
    pub gpu: Option<String>,
    /// Why.
    pub why: Why,
}

impl BackendReport {
    /// The CPU, as the run asks for what only it computes.
    pub fn cpu() -> Self {
        Self { used: Backend::Cpu, gpu: None, why: Why::Asked }
    }

    /// A short name for exports and badges.
    pub fn name(&self) -> String {
        match (self.used, &self.gpu) {
            (Backend::Gpu, Some(name)) => format!("GPU: {name}"),
            (Backend::Gpu, None) => "GPU".into(),
            (Backend::Cpu, _) => "CPU".into(),
        }
    }

    /// The reason, as a sentence.
    pub fn reason(&self) -> String {
        match &self.why {
            Why::Asked => "As chosen.".into(),
            Why::Trying { bytes } => {
                format!("Trying the GPU: the weights take {:.0} MB of its memory.", *bytes as f64 / 1e6)
            }
            Why::Raced { cpu, gpu } => {
                format!("A token with its attribution takes {cpu:.1} ms on the CPU and {gpu:.1} ms on the GPU.")
            }
            Why::Software => "The only GPU here is emulated by the processor, which is faster by itself.".into(),
            Why::Missing { what } | Why::Failed { what } => what.clone(),
        }
    }
}
