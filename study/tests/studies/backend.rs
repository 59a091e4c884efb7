//! A study on the GPU: a software one will do.

use serde_json::Value as Json;

use super::python::not_checked;
use super::support::{output, plan, text};

/// What computed the first prompt's result for each side, and its importance.
fn picture(folder: &std::path::Path, out: &std::path::Path) -> Vec<(String, Vec<f64>)> {
    let to = folder.join("0.shiftlens.json");
    let arguments = ["picture", "--index", "0", "--to", to.to_str().unwrap()];
    let written = output(&arguments, out);
    assert!(written.status.success(), "{}", text(&written.stderr));
    let file: Json = serde_json::from_str(&std::fs::read_to_string(to).unwrap()).unwrap();
    let side = |name: &str| {
        let report = &file["models"][name];
        let rows = report["importance"].as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap());
        (report["backend"].as_str().unwrap().to_owned(), rows.map(|v| v.as_f64().unwrap()).collect())
    };
    ["base", "tuned"].map(side).into()
}

#[test]
fn the_gpu_gives_what_the_cpu_gives_and_rows_say_which() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), 1, "weights = false\nkl = false", "");
    let [cpu, gpu, auto] = ["cpu", "gpu", "auto"].map(|name| {
        let out = folder.path().join(name);
        let ran = output(&["run", &plan, "--backend", name, "--out"], &out);
        assert!(ran.status.success(), "{}", text(&ran.stderr));
        (text(&ran.stdout), picture(folder.path(), &out))
    });
    assert!(cpu.1.iter().all(|(backend, _)| backend == "CPU") && !cpu.0.contains("computed by"), "{}", cpu.0);
    // a software GPU is no faster, and a real one may be: either way the reason is said
    assert!(auto.0.contains("tuned: computed by "), "{}", auto.0);
    if !gpu.0.contains("tuned: computed by GPU: ") {
        assert!(std::env::var("SHIFTLENS_GPU").as_deref() != Ok("required"), "{}", gpu.0);
        return not_checked("there is no GPU");
    }
    for ((backend, found), (_, expected)) in gpu.1.iter().zip(&cpu.1) {
        assert!(backend.starts_with("GPU: "), "{backend}");
        let largest = expected.iter().fold(0f64, |most, v| most.max(v.abs()));
        let off = found.iter().zip(expected).fold(0f64, |most, (a, b)| most.max((a - b).abs()));
        assert!(found.len() == expected.len() && off <= 1e-3 * largest, "{off} of {largest}");
    }
}
