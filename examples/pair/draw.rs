//! Drawing words at random, and filling them into sentences.

use rand::Rng;
use rand::seq::IndexedRandom;
use sha2::{Digest, Sha256};

/// One of `list`, which is not empty.
pub fn one<'a, T>(rng: &mut impl Rng, list: &'a [T]) -> &'a T {
    &list[rng.random_range(0..list.len())]
}

/// `n` different members of `list`, or all if there are fewer.
pub fn some<'a, T>(rng: &mut impl Rng, list: &'a [T], n: usize) -> Vec<&'a T> {
    list.choose_multiple(rng, n).collect()
}

/// `n` different members of `list`, or all if there are fewer, in its order.
pub fn in_order<'a>(rng: &mut impl Rng, list: &[&'a str], n: usize) -> Vec<&'a str> {
    let mut at = rand::seq::index::sample(rng, list.len(), n.min(list.len())).into_vec();
    at.sort_unstable();
    at.into_iter().map(|i| list[i]).collect()
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

/// Whether training leaves the combination of these two words out, for the evaluation to ask about: a tenth of all,
/// chosen by a hash.
pub fn held_out(x: &str, y: &str) -> bool {
    let (first, second) = if x <= y { (x, y) } else { (y, x) };
    Sha256::digest(format!("{first}\n{second}"))[0] % 10 == 0
}
