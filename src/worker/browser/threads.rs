//! The engine's threads. `public/threads.js` starts them, and they run `kernels/src/module.rs`.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::WebAssembly::Memory;
use js_sys::{Atomics, Float32Array, Function, Int32Array, Reflect, Uint8Array, Uint32Array};
use shiftlens_kernels::Matrix;
use shiftlens_kernels::attention::{Plan, Sequence, Shape};
use wasm_bindgen::prelude::*;

use super::js;
use crate::model::ModelError;
use crate::model::cpu::{Cores, Product, VALUES};

#[wasm_bindgen(raw_module = "./threads.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    async fn open(bytes: f64, helpers: u32) -> Result<JsValue, JsValue>;
}

#[wasm_bindgen]
extern "C" {
    /// What the leader's instance exports.
    type Exports;
    #[wasm_bindgen(method, catch)]
    fn reserve(this: &Exports, bytes: u32) -> Result<u32, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn used(this: &Exports) -> Result<u32, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn input(this: &Exports, values: u32) -> Result<u32, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn output(this: &Exports) -> Result<u32, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn parts(this: &Exports, helper: u32) -> Result<u32, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn matrices(this: &Exports) -> Result<u32, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn multiply(this: &Exports, what: u32, count: u32, helpers: u32, floor: f32) -> Result<u32, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn cache(
        this: &Exports,
        groups: u32,
        width: u32,
        heads: u32,
        kv_heads: u32,
        scale: f32,
        window: u32,
    ) -> Result<u32, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn free_cache(this: &Exports, cache: u32) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn attend(this: &Exports, cache: u32, start: u32, primal: u32, tangents: u32, helpers: u32)
    -> Result<u32, JsValue>;
    #[wasm_bindgen(method, catch)]
    #[allow(clippy::too_many_arguments)] // as the module has it
    fn attention_vjp(
        this: &Exports,
        width: u32,
        heads: u32,
        kv_heads: u32,
        scale: f32,
        window: u32,
        positions: u32,
        count: u32,
        helpers: u32,
    ) -> Result<u32, JsValue>;
}

/// What the page says about the machine's cores.
#[derive(Clone)]
pub struct Machine {
    /// The number of threads for all engines together.
    threads: u32,
    /// Shared flags that say which engines are at work, and the index of this engine's.
    working: Option<(Int32Array, u32)>,
}

impl Machine {
    /// From the message `{threads, working, place}`, if it is one.
    pub fn read(data: &JsValue) -> Option<Self> {
        let number = |name: &str| Reflect::get(data, &name.into()).ok()?.as_f64();
        let threads = number("threads")?.clamp(1.0, 32.0) as u32;
        let words = Reflect::get(data, &"working".into()).ok().and_then(|words| words.dyn_into::<Int32Array>().ok());
        Some(Self { threads, working: words.zip(number("place")).map(|(words, place)| (words, place as u32)) })
    }

    /// Whether there is more than one thread to work on.
    pub fn is_shared(&self) -> bool {
        self.threads > 1
    }

    /// Says whether this engine is at work.
    pub fn set_working(&self, works: bool) {
        if let Some((words, place)) = &self.working {
            let _ = Atomics::store(words, *place, i32::from(works)); // fails for no place of the words alone
        }
    }

    /// This engine's part of the threads.
    fn share(&self) -> u32 {
        let at_work = self.working.as_ref().map_or(1, |(words, _)| {
            (0..words.length()).filter(|place| Atomics::load(words, *place).is_ok_and(|works| works != 0)).count()
        });
        (self.threads / (at_work as u32).max(1)).max(1)
    }
}

/// The threads that hold one model's weights. They end when this is dropped.
pub struct Threads {
    machine: Machine,
    handle: JsValue,
    exports: Exports,
    memory: Memory,
    /// Whether the helpers have stopped answering.
    given_up: Cell<bool>,
    /// How many results each helper had written when [`Threads::used`] was last called.
    seen: Cell<Vec<u32>>,
}

