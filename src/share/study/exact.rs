//! Many numbers in a file, none of them rounded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Numbers that are kept as the base64 of their bits, little-endian: exact, and half as long as in decimals.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Exact(pub Vec<f32>);

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|v| v.to_le_bytes()).collect();
        STANDARD.encode(bytes).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)?;
        let (numbers, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(D::Error::custom("a number is cut short"));
        }
        Ok(Self(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_they_were() {
        let numbers = Exact(vec![0.0, -0.0, 0.1, f32::MIN_POSITIVE, -3.402e38]);
        let text = serde_json::to_string(&numbers).unwrap();
        let back: Exact = serde_json::from_str(&text).unwrap();
        assert!(numbers.0.iter().zip(&back.0).all(|(a, b)| a.to_bits() == b.to_bits()), "{back:?}");
        assert_eq!(back.0.len(), 5);
        assert!(serde_json::from_str::<Exact>("\"AAAA\"").is_err());
        assert!(serde_json::from_str::<Exact>("\"%\"").is_err());
    }
}
