//! What `kernels.wasm` exports. Each thread is an instance of it, and all share one memory.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::sync::atomic::AtomicU32;

use crate::allocator::Shared;
use crate::attention::{Cache, Cotangents, Forward, Plan, Sequence, Shape, Tangent, Vjp};
use crate::fixed::Rounded;
use crate::matrix::{Input, Matrix, Scratch};
use crate::pool::{Pool, SLOTS, Sleep, Stuck, Task};
use crate::storage::Storage;
use crate::tasks::{Product, Rounding, Sparse, Transposed};

#[global_allocator]
static ALLOCATOR: Shared = Shared::new();

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    /// `Atomics.wait`. A time of infinity means no limit.
    fn wait(word: *const AtomicU32, value: u32, milliseconds: f64);
    /// `Atomics.notify`.
    fn wake(word: *const AtomicU32);
}

struct Atomics;

impl Sleep for Atomics {
    fn wait(&self, word: &AtomicU32, value: u32, milliseconds: Option<u32>) {
        // SAFETY: the word lives in the shared memory.
        unsafe { wait(word, value, milliseconds.map_or(f64::INFINITY, f64::from)) }
    }

    fn wake(&self, word: &AtomicU32) {
        // SAFETY: as above.
        unsafe { wake(word) }
    }
}

static POOL: Pool = Pool::new();

/// One call: its tasks, in two slots, and what they use. A product's first task rounds the input, the second multiplies; attention has
/// the second alone.
struct Work {
    x: Vec<f32>,
    y: Vec<f32>,
    rounded: Rounded,
    /// What `x` begins with, as numbers.
    tangents: Vec<Tangent>,
    lengths: Vec<usize>,
    /// The tasks, kept for as long as a helper may read them.
    tasks: [Option<Box<dyn Task>>; 2],
}

impl Work {
    const NEW: Self = Self {
        x: Vec::new(),
        y: Vec::new(),
        rounded: Rounded::EMPTY,
        tangents: Vec::new(),
        lengths: Vec::new(),
        tasks: [None, None],
    };
}

/// Calls that helpers may take part in.
const SHARED: usize = SLOTS / 2;
/// The call that the leader computes alone.
const ALONE: usize = SHARED;

/// The most matrices of one product: queries, keys and values.
const MATRICES: usize = 3;

/// A layer's cache, and the work that last read it.
struct Kept {
    cache: Box<Cache>,
    read_by: usize,
}

/// What only the leader uses.
struct Leader {
    works: [Work; SHARED + 1],
    /// Those of the next product.
    matrices: [Placed; MATRICES],
    /// The one that holds the input.
    at: usize,
    caches: Vec<Option<Kept>>,
    scratch: Option<Scratch>,
    /// Whether the leader has given up on its helpers.
    alone: bool,
}

struct Cell(UnsafeCell<Leader>);

// SAFETY: only the leader's instance calls what uses it.
unsafe impl Sync for Cell {}

static LEADER: Cell = Cell(UnsafeCell::new(Leader {
    works: [const { Work::NEW }; SHARED + 1],
    matrices: [Placed::NONE; MATRICES],
    at: ALONE,
    caches: Vec::new(),
    scratch: None,
    alone: false,
}));

/// Allocates `bytes` bytes for good. Returns null if there is no room.
#[unsafe(no_mangle)]
extern "C" fn reserve(bytes: usize) -> *mut u8 {
    ALLOCATOR.reserve(bytes)
}

/// Bytes of the memory that have been used so far.
#[unsafe(no_mangle)]
extern "C" fn used() -> usize {
    ALLOCATOR.used()
}

/// Where to write the input of the next call, `values` values.
#[unsafe(no_mangle)]
extern "C" fn input(values: usize) -> *mut f32 {
    // SAFETY: called by the leader, between calls.
    let leader = unsafe { &mut *LEADER.0.get() };
    let free = |work: &usize| POOL.is_free(2 * work) && POOL.is_free(2 * work + 1);
    // a helper that has lost its core, or died, holds its slot; the leader takes another
    leader.at = (0..SHARED).find(|work| !leader.alone && free(work)).unwrap_or(ALONE);
    let work = &mut leader.works[leader.at];
    work.tasks = [None, None];
    work.x.resize(values, 0.0);
    work.x.as_mut_ptr()
}

