//! Tells the linker how much stack the page has.

/// Bytes. A view is built in one piece, as a value on the stack, and the whole page has outgrown the linker's default of one mebibyte
/// where the compiler does not take pieces together.
const PAGE_STACK: usize = 8 << 20;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ARCH").as_deref() == Ok("wasm32") {
        println!("cargo::rustc-link-arg-bin=shiftlens=-zstack-size={PAGE_STACK}");
    }
}
