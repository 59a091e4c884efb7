//! All heads on one prompt.

use serde_json::json;

use super::access::look;
use super::looks::each_theme_and_size;
use super::page::Page;

pub const READ: &str = "document.querySelector('#overview .bar [role=status]').textContent==''";

pub async fn open(page: &Page) {
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
    each_theme_and_size(&page, "overview", "#overview").await;
    let mut problems = Vec::new();
    page.js("document.querySelector('#overview-table').open=true").await;
    look(&page, "overview", &mut problems).await;
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    page.close().await;
}
