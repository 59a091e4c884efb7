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
    // More flags, as a profiler or a GPU needs them: docs/performance.md.
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

/// How a visit begins, as Lighthouse counts: milliseconds to the first and the largest paint, to the first finished picture and
/// to both models; how much moved (CLS), how long the page was blocked, and when it began (milliseconds since 1970).
const VISIT: &str = "new Promise(r=>{ \
    const all={paint:0,largest:0,shift:0,blocked:0,picture:0}; \
    const on=(type,f)=>new PerformanceObserver(l=>l.getEntries().forEach(f)).observe({type,buffered:true}); \
    on('paint',e=>{if(e.name=='first-contentful-paint')all.paint=e.startTime}); \
    on('largest-contentful-paint',e=>all.largest=e.startTime); \
    on('layout-shift',e=>{if(!e.hadRecentInput)all.shift+=e.value}); \
    on('longtask',e=>all.blocked+=Math.max(0,e.duration-50)); \
    const look=()=>{ \
        if(!all.picture && document.querySelector('#card-tuned .response .tok') && document.querySelector('#card-tuned canvas')?.width>0) all.picture=performance.now(); \
        const ready=['base','tuned'].every(s=>document.querySelector(`#chip-${s}`)?.textContent.includes('Q')); \
        if(!all.picture || !ready) return setTimeout(look,10); \
        all.models=performance.now(); \
        all.began=performance.timeOrigin; \
        r(all); \
    }; look()})";

/// A run of 48 tokens of both models side by side, explained word by word while they are said: milliseconds from the press
/// to the end.
const RUN: &str = "new Promise(r=>{ \
    const write=(id,text)=>{const e=document.querySelector(id); e.value=text; for(const t of ['input','change'])e.dispatchEvent(new Event(t,{bubbles:true}))}; \
    write('#limit','48'); write('#prompt','Write a story about a cat and a mouse.'); \
    const button=document.querySelector('#run'), began=performance.now(); let runs=false; \
    const look=()=>{ \
        runs||=button.textContent=='Stop'; \
        if(!runs || button.textContent!='Run') return setTimeout(look,10); \
        r({run:performance.now()-began}); \
    }; button.click(); look()})";

/// `promise`, or nothing after a minute: what could not be measured is left out of the table.
fn within_a_minute(promise: &str) -> String {
    format!("Promise.race([{promise}, new Promise(r=>setTimeout(()=>r({{}}),60000))])")
}

/// What is kept for later visits has been fetched, and a newer version looked for.
const KEPT: &str = "navigator.serviceWorker.ready.then(r=>r.update()).then(()=>({}))";

/// One visit with the files that the server sent for it: until the first picture, and in all.
async fn visit(client: &Client, address: &str) -> Json {
    client.goto(address).await.unwrap();
    let mut visit = wait_for(client, &within_a_minute(VISIT)).await;
    wait_for(client, &within_a_minute(KEPT)).await;
    let sent = wait_for(client, "fetch('/.sent').then(r=>r.json())").await;
    let began = visit["began"].as_f64().unwrap_or(f64::INFINITY);
    let until = |last: f64| -> Vec<String> {
        let within = |s: &&Json| s["at"].as_f64().is_some_and(|at| began <= at && at <= last);
        let name = |s: &Json| s["file"].as_str().unwrap_or_default().to_owned();
        sent.as_array().into_iter().flatten().filter(within).map(name).collect()
    };
    visit["before_picture"] = until(began + visit["picture"].as_f64().unwrap_or_default()).into();
    visit["files"] = until(f64::INFINITY).into();
    visit
}

/// A first visit in a fresh profile, and another once the service worker is there.
async fn visits(url: &str) -> Json {
    let profile = tempfile::tempdir().unwrap();
    let client = browser(profile.path()).await;
    let address = format!("{url}/index.html");
    let first = visit(&client, &address).await;
    client.goto("about:blank").await.unwrap();
    let mut later = visit(&client, &address).await;
    later["run"] = wait_for(&client, &within_a_minute(RUN)).await["run"].clone();
    client.close().await.unwrap();
    json!({"first": first, "later": later})
}

