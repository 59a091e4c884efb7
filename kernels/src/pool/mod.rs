//! A thread pool that runs one task at a time, split into parts.
//!
//! One thread, the leader, owns the task and works on it too. The others, the helpers, wait to be called. Threads take parts from a
//! counter, so a slow thread takes few. A part is computed into a buffer first; the first thread to finish it writes the result.
//! So the leader can redo a part that a helper took but did not finish: the helper may have lost its core, or died. Such a helper may
//! still read its task, so each task sits in a slot, which is not reused until every helper has left it. How to wait is left
//! to [`Sleep`]: stable Rust cannot express it for wasm.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering::SeqCst};

use crate::Scratch;

/// The most helpers that a pool can have.
pub const MOST_HELPERS: usize = 31;
/// Slots for tasks. Helpers that have lost their core may hold some of them.
pub const SLOTS: usize = 8;
/// The most parts that a task can have.
pub const MOST_PARTS: usize = 1024;

/// How often a helper polls for a call before it sleeps: about a hundred microseconds, as long as the steps between two products
/// may take.
const SPINS: u32 = 100_000;
/// Milliseconds between two checks of a result that is being written.
const PAUSE: u32 = 1;
/// Checks after which its writer counts as dead.
const CHECKS: u32 = 2_000;

/// Work that can be split.
pub trait Task: Sync {
    /// The number of parts, at most [`MOST_PARTS`].
    fn parts(&self) -> usize;
    /// Computes one into `scratch`.
    fn compute(&self, part: usize, scratch: &mut Scratch);
    /// Copies the result from `scratch` to its place, which belongs to this part alone. Called once for each part.
    fn write(&self, part: usize, scratch: &Scratch);
    /// About how many nanoseconds a part takes: how long the leader waits before it computes the part itself.
    fn cost(&self) -> u32;
}

/// How a thread waits.
pub trait Sleep {
    /// Sleeps while `word` is `value`, for at most `milliseconds` if given.
    fn wait(&self, word: &AtomicU32, value: u32, milliseconds: Option<u32>);
    /// Wakes the thread that sleeps on `word`.
    fn wake(&self, word: &AtomicU32);
}

/// A helper stopped while it was writing a result. It may still write to what the task borrows, at any time.
#[derive(Debug)]
pub struct Stuck;

/// The state of one helper, in a cache line of its own.
#[repr(align(64))]
struct Place {
    /// The last call: a turn and a slot, see [`Pool::lead`].
    signal: AtomicU32,
    asleep: AtomicBool,
    /// How many results it has written so far.
    parts: AtomicU32,
}

/// A task and its progress, in cache lines of its own.
#[repr(align(64))]
struct Slot {
    /// The call that helpers may join, or 0.
    open: AtomicU32,
    /// Helpers that are joining or at work.
    inside: AtomicU32,
    /// The next part to take.
    next: AtomicU32,
    /// Parts whose results are written.
    done: AtomicU32,
    /// What has become of each part.
    states: [AtomicU8; MOST_PARTS],
    task: UnsafeCell<Option<*const dyn Task>>,
}

/// Not computed yet.
const OPEN: u8 = 0;
/// Its result is being written.
const WRITING: u8 = 1;
/// Written.
const WRITTEN: u8 = 2;

/// See the module.
pub struct Pool {
    turn: AtomicU32,
    slots: [Slot; SLOTS],
    places: [Place; MOST_HELPERS],
}

// SAFETY: a slot's `task` is written by the leader alone, while the slot is not open and nobody is inside.
unsafe impl Sync for Pool {}
// SAFETY: the pointers are only followed as above.
unsafe impl Send for Pool {}

impl Default for Pool {
    fn default() -> Self {
        Self::new()
    }
}

impl Slot {
    const fn new() -> Self {
        Self {
            open: AtomicU32::new(0),
            inside: AtomicU32::new(0),
            next: AtomicU32::new(0),
            done: AtomicU32::new(0),
            states: [const { AtomicU8::new(OPEN) }; MOST_PARTS],
            task: UnsafeCell::new(None),
        }
    }

    /// Takes parts until none are left. Returns how many results this thread wrote.
    fn share(&self, task: &dyn Task, parts: usize, scratch: &mut Scratch) -> u32 {
        let mut written = 0;
        loop {
            let part = self.next.fetch_add(1, SeqCst) as usize;
            if part >= parts {
                return written;
            }
            written += u32::from(self.finish(task, part, scratch));
        }
    }

    /// Computes a part, and writes the result unless another thread has. Returns whether it did.
    fn finish(&self, task: &dyn Task, part: usize, scratch: &mut Scratch) -> bool {
        task.compute(part, scratch);
        if self.states[part].compare_exchange(OPEN, WRITING, SeqCst, SeqCst).is_err() {
            return false;
        }
        task.write(part, scratch);
        self.states[part].store(WRITTEN, SeqCst);
        self.done.fetch_add(1, SeqCst);
        true
    }

