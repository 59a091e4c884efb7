//! Whether a picture can be trusted: its order of the units against random orders, and ten of its cells against differences.

mod curves;
mod ridders;
mod spot;

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

pub use curves::{Band, Curves, ORDERS, Order};
pub use spot::{AGREES, CELLS, Cell};

use super::{Baseline, Method, Passage};
use crate::model::{ModelError, RowEngine, Tick};

/// A checked picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Faithfulness {
    /// What stands in place of the units that are taken away.
    pub baseline: Baseline,
    /// The order of the units: the mean of the target over the response as they are taken away and put back.
    pub order: Order,
    /// Cells that were computed again by differences of the target.
    pub cells: Vec<Cell>,
    /// What came of it, in plain sentences.
    pub said: String,
}

impl Faithfulness {
    /// The same, with the sentences that its numbers give of a picture by `method`: a file can claim any.
    pub fn told_anew(self, method: Method) -> Self {
        let said = said(method, &self.order, &self.cells);
        Self { said, ..self }
    }

    /// Whether its parts fit together, of a picture of so many `units` and `tokens`.
    pub fn fits(&self, units: usize, tokens: usize) -> bool {
        let Order { deletion, insertion, .. } = &self.order;
        let cells = self.cells.iter().all(|cell| cell.unit < units && cell.token < tokens);
        cells && (self.order.units < 2 || [deletion, insertion].into_iter().all(Curves::fits))
    }
}

fn said(method: Method, order: &Order, cells: &[Cell]) -> String {
    [order.said(), spot::said(method, cells)].join(" ")
}

/// A picture to be checked.
#[derive(Clone, Copy)]
pub struct Picture<'a> {
    /// By which method.
    pub method: Method,
    /// The prompt's tokens of each unit.
    pub groups: &'a [Vec<usize>],
    /// Which units are ranked.
    pub scored: &'a [bool],
    /// `[groups][response]`.
    pub importance: &'a [Vec<f32>],
}

/// Checks `picture`, with the row `row`, `[width]`, in place of what is taken away.
pub async fn check(
    passage: &mut Passage<'_, impl RowEngine>,
    picture: Picture<'_>,
    (baseline, row): (&Baseline, &[f32]),
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<Faithfulness, ModelError> {
    let order = curves::order(passage, picture, row, tick).await?;
    let cells = spot::cells(passage, picture, row, tick).await?;
    let said = said(picture.method, &order, &cells);
    Ok(Faithfulness { baseline: baseline.clone(), order, cells, said })
}