/// What several threads' parts of a layer's products leave of ideal scaling, by the plan alone: all threads take part after part,
/// and wait for the last. For the benchmark's model, with so many rows.
fn share_of_ideal(threads: usize, rows: usize) -> f64 {
    use shiftlens_kernels::tasks::Product;
    use shiftlens_kernels::{Input, Matrix, Storage, pool::Task};
    const WIDTH: usize = 576;
    const FFN: usize = 1536;
    const KEYS: usize = 192;
    let shapes =
        [(WIDTH, WIDTH), (KEYS, WIDTH), (KEYS, WIDTH), (WIDTH, WIDTH), (FFN, WIDTH), (FFN, WIDTH), (WIDTH, FFN)];
    let (mut work, mut time) = (0.0, 0.0);
    for (outputs, inputs) in shapes {
        let mut y = vec![0.0; rows * outputs];
        let matrix = Matrix { storage: Storage::Q4_1, bytes: &[], outputs, inputs };
        let task = Product::new(&[matrix], Input::Floats(&[]), &mut y);
        let (parts, cost) = (task.parts(), f64::from(task.cost()));
        work += parts as f64 * cost;
        time += parts.div_ceil(threads) as f64 * cost;
    }
    work / time / threads as f64
}

/// What each method costs, the best of two rounds. A round is a script of its own: both together take longer than the driver
/// waits for one on a slow machine.
async fn methods_twice(client: &Client) -> Json {
    let mut best = wait_for(client, "window.methods()").await;
    println!("once more…");
    let again = wait_for(client, "window.methods()").await;
    for (name, seconds) in best["best"].as_object_mut().into_iter().flatten() {
        let [a, b] = [&*seconds, &again["best"][name]].map(|s| s.as_f64().unwrap_or(f64::INFINITY));
        *seconds = json!(a.min(b));
    }
    best
}

/// Every real checkpoint that is there, once: prefill, decoding, live by word, in reverse by token.
async fn real(client: &Client) -> Json {
    let names = wait_for(client, "window.real()").await["names"].clone();
    let mut all = serde_json::Map::new();
    for name in names.as_array().into_iter().flatten().filter_map(Json::as_str) {
        println!("measuring {name}…");
        let promise = format!("window.shiftlens(1,'cpu',{})", json!(format!("./real/{name}")));
        all.insert(name.to_owned(), wait_for(client, &promise).await);
    }
    all.into()
}

#[tokio::main]
async fn main() {
    let url = variable("SHIFTLENS_URL");
    let asked = |what: &str| std::env::args().any(|a| a == what);
    let (peers, only) = (asked("peers"), asked("only"));
    let (threads, methods) = (asked("threads"), asked("methods"));
    let visits = if only || threads || methods { Json::Null } else { visits(&url).await };
    let mut result = json!({"visits": visits});
    if asked("visits") {
        return println!("{result}");
    }
    let profile = tempfile::tempdir().unwrap();
    let client = browser(profile.path()).await;
    result["browser"] = client.capabilities().and_then(|c| c.get("browserVersion")).cloned().unwrap_or_default();
    client.goto(&format!("{url}/bench.html")).await.unwrap();
    wait_for(&client, "new Promise(r=>{const look=()=>window.benchReady?r({}):setTimeout(look,20);look()})").await;
    if methods || peers {
        println!("measuring the methods…");
        result["methods"] = methods_twice(&client).await;
    }
    if methods {
        client.close().await.unwrap();
        return println!("{result}");
    }
    if threads || peers {
        println!("measuring Shiftlens on one thread and on all…");
        result["threads"] = wait_for(&client, "window.threads(2)").await;
        result["products"] = wait_for(&client, "window.products()").await;
        result["plan"] =
            [4, 8, 16].map(|n| json!([n, share_of_ideal(n, 1), share_of_ideal(n, 8), share_of_ideal(n, 340)])).into();
    }
    if threads {
        client.close().await.unwrap();
        return println!("{result}");
    }
    if asked("real") {
        result["real"] = real(&client).await;
    }
    if only {
        client.close().await.unwrap();
        return println!("{result}");
    }
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
