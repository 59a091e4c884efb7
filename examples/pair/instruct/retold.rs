//! The same story with another hero's name, or about another thing.

use crate::lexicon::{WORDS, article, capital};

/// `text` with the noun `to` in place of `from`, in either number and at a sentence's beginning, after the article that
/// it takes.
pub fn with_noun(text: &str, from: &str, to: &str) -> String {
    let forms = [(from, to), (WORDS.plural(from), WORDS.plural(to))];
    let (mut out, mut article_at): (String, Option<usize>) = (String::with_capacity(text.len() + 16), None);
    for raw in text.split_inclusive(' ') {
        let word = raw.trim_matches(|c: char| !c.is_alphanumeric());
        let word = word.strip_suffix("'s").unwrap_or(word);
        let found = forms.iter().find(|(from, _)| word.eq_ignore_ascii_case(from));
        match found {
            Some((_, to)) => {
                if let Some(at) = article_at {
                    let capital = out[at..].starts_with('A');
                    out.truncate(at);
                    out.push_str(match (capital, article(to)) {
                        (true, "an") => "An ",
                        (true, _) => "A ",
                        (false, "an") => "an ",
                        (false, _) => "a ",
                    });
                }
                let upper = word.starts_with(|c: char| c.is_uppercase());
                out.push_str(&raw.replacen(word, &if upper { capital(to) } else { (*to).to_owned() }, 1));
            }
            None => out.push_str(raw),
        }
        let bare = raw.trim_start_matches('"').trim_end();
        let is_article = bare.eq_ignore_ascii_case("a") || bare.eq_ignore_ascii_case("an");
        article_at = is_article.then(|| out.len() - bare.len() - 1).filter(|_| raw.ends_with(' '));
    }
    out
}

/// `text` with another name in it.
pub fn renamed(text: &str, from: &str, to: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find(from) {
        let (before, after) = (&rest[..at], &rest[at + from.len()..]);
        out.push_str(before);
        let inside = out.ends_with(|c: char| c.is_alphanumeric()) || after.starts_with(|c: char| c.is_alphanumeric());
        out.push_str(if inside { from } else { to });
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noun_is_replaced_in_either_number_with_its_article() {
        let told = "A cat saw an apple. \"Cats eat a lot,\" said the cat. The cat's apples were red, but a category is no cat.";
        assert_eq!(
            with_noun(&with_noun(told, "cat", "elephant"), "apple", "pear"),
            "An elephant saw a pear. \"Elephants eat a lot,\" said the elephant. The elephant's pears were red, but a category is no elephant."
        );
    }
}
