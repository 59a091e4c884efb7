//! WebGPU in the browser, in software where there is no GPU: chosen, proved, and used, with the CPU's results.

use std::time::Duration;

use serde_json::json;

use super::page::Page;
use super::weights::each_theme_and_size;

/// A software GPU takes its time, above all to compile kernels.
const SLOW: Duration = Duration::from_secs(240);

#[tokio::test]
async fn the_gpu_gives_the_cpus_results() {
    let page = Page::open_with_webgpu("webgpu").await;
    assert_eq!(page.js("return !!navigator.gpu").await, json!(true), "this browser has no WebGPU");
    page.models_ready().await;
    page.js("const s=document.querySelector('#backend'); s.value='cpu'; s.dispatchEvent(new Event('change',{bubbles:true}))").await;
    page.wait_text_for("#backend-why", "Tuned: CPU. As chosen.", SLOW).await;
    page.press_segment("Chat template", "Off").await;
    page.press_segment("Response to explain", "Typed").await;
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

#[tokio::test]
async fn without_a_gpu_the_cpu_computes_and_says_why() {
    let page = Page::open("no-webgpu").await;
    page.models_ready().await;
    page.wait_text("#backend-why", "No GPU can be used here").await;
    page.wait_text("#backend-used", "on the CPU").await;
    page.js("const s=document.querySelector('#backend'); s.value='gpu'; s.dispatchEvent(new Event('change',{bubbles:true}))").await;
    page.wait_text(".backend-note", "The CPU computes instead").await;
    each_theme_and_size(&page, "no-gpu", "header").await;
    page.fill("#prompt", "List two birds.").await;
    page.run().await;
    page.close().await;
}
