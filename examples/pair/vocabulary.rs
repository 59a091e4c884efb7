//! The part of the base's vocabulary that its own texts and our instructions need.

use std::collections::{BTreeSet, HashMap};

use crate::export::FIXED;
use crate::llama2c::Piece;

/// Pieces of runs of spaces have such a score: nothing is ever merged into them.
const NEVER_MERGED: f32 = -1e8;

/// Ids of the pieces to keep, in order: controls and bytes, the characters that English is written with, all that `needed`
/// says, those that `counts` has most often as long as there are at most `most`, and then, up to `least`, the first of the
/// vocabulary: the commonest of the text it was made from, so of what a visitor may write. The set is closed under merges: with a
/// piece stay the pieces it is merged from, so a text whose pieces are all kept is cut into the same pieces as before.
pub fn kept(
    pieces: &[Piece],
    needed: &BTreeSet<usize>,
    counts: &HashMap<usize, usize>,
    [least, most]: [usize; 2],
) -> Vec<usize> {
    let ids: HashMap<&[u8], usize> = pieces.iter().enumerate().skip(FIXED).map(|(i, p)| (&p.bytes[..], i)).collect();
    let mut kept: BTreeSet<usize> = (0..FIXED).collect();
    kept.extend(ids.iter().filter(|(bytes, _)| std::str::from_utf8(bytes).is_ok_and(is_character)).map(|(_, id)| *id));
    for &id in needed {
        kept.extend(derivation(pieces, &ids, id));
    }
    let mut by_count: Vec<(usize, usize)> = counts.iter().map(|(&id, &n)| (n, id)).collect();
    by_count.sort_unstable_by_key(|&(n, id)| (std::cmp::Reverse(n), id));
    for (_, id) in by_count {
        let with = derivation(pieces, &ids, id);
        let new = with.iter().filter(|id| !kept.contains(id)).count();
        if kept.len() + new > most {
            break;
        }
        kept.extend(with);
    }
    for id in FIXED..pieces.len() {
        if kept.len() < least && pieces[id].score > NEVER_MERGED {
            kept.extend(derivation(pieces, &ids, id));
        }
    }
    kept.into_iter().collect()
}

/// One character of Latin script, or a mark that goes with it.
fn is_character(piece: &str) -> bool {
    let mut chars = piece.chars();
    let first = chars.next().is_some_and(|c| matches!(c, ' '..='~' | '\u{a1}'..='\u{24f}' | '\u{2010}'..='\u{2027}'));
    first && chars.next().is_none()
}

/// A piece and all that it is merged from: pairs merge in the order of their scores, from single characters.
fn derivation(pieces: &[Piece], ids: &HashMap<&[u8], usize>, id: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::from([id]);
    let Some(text) = (id >= FIXED).then(|| std::str::from_utf8(&pieces[id].bytes).ok()).flatten() else { return found };
    let mut ends: Vec<usize> = std::iter::once(0).chain(text.char_indices().map(|(i, c)| i + c.len_utf8())).collect();
    found.extend(ends.windows(2).filter_map(|w| ids.get(&text.as_bytes()[w[0]..w[1]])).copied());
    loop {
        let pair = |i: usize| ids.get(&text.as_bytes()[ends[i]..ends[i + 2]]).map(|id| (i, *id));
        let best = (0..ends.len().saturating_sub(2))
            .filter_map(pair)
            .reduce(|best, next| if pieces[next.1].score > pieces[best.1].score { next } else { best });
        let Some((at, merged)) = best else { return found };
        found.insert(merged);
        ends.remove(at + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_closed_under_merges() {
        let fixed = (0..FIXED).map(|_| Piece { bytes: vec![], score: 0.0 });
        let merged = ["ab", "cd", "abcd", "bc", "abc", "a", "b", "c", "d", "e"];
        let merged = merged.iter().enumerate().map(|(i, p)| Piece { bytes: p.bytes().collect(), score: -(i as f32) });
        let pieces: Vec<Piece> = fixed.chain(merged).collect();
        let names = |ids: Vec<usize>| -> Vec<String> {
            ids.iter().filter(|i| **i >= FIXED).map(|i| String::from_utf8_lossy(&pieces[*i].bytes).into()).collect()
        };
        // abcd comes from ab and cd, never from abc
        let needed = BTreeSet::from([FIXED + 2]);
        assert_eq!(
            names(kept(&pieces, &needed, &HashMap::new(), [0, 1000])),
            ["ab", "cd", "abcd", "a", "b", "c", "d", "e"]
        );
        // the commonest others, as far as there is room
        let counts = HashMap::from([(FIXED + 3, 1), (FIXED + 4, 9)]);
        let some = kept(&pieces, &needed, &counts, [0, FIXED + 9]);
        assert_eq!(names(some), ["ab", "cd", "abcd", "abc", "a", "b", "c", "d", "e"]);
        // and the first of the rest
        let more = kept(&pieces, &needed, &HashMap::new(), [FIXED + 9, 1000]);
        assert_eq!(names(more), ["ab", "cd", "abcd", "bc", "a", "b", "c", "d", "e"]);
    }
}
