//! The page. Built for wasm32 by Trunk.

fn main() {
    #[cfg(target_arch = "wasm32")]
    shiftlens::app::start();
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("The page runs in a browser: `cargo xtask serve` builds and serves it.");
}
