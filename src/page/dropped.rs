//! What files are that were dropped on the page, by their names.

/// What is to be done with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// Nothing was dropped.
    Nothing,
    /// Results to be shown.
    Results,
    /// A set of prompts to be measured.
    Prompts,
    /// Two checkpoints: which file is the base's, and which the tuned model's.
    Pair {
        /// Its place among the files.
        base: usize,
        /// Its place.
        tuned: usize,
    },
    /// The files of one checkpoint.
    Checkpoint,
}

const PROMPTS: [&str; 4] = [".jsonl", ".ndjson", ".tsv", ".txt"];

/// Two GGUF files are a pair: the one whose name says so is tuned.
pub fn dropped(names: &[String]) -> Dropped {
    let gguf = |name: &String| name.ends_with(".gguf");
    match names {
        [] => Dropped::Nothing,
        [one] if one.ends_with(".shiftlens.json") => Dropped::Results,
        [one] if PROMPTS.iter().any(|end| one.ends_with(end)) => Dropped::Prompts,
        [first, second] if gguf(first) && gguf(second) => {
            let tuned = usize::from(!is_tuned(first) || is_tuned(second));
            Dropped::Pair { base: 1 - tuned, tuned }
        }
        _ => Dropped::Checkpoint,
    }
}

fn is_tuned(name: &str) -> bool {
    let name = name.to_lowercase();
    ["instruct", "chat", "tuned", "-it", "sft", "vicuna"].iter().any(|mark| name.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_what_their_names_say() {
        let what = |names: &[&str]| dropped(&names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>());
        assert_eq!(what(&[]), Dropped::Nothing);
        assert_eq!(what(&["mine.shiftlens.json"]), Dropped::Results);
        assert_eq!(what(&["prompts.jsonl"]), Dropped::Prompts);
        assert_eq!(what(&["prompts.tsv"]), Dropped::Prompts);
        assert_eq!(what(&["a-instruct.gguf", "a.gguf"]), Dropped::Pair { base: 1, tuned: 0 });
        assert_eq!(what(&["a.gguf", "a-chat.gguf"]), Dropped::Pair { base: 0, tuned: 1 });
        assert_eq!(what(&["a.gguf", "b.gguf"]), Dropped::Pair { base: 0, tuned: 1 });
        assert_eq!(what(&["a.gguf"]), Dropped::Checkpoint);
        assert_eq!(what(&["model.safetensors", "config.json", "tokenizer.json"]), Dropped::Checkpoint);
    }
}