    /// Waits for the parts that helpers have taken, and after a while computes them itself.
    fn end(&self, task: &dyn Task, parts: usize, scratch: &mut Scratch, sleep: &impl Sleep) -> Result<(), Stuck> {
        let done = || self.done.load(SeqCst) as usize == parts;
        if spin(task.cost(), done) {
            return Ok(());
        }
        for part in 0..parts {
            if self.states[part].load(SeqCst) == OPEN {
                self.finish(task, part, scratch);
            }
        }
        for _ in 0..CHECKS {
            if spin(task.cost(), done) {
                return Ok(());
            }
            sleep.wait(&self.done, self.done.load(SeqCst), Some(PAUSE));
        }
        if done() { Ok(()) } else { Err(Stuck) }
    }
}

/// Polls a condition `times` times and once more. Returns whether it came true.
fn spin(times: u32, so: impl Fn() -> bool) -> bool {
    (0..=times).any(|_| {
        core::hint::spin_loop();
        so()
    })
}

impl Pool {
    /// A pool without helpers yet.
    pub const fn new() -> Self {
        Self {
            turn: AtomicU32::new(0),
            slots: [const { Slot::new() }; SLOTS],
            places: [const { Place { signal: AtomicU32::new(0), asleep: AtomicBool::new(false), parts: AtomicU32::new(0) } };
                MOST_HELPERS],
        }
    }

    /// How many results helper `id` has written so far.
    pub fn parts(&self, id: usize) -> u32 {
        self.places[id].parts.load(SeqCst)
    }

    /// Whether no helper uses a slot any more.
    pub fn is_free(&self, slot: usize) -> bool {
        self.slots[slot].inside.load(SeqCst) == 0
    }

    /// Waits until no helper uses a slot any more. Fails if one does not leave it within some seconds.
    pub fn wait_until_free(&self, slot: usize, sleep: &impl Sleep) -> Result<(), Stuck> {
        for _ in 0..CHECKS {
            if spin(SPINS, || self.is_free(slot)) {
                return Ok(());
            }
            let inside = &self.slots[slot].inside;
            sleep.wait(inside, inside.load(SeqCst), Some(PAUSE));
        }
        if self.is_free(slot) { Ok(()) } else { Err(Stuck) }
    }

    /// Runs `task` in a slot with the first `helpers` helpers. The caller is the leader.
    ///
    /// # Safety
    /// There is one leader at a time. The slot is free. `task` and what it reads stay valid and unchanged until the slot is free
    /// again. After [`Stuck`] it never is, and what the task writes to has to stay valid too.
    pub unsafe fn lead(
        &self,
        slot: usize,
        task: &dyn Task,
        helpers: usize,
        scratch: &mut Scratch,
        sleep: &impl Sleep,
    ) -> Result<(), Stuck> {
        let parts = task.parts();
        let helpers = helpers.min(MOST_HELPERS).min(parts.saturating_sub(1));
        if helpers == 0 {
            for part in 0..parts {
                task.compute(part, scratch);
                task.write(part, scratch);
            }
            return Ok(());
        }
        let number = slot as u32;
        let slot = &self.slots[slot];
        // SAFETY: nobody is inside; the task lives for as long as somebody will be.
        unsafe { *slot.task.get() = Some(core::mem::transmute::<*const dyn Task, *const dyn Task>(task)) };
        slot.next.store(0, SeqCst);
        slot.done.store(0, SeqCst);
        slot.states[..parts].iter().for_each(|state| state.store(OPEN, SeqCst));
        // never 0, and another than the last
        let turn = self.turn.load(SeqCst) % (u32::MAX / SLOTS as u32 - 1) + 1;
        self.turn.store(turn, SeqCst);
        let call = turn * SLOTS as u32 + number;
        slot.open.store(call, SeqCst);
        for place in &self.places[..helpers] {
            place.signal.store(call, SeqCst);
            if place.asleep.load(SeqCst) {
                sleep.wake(&place.signal);
            }
        }
        slot.share(task, parts, scratch);
        let ended = slot.end(task, parts, scratch, sleep);
        slot.open.store(0, SeqCst);
        ended
    }

    /// Runs helper `id`. Before each sleep it asks `go_on`, and returns if that is false.
    pub fn help(&self, id: usize, sleep: &impl Sleep, go_on: impl Fn() -> bool) {
        let (place, mut scratch, mut seen) = (&self.places[id], Scratch::default(), 0);
        while let Some(call) = place.next(seen, sleep, &go_on) {
            seen = call;
            let slot = &self.slots[call as usize % SLOTS];
            slot.inside.fetch_add(1, SeqCst);
            if slot.open.load(SeqCst) == call {
                // SAFETY: the slot is open for this call and this thread inside: the task lives until it leaves.
                if let Some(task) = unsafe { (*slot.task.get()).map(|task| &*task) } {
                    let written = slot.share(task, task.parts(), &mut scratch);
                    place.parts.fetch_add(written, SeqCst);
                }
            }
            slot.inside.fetch_sub(1, SeqCst);
        }
    }
}

impl Place {
    /// The next call.
    fn next(&self, seen: u32, sleep: &impl Sleep, go_on: &impl Fn() -> bool) -> Option<u32> {
        let called = || self.signal.load(SeqCst) != seen;
        if spin(SPINS, called) {
            return Some(self.signal.load(SeqCst));
        }
        self.asleep.store(true, SeqCst);
        while !called() {
            if !go_on() {
                return None;
            }
            sleep.wait(&self.signal, seen, None);
        }
        self.asleep.store(false, SeqCst);
        Some(self.signal.load(SeqCst))
    }
}

#[cfg(test)]
pub(crate) mod tests;
