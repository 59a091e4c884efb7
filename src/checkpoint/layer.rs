//! What a decoder layer is made of, as data: where families differ.

/// How queries and keys are normed before they are rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QkNorm {
    /// Not at all.
    #[default]
    None,
    /// Each head for itself, all by one gain of the head's width.
    Head,
    /// The whole projection, by a gain of its width.
    Whole,
}

/// What the gate goes through before it multiplies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Activation {
    /// x times its sigmoid.
    #[default]
    Silu,
    /// GELU in its tanh approximation.
    GeluTanh,
}

/// Which of a block's norms there are: of what it reads, and of what it adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Norms {
    /// Before the block.
    pub before: bool,
    /// After it, before the residual stream takes it in.
    pub after: bool,
}

/// One decoder layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerSpec {
    /// What a query's product with a key is multiplied by.
    pub attention_scale: f32,
    /// Which of the model's tables of frequencies turns queries and keys; none leaves them as they are.
    pub rope: Option<usize>,
    /// A query sees so many positions, its own the last; none sees all before it.
    pub window: Option<usize>,
    /// How queries and keys are normed.
    pub qk_norm: QkNorm,
    /// Around attention.
    pub attention_norms: Norms,
    /// Around the feed-forward block.
    pub ffn_norms: Norms,
    /// In the feed-forward block.
    pub activation: Activation,
    /// What a block adds is multiplied by this.
    pub residual_scale: f32,
}

impl LayerSpec {
    /// llama's, with heads of this width.
    pub fn llama(head_width: usize) -> Self {
        let norms = Norms { before: true, after: false };
        Self {
            attention_scale: 1.0 / (head_width as f32).sqrt(),
            rope: Some(0),
            window: None,
            qk_norm: QkNorm::None,
            attention_norms: norms,
            ffn_norms: norms,
            activation: Activation::Silu,
            residual_scale: 1.0,
        }
    }
}

/// The tensors of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say what they are")]
pub enum Part {
    AttnNorm,
    Queries,
    Keys,
    Values,
    QueryNorm,
    KeyNorm,
    Output,
    AttnPostNorm,
    FfnNorm,
    Gate,
    Up,
    Down,
    FfnPostNorm,
}

impl Part {
    /// All of them, in the order in which a layer uses them.
    pub const ALL: [Self; 13] = [
        Self::AttnNorm,
        Self::Queries,
        Self::Keys,
        Self::Values,
        Self::QueryNorm,
        Self::KeyNorm,
        Self::Output,
        Self::AttnPostNorm,
        Self::FfnNorm,
        Self::Gate,
        Self::Up,
        Self::Down,
        Self::FfnPostNorm,
    ];

    /// As GGUF names it within a layer, which the rest of the house does too.
    pub fn name(self) -> &'static str {
        match self {
            Self::AttnNorm => "attn_norm",
            Self::Queries => "attn_q",
            Self::Keys => "attn_k",
            Self::Values => "attn_v",
            Self::QueryNorm => "attn_q_norm",
            Self::KeyNorm => "attn_k_norm",
            Self::Output => "attn_output",
            Self::AttnPostNorm => "post_attention_norm",
            Self::FfnNorm => "ffn_norm",
            Self::Gate => "ffn_gate",
            Self::Up => "ffn_up",
            Self::Down => "ffn_down",
            Self::FfnPostNorm => "post_ffw_norm",
        }
    }

    /// Whether it is the gain of a norm, not a matrix.
    pub fn is_norm(self) -> bool {
        matches!(
            self,
            Self::AttnNorm | Self::QueryNorm | Self::KeyNorm | Self::AttnPostNorm | Self::FfnNorm | Self::FfnPostNorm
        )
    }

    /// Whether a layer of this kind has it.
    pub fn is_in(self, spec: &LayerSpec) -> bool {
        match self {
            Self::AttnNorm => spec.attention_norms.before,
            Self::AttnPostNorm => spec.attention_norms.after,
            Self::FfnNorm => spec.ffn_norms.before,
            Self::FfnPostNorm => spec.ffn_norms.after,
            Self::QueryNorm | Self::KeyNorm => spec.qk_norm != QkNorm::None,
            _ => true,
        }
    }

    /// The name of its tensor in layer `layer`.
    pub fn tensor(self, layer: usize) -> String {
        format!("blk.{layer}.{}.weight", self.name())
    }
}
