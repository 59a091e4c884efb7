//! Measures the engine in Chromium beside wllama, and the page's start. Run by `cargo xtask bench`, which serves the
//! pages, starts the driver, and makes the table. Prints one JSON object as its last line.

use std::time::Duration;

use fantoccini::wd::TimeoutConfiguration;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value as Json, json};

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `cargo xtask bench`"))
}

async fn browser(profile: &std::path::Path) -> Client {
    let profile = format!("--user-data-dir={}", profile.display());
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-quic",
        "--no-first-run",
        "--disable-sync",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-dev-shm-usage",
        &profile,
    ];
    // More flags, as a profiler or a GPU needs them: README, "Speed".
    let more = std::env::var("SHIFTLENS_CHROMIUM_FLAGS").unwrap_or_default();
    let no_gpu = (!more.contains("gpu")).then_some("--disable-gpu");
    let arguments: Vec<&str> = arguments.into_iter().chain(more.split_whitespace()).chain(no_gpu).collect();
    let Json::Object(capabilities) = json!({"browserName": "chrome", "goog:chromeOptions": {"args": arguments}}) else {
        unreachable!()
    };
    let client = ClientBuilder::new(HttpConnector::new())
        .capabilities(capabilities)
        .connect(&variable("WEBDRIVER_URL"))
        .await
        .unwrap();
    let patience = Duration::from_secs(900);
    client.update_timeouts(TimeoutConfiguration::new(Some(patience), Some(patience), None)).await.unwrap();
    client
}

/// Awaits a promise in the page.
async fn wait_for(client: &Client, promise: &str) -> Json {
    let script = format!("const done=arguments[0]; ({promise}).then(done, e=>done({{error:String(e)}}))");
    let answer = client.execute_async(&script, vec![]).await.unwrap();
    assert!(answer["error"].is_null(), "{promise}: {answer}");
    answer
}

/// Milliseconds from navigation to the first finished picture, in a fresh profile.
async fn first_picture(url: &str) -> f64 {
    let profile = tempfile::tempdir().unwrap();
    let client = browser(profile.path()).await;
    client.goto(&format!("{url}/index.html")).await.unwrap();
    let promise = "new Promise(r=>{const look=()=>document.querySelector('#card-tuned .response .tok')&&document.querySelector('#card-tuned canvas')?.width>0?r({at:performance.now()}):requestAnimationFrame(look);look()})";
    let at = wait_for(&client, promise).await["at"].as_f64().unwrap();
    client.close().await.unwrap();
    at
}

#[tokio::main]
async fn main() {
    let url = variable("SHIFTLENS_URL");
    let peers = std::env::args().any(|a| a == "peers");
    let mut result = json!({"first_picture_ms": first_picture(&url).await});
    let profile = tempfile::tempdir().unwrap();
    let client = browser(profile.path()).await;
    result["browser"] = client.capabilities().and_then(|c| c.get("browserVersion")).cloned().unwrap_or_default();
    client.goto(&format!("{url}/bench.html")).await.unwrap();
    wait_for(&client, "new Promise(r=>{const look=()=>window.benchReady?r({}):setTimeout(look,20);look()})").await;
    println!("measuring Shiftlens…");
    result["shiftlens"] = wait_for(&client, "window.shiftlens(3,'cpu')").await;
    result["gpu"] = wait_for(&client, "window.gpu()").await["name"].clone();
    if let Some(name) = result["gpu"].as_str() {
        println!("measuring Shiftlens on {name}…");
        result["shiftlens_gpu"] = wait_for(&client, "window.shiftlens(3,'gpu')").await;
    }
    println!("measuring the reading of weights…");
    result["weights"] = wait_for(&client, "window.weights()").await;
    if peers {
        for threads in [1, 2] {
            println!("measuring wllama, {threads} threads…");
            result[format!("wllama_{threads}")] = wait_for(&client, &format!("window.wllama({threads},3)")).await;
        }
    }
    client.close().await.unwrap();
    println!("{result}");
}