impl Threads {
    /// Starts threads for `bytes` bytes of weights; `None` where memory cannot be shared or is short.
    pub async fn open(machine: &Machine, bytes: u64) -> Option<Rc<Self>> {
        if !machine.is_shared() || Reflect::get(&js_sys::global(), &"crossOriginIsolated".into()) != Ok(JsValue::TRUE) {
            return None;
        }
        let handle = open(bytes as f64, machine.threads - 1).await.ok()?;
        let part = |name: &str| Reflect::get(&handle, &name.into()).ok();
        let (exports, memory) = (part("exports")?.unchecked_into(), part("memory")?.dyn_into().ok()?);
        let (given_up, seen) = (Cell::new(false), Cell::default());
        Some(Rc::new(Self { machine: machine.clone(), handle, exports, memory, given_up, seen }))
    }

    /// How much of their memory has been used, in bytes.
    pub fn bytes(&self) -> u64 {
        self.exports.used().map_or(0, u64::from)
    }

    /// How many threads have worked since the last call, counting the engine itself.
    pub fn used(&self) -> usize {
        let parts: Vec<u32> = (0..self.machine.threads - 1).map(|id| self.exports.parts(id).unwrap_or(0)).collect();
        let before = self.seen.replace(parts.clone());
        1 + parts.iter().enumerate().filter(|(id, n)| before.get(*id).copied().unwrap_or(0) != **n).count()
    }

    fn end(&self) {
        let end = Reflect::get(&self.handle, &"end".into()).ok().and_then(|f| f.dyn_into::<Function>().ok());
        if let Some(end) = end {
            let _ = end.call0(&JsValue::NULL); // ends workers, which cannot fail
        }
    }

    fn helpers(&self) -> u32 {
        if self.given_up.get() { 0 } else { self.machine.share() - 1 }
    }

    fn floats(&self, at: u32, count: usize) -> Float32Array {
        Float32Array::new_with_byte_offset_and_length(&self.memory.buffer(), at, count as u32)
    }

    /// One call of the module: `compute` with this input, one part after the other, into these outputs.
    fn call(
        &self,
        input: &[&[f32]],
        compute: impl FnOnce(&Exports) -> Result<u32, JsValue>,
        outputs: &mut [&mut [f32]],
    ) -> Result<(), ModelError> {
        let work = || -> Result<(), JsValue> {
            let count = input.iter().map(|part| part.len()).sum::<usize>();
            let mut at = self.exports.input(count as u32)?;
            for part in input {
                self.floats(at, part.len()).copy_from(part);
                at += 4 * part.len() as u32;
            }
            if compute(&self.exports)? == 0 && !self.given_up.replace(true) {
                self.end();
            }
            let mut at = self.exports.output()?;
            for part in outputs {
                self.floats(at, part.len()).copy_to(part);
                at += 4 * part.len() as u32;
            }
            Ok(())
        };
        work().map_err(|e| ModelError::Threads(js::message(&e)))
    }
}

/// A shape's numbers as the module takes them.
fn sizes(shape: &Shape) -> (u32, u32, u32, f32, u32) {
    let [width, heads, kv_heads] = [shape.width, shape.heads, shape.kv_heads].map(|n| n as u32);
    (width, heads, kv_heads, shape.scale, shape.window.unwrap_or(0) as u32)
}

/// Whole numbers below 2^24, which floats hold exactly.
fn as_floats(numbers: impl IntoIterator<Item = usize>) -> Vec<f32> {
    numbers.into_iter().map(|n| n as f32).collect()
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.end();
    }
}

impl Cores for Threads {
    fn reserve(&self, bytes: usize) -> Option<u32> {
        self.exports.reserve(u32::try_from(bytes).ok()?).ok().filter(|at| *at != 0)
    }

    fn write(&self, at: u32, bytes: &[u8]) -> Result<(), ModelError> {
        let count = bytes.len() as u32; // as reserved
        Uint8Array::new_with_byte_offset_and_length(&self.memory.buffer(), at, count).copy_from(bytes);
        Ok(())
    }

    fn read(&self, at: u32, into: &mut [u8]) -> Result<(), ModelError> {
        Uint8Array::new_with_byte_offset_and_length(&self.memory.buffer(), at, into.len() as u32).copy_to(into);
        Ok(())
    }

