//! Downloads that break, and go on.

use super::faults;
use super::page::{self, Page};

#[tokio::test]
async fn a_broken_download_goes_on_where_it_stopped() {
    let bytes = std::fs::read(page::repository("public/models/stories-tuned.gguf")).unwrap();
    let server = faults::Server::start(bytes);
    let page = Page::open("download").await;
    page.models_ready().await;
    page.click("#open-models").await;
    page.fill("#url-base", &server.url("missing.gguf")).await;
    page.click("#fetch-base").await;
    // a host that is not the page's own is asked only when the user says so, once
    page.wait_text(".slot-form [role=alertdialog]", "This asks 127.0.0.1").await;
    page.shot("ask-host").await;
    assert!(!server.asked(), "nothing was fetched before");
    page.click("#allow-base").await;
    page.wait_text(".slot-form .error", "404").await;
    page.fill("#url-base", &server.url("breaks.gguf")).await;
    page.click("#fetch-base").await;
    // what the page has counted, it has kept
    page.wait_text(".slot-form .progress", "Downloading:").await;
    server.break_off();
    page.wait_text(".slot-form .error", "broke off").await;
    page.click("#fetch-base").await;
    page.wait_text("#chip-base", "stories15M tuned").await;
    assert!(server.resumed(), "the second request asked for the rest only");
    page.close().await;
}

/// What was fetched whole is not fetched again, and the half of a file that has changed meanwhile is not gone on with.
#[tokio::test]
async fn a_download_goes_on_with_the_same_file_or_not_at_all() {
    let bytes = |name: &str| std::fs::read(page::repository(&format!("public/models/{name}.gguf"))).unwrap();
    let server = faults::Server::start(bytes("stories-tuned"));
    let page = Page::open("changed").await;
    page.models_ready().await;
    page.click("#open-models").await;
    page.fill("#url-base", &format!("{} {}", server.url("whole.gguf"), server.url("breaks.gguf"))).await;
    page.click("#fetch-base").await;
    page.click("#allow-base").await;
    server.break_off(); // the second file, in its middle
    page.wait_text(".slot-form .error", "broke off").await;
    page.click("#fetch-base").await;
    page.wait_text("#chip-base", "stories15M tuned").await;
    assert_eq!(server.asked_for("whole.gguf"), 1);
    // half of one file, and then another under its name
    page.fill("#url-base", &server.url("breaks.gguf")).await;
    page.click("#fetch-base").await;
    page.wait_text(".slot-form .progress", "Downloading:").await;
    server.break_off();
    page.wait_text(".slot-form .error", "broke off").await;
    server.change(bytes("stories-base"));
    page.click("#fetch-base").await;
    page.wait_text("#chip-base", "stories15M base").await;
    page.close().await;
}
