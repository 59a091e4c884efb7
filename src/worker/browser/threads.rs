//! The engine's threads. `public/threads.js` starts them, and they run `kernels/src/module.rs`.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::WebAssembly::Memory;
use js_sys::{Atomics, Float32Array, Function, Int32Array, Reflect, Uint8Array};
use shiftlens_kernels::Matrix;
use wasm_bindgen::prelude::*;

use super::js;
use crate::model::ModelError;
use crate::model::cpu::{Cores, Product};

/// The most values of a product's input or result in the shared memory. More rows are multiplied in several calls, so that little
/// memory is needed beside the weights.
const VALUES: usize = 512 * 1024;

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
    #[allow(clippy::too_many_arguments)] // as the module has it
    fn multiply(
        this: &Exports,
        what: u32,
        storage: u32,
        at: u32,
        bytes: u32,
        outputs: u32,
        inputs: u32,
        helpers: u32,
        floor: f32,
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

    /// One call of the module: a product with few enough rows.
    fn some(
        &self,
        what: Product,
        matrix: &Matrix,
        at: u32,
        helpers: u32,
        x: &[f32],
        y: &mut [f32],
    ) -> Result<(), JsValue> {
        let (number, floor) = match what {
            Product::Plain => (0, 0.0),
            Product::Transposed => (1, 0.0),
            Product::TransposedIntegers => (2, 0.0),
            Product::Sparse(floor) => (3, floor),
        };
        let floats = |at: u32, count: usize| {
            Float32Array::new_with_byte_offset_and_length(&self.memory.buffer(), at, count as u32)
        };
        let input = self.exports.input(x.len() as u32)?;
        floats(input, x.len()).copy_from(x);
        let (outputs, inputs) = (matrix.outputs as u32, matrix.inputs as u32);
        let bytes = matrix.packed_bytes() as u32;
        let storage = matrix.storage as u32;
        let together = self.exports.multiply(number, storage, at, bytes, outputs, inputs, helpers, floor)?;
        if together == 0 {
            self.given_up.set(true);
            self.end();
        }
        floats(self.exports.output()?, y.len()).copy_to(y);
        Ok(())
    }
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

    fn multiply(&self, what: Product, matrix: &Matrix, at: u32, x: &[f32], y: &mut [f32]) -> Result<(), ModelError> {
        let (from, to) = match what {
            Product::Plain => (matrix.inputs, matrix.outputs),
            _ => (matrix.outputs, matrix.inputs),
        };
        let (all, most) = (x.len() / from, (VALUES / from.max(to)).max(1));
        let rows = all.div_ceil(all.div_ceil(most).max(1)).max(1); // parts of one size
        let helpers = self.helpers();
        for (x, y) in x.chunks(rows * from).zip(y.chunks_mut(rows * to)) {
            let done = self.some(what, matrix, at, if self.given_up.get() { 0 } else { helpers }, x, y);
            done.map_err(|e| ModelError::Tensor(format!("the threads' product failed: {}", js::message(&e))))?;
        }
        Ok(())
    }
}