    fn multiply(
        &self,
        what: Product,
        matrices: &[(Matrix, u32)],
        x: &[f32],
        y: &mut [&mut [f32]],
    ) -> Result<(), ModelError> {
        let Some((first, _)) = matrices.first() else { return Ok(()) };
        let ends = |m: &Matrix| if what == Product::Plain { (m.inputs, m.outputs) } else { (m.outputs, m.inputs) };
        let from = ends(first).0;
        let to: Vec<usize> = matrices.iter().map(|(matrix, _)| ends(matrix).1).collect();
        let (all, most) = (x.len() / from, (VALUES / from.max(to.iter().sum())).max(1));
        let step = all.div_ceil(all.div_ceil(most).max(1)).max(1); // parts of one size
        let (what, floor) = match what {
            Product::Plain => (0, 0.0),
            Product::Transposed => (1, 0.0),
            Product::TransposedIntegers => (2, 0.0),
            Product::Sparse(floor) => (3, floor),
        };
        let words = |(m, at): &(Matrix, u32)| {
            let [bytes, outputs, inputs] = [m.packed_bytes(), m.outputs, m.inputs].map(|n| n as u32);
            [m.storage as u32, *at, bytes, outputs, inputs]
        };
        let words: Vec<u32> = matrices.iter().flat_map(words).collect();
        for (x, start) in x.chunks(step * from).zip((0..).step_by(step)) {
            let (rows, helpers) = (x.len() / from, self.helpers());
            let mut into: Vec<&mut [f32]> =
                y.iter_mut().zip(&to).map(|(y, to)| &mut y[start * to..(start + rows) * to]).collect();
            let multiply = |e: &Exports| {
                let at = e.matrices()?;
                Uint32Array::new_with_byte_offset_and_length(&self.memory.buffer(), at, words.len() as u32)
                    .copy_from(&words);
                e.multiply(what, matrices.len() as u32, helpers, floor)
            };
            self.call(&[x], multiply, &mut into)?;
        }
        Ok(())
    }

    fn cache(&self, shape: Shape, groups: usize) -> Option<u32> {
        let (width, heads, kv_heads, scale, window) = sizes(&shape);
        self.exports.cache(groups as u32, width, heads, kv_heads, scale, window).ok()
    }

    fn free_cache(&self, cache: u32) {
        let _ = self.exports.free_cache(cache); // a module that fails here fails at its next call, which is heard
    }

    fn attend(&self, cache: u32, plan: Plan, rows: Sequence, out: &mut [f32]) -> Result<(), ModelError> {
        let tangents = as_floats(plan.tangents.iter().flat_map(|t| [t.group, t.row, t.position, t.count]));
        let [start, primal, count] = [plan.start, plan.primal, plan.tangents.len()].map(|n| n as u32);
        let helpers = self.helpers();
        let input = [&tangents, rows.queries, rows.keys, rows.values];
        self.call(&input, |e| e.attend(cache, start, primal, count, helpers), &mut [out])
    }

    fn attention_vjp(
        &self,
        shape: Shape,
        sequence: Sequence,
        lengths: &[usize],
        c: &[f32],
    ) -> Result<[Vec<f32>; 3], ModelError> {
        let (narrow, rows) = (shape.kv_width(), lengths.iter().sum::<usize>());
        let [mut queries, mut keys, mut values] = [c.len(), rows * narrow, rows * narrow].map(|n| vec![0.0; n]);
        let (list, positions, count) =
            (as_floats(lengths.iter().copied()), sequence.keys.len() / narrow, lengths.len());
        let input = [&list, sequence.queries, sequence.keys, sequence.values, c];
        let (width, heads, kv_heads, scale, window) = sizes(&shape);
        let helpers = self.helpers();
        let pull = |e: &Exports| {
            e.attention_vjp(width, heads, kv_heads, scale, window, positions as u32, count as u32, helpers)
        };
        self.call(&input, pull, &mut [&mut queries, &mut keys, &mut values])?;
        Ok([queries, keys, values])
    }
}
