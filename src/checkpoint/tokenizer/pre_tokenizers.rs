//! How a text is cut into words before pairs are merged, under the names that llama.cpp gives
//! (`tokenizer.ggml.pre`).

/// A way to cut texts.
#[derive(Debug, Clone, Copy)]
pub(super) struct PreTokenizer {
    names: &'static [&'static str],
    /// Regular expressions, each applied to the pieces that the one before left. What one matches is a piece, and so is what lies
    /// between two matches.
    pub splits: &'static [&'static str],
    /// Whether texts are composed first (NFC). The models' own tokenizers do; llama.cpp does not.
    pub composes: bool,
    /// Whether a whole piece that is a token is taken before anything is merged.
    pub whole: bool,
    /// Whether texts start with BOS where the file does not say.
    pub add_bos: bool,
}

const PLAIN: PreTokenizer = PreTokenizer { names: &[], splits: &[], composes: false, whole: false, add_bos: false };

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN35: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// The models' own; llama.cpp tells only English capitals from small letters.
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// The same with endings as in "I'm", and up to three digits.
const GPT4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// Letters that have case, as DeepSeek lists them: without mathematical ones.
const DEEPSEEK_LETTERS: &str = concat!(
    r"\s?[",
    r"A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}\x{1C4}-\x{293}\x{295}-\x{2AF}",
    r"\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386}\x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1}\x{3A3}-\x{3F5}",
    r"\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556}\x{10A0}-\x{10C5}\x{13A0}-\x{13F5}\x{13F8}-\x{13FD}",
    r"\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF}\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A}\x{1E00}-\x{1F15}",
    r"\x{1F18}-\x{1F1D}\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}\x{1F5B}\x{1F5D}\x{1F5F}-\x{1F7D}",
    r"\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4}\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}",
    r"\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4}\x{1FF6}-\x{1FFC}\x{2102}\x{2107}\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}",
    r"\x{2124}\x{2126}\x{2128}\x{212A}-\x{212D}\x{212F}-\x{2134}\x{2139}\x{213C}-\x{213F}\x{2145}-\x{2149}\x{214E}",
    r"\x{2183}\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4}\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}\x{A640}-\x{A66D}",
    r"\x{A680}-\x{A69B}\x{A722}-\x{A76F}\x{A771}-\x{A787}\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}",
    r"\x{FB13}-\x{FB17}\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A}\x{10400}-\x{1044F}\x{104B0}-\x{104D3}\x{104D8}-\x{104FB}",
    r"\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF}\x{1E900}-\x{1E943}",
    "]+"
);
const HAN_AND_HANGUL: &str = r"[\x{4E00}-\x{9FA5}\x{0800}-\x{4E00}\x{AC00}-\x{D7FF}]+";
const HAN_AND_KANA: &str = r"[\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+";
const DEEPSEEK3: &str = r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##;

