//! Deletion and insertion curves (Samek et al., 2017): units are taken away one after another, the most relevant first or the least
//! relevant first, and put back the same ways. Between the two lies the picture's worth: the area between the perturbation curves
//! (ABPC). What chance makes of it is seen from random orders.

use std::ops::ControlFlow;

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::Picture;
use crate::explain::attribution::go_on;
use crate::explain::chance::seeded;
use crate::explain::methods::Passage;
use crate::model::{ModelError, RowEngine, Tick};

/// Random orders to compare with.
pub const ORDERS: usize = 20;
/// How many of them an order has to beat: by chance one order in 21 beats them all.
const BEATEN: usize = ORDERS;
/// Most steps of a curve: with more units several are taken at once.
const STEPS: usize = 10;
const SEED: u64 = 17;

/// What random orders give at each step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// The least of them.
    pub low: Vec<f64>,
    /// Their mean.
    pub mean: Vec<f64>,
    /// The most.
    pub high: Vec<f64>,
}

/// The target at each step, a mean over the response, or over those of its tokens that are asked about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curves {
    /// How many units have been taken away, or put back, at each step.
    pub units: Vec<usize>,
    /// The most relevant units first.
    pub most_first: Vec<f64>,
    /// The least relevant first.
    pub least_first: Vec<f64>,
    /// In random orders.
    pub random: Band,
}

impl Curves {
    /// Whether there is a value of each curve for each of the steps, of which there are some.
    pub(super) fn fits(&self) -> bool {
        let Band { low, mean, high } = &self.random;
        let curves = [&self.most_first, &self.least_first, low, mean, high];
        !self.units.is_empty() && curves.iter().all(|curve| curve.len() == self.units.len())
    }

    /// Of putting back, from those of taking away: what is there after the most relevant units were put back is what was left
    /// when the least relevant had been taken.
    fn reversed(&self) -> Self {
        let all = self.units.last().copied().unwrap_or_default();
        let units = self.units.iter().rev().map(|gone| all - gone).collect();
        let back = |curve: &[f64]| curve.iter().rev().copied().collect();
        let Band { low, mean, high } = &self.random;
        let random = Band { low: back(low), mean: back(mean), high: back(high) };
        Self { units, most_first: back(&self.least_first), least_first: back(&self.most_first), random }
    }
}

/// A picture's order of the units, put to the test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Units that are ranked, by the sum of their importance over the response.
    pub units: usize,
    /// Taken away.
    pub deletion: Curves,
    /// Put back.
    pub insertion: Curves,
    /// The mean distance of the deletion curves, least relevant first above most relevant first: the area between them.
    pub abpc: f64,
    /// Random orders whose curve lies higher, on the whole, than the one of the most relevant first.
    pub beaten_by_most: usize,
    /// Those whose curve lies lower than the one of the least relevant first.
    pub beaten_by_least: usize,
}

impl Order {
    /// What came of it, as a sentence.
    pub fn said(&self) -> String {
        let (most, least) = (self.beaten_by_most, self.beaten_by_least);
        if self.units < 2 {
            return "There are fewer than two units, so there is no order to check.".into();
        }
        let found = format!(
            "Removing the units that the picture ranks highest lowers the target faster than {most} of {ORDERS} random orders; removing those it ranks lowest keeps it higher than {least} of {ORDERS}."
        );
        let verdict = match (most >= BEATEN, least >= BEATEN) {
            (true, true) => "The picture ranks the units as the model uses them.",
            (true, false) => "Its highest ranks can be trusted; its lowest cannot be told apart from chance.",
            (false, true) => "Its lowest ranks can be trusted; its highest cannot be told apart from chance.",
            (false, false) if most == 0 && least == 0 => {
                "The picture ranks the units worse than chance would: do not trust its order."
            }
            (false, false) => "Its order cannot be told apart from chance.",
        };
        format!("{found} {verdict}")
    }
}

