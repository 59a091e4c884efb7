//! The JSON export (documented in README): one or two explained runs with what produced them.

use serde::{Deserialize, Serialize};

use crate::explain::ModelReport;

/// The format's version.
pub const VERSION: u32 = 1;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Export {
    /// [`VERSION`].
    pub version: u32,
    /// What wrote it.
    #[serde(default)]
    pub generator: String,
    /// What the user typed.
    #[serde(default)]
    pub prompt: String,
    /// The runs.
    pub models: Models,
}

/// The two slots.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Models {
    /// The base model's run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<ModelReport>,
    /// The tuned model's run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuned: Option<ModelReport>,
}

impl Export {
    /// An export of this version.
    pub fn new(prompt: String, models: Models) -> Self {
        Self { version: VERSION, generator: format!("shiftlens {}", env!("CARGO_PKG_VERSION")), prompt, models }
    }
}
