//! WebGPU in the browser, in software where there is no GPU: chosen, proved, and used, with the CPU's results.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::looks::each_theme_and_size;
use super::page::{self, Page};
use super::support::{Tiny, every_storage_mixed, relative_error};

/// A software GPU takes its time, above all to compile kernels.
const SLOW: Duration = Duration::from_secs(240);

/// Two small models: a software GPU takes half a millisecond for every workgroup. `every_storage_type_agrees_with_the_cpu` has
/// one of the pair's own.
#[tokio::test]
async fn the_gpu_gives_the_cpus_results() {
    let page = Page::open_with_webgpu("webgpu").await;
    assert_eq!(page.js("return !!navigator.gpu").await, json!(true), "this browser has no WebGPU");
    page.models_ready().await;
    let folder = tempfile::tempdir().unwrap();
    page.click("#open-models").await;
    for (side, seed) in [("base", 1), ("tuned", 2)] {
        let path = folder.path().join(format!("tiny-{side}.gguf"));
        std::fs::write(&path, Tiny { seed, ..Tiny::default() }.gguf()).unwrap();
        page.choose_file(&format!("#file-{side}"), &path).await;
        page.wait_text(&format!("#chip-{side}"), "Tiny").await;
    }
    page.click("#close-models").await;
    page.js("const s=document.querySelector('#backend'); s.value='cpu'; s.dispatchEvent(new Event('change',{bubbles:true}))").await;
    page.wait_text_for("#backend-why", "Tuned: CPU. As chosen.", SLOW).await;
    page.press_segment("Chat template", "Off").await;
    page.press_segment("Response to explain", "Custom").await;
    page.fill("#typed", " Owl, robin.").await;
    page.fill("#prompt", "List two birds.").await;
    page.run_for(SLOW).await;
    let levels = "return [...document.querySelectorAll('#card-base .response, #card-tuned .response')].map(e=>e.textContent).concat([...document.querySelectorAll('.score b')].map(e=>(+e.textContent).toFixed(2)))";
    let on_cpu = page.js(levels).await;
    assert!(page.text("#card-tuned .foot").await.contains("on CPU"));
    page.js("const s=document.querySelector('#backend'); s.value='gpu'; s.dispatchEvent(new Event('change',{bubbles:true}))").await;
    page.wait_text_for("#backend-used", "on the GPU", SLOW).await;
    page.wait_text("#backend-why", "As chosen.").await;
    page.run_for(SLOW).await;
    assert_eq!(page.js(levels).await, on_cpu);
    assert!(page.text("#card-tuned .foot").await.contains("on GPU"));
    page.shot("webgpu").await;
    // a GPU that goes away leaves the run to the CPU, and says so
    page.chromium("Browser.crashGpuProcess", json!({})).await; // as a failing driver does
    page.run_for(SLOW).await;
    page.wait_text(".backend-note", "The GPU was lost").await;
    page.wait_text("#backend-used", "on the CPU").await;
    assert_eq!(page.js(levels).await, on_cpu);
    assert!(page.text("#card-tuned .foot").await.contains("on CPU"));
    page.shot("webgpu-lost").await;
    // the choice is remembered
    page.reload().await;
    page.wait_text_for("#backend-used", "on the GPU", SLOW).await;
    page.close().await;
}

/// What `model/gpu/check` compares natively, compared in this browser, by a visitor, with the storage types that are loaded.
#[tokio::test]
async fn every_kernel_can_be_checked_on_the_visitors_gpu() {
    let page = Page::open_with_webgpu("webgpu-check").await;
    page.models_ready().await;
    page.click("#backend-used").await;
    page.wait_text("#backend-dialog", "Does this GPU compute correctly?").await;
    page.click("#check-gpu").await;
    page.wait_text_for("#gpu-verdict", "comparisons", SLOW).await;
    let verdict = page.text("#gpu-verdict").await;
    assert!(verdict.contains("agree with the CPU within 0.1 %"), "{verdict} {}", page.text("#gpu-checked").await);
    let names =
        "return [...document.querySelectorAll('#gpu-checked tbody tr')].map(row => row.cells[0].textContent.trim())";
    let names = page.js(names).await;
    // a file that is compiled for one, four and eight rows is checked as each of them
    let names = names.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
    let checked: BTreeSet<String> = names.map(|name| name.trim_end_matches(char::is_numeric).to_owned()).collect();
    let files = std::fs::read_dir(page::repository("src/model/gpu/kernels")).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|file| std::fs::read_to_string(file).unwrap().contains("fn main("));
    let kernels: BTreeSet<String> = files.map(|file| file.file_stem().unwrap().to_string_lossy().into()).collect();
    assert_eq!(checked, kernels, "a kernel is not checked");
    each_theme_and_size(&page, "gpu-check", "#backend-dialog").await;
    page.close().await;
}

