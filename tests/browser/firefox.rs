//! The page in Firefox: `cargo xtask test --firefox`.

use serde_json::json;

use crate::page::{self, Page};

#[tokio::test]
async fn a_prompt_runs_and_its_link_opens() {
    let page = Page::open_in_firefox("firefox").await;
    page.wait_text("#card-tuned .response", &page::first_screen()).await;
    page.models_ready().await;
    page.fill("#prompt", "List four fruits.").await;
    page.run().await;
    let response = page.text("#card-tuned .response").await;
    assert!(response.contains(" and "), "{response}");
    page.shot("firefox").await;
    page.click("#share").await;
    page.wait_js("return document.querySelector('#link').value.includes('#see=')").await;
    let link = page.js("return document.querySelector('#link').value").await.as_str().unwrap().to_owned();
    page.close().await;
    let other = Page::open_in_firefox("firefox-link").await;
    other.go(&link).await;
    other.wait_text("#linked", "From a link").await;
    assert_eq!(other.text("#card-tuned .response").await, response);
    assert_eq!(other.js("return document.querySelector('#prompt').value").await, json!("List four fruits."));
    other.close().await;
}
