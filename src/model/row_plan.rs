//! The rows that forward mode adds to a matrix of activations.

use std::ops::Range;

pub(crate) use shiftlens_kernels::attention::{Plan, Tangent};

/// How a matrix of stacked rows is laid out: the primal rows of positions `start..start + primal`, then tangents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowPlan {
    pub start: usize,
    pub primal: usize,
    pub tangents: Vec<Tangent>,
}

impl RowPlan {
    /// Rows for `count` new positions from `start`; a group whose tangent starts at `first` has rows from there on.
    pub fn new(start: usize, count: usize, firsts: &[usize]) -> Self {
        let mut row = count;
        let mut tangents = Vec::new();
        for (group, &first) in firsts.iter().enumerate() {
            let position = first.max(start);
            if position < start + count {
                let count = start + count - position;
                tangents.push(Tangent { group, row, position, count });
                row += count;
            }
        }
        Self { start, primal: count, tangents }
    }

    /// As attention's kernels take it.
    pub fn plan(&self) -> Plan<'_> {
        Plan { start: self.start, primal: self.primal, tangents: &self.tangents }
    }

    /// All rows.
    pub fn rows(&self) -> usize {
        self.tangents.last().map_or(self.primal, |t| t.row + t.count)
    }

    /// The plan of some of the new positions, by their primal rows, and which of these rows it takes, in its order.
    pub fn part(&self, primal: Range<usize>) -> (Self, Vec<usize>) {
        let positions = self.start + primal.start..self.start + primal.end;
        let mut rows: Vec<usize> = primal.clone().collect();
        let mut tangents = Vec::new();
        for t in self.tangents.iter().filter(|t| t.position < positions.end) {
            let position = t.position.max(positions.start);
            let count = positions.end - position;
            tangents.push(Tangent { group: t.group, row: rows.len(), position, count });
            let first = t.row + position - t.position;
            rows.extend(first..first + count);
        }
        (Self { start: positions.start, primal: primal.len(), tangents }, rows)
    }

    /// The sequence position of every row.
    pub fn positions(&self) -> Vec<usize> {
        let tangents = self.tangents.iter().flat_map(|t| t.position..t.position + t.count);
        (self.start..self.start + self.primal).chain(tangents).collect()
    }

    /// Each tangent row with the primal row it belongs to.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.tangents.iter().flat_map(move |t| (0..t.count).map(move |i| (t.row + i, t.position - self.start + i)))
    }
}

/// Consecutive cotangents, each of so many rows, in batches of at most `most` rows; at least one in each.
pub(crate) fn batches(lengths: impl IntoIterator<Item = usize>, most: usize) -> Vec<Vec<usize>> {
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut rows = 0;
    for n in lengths {
        match batches.last_mut() {
            Some(batch) if rows + n <= most => {
                batch.push(n);
                rows += n;
            }
            _ => {
                batches.push(vec![n]);
                rows = n;
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_rows_from_their_first_token_on() {
        let plan = RowPlan::new(4, 3, &[2, 5, 9]);
        assert_eq!(plan.rows(), 3 + 3 + 2);
        assert_eq!(plan.positions(), [4, 5, 6, 4, 5, 6, 5, 6]);
        assert_eq!(plan.pairs().collect::<Vec<_>>(), [(3, 0), (4, 1), (5, 2), (6, 1), (7, 2)]);
    }

    #[test]
    fn parts_have_the_rows_of_their_positions() {
        let plan = RowPlan::new(4, 3, &[2, 5, 9]);
        let (first, rows) = plan.part(0..1);
        assert_eq!((first, rows), (RowPlan::new(4, 1, &[2, 5, 9]), vec![0, 3]));
        let (rest, rows) = plan.part(1..3);
        assert_eq!((rest, rows), (RowPlan::new(5, 2, &[2, 5, 9]), vec![1, 2, 4, 5, 6, 7]));
    }
}