#[tokio::test]
async fn without_a_gpu_the_cpu_computes_and_says_why() {
    let page = Page::open("no-webgpu").await;
    page.models_ready().await;
    page.wait_text("#backend-why", "No GPU can be used here").await;
    page.wait_text("#backend-used", "on the CPU").await;
    page.js("const s=document.querySelector('#backend'); s.value='gpu'; s.dispatchEvent(new Event('change',{bubbles:true}))").await;
    page.wait_text(".backend-note", "The CPU computes instead").await;
    each_theme_and_size(&page, "no-gpu", "header").await;
    page.click("#backend-used").await;
    page.click("#check-gpu").await;
    page.wait_text("#backend-dialog .error", "No GPU can be used here").await;
    page.click("#close-backend").await;
    page.fill("#prompt", "List two birds.").await;
    page.run().await;
    page.close().await;
}

/// Runs in the page: every chosen file on the CPU and on the GPU, in both modes; the matrices of importance.
const BOTH_BACKENDS: &str = r##"
const done = arguments[arguments.length - 1];
(async () => {
  const worker = new Worker("./engine-start.js", { type: "module" });
  const waiting = [];
  worker.onmessage = ({ data }) => {
    const [type, said] = Object.entries(JSON.parse(data.event ?? data))[0];
    const event = { ...said, type, numbers: data.rows && [...new Float32Array(data.rows)] };
    const at = waiting.findIndex((w) => type === "failed" || w.wanted(event));
    if (at >= 0) type === "failed" ? waiting[at].no(data) : waiting.splice(at, 1)[0].yes(event);
  };
  const next = (wanted) => new Promise((yes, no) => waiting.push({ wanted, yes, no }));
  let job = 0;
  const ask = (request, wanted, files = []) => {
    const answer = next(wanted);
    worker.postMessage({ request: JSON.stringify(request), files });
    return answer;
  };
  await next((e) => e.type === "ready");
  const settled = (e) => e.type === "backend" && !e.report.why.trying;
  const found = [];
  for (const file of document.querySelector("#carrier").files) {
    const one = { name: file.name, runs: {} };
    worker.postMessage({ request: JSON.stringify({ type: "backend", choice: "cpu" }), files: [] });
    const id = ++job;
    await ask({ type: "load", job: id, source: { from: "files", names: [file.name] } }, (e) => e.type === "loaded" && e.job === id, [file]);
    await next(settled);
    for (const choice of ["cpu", "gpu"]) {
      if (choice === "gpu") one.backend = (await ask({ type: "backend", choice }, settled)).report;
      for (const mode of ["forward", "reverse"]) {
        const id = ++job;
        const run = {
          prompt: { kind: "text", text: "A fox.", template: { use: "off" } },
          response: { kind: "ids", ids: [7, 30, 2, 19] }, by: "word", target: "prob", mode, instruction: null,
        };
        const { report, numbers } = await ask({ type: "run", job: id, run }, (e) => e.type === "finished" && e.job === id);
        one.runs[choice + " " + mode] = { on: report.backend, importance: numbers, probability: report.response.map((t) => t.probability) };
      }
    }
    found.push(one);
  }
  worker.terminate();
  return found;
})().then(done, (e) => done(String(e)));
"##;

/// Value, jvp and vjp of a model that holds every storage type, in this browser, which takes most of a second to compile each kernel
/// for each of them. Natively (`tests/native/gpu.rs`) they are mixed in another way too, each type has a model of its own, and the
/// bundled model is compared.
#[tokio::test]
async fn every_storage_type_agrees_with_the_cpu() {
    let page = Page::open_with_webgpu("storage").await;
    let folder = tempfile::tempdir().unwrap();
    let [_, (name, bytes)] = every_storage_mixed();
    let files = [folder.path().join(name)];
    std::fs::write(&files[0], bytes).unwrap();
    page.js("const i=document.createElement('input'); i.type='file'; i.multiple=true; i.id='carrier'; document.body.append(i)").await;
    page.choose_files("#carrier", &files).await;
    let found = page.await_js(BOTH_BACKENDS).await;
    let found = found.as_array().unwrap_or_else(|| panic!("{found}"));
    assert_eq!(found.len(), files.len());
    for one in found {
        assert_eq!(one["backend"]["used"], "gpu", "{}", one["backend"]);
        let runs = one["runs"].as_object().unwrap();
        let modes: Vec<&str> = runs.keys().filter_map(|run| run.strip_prefix("gpu ")).collect();
        assert_eq!(modes.len(), 2);
        for mode in modes {
            let [cpu, gpu] = ["cpu", "gpu"].map(|choice| &runs[&format!("{choice} {mode}")]);
            assert!(gpu["on"].as_str().unwrap().starts_with("GPU") && cpu["on"] == "CPU");
            for what in ["importance", "probability"] {
                let numbers = |run: &Json| -> Vec<f32> {
                    run[what].as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect()
                };
                let distance = relative_error(&numbers(cpu), &numbers(gpu));
                assert!(distance < 1e-3, "{} {mode} {what}: {distance}", one["name"]);
            }
        }
    }
    page.close().await;
}
