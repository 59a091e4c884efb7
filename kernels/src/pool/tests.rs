use super::*;
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// Threads of std.
#[derive(Default)]
pub struct Threads(Mutex<()>, Condvar);

impl Sleep for Threads {
    fn wait(&self, word: &AtomicU32, value: u32, milliseconds: Option<u32>) {
        let lock = self.0.lock().unwrap();
        let still = |(): &mut ()| word.load(SeqCst) == value;
        match milliseconds {
            Some(ms) => drop(self.1.wait_timeout_while(lock, Duration::from_millis(ms.into()), still).unwrap()),
            None => drop(self.1.wait_while(lock, still).unwrap()),
        }
    }

    fn wake(&self, _: &AtomicU32) {
        drop(self.0.lock().unwrap());
        self.1.notify_all();
    }
}

impl Pool {
    /// Runs `leader` with so many helpers, and ends them.
    pub(crate) fn with_helpers(&self, helpers: usize, sleep: &Threads, leader: impl FnOnce()) {
        let going = AtomicBool::new(true);
        thread::scope(|scope| {
            for id in 0..helpers {
                let going = &going;
                scope.spawn(move || self.help(id, sleep, || going.load(SeqCst)));
            }
            leader();
            going.store(false, SeqCst);
            // a call that nobody answers: no slot is open for it
            self.places.iter().for_each(|place| place.signal.store(u32::MAX, SeqCst));
            sleep.wake(&self.turn);
        });
    }
}

impl Pool {
    /// Leads at the first slot, and waits until it is free.
    pub(crate) fn lead_and_leave(&self, task: &dyn Task, helpers: usize, scratch: &mut Scratch, sleep: &Threads) {
        // SAFETY: one leader; the task is borrowed until nobody looks at it.
        unsafe { self.lead(0, task, helpers, scratch, sleep).unwrap() };
        while !self.is_free(0) {
            thread::yield_now();
        }
    }
}

/// Counts how often each part is written.
struct Counting(std::vec::Vec<AtomicU32>);

impl Task for Counting {
    fn parts(&self) -> usize {
        self.0.len()
    }

    fn compute(&self, _: usize, _: &mut Scratch) {}

    fn write(&self, part: usize, _: &Scratch) {
        self.0[part].fetch_add(1, SeqCst);
    }

    fn cost(&self) -> u32 {
        0 // the leader computes everything again at once
    }
}

#[test]
fn every_part_is_written_once() {
    let (pool, sleep, mut scratch) = (Pool::new(), Threads::default(), Scratch::default());
    pool.with_helpers(3, &sleep, || {
        for parts in (0..40).cycle().take(4_000) {
            let task = Counting((0..parts).map(|_| AtomicU32::new(0)).collect());
            pool.lead_and_leave(&task, 3, &mut scratch, &sleep);
            assert!(task.0.iter().all(|count| count.load(SeqCst) == 1));
        }
    });
}

/// A helper takes a part and does not come back while it computes, or while it writes.
struct Lost {
    leader: thread::ThreadId,
    while_writing: bool,
    taken: AtomicBool,
    released: AtomicBool,
}

impl Lost {
    fn new(while_writing: bool) -> Self {
        let leader = thread::current().id();
        Self { leader, while_writing, taken: AtomicBool::new(false), released: AtomicBool::new(false) }
    }

    fn meet(&self, writing: bool) {
        let helps = thread::current().id() != self.leader;
        if helps && writing == self.while_writing {
            self.taken.store(true, SeqCst);
        }
        let awaited = if helps { &self.released } else { &self.taken };
        while (writing == self.while_writing || !helps) && !awaited.load(SeqCst) {
            thread::yield_now();
        }
    }
}

impl Task for Lost {
    fn parts(&self) -> usize {
        2
    }

    fn compute(&self, _: usize, _: &mut Scratch) {
        self.meet(false);
    }

    fn write(&self, _: usize, _: &Scratch) {
        self.meet(true);
    }

    fn cost(&self) -> u32 {
        100
    }
}

#[test]
fn what_a_lost_helper_has_taken_is_computed_again() {
    let (pool, sleep, mut scratch) = (Pool::new(), Threads::default(), Scratch::default());
    let task = Lost::new(false);
    pool.with_helpers(1, &sleep, || {
        // SAFETY: the task outlives its helper.
        assert!(unsafe { pool.lead(0, &task, 1, &mut scratch, &sleep) }.is_ok());
        assert!(!pool.is_free(0), "the helper still looks at its task");
        assert_eq!(pool.parts(0), 0);
        task.released.store(true, SeqCst);
    });
    assert!(pool.is_free(0));
    assert_eq!(pool.parts(0), 0, "it has written what was written before");
}

#[test]
fn a_helper_that_is_lost_while_it_writes_is_given_up() {
    let (pool, sleep, mut scratch) = (Pool::new(), Threads::default(), Scratch::default());
    let task = Lost::new(true);
    pool.with_helpers(1, &sleep, || {
        // SAFETY: the pool is given nothing else, and the task outlives its helper.
        assert!(unsafe { pool.lead(0, &task, 1, &mut scratch, &sleep) }.is_err());
        task.released.store(true, SeqCst);
    });
}
