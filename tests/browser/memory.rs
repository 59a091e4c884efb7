//! Memory: what does not fit is refused in words before it runs, and the page goes on.

use super::looks::each_theme_and_size;
use super::page::Page;
use super::support::Tiny;

/// 2,400 tokens, each with a tangent in each layer: more than a browser's engine can hold. Cotangents fit.
#[tokio::test]
async fn a_run_that_memory_cannot_hold_is_refused_and_the_page_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("long.gguf");
    std::fs::write(&file, Tiny { context: 4096, layers: 8, ..Tiny::default() }.gguf()).unwrap();
    let page = Page::open("memory").await;
    page.models_ready().await;
    page.click("#open-models").await;
    for side in ["base", "tuned"] {
        page.choose_file(&format!("#file-{side}"), &file).await;
        page.wait_text(&format!("#chip-{side}"), "F32").await;
    }
    page.click("#close-models").await;
    page.js("document.querySelector('#options').open=true").await;
    page.fill("#limit", "2").await;
    page.js("document.querySelector('#limit').dispatchEvent(new Event('change',{bubbles:true}))").await;
    page.press_segment("Mode", "Forward").await;
    page.fill("#prompt", &"x".repeat(2400)).await;
    let need = "This run needs about 6.";
    page.wait_text("#memory-base", &format!("Base model: {need}")).await;
    let what_to_do = "Choose the method “Auto” under Options, or shorten the prompt to 1";
    page.wait_text("#memory-tuned", what_to_do).await;
    each_theme_and_size(&page, "memory", "#memory-base").await;
    // the same where it is run all the same
    page.click("#run").await;
    page.wait_text("#card-tuned .error", what_to_do).await;
    // and what was said helps
    page.press_segment("Mode", "Auto").await;
    page.wait_js("return !document.querySelector('#memory-base.error')").await;
    page.run().await;
    page.close().await;
}
