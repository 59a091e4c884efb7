//! The real checkpoint, where there is one.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::looks::each_theme_and_size;
use super::methods::choose_method;
use super::overview;
use super::page::{self, Page};

#[tokio::test]
async fn the_real_checkpoint_dropped_in_runs_and_is_kept() {
    let Some(file) = page::shared("models/SmolLM2-135M-Instruct.Q4_1.gguf") else { return };
    let page = Page::open("real").await;
    page.models_ready().await;
    page.drop_file(&file).await;
    page.wait_text_for("#chip-tuned", "Q4_1", Duration::from_secs(120)).await;
    page.fill("#prompt", "Give three tips for staying healthy.").await;
    page.js("document.querySelector('#options').open=true").await;
    page.fill("#limit", "12").await;
    page.js("document.querySelector('#limit').dispatchEvent(new Event('change',{bubbles:true}))").await;
    page.run().await;
    // PyTorch's greedy response to the same prompt begins so
    assert!(
        page.text("#card-tuned .response").await.contains("Stay hydrated"),
        "{}",
        page.text("#card-tuned .response").await
    );
    page.shot("real-checkpoint").await;
    page.reload().await;
    page.wait_text_for("#chip-tuned", "Q4_1", Duration::from_secs(120)).await;
    page.click("#open-models").await;
    page.wait_text("#stored", "SmolLM2-135M-Instruct.Q4_1.gguf").await;
    page.shot("stored-models").await;
    page.click("#stored li button:last-child").await;
    page.wait_js("return document.querySelectorAll('#stored li').length==0").await;
    page.close().await;
}

/// On `side`, by its card.
async fn drop_on(page: &Page, side: &str, file: &Path) {
    page.js("const i=document.createElement('input'); i.type='file'; i.id='carrier'; document.body.append(i)").await;
    page.choose_file("#carrier", file).await;
    page.js(&format!("const t=new DataTransfer(); t.items.add(document.querySelector('#carrier').files[0]); document.querySelector('#card-{side}').dispatchEvent(new DragEvent('drop',{{bubbles:true,cancelable:true,dataTransfer:t}})); document.querySelector('#carrier').remove()")).await;
    page.wait_text_for(&format!("#chip-{side}"), "Q4_1", Duration::from_secs(180)).await;
}

/// How long a run of the real checkpoint, or one of its views, may take here.
const PATIENCE: Duration = Duration::from_secs(400);

/// The same checkpoint on both sides: every view of a run fits both screens, and finds no difference.
#[tokio::test]
async fn every_view_of_a_run_of_the_real_checkpoint() {
    let Some(file) = page::shared("models/SmolLM2-135M-Instruct.Q4_1.gguf") else { return };
    let page = Page::open("views-real").await;
    page.models_ready().await;
    for side in ["base", "tuned"] {
        drop_on(&page, side, &file).await;
    }
    page.fill("#prompt", "Explain in two sentences why the sky is blue, and name one colour of a sunset.").await;
    page.js("document.querySelector('#options').open=true; \
         const l=document.querySelector('#limit'); l.value='8'; l.dispatchEvent(new Event('change',{bubbles:true}))")
        .await;
    page.press_segment("Response to explain", "Tuned model's").await;
    choose_method(&page, "occlusion").await;
    page.run_for(PATIENCE).await;
    page.wait_text("#card-tuned .made", "Occlusion of the probability").await;
    each_theme_and_size(&page, "real-occlusion", "#method").await;
    choose_method(&page, "gradient-x-input").await;
    page.run_for(PATIENCE).await;
    each_theme_and_size(&page, "real-run", "#results").await;
    // the check of the picture
    page.click("#check-tuned").await;
    page.wait_text_for("#checked-tuned .verdict", "random orders", PATIENCE).await;
    each_theme_and_size(&page, "real-check", "#checked-tuned").await;
    // a word taken out
    page.js("document.querySelector('#card-tuned .read:not(.response) .tok:not(.tpl):nth-of-type(4)').focus()").await;
    page.keys("\u{E017}").await; // delete
    page.wait_text_for("#edit-said", "The same response is now", PATIENCE).await;
    each_theme_and_size(&page, "real-edited", "#edited").await;
    page.click("#close-edit").await;
    // what tuning changed on the text: nothing
    page.js("document.querySelector('#text summary').click()").await;
    page.wait_js_for("return !!document.querySelector('#text-parting')", PATIENCE).await;
    each_theme_and_size(&page, "real-text", "#text").await;
    // both runs of this visit
    page.wait_js("return document.querySelectorAll('#history .past').length==2").await;
    page.js("document.querySelectorAll('#history .pin').forEach(b=>b.click())").await;
    page.wait_text("#what-differs", "Method").await;
    each_theme_and_size(&page, "real-history", "#history").await;
    // the graph
    page.press_segment("Picture", "Graph").await;
    page.wait_js("return document.querySelectorAll('#graph-tuned .ribbon').length>0").await;
    each_theme_and_size(&page, "real-graph", "#card-base").await;
    every_head(&page).await;
    page.close().await;
}

/// 30 layers of 9 heads, the same model on both sides: nothing has changed, and no frame is long.
async fn every_head(page: &Page) {
    page.js(
        "window.longest=0; let before=performance.now(); \
         (function next(){const now=performance.now(); window.longest=Math.max(window.longest,now-before); before=now; requestAnimationFrame(next)})()",
    )
    .await;
    overview::open(page).await;
    page.wait_js_for(&format!("return {}", overview::READ), PATIENCE).await;
    println!("the longest frame while 2 x 30 layers came: {} ms", page.js("return window.longest").await);
    page.js("window.longest=0").await;
    page.press_segment("Order of the pictures", "By layer").await;
    page.js("document.querySelector('#overview-canvas').focus()").await;
    for _ in 0..12 {
        page.keys("\u{E014}").await;
    }
    let longest = page.js("return window.longest").await.as_f64().unwrap();
    println!("the longest frame while the heads are walked: {longest} ms");
    assert!(longest < 500.0, "{longest} ms");
    page.js("document.querySelector('#overview-table').open=true").await;
    page.wait_js("return document.querySelectorAll('#overview-table tbody tr').length==270").await;
    let same = page.js("return [...document.querySelectorAll('#overview-table tbody tr')].every(r=>r.cells[1].textContent=='0.0 %' && r.cells[2].textContent==r.cells[3].textContent)").await;
    assert_eq!(same, json!(true));
    page.js("document.querySelector('#overview-table').open=false").await;
    each_theme_and_size(page, "real-overview", "#overview").await;
}
