//! Drawing words at random, and filling them into sentences.

use rand::Rng;
use rand::seq::IndexedRandom;

/// One of `list`, which is not empty.
pub fn one<'a, T>(rng: &mut impl Rng, list: &'a [T]) -> &'a T {
    &list[rng.random_range(0..list.len())]
}

/// `n` different members of `list`, or all if there are fewer.
pub fn some<'a, T>(rng: &mut impl Rng, list: &'a [T], n: usize) -> Vec<&'a T> {
    list.choose_multiple(rng, n).collect()
}

/// Replaces every `{name}` by its value.
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, tail) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(before);
        let value = values.iter().find(|(n, _)| *n == name).map(|(_, v)| *v);
        out.push_str(value.unwrap_or_else(|| panic!("no value for {name} in {template:?}")));
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// One of a list of words.
pub fn word<'a>(rng: &mut impl Rng, list: &[&'a str]) -> &'a str {
    list[rng.random_range(0..list.len())]
}
