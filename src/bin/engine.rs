//! The engine: the web worker that owns one model. Built for wasm32; natively `examples/explain` is the same engine.

fn main() {
    #[cfg(target_arch = "wasm32")]
    shiftlens::worker::browser::start();
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!(
        "The engine runs in a browser: `cargo xtask serve` opens the page, `--example explain` works without one."
    );
}
