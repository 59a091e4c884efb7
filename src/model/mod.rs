//! The transformer and its two derivatives, behind one trait for every backend.

pub mod cpu;
mod engine;
mod error;
pub mod gpu;
pub mod head;
mod length;
mod row_plan;
mod shortage;
pub(crate) mod steps;

pub use engine::{Engine, Group, Next, RowEngine, Seen, Tick};
pub use error::ModelError;
pub use length::Length;
pub use shortage::{Needing, Remedy, Shortage, in_words};

/// Drives a future of the CPU backend, which never waits, to its end.
#[cfg(not(target_arch = "wasm32"))]
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::yield_now();
    }
}
