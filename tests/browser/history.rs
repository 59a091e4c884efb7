//! The runs of a visit: gone back to, pinned and compared, kept over a reload, saved and opened as one file.

use serde_json::json;

use super::access::look;
use super::looks::each_theme_and_size;
use super::page::Page;

const FIRST: &str = "What is the opposite of loud?";
const SECOND: &str = "What is the opposite of small?";

async fn set_limit(page: &Page, limit: &str) {
    page.js(&format!(
        "const l=document.querySelector('#limit'); l.value='{limit}'; l.dispatchEvent(new Event('change',{{bubbles:true}}))"
    ))
    .await;
}

async fn prompt_is(page: &Page, text: &str) {
    page.wait_js(&format!("return document.querySelector('#prompt').value=={}", json!(text))).await;
}

async fn runs(page: &Page, count: usize) {
    page.wait_js(&format!("return document.querySelectorAll('#history .past').length=={count}")).await;
}

#[tokio::test]
async fn runs_are_gone_back_to_compared_and_kept() {
    let page = Page::open("history").await;
    page.wait_text("#card-tuned .foot", "An example that ships").await;
    page.models_ready().await;
    assert_eq!(page.js("return !!document.querySelector('#history, #undo-run')").await, json!(false));
    set_limit(&page, "8").await;
    page.fill("#prompt", FIRST).await;
    page.run().await;
    let first = page.text("#card-tuned .response").await;
    runs(&page, 1).await;
    page.fill("#prompt", SECOND).await;
    set_limit(&page, "6").await;
    page.run().await;
    runs(&page, 2).await;
    // editor, settings and picture go back together, by keyboard
    page.js("document.querySelector('#undo-run').focus()").await;
    page.keys("\u{E007}").await;
    prompt_is(&page, FIRST).await;
    page.wait_text("#card-tuned .response", &first).await;
    assert_eq!(page.js("return document.querySelector('#limit').value").await, json!("8"));
    page.wait_js("return document.querySelector('#undo-run').disabled").await;
    page.click("#redo-run").await;
    prompt_is(&page, SECOND).await;
    // two of them side by side: what differs, and what cannot be compared
    page.js("document.querySelectorAll('#history .pin').forEach(b=>b.click())").await;
    page.wait_text("#what-differs", SECOND).await;
    let rows = "return [...document.querySelectorAll('#what-differs tbody th')].map(t=>t.textContent).join('|')";
    assert_eq!(page.js(rows).await, json!("Prompt|Longest answer, tokens"));
    page.wait_text("#compared .not-compared", "The responses differ").await;
    assert_eq!(page.js("return document.querySelectorAll('#compared svg').length").await, json!(4));
    page.js("document.querySelectorAll('#compared details').forEach(d=>d.open=true)").await;
    page.wait_js("return document.querySelectorAll('#compared details table').length==4").await;
    each_theme_and_size(&page, "history", "#history").await;
    each_theme_and_size(&page, "history-compared", "#compared").await;
    let mut problems = Vec::new();
    look(&page, "history", &mut problems).await;
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    // one file of both
    page.js("window.saved=null; const make=URL.createObjectURL; URL.createObjectURL=b=>{b.text().then(t=>window.saved=t); return make(b)}").await;
    page.click("#save-runs").await;
    page.wait_js("return window.saved!==null").await;
    let saved = page.js("return window.saved").await;
    let text = saved.as_str().unwrap();
    let file: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!((&file["version"], &file["runs"][0]["prompt"]), (&json!(1), &json!(SECOND)));
    // they are there after a reload, and gone when they are cleared
    page.reload().await;
    runs(&page, 2).await;
    page.click("#history .past:last-child .past-show").await;
    prompt_is(&page, FIRST).await;
    page.wait_text("#card-tuned .foot", "Computed earlier").await;
    page.click("#clear-runs").await;
    runs(&page, 0).await;
    assert_eq!(page.js("return sessionStorage.getItem('shiftlens.history-1')").await, json!(null));
    page.click("#restore-runs").await;
    runs(&page, 2).await;
    page.click("#clear-runs").await;
    runs(&page, 0).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.shiftlens.json");
    std::fs::write(&path, text).unwrap();
    page.drop_file(&path).await;
    runs(&page, 2).await;
    prompt_is(&page, SECOND).await;
    page.close().await;
}
