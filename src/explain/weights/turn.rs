//! How far two models' components lie apart, and how far random ones do (METHODS.md, "Coherence, and what chance gives").

use std::sync::Mutex;

use faer::Mat;
use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use super::matching::{LEADING, LayerMatches, assign, degrees};
use crate::explain::chance::seeded;

/// Pairs of random bases that are matched.
const DRAWS: usize = 4;
/// One random match in twenty is nearer than [`Control::near`].
const NEAR: f64 = 0.05;
/// Components are found again by chance if fewer than this share of them are as near as one random match in twenty.
const FOUND: f64 = 0.5;
const SEED: u64 = 4;

/// The angles of two random orthonormal bases, best assigned: what unrelated components give. Degrees.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Control {
    /// The mean angle of matched components.
    pub mean: f32,
    /// One matched component in twenty is nearer than this.
    pub near: f32,
    /// Mean principal angles of the leading subspaces, the smallest first.
    pub principal: Vec<f32>,
}

impl Control {
    /// For `base` components against `tuned` ones in a space of `width`, the average of four seeded draws.
    pub fn of(width: usize, base: usize, tuned: usize) -> Self {
        static LAST: Mutex<Option<([usize; 3], Control)>> = Mutex::new(None);
        let shape = [width, base, tuned];
        // all layers of a pair have one shape; a lock that a panic left is as good as none
        if let Ok(last) = LAST.lock()
            && let Some((_, known)) = last.as_ref().filter(|(of, _)| *of == shape)
        {
            return known.clone();
        }
        let control = Self::draw(width, base, tuned, SEED);
        if let Ok(mut last) = LAST.lock() {
            *last = Some((shape, control.clone()));
        }
        control
    }

    fn draw(width: usize, base: usize, tuned: usize, seed: u64) -> Self {
        let mut rng = seeded(seed);
        let (mut angles, mut principal) = (Vec::new(), Vec::new());
        for _ in 0..DRAWS {
            let likeness = random_likeness(&mut rng, width, base, tuned);
            angles.extend(assign(&likeness).into_iter().map(|(b, t)| degrees(likeness[b][t])));
            let k = LEADING.min(base).min(tuned);
            let leading = Mat::from_fn(k, k, |i, j| f64::from(likeness[i][j]));
            let values = leading.singular_values().unwrap_or_default();
            let found = values.into_iter().map(|v| degrees(v as f32));
            principal.resize(k, 0.0);
            principal.iter_mut().zip(found).for_each(|(sum, angle)| *sum += angle / DRAWS as f32);
        }
        angles.sort_by(f32::total_cmp);
        let mean = angles.iter().sum::<f32>() / angles.len().max(1) as f32;
        let near = angles.get((angles.len() as f64 * NEAR) as usize).copied().unwrap_or_default();
        Self { mean, near, principal }
    }
}

/// Cosines `[base][tuned]` of two random orthonormal bases. Whatever the first basis is, the second is as random against
/// it: so the first is that of the axes, and the cosines are the leading rows of the second.
fn random_likeness(rng: &mut StdRng, width: usize, base: usize, tuned: usize) -> Vec<Vec<f32>> {
    let (base, tuned) = (base.min(width), tuned.min(width));
    let Ok(normal) = Normal::new(0.0, 1.0) else { return Vec::new() };
    let noise = Mat::from_fn(width, tuned, |_, _| normal.inverse_cdf(rng.random_range(1e-12..1.0)));
    let basis = noise.qr().compute_thin_Q();
    (0..base).map(|i| (0..tuned).map(|j| basis[(i, j)] as f32).collect()).collect()
}

/// How far the components of some layers have turned.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// The mean angle of matched components, degrees.
    pub mean: f64,
    /// The same of random ones.
    pub by_chance: f64,
    /// The share of components nearer than one random match in twenty: 0.05 by chance.
    pub nearer: f64,
}

