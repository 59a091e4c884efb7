//! Storage types by the names that files carry.

/// A storage type as files are named by it.
pub(super) struct Storage {
    /// Its usual name.
    pub name: &'static str,
    /// Bits a weight, all tensors of such a file together.
    pub bits: f64,
    /// The nearer to the published weights, the lower; beyond 8 bits more is only longer.
    pub rank: u8,
    /// Whether the engine reads it.
    pub read: bool,
}

const fn known(name: &'static str, bits: f64, rank: u8) -> Storage {
    Storage { name, bits, rank, read: true }
}

const fn unread(name: &'static str) -> Storage {
    Storage { name, bits: 4.0, rank: u8::MAX, read: false }
}

/// All of them.
const STORAGES: [Storage; 49] = [
    known("Q8_0", 8.5, 0),
    known("Q6_K", 6.6, 1),
    known("Q6_K_L", 6.9, 1),
    known("Q5_K_M", 5.7, 2),
    known("Q5_K_L", 5.9, 2),
    known("Q5_K_S", 5.5, 3),
    known("Q5_K", 5.7, 2),
    known("Q5_1", 6.0, 3),
    known("Q5_0", 5.5, 4),
    known("Q4_K_M", 4.85, 5),
    known("Q4_K_L", 5.1, 5),
    known("Q4_K_XL", 5.1, 5),
    known("Q4_K", 4.85, 5),
    known("Q4_1", 5.0, 6),
    known("Q4_K_S", 4.6, 7),
    known("Q4_0", 4.55, 8),
    known("BF16", 16.0, 9),
    known("F16", 16.0, 10),
    known("F32", 32.0, 11),
    known("Q3_K_XL", 4.4, 12),
    known("Q3_K_L", 4.3, 12),
    known("Q3_K_M", 3.9, 13),
    known("Q3_K", 3.9, 13),
    known("Q3_K_S", 3.5, 14),
    known("Q2_K_L", 3.1, 15),
    known("Q2_K_XL", 3.1, 15),
    known("Q2_K", 2.9, 15),
    known("Q2_K_S", 2.7, 16),
    known("Q5_K_XL", 6.0, 2),
    known("Q6_K_XL", 7.0, 1),
    known("Q8_K_XL", 9.5, 9),
    unread("Q4_0_4_4"),
    unread("Q4_0_4_8"),
    unread("Q4_0_8_8"),
    unread("IQ4_XS"),
    unread("IQ4_NL"),
    unread("IQ3_M"),
    unread("IQ3_S"),
    unread("IQ3_XS"),
    unread("IQ3_XXS"),
    unread("IQ2_M"),
    unread("IQ2_S"),
    unread("IQ2_XS"),
    unread("IQ2_XXS"),
    unread("IQ1_M"),
    unread("IQ1_S"),
    unread("TQ1_0"),
    unread("TQ2_0"),
    unread("MXFP4"),
];

/// The type that a file's name says it is stored in: the longest one that stands in it between other signs than letters and
/// digits.
pub(super) fn of_file(path: &str) -> Option<&'static Storage> {
    let stem = path.rsplit('/').next().unwrap_or(path).to_uppercase().replace("FP16", "F16").replace("FP32", "F32");
    let stem = stem.trim_end_matches(".GGUF");
    let stands = |name: &str| {
        stem.match_indices(name).any(|(at, _)| {
            let joins = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
            !joins(stem[..at].chars().next_back()) && !joins(stem[at + name.len()..].chars().next())
        })
    };
    STORAGES.iter().filter(|s| stands(s.name)).max_by_key(|s| s.name.len())
}

/// The type of this name.
pub(super) fn named(name: &str) -> Option<&'static Storage> {
    STORAGES.iter().find(|s| s.name.eq_ignore_ascii_case(name))
}

/// Bits a weight of a file in this type, about; 16 where the name says nothing.
pub fn bits(name: &str) -> f64 {
    named(name).map_or(16.0, |s| s.bits)
}