/// Where the last call's result is.
#[unsafe(no_mangle)]
extern "C" fn output() -> *const f32 {
    // SAFETY: called by the leader, between calls.
    let leader = unsafe { &*LEADER.0.get() };
    leader.works[leader.at].y.as_ptr()
}

/// Runs helper `id`. Never returns.
#[unsafe(no_mangle)]
extern "C" fn help(id: usize) {
    POOL.help(id, &Atomics, || true);
}

/// How many results helper `id` has written so far.
#[unsafe(no_mangle)]
extern "C" fn parts(id: usize) -> u32 {
    POOL.parts(id)
}

/// What [`multiply`] does, by number.
const PRODUCT: usize = 0;
const TRANSPOSED: usize = 1;
const TRANSPOSED_INTEGERS: usize = 2;
const SPARSE: usize = 3;

/// A matrix in the shared memory, as the engine writes it.
#[derive(Clone, Copy)]
#[repr(C)]
struct Placed {
    storage: u32,
    address: u32,
    bytes: u32,
    outputs: u32,
    inputs: u32,
}

impl Placed {
    const NONE: Self = Self { storage: 0, address: 0, bytes: 0, outputs: 0, inputs: 0 };

    /// # Safety
    /// `bytes` bytes at `address` hold the matrix, for ever.
    unsafe fn matrix(self) -> Matrix<'static> {
        // SAFETY: as the caller says.
        let bytes = unsafe { core::slice::from_raw_parts(self.address as *const u8, self.bytes as usize) };
        let (outputs, inputs) = (self.outputs as usize, self.inputs as usize);
        Matrix { storage: Storage::ALL[self.storage as usize], bytes, outputs, inputs }
    }
}

/// Where to write the matrices of the next product: five words each.
#[unsafe(no_mangle)]
extern "C" fn matrices() -> *mut Placed {
    // SAFETY: called by the leader, between calls.
    unsafe { (*LEADER.0.get()).matrices.as_mut_ptr() }
}

/// Multiplies the input by `count` matrices, or by the transpose of one. `floor` is for sparse rows only. Returns whether helpers can
/// still be used.
///
/// # Safety
/// [`matrices`] holds so many, and they stay where they are.
#[unsafe(no_mangle)]
unsafe extern "C" fn multiply(what: usize, count: usize, helpers: usize, floor: f32) -> bool {
    // SAFETY: called by the leader alone.
    let leader = unsafe { &mut *LEADER.0.get() };
    // SAFETY: as the caller says.
    let matrices = leader.matrices.map(|placed| unsafe { placed.matrix() });
    leader.finish(helpers, |leader, helpers| leader.multiply(what, &matrices[..count], helpers, floor))
}

/// Makes an empty cache of keys and values, and of their tangents for so many groups. Returns its number.
#[unsafe(no_mangle)]
extern "C" fn cache(groups: usize, width: usize, heads: usize, kv_heads: usize, scale: f32, window: usize) -> usize {
    // SAFETY: called by the leader, between calls.
    let leader = unsafe { &mut *LEADER.0.get() };
    let cache = Box::new(Cache::new(shape(width, heads, kv_heads, scale, window), groups));
    let place = leader.caches.iter().position(Option::is_none).unwrap_or(leader.caches.len());
    if place == leader.caches.len() {
        leader.caches.push(None);
    }
    leader.caches[place] = Some(Kept { cache, read_by: ALONE });
    place
}

/// Frees a cache. One that a lost helper may still read is kept.
#[unsafe(no_mangle)]
extern "C" fn free_cache(number: usize) {
    // SAFETY: called by the leader, between calls.
    let leader = unsafe { &mut *LEADER.0.get() };
    if let Some(kept) = leader.caches.get_mut(number).and_then(Option::take)
        && wait_for(kept.read_by).is_err()
    {
        core::mem::forget(kept);
    }
}

