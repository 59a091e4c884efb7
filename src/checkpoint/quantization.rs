//! What people call the way in which a checkpoint's weights are stored.

use std::collections::HashMap;

use candle_core::quantized::GgmlDType;

use super::gguf::Value;

/// llama.cpp's names of mixtures, by their number in `general.file_type` (its `llama_ftype`). A mixture of one type is called as the
/// type is.
const MIXTURES: [(i64, &str); 8] = [
    (11, "Q3_K_S"),
    (12, "Q3_K_M"),
    (13, "Q3_K_L"),
    (14, "Q4_K_S"),
    (15, "Q4_K_M"),
    (16, "Q5_K_S"),
    (17, "Q5_K_M"),
    (21, "Q2_K_S"),
];

/// The mixture that a GGUF file says it is.
pub fn file_type(metadata: &HashMap<String, Value>) -> Option<&'static str> {
    let Some(Value::Int(number)) = metadata.get("general.file_type") else { return None };
    MIXTURES.iter().find(|(of, _)| of == number).map(|(_, name)| *name)
}

/// The type that holds most of the weights; the mixture that the file says it is, where that is one of this type. Matrices are
/// given by their types and sizes.
pub fn name(matrices: impl Iterator<Item = (GgmlDType, usize)>, mixture: Option<&'static str>) -> String {
    let mut weights: HashMap<String, usize> = HashMap::new();
    for (dtype, count) in matrices {
        *weights.entry(type_name(dtype)).or_default() += count;
    }
    let most =
        weights.into_iter().max_by_key(|(name, n)| (*n, name.clone())).map_or_else(String::new, |(name, _)| name);
    match mixture {
        Some(mixture) if mixture.rsplit_once('_').is_some_and(|(of, _)| of == most) => mixture.to_owned(),
        _ => most,
    }
}

fn type_name(dtype: GgmlDType) -> String {
    match dtype {
        GgmlDType::Q2K => "Q2_K".into(),
        GgmlDType::Q3K => "Q3_K".into(),
        GgmlDType::Q4K => "Q4_K".into(),
        GgmlDType::Q5K => "Q5_K".into(),
        GgmlDType::Q6K => "Q6_K".into(),
        GgmlDType::Q8K => "Q8_K".into(),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mixture_is_named_where_the_weights_bear_it_out() {
        let most = |types: &[(GgmlDType, usize)], number: i64| {
            let metadata = HashMap::from([("general.file_type".to_owned(), Value::Int(number))]);
            name(types.iter().copied(), file_type(&metadata))
        };
        let mixed = [(GgmlDType::Q4K, 9), (GgmlDType::Q6K, 4)];
        assert_eq!(most(&mixed, 15), "Q4_K_M");
        assert_eq!(most(&mixed, 7), "Q4_K", "a type, and not the one that holds most");
        // a model whose width no block of 256 divides: llama.cpp falls back to other types, and the name says nothing
        assert_eq!(most(&[(GgmlDType::Q5_0, 9), (GgmlDType::Q8_0, 4)], 15), "Q5_0");
        assert_eq!(most(&[(GgmlDType::Q8_0, 1)], 7), "Q8_0");
        assert_eq!(most(&[], 15), "");
        assert_eq!(file_type(&HashMap::new()), None);
    }
}
