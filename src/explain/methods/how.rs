//! Which method a run is asked for, and with what.

use serde::{Deserialize, Serialize};

use super::intervention::{self, Intervention, Of};
use crate::explain::attribution::{Against, Mode};

/// Most nodes of integrated gradients that can be asked for.
pub const MOST_STEPS: usize = 4096;

/// How the importance of a prompt's units is found (docs/method.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Gradient x input: the paper's.
    #[default]
    #[serde(rename = "gradient-x-input")]
    GradientInput,
    /// The gradient's L2 norm: how much the target can move, without a sign.
    GradientNorm,
    /// The gradient along the way from a baseline, times what lies between.
    IntegratedGradients,
    /// What the target loses when a unit is replaced by a baseline.
    Occlusion,
}

impl Method {
    /// The name used in exports and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::GradientInput => "gradient-x-input",
            Self::GradientNorm => "gradient-norm",
            Self::IntegratedGradients => "integrated-gradients",
            Self::Occlusion => "occlusion",
        }
    }

    /// In the words of a caption.
    pub fn words(self) -> &'static str {
        match self {
            Self::GradientInput => "gradient x input",
            Self::GradientNorm => "L2 norm of the gradient",
            Self::IntegratedGradients => "integrated gradients",
            Self::Occlusion => "occlusion",
        }
    }

    /// Whether it compares the prompt with a baseline.
    pub fn has_baseline(self) -> bool {
        matches!(self, Self::IntegratedGradients | Self::Occlusion)
    }
}

/// What stands in place of a prompt token that is taken away.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Baseline {
    /// The mean row of the embedding table.
    #[default]
    Mean,
    /// Zeros.
    Zero,
    /// A padding word: the mean row of its tokens.
    Text(String),
}

impl Baseline {
    /// In the words of a caption.
    pub fn words(&self) -> String {
        match self {
            Self::Mean => "the mean embedding".into(),
            Self::Zero => "zeros".into(),
            Self::Text(text) => format!("{text:?}"),
        }
    }
}

/// How a run's importance is asked for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct How {
    /// By which method.
    #[serde(skip_serializing_if = "is_default")]
    pub method: Method,
    /// What integrated gradients, occlusion and the check of an order put in a token's place.
    #[serde(skip_serializing_if = "is_default")]
    pub baseline: Baseline,
    /// Nodes of integrated gradients; as many as are needed if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
    /// What the response's tokens are set against, if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
    /// Whether the picture is checked by taking units away, and by finite differences.
    #[serde(skip_serializing_if = "is_default")]
    pub check: bool,
    /// What of the models is switched off or scaled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interventions: Vec<Intervention>,
}

impl How {
    /// Whether another method than gradient x input explains a run that is computed in `mode`.
    pub fn is_another(&self, mode: Mode) -> bool {
        self.method != Method::GradientInput && mode != Mode::Off
    }

    /// Whether only the CPU can compute such a run.
    pub fn is_for_cpu(&self) -> bool {
        !self.interventions.is_empty()
    }

    /// What is left of it in `mode`: a run without importance has no method.
    pub fn in_mode(&self, mode: Mode) -> Self {
        Self { method: if self.is_another(mode) { self.method } else { Method::default() }, ..self.clone() }
    }

    /// What a run of the model that `of` names is asked.
    pub fn of_model(&self, of: Of) -> Self {
        Self { interventions: intervention::of_model(&self.interventions, of), ..self.clone() }
    }

    /// The mode that takes as much memory as a run that is asked for in `mode`.
    pub fn mode(&self, mode: Mode) -> Mode {
        match self.method {
            _ if mode == Mode::Off => Mode::Off,
            Method::GradientInput => mode,
            Method::GradientNorm | Method::IntegratedGradients => Mode::Reverse,
            Method::Occlusion => Mode::Off,
        }
    }

    /// Within bounds, where it comes from a file or a link.
    pub fn sound(self) -> Self {
        let steps = self.steps.map(|steps| steps.clamp(1, MOST_STEPS));
        Self { steps, interventions: intervention::sound(self.interventions), ..self }
    }
}

/// Whether nothing but the default is said, which files leave out.
pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
