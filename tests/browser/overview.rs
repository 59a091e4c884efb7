//! All heads on one prompt.

use std::time::Duration;

use serde_json::json;

use super::access::look;
use super::page::{self, Page};
use super::switching::shots;

const READ: &str = "document.querySelector('#overview .bar [role=status]').textContent==''";

async fn open(page: &Page) {
    page.click("#tab-heads").await;
    page.js("document.querySelector('#overview').open=true").await;
    page.wait_js("return !!document.querySelector('#overview-canvas')").await;
}

#[tokio::test]
async fn the_overview_shows_every_head_and_opens_one() {
    let page = Page::open("overview").await;
    page.models_ready().await;
    page.fill("#prompt", "What is the opposite of loud?").await;
    page.run().await;
    open(&page).await;
    page.wait_js(&format!("return {READ}")).await;
    page.wait_text("#overview-text", "Both models read the tuned model's text").await;
    // the most changed comes first, and the table says the same
    page.js("document.querySelector('#overview-table').open=true").await;
    page.wait_js("return document.querySelectorAll('#overview-table tbody tr').length==36").await;
    let sorted = page
        .js("const c=[...document.querySelectorAll('#overview-table tbody tr')].map(r=>parseFloat(r.cells[1].textContent)); return c.every((v,i)=>i==0||v<=c[i-1]+0.5) && c[0]>1")
        .await;
    assert_eq!(sorted, json!(true));
    page.wait_text("#about-sink", "attention sink").await;
    page.js("document.querySelector('#overview-canvas').focus()").await;
    page.keys("\u{E015}").await;
    page.wait_text("#overview-said", "To the first token: base").await;
    let first = page.text("#overview-table tbody tr th").await;
    page.keys("\u{E014}").await;
    page.keys("\u{E012}").await;
    page.wait_text("#overview-said", &format!("{}.", first.trim())).await;
    page.keys("\u{E007}").await;
    page.wait_text("#head h2", first.trim()).await;
    page.wait_js("return document.activeElement.id=='on-prompt'").await;
    // by the mouse, the third of the row
    page.js("const c=document.querySelector('#overview-canvas'),b=c.getBoundingClientRect(); c.dispatchEvent(new MouseEvent('click',{bubbles:true,clientX:b.left+2*74+20,clientY:b.top+20}))").await;
    let third = page.text("#overview-table tbody tr:nth-child(3) th").await;
    page.wait_text("#head h2", third.trim()).await;
    page.press_segment("Order of the pictures", "By layer").await;
    page.js("document.querySelector('#overview-table').open=false").await;
    shots(&page, "overview", "#overview").await;
    let mut problems = Vec::new();
    page.js("document.querySelector('#overview-table').open=true").await;
    look(&page, "overview", &mut problems).await;
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    page.close().await;
}

/// 30 layers of 9 heads, the same model on both sides: nothing has changed, and no frame is long.
#[tokio::test]
async fn the_overview_of_the_real_checkpoint_is_drawn_without_stutter() {
    let Some(file) = page::shared("models/SmolLM2-135M-Instruct.Q4_1.gguf") else { return };
    let page = Page::open("overview-real").await;
    page.models_ready().await;
    for side in ["base", "tuned"] {
        page.js("const i=document.createElement('input'); i.type='file'; i.id='carrier'; document.body.append(i)")
            .await;
        page.choose_file("#carrier", &file).await;
        page.js(&format!("const t=new DataTransfer(); t.items.add(document.querySelector('#carrier').files[0]); document.querySelector('#card-{side}').dispatchEvent(new DragEvent('drop',{{bubbles:true,cancelable:true,dataTransfer:t}})); document.querySelector('#carrier').remove()")).await;
        page.wait_text_for(&format!("#chip-{side}"), "Q4_1", Duration::from_secs(180)).await;
    }
    page.fill("#prompt", "Explain in two sentences why the sky is blue, and name one colour of a sunset.").await;
    page.run_for(Duration::from_secs(500)).await;
    page.js(
        "window.longest=0; let before=performance.now(); \
         (function next(){const now=performance.now(); window.longest=Math.max(window.longest,now-before); before=now; requestAnimationFrame(next)})()",
    )
    .await;
    open(&page).await;
    let script = format!("return {READ}");
    page.wait_js_for(&script, Duration::from_secs(400)).await;
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
    page.js("document.querySelector('#overview').scrollIntoView()").await;
    page.shot("overview-real").await;
    page.close().await;
}