/// Appends new keys and values to cache `number`, and attends to them. The input is a row of four numbers for each tangent, as
/// [`Tangent`] has them, then queries, keys and values, as [`Forward`] takes them. Returns whether helpers can still be used.
#[unsafe(no_mangle)]
extern "C" fn attend(number: usize, start: usize, primal: usize, tangents: usize, helpers: usize) -> bool {
    // SAFETY: called by the leader alone.
    let leader = unsafe { &mut *LEADER.0.get() };
    let Work { x, tangents: list, .. } = &mut leader.works[leader.at];
    *list = x.as_chunks::<4>().0[..tangents].iter().map(|t| t.map(|n| n as usize)).map(tangent).collect();
    let appended = leader.append(number, start, primal);
    // the cache has the rows; a helper that is lost may yet read it, but nothing that it finds is written
    leader.alone |= appended.is_err();
    leader.finish(helpers, |leader, helpers| leader.attend(number, start, primal, helpers)) && appended.is_ok()
}

/// The vjp of attention. The input is `count` lengths, then the sequence's queries, keys and values, and the stacked cotangents, as
/// [`Vjp`] takes them; the result is the cotangents of queries, of keys, and of values. Returns whether helpers can still be used.
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments)] // numbers cross to the module, no structs
extern "C" fn attention_vjp(
    width: usize,
    heads: usize,
    kv_heads: usize,
    scale: f32,
    window: usize,
    positions: usize,
    count: usize,
    helpers: usize,
) -> bool {
    // SAFETY: called by the leader alone.
    let leader = unsafe { &mut *LEADER.0.get() };
    let shape = shape(width, heads, kv_heads, scale, window);
    let Work { x, lengths, .. } = &mut leader.works[leader.at];
    *lengths = x[..count].iter().map(|n| *n as usize).collect();
    leader.finish(helpers, |leader, helpers| leader.attention_vjp(shape, positions, helpers))
}

/// A window of 0 is none.
fn shape(width: usize, heads: usize, kv_heads: usize, scale: f32, window: usize) -> Shape {
    Shape { width, heads, kv_heads, scale, window: (window > 0).then_some(window) }
}

fn tangent([group, row, position, count]: [usize; 4]) -> Tangent {
    Tangent { group, row, position, count }
}

/// Waits until nobody reads what a work's second task does.
fn wait_for(work: usize) -> Result<(), Stuck> {
    if work == ALONE { Ok(()) } else { POOL.wait_until_free(2 * work + 1, &Atomics) }
}

impl Leader {
    /// Computes the call whose input is at hand. After a helper has died while it was writing, the leader computes this one and all
    /// later ones alone. Returns whether helpers can still be used.
    fn finish(&mut self, helpers: usize, compute: impl Fn(&mut Self, usize) -> Result<(), Stuck>) -> bool {
        if compute(self, if self.at == ALONE { 0 } else { helpers }).is_ok() {
            return !self.alone;
        }
        self.alone = true; // the work is never at hand again: who died may yet write to it
        let Work { x, tangents, lengths, .. } = &self.works[self.at];
        let (x, tangents, lengths) = (x.clone(), tangents.clone(), lengths.clone());
        let alone = &mut self.works[ALONE];
        (alone.x, alone.tangents, alone.lengths) = (x, tangents, lengths);
        self.at = ALONE;
        let _ = compute(self, 0); // nobody to be stuck
        false
    }

    fn multiply(&mut self, what: usize, matrices: &[Matrix<'static>], helpers: usize, floor: f32) -> Result<(), Stuck> {
        let Some(&matrix) = matrices.first() else { return Ok(()) };
        let (at, scratch) = (self.at, self.scratch.get_or_insert_default());
        let Work { x, y, rounded, tasks: [first, second], .. } = &mut self.works[at];
        let [rows, wide] = match what {
            PRODUCT => [x.len() / matrix.inputs, matrices.iter().map(|m| m.outputs).sum()],
            _ => [x.len() / matrix.outputs, matrix.inputs],
        };
        y.clear();
        y.resize(rows * wide, 0.0);
        let threads = helpers + 1;
        let task: Box<dyn Task + '_> = match what {
            TRANSPOSED | TRANSPOSED_INTEGERS => {
                Box::new(Transposed::new(matrix, x, what == TRANSPOSED_INTEGERS, y, threads))
            }
            SPARSE => Box::new(Sparse::new(matrix, x, floor, y, threads)),
            _ if matrix.in_integers() => {
                lead(2 * at, Box::new(Rounding::new(x, matrix.inputs, rounded)), first, helpers, scratch)?;
                Box::new(Product::new(matrices, Input::Rounded(rounded), y))
            }
            _ => Box::new(Product::new(matrices, Input::Floats(x), y)),
        };
        lead(2 * at + 1, task, second, helpers, scratch)
    }