/// Puts the order of `picture` to the test.
pub(super) async fn order(
    passage: &mut Passage<'_, impl RowEngine>,
    picture: Picture<'_>,
    row: &[f32],
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<Order, ModelError> {
    let score = |unit: &usize| picture.importance[*unit].iter().map(|v| f64::from(*v)).sum::<f64>();
    let ranked = ranked((0..picture.groups.len()).filter(|unit| picture.scored[*unit]), score);
    let asked = passage.asked();
    let mut left_out = async |units: &[usize]| -> Result<f64, ModelError> {
        let tokens: Vec<usize> = units.iter().flat_map(|unit| &picture.groups[*unit]).copied().collect();
        let values = passage.values(&passage.without(&tokens, row)).await?;
        Ok(asked.iter().map(|m| values[*m]).sum::<f64>() / asked.len().max(1) as f64)
    };
    test(&ranked, &mut left_out, tick).await
}

/// Units from the most relevant to the least; of equals the first one first.
fn ranked(units: impl Iterator<Item = usize>, score: impl Fn(&usize) -> f64) -> Vec<usize> {
    let mut ranked: Vec<usize> = units.collect();
    ranked.sort_by(|a, b| score(b).total_cmp(&score(a)));
    ranked
}

/// Tests the order `ranked` of units, where `left_out` tells the target without some of them.
async fn test(
    ranked: &[usize],
    left_out: &mut impl AsyncFnMut(&[usize]) -> Result<f64, ModelError>,
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<Order, ModelError> {
    let steps = ranked.len().clamp(1, STEPS);
    let counts: Vec<usize> = (0..=steps).map(|step| (step * ranked.len() + steps / 2) / steps).collect();
    let backwards: Vec<usize> = ranked.iter().rev().copied().collect();
    let mut rng = seeded(SEED);
    let random = (0..ORDERS).map(|_| {
        let mut order = ranked.to_vec();
        order.shuffle(&mut rng);
        order
    });
    let orders: Vec<Vec<usize>> = [ranked.to_vec(), backwards].into_iter().chain(random).collect();
    let (all, none) = (left_out(&[]).await?, left_out(ranked).await?);
    let mut curves = Vec::with_capacity(orders.len());
    for (done, order) in orders.iter().enumerate() {
        let mut curve = vec![all];
        for count in &counts[1..steps] {
            curve.push(left_out(&order[..*count]).await?);
        }
        curve.push(none);
        curves.push(curve);
        go_on(tick(Tick { done: done + 1, total: orders.len() }).await)?;
    }
    let random = curves.split_off(2);
    let area = |curve: &[f64]| area(curve, &counts);
    let (most, least) = (area(&curves[0]), area(&curves[1]));
    let beaten_by_most = random.iter().filter(|curve| area(curve) > most).count();
    let beaten_by_least = random.iter().filter(|curve| area(curve) < least).count();
    let at = |of: fn(&mut dyn Iterator<Item = f64>) -> f64| -> Vec<f64> {
        (0..=steps).map(|step| of(&mut random.iter().map(|curve| curve[step]))).collect()
    };
    let band = Band {
        low: at(|values| values.fold(f64::INFINITY, f64::min)),
        mean: at(|values| values.sum::<f64>() / ORDERS as f64),
        high: at(|values| values.fold(f64::NEG_INFINITY, f64::max)),
    };
    let least_first = curves.pop().unwrap_or_default();
    let most_first = curves.pop().unwrap_or_default();
    let deletion = Curves { units: counts, most_first, least_first, random: band };
    let insertion = deletion.reversed();
    Ok(Order { units: ranked.len(), deletion, insertion, abpc: least - most, beaten_by_most, beaten_by_least })
}

/// The mean height of a curve over the share of units that are gone, by trapezoids.
fn area(curve: &[f64], counts: &[usize]) -> f64 {
    let total = counts.last().copied().unwrap_or_default().max(1) as f64;
    let steps = curve.windows(2).zip(counts.windows(2));
    steps.map(|(v, n)| (v[0] + v[1]) / 2.0 * (n[1] - n[0]) as f64 / total).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::block_on;

    /// A model to which the units' worths add up.
    fn tested(worth: &[f64], ranked: &[usize]) -> Order {
        let mut left_out = async |units: &[usize]| -> Result<f64, ModelError> {
            Ok(worth.iter().sum::<f64>() - units.iter().map(|unit| worth[*unit]).sum::<f64>())
        };
        block_on(test(ranked, &mut left_out, &mut async |_| ControlFlow::Continue(()))).unwrap()
    }

    #[test]
    fn the_right_order_is_found_faithful_and_a_wrong_one_is_not() {
        let worth = [0.5, 4.0, -1.0, 2.0, 0.0, 1.0, 3.0, -2.0, 0.1, 0.2, 5.0, -0.5];
        let right = ranked(0..worth.len(), |unit| worth[*unit]);
        assert_eq!((right[0], right[worth.len() - 1]), (10, 7));
        let found = tested(&worth, &right);
        assert_eq!((found.beaten_by_most, found.beaten_by_least), (ORDERS, ORDERS));
        assert!(found.abpc > 0.0 && found.said().ends_with("as the model uses them."), "{}", found.said());
        let wrong: Vec<usize> = right.iter().rev().copied().collect();
        let other = tested(&worth, &wrong);
        assert!((other.abpc + found.abpc).abs() < 1e-12 && other.said().ends_with("do not trust its order."));
        assert_eq!((other.beaten_by_most, other.beaten_by_least), (0, 0));
    }

    #[test]
    fn curves_are_what_is_left_at_each_step() {
        let found = tested(&[3.0, 1.0, 2.0], &[0, 2, 1]);
        assert_eq!([&found.deletion.units, &found.insertion.units], [&[0, 1, 2, 3]; 2]);
        assert_eq!(found.deletion.most_first, [6.0, 3.0, 1.0, 0.0]);
        assert_eq!(found.deletion.least_first, [6.0, 5.0, 3.0, 0.0]);
        assert_eq!(found.insertion.most_first, [0.0, 3.0, 5.0, 6.0]);
        assert_eq!(found.insertion.least_first, [0.0, 1.0, 3.0, 6.0]);
        // (2 + 2) / 3
        assert!((found.abpc - 4.0 / 3.0).abs() < 1e-12);
        let Band { low, mean, high } = &found.deletion.random;
        assert!((0..4).all(|i| low[i] <= mean[i] && mean[i] <= high[i]));
        assert_eq!((low[0], high[0], low[3], high[3]), (6.0, 6.0, 0.0, 0.0));
    }

    #[test]
    fn many_units_are_moved_several_at_once_and_one_has_no_order() {
        let worth: Vec<f64> = (0..37).map(f64::from).collect();
        let found = tested(&worth, &ranked(0..37, |unit| worth[*unit]));
        // of the numbers 0 to 36, the sum of the smallest ones
        let smallest = |count: usize| (count * count.saturating_sub(1) / 2) as f64;
        let Order { deletion, insertion, .. } = &found;
        for (units, step) in [deletion, insertion].into_iter().flat_map(|c| (0..=STEPS).map(|step| (&c.units, step))) {
            assert!(
                (units[0], units[STEPS]) == (0, 37)
                    && (step == 0 || (3..=4).contains(&(units[step] - units[step - 1])))
            );
        }
        for step in 0..=STEPS {
            assert_eq!(deletion.least_first[step], smallest(37) - smallest(deletion.units[step]));
            assert_eq!(insertion.least_first[step], smallest(insertion.units[step]));
        }
        assert!(tested(&[1.0], &[0]).said().contains("no order to check"));
        assert!(tested(&[], &[]).said().contains("no order to check"));
    }
}
