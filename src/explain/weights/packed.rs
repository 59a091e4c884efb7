//! Many numbers in a message or a file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use half::f16;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Numbers that cross as the base64 of half-precision bits, little-endian: a quarter of their size as decimal text, and
/// as exact as a comparison needs (3 digits).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Packed(pub Vec<f32>);

impl Packed {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Packed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect();
        STANDARD.encode(bytes).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)?;
        let (pairs, rest) = bytes.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(D::Error::custom("an odd number of bytes"));
        }
        Ok(Self(pairs.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_to_three_digits() {
        let numbers = Packed(vec![0.0, 1.0, -0.123_456, 3.2e-4, 812.3]);
        let text = serde_json::to_string(&numbers).unwrap();
        let back: Packed = serde_json::from_str(&text).unwrap();
        assert!(numbers.0.iter().zip(&back.0).all(|(a, b)| (a - b).abs() <= 1e-3 * a.abs()), "{back:?}");
        assert!(serde_json::from_str::<Packed>("\"AAA=\"").is_ok());
        assert!(serde_json::from_str::<Packed>("\"AAAA\"").is_err());
    }
}
