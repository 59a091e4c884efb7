//! What `kernels.wasm` exports. Each thread is an instance of it, and all share one memory.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::sync::atomic::AtomicU32;

use crate::allocator::Shared;
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

/// One product: its two tasks, in two slots, and what they use. The first task rounds the input, the second multiplies.
struct Work {
    x: Vec<f32>,
    y: Vec<f32>,
    rounded: Rounded,
    /// The tasks, kept for as long as a helper may read them.
    tasks: [Option<Box<dyn Task>>; 2],
}

impl Work {
    const NEW: Self = Self { x: Vec::new(), y: Vec::new(), rounded: Rounded::EMPTY, tasks: [None, None] };
}

/// Products that helpers may take part in.
const SHARED: usize = SLOTS / 2;
/// The product that the leader computes alone.
const ALONE: usize = SHARED;

/// What only the leader uses.
struct Leader {
    works: [Work; SHARED + 1],
    /// The one that holds the input.
    at: usize,
    scratch: Option<Scratch>,
    /// Whether the leader has given up on its helpers.
    alone: bool,
}

struct Cell(UnsafeCell<Leader>);

// SAFETY: only the leader's instance calls what uses it.
unsafe impl Sync for Cell {}

static LEADER: Cell =
    Cell(UnsafeCell::new(Leader { works: [const { Work::NEW }; SHARED + 1], at: ALONE, scratch: None, alone: false }));

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

/// Where to write the input of the next product, `values` values.
#[unsafe(no_mangle)]
extern "C" fn input(values: usize) -> *mut f32 {
    // SAFETY: called by the leader, between products.
    let leader = unsafe { &mut *LEADER.0.get() };
    let free = |work: &usize| POOL.is_free(2 * work) && POOL.is_free(2 * work + 1);
    // a helper that has lost its core, or died, holds its slot; the leader takes another
    leader.at = (0..SHARED).find(|work| !leader.alone && free(work)).unwrap_or(ALONE);
    let work = &mut leader.works[leader.at];
    work.tasks = [None, None];
    work.x.resize(values, 0.0);
    work.x.as_mut_ptr()
}

/// Where the last product's result is.
#[unsafe(no_mangle)]
extern "C" fn output() -> *const f32 {
    // SAFETY: called by the leader, between products.
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

/// Multiplies the input by a matrix or its transpose. `floor` is for sparse rows only. Returns whether helpers can still be used: after
/// one has died while it was writing, the leader computes this product and all later ones alone.
///
/// # Safety
/// `bytes` bytes at `weights` hold the matrix.
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments)] // numbers cross to the module, no structs
unsafe extern "C" fn multiply(
    what: usize,
    storage: usize,
    weights: *const u8,
    bytes: usize,
    outputs: usize,
    inputs: usize,
    helpers: usize,
    floor: f32,
) -> bool {
    // SAFETY: called by the leader alone; the weights are as the caller says, and stay so for ever.
    let (leader, bytes) = unsafe { (&mut *LEADER.0.get(), core::slice::from_raw_parts(weights, bytes)) };
    let matrix = Matrix { storage: Storage::ALL[storage], bytes, outputs, inputs };
    if leader.multiply(what, matrix, helpers, floor).is_ok() {
        return true;
    }
    leader.alone = true; // the work is never at hand again: who died may yet write to it
    leader.works[ALONE].x = leader.works[leader.at].x.clone();
    leader.at = ALONE;
    let _ = leader.multiply(what, matrix, 0, floor); // nobody to be stuck
    false
}

impl Leader {
    fn multiply(&mut self, what: usize, matrix: Matrix<'static>, helpers: usize, floor: f32) -> Result<(), Stuck> {
        let slots = [2 * self.at, 2 * self.at + 1];
        let (helpers, scratch) = (if self.at == ALONE { 0 } else { helpers }, self.scratch.get_or_insert_default());
        let Work { x, y, rounded, tasks } = &mut self.works[self.at];
        let [rows, wide] = match what {
            PRODUCT => [x.len() / matrix.inputs, matrix.outputs],
            _ => [x.len() / matrix.outputs, matrix.inputs],
        };
        y.clear();
        y.resize(rows * wide, 0.0);
        let [first, second] = tasks;
        let mut lead = |slot: usize, task: Box<dyn Task + '_>, place: &mut Option<Box<dyn Task>>| {
            // SAFETY: the task borrows from this work, which stays as it is until the next time that it is at hand; it goes then.
            let task = place.insert(unsafe { core::mem::transmute::<Box<dyn Task + '_>, Box<dyn Task>>(task) });
            // SAFETY: the leader is one; work at hand is free, the leader's own has no helpers; after `Stuck` none is at hand.
            unsafe { POOL.lead(slot % SLOTS, &**task, helpers, scratch, &Atomics) }
        };
        let threads = helpers + 1;
        let task: Box<dyn Task + '_> = match what {
            TRANSPOSED | TRANSPOSED_INTEGERS => {
                Box::new(Transposed::new(matrix, x, what == TRANSPOSED_INTEGERS, y, threads))
            }
            SPARSE => Box::new(Sparse::new(matrix, x, floor, y, threads)),
            _ if matrix.in_integers() => {
                lead(slots[0], Box::new(Rounding::new(x, matrix.inputs, rounded)), first)?;
                Box::new(Product::new(matrix, Input::Rounded(rounded), y))
            }
            _ => Box::new(Product::new(matrix, Input::Floats(x), y)),
        };
        lead(slots[1], task, second)
    }
}
