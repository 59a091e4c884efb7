//! What Trunk calls as `wasm-bindgen`. The published wasm-bindgen-cli has a test runner with a web server in it, and takes
//! several times as long to build.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use lexopt::prelude::*;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e:?}");
            ExitCode::FAILURE
        }
    }
}

/// Takes the flags that Trunk gives.
fn run() -> anyhow::Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen.typescript(true);
    let mut folder: Option<PathBuf> = None;
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("version") => {
                println!("wasm-bindgen {}", env!("CARGO_PKG_VERSION"));
                return Ok(());
            }
            Long("target") => match arguments.value()?.string()?.as_str() {
                "web" => bindgen.web(true)?,
                "no-modules" => bindgen.no_modules(true)?,
                "module" => bindgen.module(true)?,
                other => bail!("the target {other} is not known here"),
            },
            Long("no-typescript") => bindgen.typescript(false),
            Long("keep-debug") => bindgen.keep_debug(true),
            Long("no-demangle") => bindgen.demangle(false),
            Long("reference-types") => bindgen.reference_types(true),
            Long("out-name") => bindgen.out_name(&arguments.value()?.string()?),
            Long("out-dir") => {
                folder = Some(arguments.value()?.into());
                continue;
            }
            Value(path) => bindgen.input_path(PathBuf::from(path)),
            other => return Err(other.unexpected().into()),
        };
    }
    bindgen.generate(folder.context("--out-dir is missing")?)
}
