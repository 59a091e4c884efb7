//! A page in a browser that no other test is using, with waits on conditions.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use fantoccini::wd::{TimeoutConfiguration, WindowHandle};
use fantoccini::{Client, Locator};
use serde_json::{Value as Json, json};

use super::browsers::{self, Browser};

pub use crate::support::shared;

/// How long anything ordinary may take, beside other browsers on two slow cores.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Page {
    /// What the picture of its failure is called.
    name: String,
    client: Client,
    /// Chromium's are used again; another ends with its test.
    browser: Option<Browser>,
    /// Whose storage the test has used.
    origins: Mutex<Vec<String>>,
}

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The tuned model's response of the shipped example `id`.
pub fn example(id: &str) -> String {
    let text = std::fs::read_to_string(repository(&format!("public/examples/{id}.json"))).unwrap();
    let report: Json = serde_json::from_str(&text).unwrap();
    let tokens = report["models"]["tuned"]["response"].as_array().unwrap();
    tokens.iter().map(|t| t["text"].as_str().unwrap()).collect()
}

/// The last word of what the tuned model answers on the first screen.
pub fn first_screen() -> String {
    let shipped = example(shiftlens::share::presets::PRESETS[0].id);
    shipped.split_whitespace().last().unwrap().trim_end_matches(['?', '.']).to_owned()
}

/// Replaces the first occurrence of `from`, which is as long as `to`.
pub fn patched(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let from = &from[..from.len() - 1]; // the length byte after it differs from file to file
    let to = &to[..to.len() - 1];
    let at = bytes.windows(from.len()).position(|w| w == from).unwrap();
    let mut bytes = bytes.to_vec();
    bytes[at..at + to.len()].copy_from_slice(to);
    bytes
}

/// Where the page is served.
pub fn address() -> String {
    variable("SHIFTLENS_URL")
}

pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `cargo xtask test`"))
}

impl Page {
    /// Opens the page in a browser that remembers nothing.
    pub async fn open(name: &str) -> Self {
        Self::open_with(name, "--disable-gpu").await
    }

    /// Opens the page in a browser that has WebGPU, in software where there is no GPU.
    pub async fn open_with_webgpu(name: &str) -> Self {
        Self::open_with(name, "--enable-unsafe-webgpu").await
    }

    /// Opens an address of the page's in a browser that remembers nothing.
    pub async fn open_at(name: &str, address: &str) -> Self {
        let page = Self::open_with_at(name, "--disable-gpu", address).await;
        page.wait_js("return !!document.querySelector('#run')").await;
        page
    }

    async fn open_with(name: &str, flag: &'static str) -> Self {
        let page = Self::open_with_at(name, flag, &format!("{}/index.html", address())).await;
        page.wait_js("return !!document.querySelector('#run')").await;
        page
    }

    async fn open_with_at(name: &str, flag: &'static str, address: &str) -> Self {
        let (client, browser) = browsers::take(flag).await;
        let page = Self { name: name.to_owned(), client, browser: Some(browser), origins: Mutex::default() };
        page.navigate(address).await;
        page
    }

    /// Opens the page in a new Firefox.
    pub async fn open_in_firefox(name: &str) -> Self {
        let capabilities = json!({"browserName": "firefox", "moz:firefoxOptions": {"args": ["-headless"]}});
        let client = browsers::connect(capabilities).await;
        let page = Self { name: name.to_owned(), client, browser: None, origins: Mutex::default() };
        page.go(&format!("{}/index.html", address())).await;
        page
    }

    async fn navigate(&self, address: &str) {
        self.client.goto(address).await.unwrap();
        let origin = url::Url::parse(address).unwrap().origin();
        if origin.is_tuple() {
            self.origins.lock().unwrap().push(origin.ascii_serialization());
        }
    }

    /// The tab that is looked at.
    pub async fn window(&self) -> WindowHandle {
        self.client.window().await.unwrap()
    }

    /// Looks at another tab.
    pub async fn switch_to(&self, window: WindowHandle) {
        self.client.switch_to_window(window).await.unwrap();
    }

    /// Opens the page in another tab of the same profile, and looks at it.
    pub async fn open_tab(&self, address: &str) {
        let tab = self.client.new_window(true).await.unwrap();
        self.client.switch_to_window(tab.handle).await.unwrap();
        self.go(address).await;
    }

    /// Opens any address in a browser that remembers nothing, whatever is there.
    pub async fn open_raw(name: &str, address: &str) -> Self {
        Self::open_with_at(name, "--disable-gpu", address).await
    }

    /// Goes to an address.
    pub async fn go(&self, address: &str) {
        self.navigate(address).await;
        self.wait_js("return !!document.querySelector('#run')").await;
    }

    pub async fn close(self) {
        match self.browser {
            Some(browser) => browser.give_back(self.client, &self.origins.into_inner().unwrap()).await,
            None => self.client.close().await.unwrap(),
        }
    }

    pub async fn js(&self, script: &str) -> Json {
        self.client.execute(script, vec![]).await.unwrap()
    }

    /// Awaits what a script gives to its last argument.
    pub async fn await_js(&self, script: &str) -> Json {
        let patience = Duration::from_secs(600);
        self.client.update_timeouts(TimeoutConfiguration::new(Some(patience), Some(patience), None)).await.unwrap();
        self.client.execute_async(script, vec![]).await.unwrap()
    }

