//! A head or a concept switched off for one run.

use serde_json::json;

use super::access::look;
use super::looks::each_theme_and_size;
use super::page::Page;

#[tokio::test]
async fn a_head_and_a_concept_are_switched_off_for_a_run() {
    let page = Page::open("switching").await;
    page.models_ready().await;
    page.fill("#prompt", "What is the opposite of loud?").await;
    page.run().await;
    let whole = page.text("#card-tuned .response").await;
    // an open head, in both models: the button says whether it is off
    page.click("#tab-heads").await;
    page.wait_js("return !!document.querySelector('#head-2-3')").await;
    page.click("#head-2-3").await;
    page.wait_text("#head h2", "Layer 2, head 3").await;
    page.click("#switch-both").await;
    page.wait_js("return ['both','base','tuned'].every(b=>document.querySelector('#switch-'+b).getAttribute('aria-pressed')=='true')").await;
    each_theme_and_size(&page, "switch-head", "#head").await;
    // a concept of the tuned model, as far as to another answer
    page.click("#tab-concepts").await;
    page.wait_js("return document.querySelectorAll('.components tbody tr').length>10").await;
    page.js("const s=document.querySelector('#concept-table tbody tr td:last-child select.scale'); s.value='-1'; \
         s.dispatchEvent(new Event('change',{bubbles:true}))")
        .await;
    page.wait_js(
        "return document.querySelector('#concept-table td:last-child select.scale').classList.contains('own')",
    )
    .await;
    each_theme_and_size(&page, "switch-concept", "#concept-table").await;
    page.click("#run-so").await;
    page.wait_text("#changed", "Both: head 3 of layer 2 off").await;
    page.wait_text("#changed", "Tuned: concept").await;
    page.wait_text("#card-base .made", "with head 3 of layer 2 off.").await;
    page.wait_text("#card-tuned .made", "with head 3 of layer 2 off and concept").await;
    page.wait_text("#without-tuned", "Without that change").await;
    assert_eq!(page.text("#without-tuned .answer").await.trim(), whole.trim(), "the whole model's answer");
    assert!(page.text("#card-tuned .foot").await.contains("CPU"));
    each_theme_and_size(&page, "switched", "#card-tuned").await;
    each_theme_and_size(&page, "switched-chips", "#changed").await;
    let mut problems = Vec::new();
    look(&page, "switched", &mut problems).await;
    // a link holds all of it, also for a page without models
    page.click("#share").await;
    page.wait_js("return document.querySelector('#link').value.includes('#see=')").await;
    let link = page.js("return document.querySelector('#link').value").await;
    let sent = Page::open_at("switched-link", link.as_str().unwrap()).await;
    sent.wait_text("#card-tuned .made", "with head 3 of layer 2 off and concept").await;
    assert_eq!(sent.text("#without-tuned .answer").await.trim(), whole.trim());
    sent.close().await;
    page.click("#close-share").await;
    // back again, chip by chip
    for left in [1, 0] {
        page.click("#changed .chips button").await;
        page.wait_js(&format!("return document.querySelectorAll('#changed .chips li').length=={left}")).await;
    }
    page.run().await;
    assert_eq!(page.text("#card-tuned .response").await, whole);
    assert_eq!(page.js("return !!document.querySelector('.without')").await, json!(false));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    page.close().await;
}