    /// Appends the input's keys and values to a cache, when nobody reads it any more.
    fn append(&mut self, number: usize, start: usize, primal: usize) -> Result<(), Stuck> {
        let Work { x, tangents, .. } = &self.works[self.at];
        let Some(Some(Kept { cache, read_by })) = self.caches.get_mut(number) else { return Ok(()) };
        let free = wait_for(*read_by);
        let plan = Plan { start, primal, tangents };
        let shape = *cache.shape();
        let (_, rest) = x[4 * tangents.len()..].split_at(plan.rows() * shape.heads * shape.width);
        let (keys, values) = rest.split_at(plan.rows() * shape.kv_width());
        cache.append(&plan, keys, values);
        free
    }

    fn attend(&mut self, number: usize, start: usize, primal: usize, helpers: usize) -> Result<(), Stuck> {
        let (at, scratch) = (self.at, self.scratch.get_or_insert_default());
        let Work { x, y, tangents, tasks: [_, second], .. } = &mut self.works[at];
        let Some(Some(Kept { cache, read_by })) = self.caches.get_mut(number) else { return Ok(()) };
        *read_by = at;
        let (plan, shape) = (Plan { start, primal, tangents }, *cache.shape());
        let queries = &x[4 * tangents.len()..][..plan.rows() * shape.heads * shape.width];
        y.clear();
        y.resize(queries.len(), 0.0);
        lead(2 * at + 1, Box::new(Forward::new(cache, plan, queries, y)), second, helpers, scratch)
    }

    fn attention_vjp(&mut self, shape: Shape, positions: usize, helpers: usize) -> Result<(), Stuck> {
        let (at, scratch) = (self.at, self.scratch.get_or_insert_default());
        let Work { x, y, lengths, tasks: [_, second], .. } = &mut self.works[at];
        let (wide, narrow) = (shape.heads * shape.width, shape.kv_width());
        let (queries, rest) = x[lengths.len()..].split_at(positions * wide);
        let (keys, rest) = rest.split_at(positions * narrow);
        let (values, c) = rest.split_at(positions * narrow);
        let rows = c.len() / wide;
        y.clear();
        y.resize(rows * (wide + 2 * narrow), 0.0);
        let (to_queries, rest) = y.split_at_mut(rows * wide);
        let (to_keys, to_values) = rest.split_at_mut(rows * narrow);
        let into = Cotangents { queries: to_queries, keys: to_keys, values: to_values };
        let task = Vjp::new(shape, Sequence { queries, keys, values }, lengths, c, into);
        lead(2 * at + 1, Box::new(task), second, helpers, scratch)
    }
}

/// Runs a task of the work at hand, and keeps it in `place`.
fn lead(
    slot: usize,
    task: Box<dyn Task + '_>,
    place: &mut Option<Box<dyn Task>>,
    helpers: usize,
    scratch: &mut Scratch,
) -> Result<(), Stuck> {
    // SAFETY: the task borrows from its work, which stays as it is until the next time that it is at hand, when the task goes; and from
    // a cache, which changes only when nobody reads it.
    let task = place.insert(unsafe { core::mem::transmute::<Box<dyn Task + '_>, Box<dyn Task>>(task) });
    // SAFETY: the leader is one; work at hand is free, the leader's own has no helpers; after `Stuck` none is at hand.
    unsafe { POOL.lead(slot % SLOTS, &**task, helpers, scratch, &Atomics) }
}
