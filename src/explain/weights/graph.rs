//! A head's pairs as a picture: words as nodes, relations as edges, and where they stand.

use std::collections::HashMap;

use super::compare::{HeadChange, NamedPair};

/// Which model an edge belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Lost by tuning.
    Base,
    /// Gained by tuning.
    Tuned,
    /// Kept.
    Both,
}

/// A relation, from the word whose query it is to the word whose key it is: positions in [`Graph::words`].
#[derive(Debug, Clone, PartialEq)]
pub struct Edge {
    /// The query's word.
    pub from: usize,
    /// The key's word.
    pub to: usize,
    /// Whose it is.
    pub origin: Origin,
    /// See [`NamedPair::score`].
    pub score: f32,
}

/// Words with their places, and the relations between them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Graph {
    /// The words.
    pub words: Vec<String>,
    /// The relations.
    pub edges: Vec<Edge>,
    /// The middle of each word, pixels.
    pub places: Vec<(f32, f32)>,
    /// Width and height of the whole, pixels.
    pub size: (f32, f32),
}

/// Height of a word with its surroundings, and the width of a letter, pixels.
const LINE: f32 = 26.0;
const LETTER: f32 = 7.6;
/// How far apart two related words would like to be.
const EDGE: f32 = 70.0;
/// Space around each group of words.
const MARGIN: f32 = 14.0;

/// How much a group is flattened.
const FLAT: f32 = 0.62;

/// The width that a word takes.
pub fn width(word: &str) -> f32 {
    word.chars().count() as f32 * LETTER + 18.0
}

impl Graph {
    /// The strongest `most` relations of a head, what changed before what was kept, laid out for a picture of about
    /// `wide` by `high` pixels; if there are too many, for a larger one of the same shape.
    pub fn of(change: &HeadChange, most: usize, (wide, high): (f32, f32)) -> Self {
        let part = most * 2 / 5;
        let (gained, lost) = (change.gained.len().min(part), change.lost.len().min(part));
        let kept = change.kept.len().min(most - gained - lost);
        let gained = change.gained.len().min(most - lost - kept);
        let lost = change.lost.len().min(most - gained - kept);
        let mut graph = Self::default();
        let mut known = HashMap::new();
        for (pairs, count, origin) in [
            (&change.gained, gained, Origin::Tuned),
            (&change.lost, lost, Origin::Base),
            (&change.kept, kept, Origin::Both),
        ] {
            pairs[..count].iter().for_each(|pair| graph.add(pair, origin, &mut known));
        }
        graph.lay_out(wide, high);
        graph
    }

    fn add(&mut self, pair: &NamedPair, origin: Origin, known: &mut HashMap<String, usize>) {
        let mut node = |word: &String| {
            *known.entry(word.clone()).or_insert_with(|| {
                self.words.push(word.clone());
                self.words.len() - 1
            })
        };
        let (from, to) = (node(&pair.query), node(&pair.key));
        self.edges.push(Edge { from, to, origin, score: pair.score });
    }

    /// Groups of words that hang together, the largest first.
    fn groups(&self) -> Vec<Vec<usize>> {
        let mut group: Vec<usize> = (0..self.words.len()).collect();
        // each word takes the smallest number it can reach, until nothing changes
        while let Some((from, to)) = self.edges.iter().map(|e| (e.from, e.to)).find(|(a, b)| group[*a] != group[*b]) {
            let (small, large) = (group[from].min(group[to]), group[from].max(group[to]));
            group.iter_mut().filter(|g| **g == large).for_each(|g| *g = small);
        }
        let mut groups: Vec<Vec<usize>> = vec![Vec::new(); self.words.len()];
        group.into_iter().enumerate().for_each(|(word, g)| groups[g].push(word));
        groups.retain(|g| !g.is_empty());
        groups.sort_by_key(|g| std::cmp::Reverse(g.len()));
        groups
    }

