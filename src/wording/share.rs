//! What leaves the page, and what comes to it: links, files, figures, pictures that were sent.

use super::numbers::thousands;

pub const SHARE: &str = "Share";
pub const ABOUT: &str = "The link contains the picture itself. Whoever opens it sees it at once, without loading a model, and nothing is stored on a server.";
pub const LINK: &str = "Link";
pub const COPY: &str = "Copy";
pub const COPIED: &str = "Copied.";
pub const COPY_BY_HAND: &str = "The browser blocked copying. The link is selected: press Ctrl+C.";
pub const LONGER_LINK: &str = "Longer link, with signed values to 8 bits (some chat programs cut it)";
pub const AS_EXERCISE: &str = "As an exercise: whoever opens it guesses first which words mattered";

/// What a link of so many characters carries; `steps` is how finely signed values are rounded, if it has any.
pub fn carries(characters: usize, steps: Option<u32>) -> String {
    let values = match steps {
        Some(steps) => format!("levels exactly, signed values to 1/{steps} of each word's largest"),
        None => "levels exactly, and no signed values".to_owned(),
    };
    format!("{} characters: pair, prompt, responses, settings, the selection, {values}.", thousands(characters as u64))
}

pub const FILES: &str = "Files";
pub const ABOUT_FILES: &str =
    "The complete run, with everything that produced it. Drop the file on the page to see it again.";
pub const DOWNLOAD_RESULTS: &str = "Download .shiftlens.json";
pub const OPEN_A_FILE: &str = "Open a file";
pub const A_RESULTS_FILE: &str = "A .shiftlens.json file";
pub fn too_large(file: &str) -> String {
    format!("{file} is too large to be a Shiftlens results file. Choose one that ends in .shiftlens.json.")
}

pub const FOR_A_PROJECTOR: &str = "For a projector";
pub const QR_CODE: &str = "QR code of the link";
pub const SAME_LINK: &str = "The same link, to photograph";
pub const SETTINGS_ONLY: &str =
    "The picture is too large for a QR code: this one holds the prompt and settings, and the phone computes the rest.";

/// Figures and tables.
pub const FIGURES_AND_TABLES: &str = "Figures and tables";
pub const ABOUT_FIGURES: &str = "The matrix as shown now, with legend and caption; CSV with values and levels";
pub const SVG: &str = "SVG";
pub const PNG: &str = "PNG";
pub const CSV: &str = "CSV";
pub const BOTH: &str = "Both";
pub const ONE_PAGE: &str = "Interactive HTML file";
pub const CITE: &str = "Copy as citation (BibTeX)";
pub const SAVE: &str = "Save";
pub const THIS_PICTURE: &str = "this picture";
pub const NOT_DRAWN: &str = "This browser could not draw the picture. Save it as SVG instead.";

/// What every caption ends with: which models, as [`model`] says them, the version and the day.
pub fn provenance(base: Option<&str>, tuned: Option<&str>, version: &str, day: &str) -> String {
    let of = |label: &str, model: Option<&str>| model.map_or_else(String::new, |model| format!("{label}: {model}. "));
    let pair = of("Base", base) + &of("Tuned", tuned);
    format!("{pair}Made with Shiftlens {version}, {day}. Method: Wu et al., NAACL 2024 (arXiv 2310.00492).")
}
pub fn model(name: &str, file: &str, quantization: &str) -> String {
    format!("{name} ({file}, {quantization})")
}

/// What was sent.
pub const BY_LINK: &str = "a link";
/// Where it came from, with which models, and how exact its signed values are: see [`Values`].
pub fn sent(from: &str, models: &[&str], values: Values) -> String {
    let kept = match values {
        Values::All => String::new(),
        Values::LevelsOnly => " It contains the levels only, not the signed values.".to_owned(),
        Values::Rounded(steps) => format!(" Signed values are rounded to 1/{steps} of each word's largest."),
    };
    format!("From {from}: computed elsewhere, with {}.{kept}", models.join(" and "))
}

/// What a picture that was sent holds of the signed values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    All,
    LevelsOnly,
    Rounded(u32),
}

pub const DISMISS: &str = "Dismiss";
pub const LOADING: &str = "Loading the models…";
pub const RECOMPUTING: &str = "Recomputing…";
pub const RECOMPUTE: &str = "Recompute here";
pub const OWN_FILE: &str =
    "This was computed with the sender's own file. Choose the same file under Change to recompute it.";
pub fn download_and_recompute(hosts: &str) -> String {
    format!("Download from {hosts} and recompute here")
}
/// How each model's result compares with the one that was sent, by [`recomputed_of`].
pub fn recomputed(all: &[String]) -> String {
    format!("Recomputed here. {}", all.join(" "))
}
pub fn recomputed_of(side: &str, outcome: &str) -> String {
    format!("{side} model: {outcome}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caption_names_the_models_that_are_there() {
        let end = "Made with Shiftlens 0.1.0, 2026-11-27. Method: Wu et al., NAACL 2024 (arXiv 2310.00492).";
        let of = |base, tuned| provenance(base, tuned, "0.1.0", "2026-11-27");
        assert_eq!(of(None, None), end);
        assert_eq!(of(None, Some("B")), format!("Tuned: B. {end}"));
        assert_eq!(of(Some("A"), Some("B")), format!("Base: A. Tuned: B. {end}"));
    }

    #[test]
    fn what_was_sent_says_how_exact_it_is() {
        let start = "From a link: computed elsewhere, with A and B.";
        assert_eq!(sent(BY_LINK, &["A", "B"], Values::All), start);
        assert!(sent(BY_LINK, &["A", "B"], Values::Rounded(127)).ends_with("to 1/127 of each word's largest."));
        assert!(carries(1_840, None).starts_with("1,840 characters: ") && carries(9, Some(7)).contains("to 1/7 of"));
    }
}
