//! The shared memory's allocator: blocks of powers of two, kept in lists when they are freed.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::{memory_grow, memory_size};
use core::cell::UnsafeCell;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, Ordering};

/// Every block is aligned to a cache line.
const LINE: usize = 64;
const PAGE: usize = 65_536;

unsafe extern "C" {
    /// Where the linker's own data ends.
    static __heap_base: u8;
}

/// See the module.
pub struct Shared {
    locked: AtomicBool,
    state: UnsafeCell<State>,
}

struct State {
    /// The first byte that was never given away; 0 before the first call.
    top: usize,
    /// Freed blocks of `LINE << class` bytes, each holding the address of the next.
    free: [*mut u8; 26],
}

// SAFETY: the state is used under the lock alone.
unsafe impl Sync for Shared {}

impl Shared {
    /// Nothing given away yet.
    pub const fn new() -> Self {
        let state = State { top: 0, free: [null_mut(); 26] };
        Self { locked: AtomicBool::new(false), state: UnsafeCell::new(state) }
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        while self.locked.swap(true, Ordering::Acquire) {
            core::hint::spin_loop();
        }
        // SAFETY: the lock is held.
        let result = f(unsafe { &mut *self.state.get() });
        self.locked.store(false, Ordering::Release);
        result
    }

    /// Bytes that have been given away, with all that lies before them.
    pub fn used(&self) -> usize {
        self.with(|state| state.top)
    }

    /// Room that stays taken, or null.
    pub fn reserve(&self, bytes: usize) -> *mut u8 {
        self.with(|state| state.extend(bytes))
    }
}

impl State {
    fn extend(&mut self, bytes: usize) -> *mut u8 {
        if self.top == 0 {
            self.top = (&raw const __heap_base as usize).next_multiple_of(LINE);
        }
        let Some(end) = bytes.checked_next_multiple_of(LINE).and_then(|bytes| self.top.checked_add(bytes)) else {
            return null_mut();
        };
        let have = memory_size(0) * PAGE;
        if end > have && memory_grow(0, (end - have).div_ceil(PAGE)) == usize::MAX {
            return null_mut();
        }
        core::mem::replace(&mut self.top, end) as *mut u8
    }
}

/// The list of blocks that hold so many bytes.
fn class(bytes: usize) -> usize {
    bytes.div_ceil(LINE).next_power_of_two().trailing_zeros() as usize
}

// SAFETY: blocks do not overlap, as those that are given away are in no list; they hold what is asked for, aligned to a line.
unsafe impl GlobalAlloc for Shared {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let class = class(layout.size());
        self.with(|state| match state.free.get(class) {
            None => null_mut(),
            Some(_) if layout.align() > LINE => null_mut(),
            Some(first) if first.is_null() => state.extend(LINE << class),
            Some(&first) => {
                // SAFETY: a block in a list holds the address of the next.
                state.free[class] = unsafe { *first.cast::<*mut u8>() };
                first
            }
        })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let class = class(layout.size());
        self.with(|state| {
            // SAFETY: the block is no longer used, and large enough.
            unsafe { *block.cast::<*mut u8>() = state.free[class] };
            state.free[class] = block;
        });
    }
}
