//! A run's levels as a picture of a thumb's size.

use std::fmt::Write;

use crate::explain::view::View;

/// Most cells across and down; of more, the strongest of those that share a place is drawn.
const ACROSS: usize = 64;
const DOWN: usize = 40;

/// The size of the thumbnail's view box, which its cells fill.
pub fn size(view: &View) -> (usize, usize) {
    let (rows, columns) = (view.rows.len(), view.columns.len());
    (columns.clamp(1, ACROSS), rows.clamp(1, DOWN))
}

/// The levels of `view`, of which there are `count`, as what stands within an `svg` element with that view box. Colours are
/// the page's.
pub fn thumbnail(view: &View, count: u8) -> String {
    let (wide, high) = size(view);
    let mut places = vec![0u8; wide * high];
    for (n, row) in view.levels.iter().enumerate() {
        for (m, level) in row.iter().enumerate() {
            let at = n * high / view.levels.len() * wide + m * wide / row.len();
            places[at] = places[at].max(*level);
        }
    }
    let mut out = String::new();
    for step in 1..=10u32 {
        let of = |level: u8| (u32::from(level) * 10).div_ceil(u32::from(count.max(1))).min(10);
        let cells = places.iter().enumerate().filter(|(_, level)| of(**level) == step);
        let path: String = cells.map(|(at, _)| format!("M{} {}h1v1h-1z", at % wide, at / wide)).collect();
        if !path.is_empty() {
            let _ = write!(out, "<path fill=\"var(--l{step})\" d=\"{path}\"/>");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::Role;
    use crate::explain::view::Label;

    fn view(levels: Vec<Vec<u8>>) -> View {
        let label = || Label {
            text: String::new(),
            role: Role::User,
            counted: true,
            instruction: false,
            parts: vec![],
            spaced: false,
            own: false,
        };
        let columns = levels.first().map_or(0, Vec::len);
        let rows = levels.iter().map(|_| label()).collect();
        View { rows, columns: (0..columns).map(|_| label()).collect(), levels, ..View::default() }
    }

    #[test]
    fn every_level_has_its_colour_and_place() {
        let svg = thumbnail(&view(vec![vec![0, 10], vec![8, 0]]), 10);
        assert_eq!(svg, "<path fill=\"var(--l8)\" d=\"M0 1h1v1h-1z\"/><path fill=\"var(--l10)\" d=\"M1 0h1v1h-1z\"/>");
        assert_eq!(thumbnail(&View::default(), 10), "");
    }

    #[test]
    fn a_large_run_is_thinned_to_its_strongest_cells() {
        let mut levels = vec![vec![0u8; 500]; 200];
        (levels[0][0], levels[199][499], levels[100][250]) = (9, 10, 8);
        let v = view(levels);
        assert_eq!(size(&v), (64, 40));
        let svg = thumbnail(&v, 10);
        assert_eq!(svg.matches('M').count(), 3);
        assert!(svg.contains("M0 0h") && svg.contains("M63 39h"));
    }
}