    /// Places each group by forces between its words, and the groups in rows.
    fn lay_out(&mut self, wide: f32, high: f32) {
        self.places = vec![(0.0, 0.0); self.words.len()];
        let groups = self.groups();
        groups.iter().for_each(|group| self.settle(group));
        let boxes: Vec<_> = groups.iter().map(|group| self.bounds(group)).collect();
        let fits = |larger: &f32| pack(&boxes, wide * larger).1 <= high * larger;
        let larger = [1.0, 1.15, 1.3, 1.5, 1.75, 2.0].into_iter().find(fits).unwrap_or(2.4);
        let (corners, height) = pack(&boxes, wide * larger);
        for ((group, (left, top, ..)), (x, y)) in groups.iter().zip(&boxes).zip(&corners) {
            for &word in group {
                let place = &mut self.places[word];
                *place = (place.0 - left + x, place.1 - top + y);
            }
        }
        let right = corners.iter().zip(&boxes).map(|((x, _), (_, _, w, _))| x + w);
        self.size = (right.fold(wide * larger, f32::max), height);
    }

    /// Left, top, width and height of a group with its margin.
    fn bounds(&self, group: &[usize]) -> (f32, f32, f32, f32) {
        let (mut l, mut t, mut r, mut b) = (f32::MAX, f32::MAX, f32::MIN, f32::MIN);
        for &i in group {
            let ((x, y), half) = (self.places[i], width(&self.words[i]) / 2.0);
            (l, r) = (l.min(x - half), r.max(x + half));
            (t, b) = (t.min(y - LINE / 2.0), b.max(y + LINE / 2.0));
        }
        (l - MARGIN, t - MARGIN, r - l + 2.0 * MARGIN, b - t + 2.0 * MARGIN)
    }

    /// Fruchterman and Reingold's forces (1991) from a spiral, flattened, as words are wider than they are high; then
    /// words that still overlap are pushed apart.
    fn settle(&mut self, group: &[usize]) {
        let n = group.len() as f32;
        for (i, &word) in group.iter().enumerate() {
            let (sin, cos) = (i as f32 * 2.399_963).sin_cos(); // the golden angle: no two in a line
            let radius = EDGE * 0.5 * (i as f32 + 0.5).sqrt();
            self.places[word] = (radius * cos, radius * sin);
        }
        let edges: Vec<(usize, usize)> =
            self.edges.iter().map(|e| (e.from, e.to)).filter(|(a, _)| group.contains(a)).collect();
        const STEPS: usize = 240;
        for step in 0..STEPS {
            let heat = EDGE * 0.6 * (1.0 - step as f32 / STEPS as f32) + 0.5;
            let mut force = vec![(0.0f32, 0.0f32); self.words.len()];
            for &a in group {
                for &b in group.iter().filter(|b| **b != a) {
                    let (dx, dy, d) = self.between(a, b);
                    let push = EDGE * EDGE / d / d;
                    force[a] = (force[a].0 + dx * push, force[a].1 + dy * push);
                }
                // towards the middle, the more the larger the group
                let (x, y) = self.places[a];
                force[a] = (force[a].0 - x * 0.03 * n.sqrt(), force[a].1 - y * 0.08 * n.sqrt());
            }
            for &(a, b) in &edges {
                let (dx, dy, d) = self.between(a, b);
                let pull = d / EDGE;
                force[a] = (force[a].0 - dx * pull, force[a].1 - dy * pull);
                force[b] = (force[b].0 + dx * pull, force[b].1 + dy * pull);
            }
            for &a in group {
                let (fx, fy) = force[a];
                let length = fx.hypot(fy).max(1e-6);
                let (x, y) = self.places[a];
                self.places[a] = (x + fx / length * length.min(heat), y + fy / length * length.min(heat));
            }
        }
        group.iter().for_each(|&word| self.places[word].1 *= FLAT);
        self.part(group);
    }

    /// From b to a, with its length; never zero.
    fn between(&self, a: usize, b: usize) -> (f32, f32, f32) {
        let (dx, dy) = (self.places[a].0 - self.places[b].0, self.places[a].1 - self.places[b].1);
        let d = dx.hypot(dy);
        if d < 0.1 { (0.1 * (a as f32 - b as f32), 0.1, 0.1) } else { (dx, dy, d) }
    }