    async fn until(&self, what: &str, script: &str, arguments: Vec<Json>, patience: Duration) {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            if self.client.execute(script, arguments.clone()).await.unwrap() == json!(true) {
                return;
            }
            if tokio::time::Instant::now() > deadline {
                self.capture(&format!("failure-{}", self.name)).await;
                panic!(
                    "waited in vain for {what}; the page says: {}",
                    self.js("return document.body.innerText.slice(0,3000)").await
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until `script` gives true.
    pub async fn wait_js(&self, script: &str) {
        self.until(script, script, vec![], PATIENCE).await;
    }

    pub async fn wait_js_for(&self, script: &str, patience: Duration) {
        self.until(script, script, vec![], patience).await;
    }

    /// Waits until an element matching `selector` contains `text`.
    pub async fn wait_text(&self, selector: &str, text: &str) {
        self.wait_text_for(selector, text, PATIENCE).await;
    }

    pub async fn wait_text_for(&self, selector: &str, text: &str, patience: Duration) {
        let script =
            "return [...document.querySelectorAll(arguments[0])].some(e=>e.textContent.includes(arguments[1]))";
        self.until(&format!("“{text}” in {selector}"), script, vec![json!(selector), json!(text)], patience).await;
    }

    pub async fn text(&self, selector: &str) -> String {
        let script = "return document.querySelector(arguments[0])?.textContent ?? ''";
        self.client.execute(script, vec![json!(selector)]).await.unwrap().as_str().unwrap().to_owned()
    }

    pub async fn click(&self, selector: &str) {
        self.client.find(Locator::Css(selector)).await.unwrap().click().await.unwrap();
    }

    /// Replaces a field's text as typing would.
    pub async fn fill(&self, selector: &str, text: &str) {
        let script = "const e=document.querySelector(arguments[0]); e.value=arguments[1]; e.dispatchEvent(new Event('input',{bubbles:true}))";
        self.client.execute(script, vec![json!(selector), json!(text)]).await.unwrap();
    }

    pub async fn keys(&self, keys: &str) {
        self.client.active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    pub async fn press_segment(&self, group: &str, label: &str) {
        let script = "const b=[...document.querySelectorAll(`[aria-label=\"${arguments[0]}\"] button`)].find(b=>b.textContent==arguments[1]); b.click(); return true";
        self.client.execute(script, vec![json!(group), json!(label)]).await.unwrap();
    }

    /// Both models are loaded.
    pub async fn models_ready(&self) {
        for side in ["base", "tuned"] {
            self.wait_text(&format!("#chip-{side}"), "Q").await;
        }
    }

    /// Runs, and waits until both models are done without an error.
    pub async fn run(&self) {
        self.run_for(Duration::from_secs(240)).await;
    }

    pub async fn run_for(&self, patience: Duration) {
        // the results of an earlier run say nothing: this one has to have begun
        self.js("const run=document.querySelector('#run'); window.begun=false; \
            new MutationObserver(()=>{ if (run.textContent=='Stop') window.begun=true }) \
                .observe(run,{childList:true,characterData:true,subtree:true})")
            .await;
        self.click("#run").await;
        let script = "return window.begun && document.querySelector('#run').textContent=='Run' \
            && !document.querySelector('.card .foot:empty')";
        self.until("the runs to finish", script, vec![], patience).await;
        assert_eq!(
            self.js("return document.querySelectorAll('.card .error').length").await,
            json!(0),
            "{}",
            self.text("#results").await
        );
    }

    pub async fn choose_file(&self, selector: &str, path: &Path) {
        self.choose_files(selector, &[path.to_owned()]).await;
    }

    pub async fn choose_files(&self, selector: &str, paths: &[PathBuf]) {
        let lines = paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join("\n");
        self.client.find(Locator::Css(selector)).await.unwrap().send_keys(&lines).await.unwrap();
    }

    /// Drops a file on the page: a hidden input fetches it, a drop event carries it.
    pub async fn drop_file(&self, path: &Path) {
        self.js("const i=document.createElement('input'); i.type='file'; i.id='carrier'; document.body.append(i)")
            .await;
        self.choose_file("#carrier", path).await;
        self.js("const t=new DataTransfer(); t.items.add(document.querySelector('#carrier').files[0]); document.querySelector('#card-tuned').dispatchEvent(new DragEvent('drop',{bubbles:true,cancelable:true,dataTransfer:t})); document.querySelector('#carrier').remove()").await;
    }

    pub async fn reload(&self) {
        self.client.refresh().await.unwrap();
        self.wait_js("return !!document.querySelector('#run')").await;
    }

    pub async fn resize(&self, width: u32, height: u32) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 2, "mobile": true});
        self.chromium("Emulation.setDeviceMetricsOverride", metrics).await;
        self.wait_js(&format!("return innerWidth=={width}")).await;
    }

    /// A command of Chromium's own protocol.
    pub async fn chromium(&self, command: &'static str, parameters: Json) -> Json {
        self.client.clone().issue_cmd(Command { command, parameters }).await.unwrap()
    }

    /// Nodes of the page that are alive, also those that were taken out of it but are held by something.
    pub async fn nodes(&self) -> u64 {
        self.chromium("HeapProfiler.collectGarbage", json!({})).await;
        self.chromium("Memory.getDOMCounters", json!({})).await["nodes"].as_u64().unwrap()
    }

    /// A screenshot under target/screenshots, of colours that have come to rest.
    pub async fn shot(&self, name: &str) {
        self.wait_js("return !document.getAnimations().some(a=>a instanceof CSSTransition && a.playState=='running')")
            .await;
        self.capture(name).await;
    }

    async fn capture(&self, name: &str) {
        let folder = repository("target/screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), self.client.screenshot().await.unwrap()).unwrap();
    }
}

/// A command of Chromium's own protocol, for what WebDriver does not know.
#[derive(Debug)]
pub struct Command {
    pub command: &'static str,
    pub parameters: Json,
}

impl fantoccini::wd::WebDriverCompatibleCommand for Command {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({"cmd": self.command, "params": self.parameters}).to_string()))
    }
}