const KNOWN: &[PreTokenizer] = &[
    PreTokenizer {
        names: &["default"],
        splits: &[r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"],
        ..PLAIN
    },
    PreTokenizer {
        names: &["gpt-2", "gpt2", "phi-2", "jais", "trillion", "granite-docling", "exaone4", "gigachat", "mellum"],
        splits: &[GPT2],
        ..PLAIN
    },
    PreTokenizer { names: &["olmo", "mpt"], splits: &[GPT2], composes: true, ..PLAIN },
    PreTokenizer {
        names: &["smollm", "starcoder", "refact", "codeshell", "exaone", "minerva-7b", "mellum2"],
        splits: &[r"\p{N}", GPT2],
        ..PLAIN
    },
    PreTokenizer { names: &["command-r"], splits: &[r"\p{N}", GPT2], composes: true, ..PLAIN },
    PreTokenizer { names: &["falcon"], splits: &[r"[\p{P}\$\+<=>\^~\|`]+", GPT2, "[0-9][0-9][0-9]"], ..PLAIN },
    PreTokenizer {
        names: &["llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"],
        splits: &[LLAMA3],
        whole: true,
        add_bos: true,
        ..PLAIN
    },
    PreTokenizer { names: &["dbrx", "smaug-bpe", "chatglm-bpe", "glm4"], splits: &[LLAMA3], ..PLAIN },
    PreTokenizer {
        names: &["qwen2", "deepseek-r1-qwen", "megrez", "kormo"],
        splits: &[QWEN2],
        composes: true,
        ..PLAIN
    },
    PreTokenizer { names: &["stablelm2", "hunyuan", "solar-open", "grok-2"], splits: &[QWEN2], ..PLAIN },
    PreTokenizer { names: &["qwen35"], splits: &[QWEN35], composes: true, ..PLAIN },
    PreTokenizer { names: &["tekken"], splits: &[TEKKEN], whole: true, add_bos: true, ..PLAIN },
    PreTokenizer { names: &["gpt-4o", "llama4", "kanana2", "minimax-m2"], splits: &[GPT4O], ..PLAIN },
    PreTokenizer {
        names: &["deepseek-llm"],
        splits: &[
            "[\r\n]",
            DEEPSEEK_LETTERS,
            r"\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+",
            r"\s+$",
            HAN_AND_HANGUL,
            r"\p{N}+",
        ],
        ..PLAIN
    },
    PreTokenizer {
        names: &["deepseek-coder"],
        splits: &["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", HAN_AND_HANGUL, r"\p{N}"],
        ..PLAIN
    },
    PreTokenizer {
        names: &["deepseek-v3", "hunyuan-dense", "joyai-llm"],
        splits: &[r"\p{N}{1,3}", HAN_AND_KANA, DEEPSEEK3],
        ..PLAIN
    },
];

impl PreTokenizer {
    /// The one that is called `name`.
    pub fn named(name: &str) -> Option<Self> {
        KNOWN.iter().find(|p| p.names.contains(&name)).copied()
    }

    /// All that are known.
    #[cfg(test)]
    fn all() -> impl Iterator<Item = (&'static str, Self)> {
        KNOWN.iter().flat_map(|p| p.names.iter().map(|name| (*name, *p)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use tokenizers::tokenizer::pattern::Pattern;

    use super::*;

    /// The pieces of `text`, divided by bars.
    fn cut(name: &str, text: &str) -> String {
        let mut pieces = vec![text.to_owned()];
        for split in PreTokenizer::named(name).unwrap().splits {
            let regex = tokenizers::utils::SysRegex::new(split).unwrap();
            let cut = |piece: &String| {
                let found = (&regex).find_matches(piece).unwrap();
                found.into_iter().map(|((a, b), _)| piece[a..b].to_owned()).collect::<Vec<_>>()
            };
            pieces = pieces.iter().flat_map(cut).collect();
        }
        pieces.join("¦")
    }

    #[test]
    fn every_name_is_there_once() {
        let names: Vec<&str> = PreTokenizer::all().map(|(name, _)| name).collect();
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
        assert!(PreTokenizer::named("no-such").is_none());
    }

    #[test]
    fn a_text_is_cut_as_its_family_cuts_it() {
        let text = "I'm 1234 Années!\n\n  d'Été 我想1314 x";
        for (name, expected) in [
            ("gpt-2", "I¦'m¦ 1234¦ Années¦!¦\n\n ¦ d¦'¦Été¦ 我想¦1314¦ x"),
            ("smollm", "I¦'m¦ ¦1¦2¦3¦4¦ Années¦!¦\n\n ¦ d¦'¦Été¦ 我想¦1¦3¦1¦4¦ x"),
            ("llama-bpe", "I¦'m¦ ¦123¦4¦ Années¦!\n\n¦ ¦ d¦'Été¦ 我想¦131¦4¦ x"),
            ("qwen2", "I¦'m¦ ¦1¦2¦3¦4¦ Années¦!\n\n¦ ¦ d¦'Été¦ 我想¦1¦3¦1¦4¦ x"),
            ("tekken", "I¦'m¦ ¦1¦2¦3¦4¦ Années¦!\n\n¦ ¦ d¦'Été¦ 我想¦1¦3¦1¦4¦ x"),
            ("gpt-4o", "I'm¦ ¦123¦4¦ Années¦!\n\n¦ ¦ d¦'Été¦ 我想¦131¦4¦ x"),
            ("falcon", "I¦'¦m¦ ¦123¦4¦ Années¦!¦\n\n ¦ d¦'¦Été¦ 我想¦131¦4¦ x"),
            ("default", "I¦'¦m¦ ¦123¦4¦ Années¦!¦\n\n ¦ d¦'¦Été¦ 我想¦131¦4¦ x"),
            // its range of punctuation marks takes in the letters of ASCII
            ("deepseek-llm", "I¦'¦m¦ ¦1234¦ Ann¦é¦es¦!¦\n¦\n¦ ¦ d¦'¦É¦t¦é¦ ¦我想¦1314¦ x"),
            ("deepseek-coder", "I¦'¦m¦ ¦1¦2¦3¦4¦ Années¦!¦\n¦\n¦ ¦ d¦'¦Été¦ ¦我想¦1¦3¦1¦4¦ x"),
            ("deepseek-v3", "I¦'m¦ ¦123¦4¦ Années¦!\n\n¦ ¦ d¦'¦Été¦ ¦我想¦131¦4¦ x"),
        ] {
            assert_eq!(cut(name, text), expected, "{name}");
        }
    }
}
