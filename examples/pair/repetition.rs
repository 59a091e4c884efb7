//! Against repetition: the tokens with which a text would say four words a second time.

use std::collections::HashMap;

/// For each position of a text, the tokens that would complete four words which it said before, except the one that it
/// says there. `is_word` tells words from marks: a mark neither counts as a word nor parts two of them.
///
/// These are the candidates of unlikelihood training (Welleck et al., "Neural Text Generation with Unlikelihood Training",
/// ICLR 2020, section 5.2), here with the whole text before them.
pub fn repeating(ids: &[u32], is_word: impl Fn(u32) -> bool) -> Vec<Vec<u32>> {
    let mut followed: HashMap<[u32; 3], Vec<u32>> = HashMap::new();
    let mut last: Vec<u32> = Vec::new();
    let at = |id: &u32| {
        let before: Option<[u32; 3]> = last.last_chunk().copied();
        let known = before.and_then(|words| followed.get(&words));
        let found = known.map(|all| all.iter().copied().filter(|c| c != id).collect()).unwrap_or_default();
        if is_word(*id) {
            if let Some(words) = before {
                let all = followed.entry(words).or_default();
                if !all.contains(id) {
                    all.push(*id);
                }
            }
            last.push(*id);
        }
        found
    };
    ids.iter().map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_followed_three_words_before_would_repeat_them() {
        // 9 is a mark
        let ids = [1, 2, 3, 4, 9, 1, 2, 9, 3, 5, 1, 2, 3, 4];
        let found = repeating(&ids, |id| id != 9);
        let said: Vec<(usize, &[u32])> =
            found.iter().enumerate().filter(|(_, c)| !c.is_empty()).map(|(i, c)| (i, &c[..])).collect();
        // at the second "1 2 3" the text goes on otherwise; at the third it repeats the first and not the second
        assert_eq!(said, [(9, &[4][..]), (13, &[5][..])]);
    }
}