impl Turn {
    /// Over all components of `layers`; nothing if there are none.
    pub fn of<'a>(layers: impl IntoIterator<Item = &'a LayerMatches>) -> Option<Self> {
        let (mut count, mut mean, mut by_chance, mut nearer) = (0usize, 0.0, 0.0, 0usize);
        for layer in layers {
            count += layer.matches.len();
            mean += layer.matches.iter().map(|m| f64::from(m.angle)).sum::<f64>();
            by_chance += f64::from(layer.control.mean) * layer.matches.len() as f64;
            nearer += layer.matches.iter().filter(|m| m.angle < layer.control.near).count();
        }
        let n = count as f64;
        (count > 0).then(|| Self { mean: mean / n, by_chance: by_chance / n, nearer: nearer as f64 / n })
    }

    /// Whether the components might as well be unrelated: most are no nearer than random ones.
    pub fn by_chance(&self) -> bool {
        self.verdict().is_some()
    }

    /// What can be said of components that are there by chance: not all are exactly as far apart.
    pub fn verdict(&self) -> Option<&'static str> {
        match self.nearer {
            n if n <= 2.0 * NEAR => Some("These components match no better than chance."),
            n if n < FOUND => Some("These components match hardly better than chance."),
            _ => None,
        }
    }

    /// "they are rotated by 75° on average (76° by chance), and 6 % are closer than random ones (5 % by chance)".
    pub fn words(&self) -> String {
        format!(
            "they are rotated by {:.0}° on average ({:.0}° by chance), and {:.0} % are closer than random ones (5 % by chance)",
            self.mean,
            self.by_chance,
            self.nearer * 100.0
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of random directions made orthonormal one after another (Gram and Schmidt).
    fn basis(rng: &mut StdRng, width: usize, count: usize) -> Vec<Vec<f64>> {
        let normal = Normal::new(0.0, 1.0).unwrap();
        let mut rows: Vec<Vec<f64>> = Vec::new();
        while rows.len() < count {
            let mut row: Vec<f64> = (0..width).map(|_| normal.inverse_cdf(rng.random_range(1e-12..1.0))).collect();
            for known in &rows {
                let along: f64 = known.iter().zip(&row).map(|(a, b)| a * b).sum();
                row.iter_mut().zip(known).for_each(|(v, k)| *v -= along * k);
            }
            let length = row.iter().map(|v| v * v).sum::<f64>().sqrt();
            rows.push(row.into_iter().map(|v| v / length).collect());
        }
        rows
    }

    /// Two bases drawn one by one, every assignment of three components tried.
    #[test]
    fn the_control_is_what_random_bases_give() {
        let (width, count, mut rng) = (7, 3, seeded(11));
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        let mut direct = Vec::new();
        for _ in 0..2000 {
            let (one, other) = (basis(&mut rng, width, count), basis(&mut rng, width, count));
            let cosine = |i: usize, j: usize| one[i].iter().zip(&other[j]).map(|(a, b)| a * b).sum::<f64>().abs();
            let sum = |o: &[usize; 3]| (0..3).map(|i| cosine(i, o[i])).sum::<f64>();
            let best = orders.iter().max_by(|a, b| sum(a).total_cmp(&sum(b))).unwrap();
            direct.extend((0..3).map(|i| cosine(i, best[i]).min(1.0).acos().to_degrees()));
        }
        direct.sort_by(f64::total_cmp);
        let mean = direct.iter().sum::<f64>() / direct.len() as f64;
        // a draw of three components is small: five hundred of them
        let drawn: Vec<Control> = (0..500).map(|seed| Control::draw(width, count, count, seed)).collect();
        let of = drawn.iter().map(|c| f64::from(c.mean)).sum::<f64>() / 500.0;
        assert!((of - mean).abs() < 0.8, "{of} {mean}");
        assert_eq!(Control::of(width, count, count), Control::of(width, count, count));
    }

    #[test]
    fn random_bases_of_a_full_space_share_it() {
        let control = Control::of(16, 16, 16);
        let k = LEADING.min(16);
        assert!(control.principal.len() == k && control.principal.iter().all(|a| *a < 0.1), "{control:?}");
        assert!((40.0..80.0).contains(&control.mean) && control.near < control.mean);
        assert_eq!(Control::of(16, 0, 0), Control::default());
    }

    #[test]
    fn turned_components_are_told_from_unrelated_ones() {
        let control = Control::of(64, 40, 40);
        let layer = |angle: f32| LayerMatches {
            matches: (0..40)
                .map(|i| super::super::matching::Match { base: i, tuned: i, angle, overlap: 0.0 })
                .collect(),
            control: control.clone(),
            ..LayerMatches::default()
        };
        let (little, far) = (layer(20.0), layer(control.mean));
        assert!(!Turn::of([&little]).unwrap().by_chance() && Turn::of([&far]).unwrap().by_chance());
        assert_eq!(Turn::of([]), None);
        let said = |nearer: f64| Turn { mean: 75.0, by_chance: 77.0, nearer }.verdict().unwrap_or_default();
        assert_eq!(said(0.06), "These components match no better than chance.");
        assert_eq!(said(0.25), "These components match hardly better than chance.");
        assert_eq!(said(0.5), "");
    }
}