    fn part(&mut self, group: &[usize]) {
        for _ in 0..200 {
            let mut moved = false;
            for (i, &a) in group.iter().enumerate() {
                for &b in &group[i + 1..] {
                    let (dx, dy) = (self.places[a].0 - self.places[b].0, self.places[a].1 - self.places[b].1);
                    let wide = (width(&self.words[a]) + width(&self.words[b])) / 2.0 - dx.abs();
                    let high = LINE - dy.abs();
                    if wide <= 0.5 || high <= 0.5 {
                        continue;
                    }
                    moved = true;
                    let (sx, sy) = (if dx < 0.0 { -0.5 } else { 0.5 }, if dy < 0.0 { -0.5 } else { 0.5 });
                    let (mx, my) = if wide < high { (wide * sx, 0.0) } else { (0.0, high * sy) };
                    self.places[a] = (self.places[a].0 + mx, self.places[a].1 + my);
                    self.places[b] = (self.places[b].0 - mx, self.places[b].1 - my);
                }
            }
            if !moved {
                break;
            }
        }
    }
}

/// Boxes (left, top, width, height) set into the first row that has room for them, in the order given: their corners,
/// and the height of all rows.
fn pack(boxes: &[(f32, f32, f32, f32)], wide: f32) -> (Vec<(f32, f32)>, f32) {
    // each row: top, height, and how far it is filled
    let mut rows: Vec<(f32, f32, f32)> = Vec::new();
    let mut corners = Vec::with_capacity(boxes.len());
    for &(_, _, w, h) in boxes {
        let at = rows.iter().position(|(_, height, filled)| *height >= h && filled + w <= wide);
        let at = at.unwrap_or_else(|| {
            let top = rows.last().map_or(0.0, |(top, height, _)| top + height);
            rows.push((top, h, 0.0));
            rows.len() - 1
        });
        corners.push((rows[at].2, rows[at].0));
        rows[at].2 += w;
    }
    (corners, rows.last().map_or(0.0, |(top, height, _)| top + height))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(usize, usize)]) -> Vec<NamedPair> {
        let word = |i: usize| format!("word{i}");
        list.iter().map(|&(a, b)| NamedPair { query: word(a), key: word(b), score: 1.0 }).collect()
    }

    #[test]
    fn sixty_edges_are_laid_out_without_overlap() {
        let star: Vec<_> = (1..16).map(|i| (0, i)).collect();
        let chain: Vec<_> = (20..40).map(|i| (i, i + 1)).collect();
        let apart: Vec<_> = (50..90).map(|i| (2 * i, 2 * i + 1)).collect();
        let change = HeadChange { gained: pairs(&star), lost: pairs(&chain), kept: pairs(&apart), distance: None };
        let graph = Graph::of(&change, 60, (760.0, 640.0));
        assert_eq!(graph.edges.len(), 60);
        for a in 0..graph.words.len() {
            let (x, y) = graph.places[a];
            let half = width(&graph.words[a]) / 2.0;
            assert!(x - half >= 0.0 && x + half <= graph.size.0 && y > 0.0 && y < graph.size.1);
            for b in a + 1..graph.words.len() {
                let over = (width(&graph.words[a]) + width(&graph.words[b])) / 2.0 - (x - graph.places[b].0).abs();
                assert!(over < 1.0 || LINE - (y - graph.places[b].1).abs() < 1.0, "{a} over {b}");
            }
        }
        let count = |origin| graph.edges.iter().filter(|e| e.origin == origin).count();
        assert_eq!((count(Origin::Tuned), count(Origin::Base), count(Origin::Both)), (15, 20, 25));
    }

    #[test]
    fn an_empty_head_is_an_empty_picture() {
        let graph = Graph::of(&HeadChange::default(), 60, (400.0, 400.0));
        assert!(graph.words.is_empty() && graph.size.1 == 0.0);
    }
}
