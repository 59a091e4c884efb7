//! Browsers that tests use in turn, each with a profile of its own: starting one, and compiling the page's code anew, takes
//! longer than many a test.

use std::sync::Mutex;

use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value as Json, json};

use super::page::{Command, repository};

/// Browsers that no test is using. Those that are left at the end are closed by their driver.
static FREE: Mutex<Vec<Browser>> = Mutex::new(Vec::new());

/// A running Chromium.
pub struct Browser {
    /// WebDriver's session.
    session: String,
    /// What it was started with, besides what all are.
    flag: &'static str,
}

/// Where the driver is.
fn driver() -> String {
    super::page::variable("WEBDRIVER_URL")
}

/// A browser that was started with `flag` and remembers nothing of an earlier test.
pub async fn take(flag: &'static str) -> (Client, Browser) {
    let free = {
        let mut free = FREE.lock().unwrap();
        free.iter().position(|browser| browser.flag == flag).map(|at| free.swap_remove(at))
    };
    match free {
        Some(browser) => {
            let driver = driver();
            let client = Client::with_existing_session(&driver, &browser.session, HttpConnector::new()).await.unwrap();
            (client, browser)
        }
        None => start(flag).await,
    }
}

async fn start(flag: &'static str) -> (Client, Browser) {
    let profiles = repository("target/profiles"); // emptied by `cargo xtask test`
    std::fs::create_dir_all(&profiles).unwrap();
    let profile = tempfile::Builder::new().tempdir_in(profiles).unwrap().keep();
    let profile = format!("--user-data-dir={}", profile.display());
    let arguments = [
        "--headless",
        "--no-sandbox",
        flag,
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--window-size=1280,900",
        &profile,
    ];
    let client = connect(json!({"browserName": "chrome", "goog:chromeOptions": {"args": arguments}})).await;
    let session = client.session_id().await.unwrap().unwrap();
    (client, Browser { session, flag })
}

/// A new session of the driver's.
pub async fn connect(capabilities: Json) -> Client {
    let Json::Object(capabilities) = capabilities else { unreachable!() };
    ClientBuilder::new(HttpConnector::new()).capabilities(capabilities).connect(&driver()).await.unwrap()
}

impl Browser {
    /// Leaves the browser to the next test: one new tab, and nothing that pages of `origins` have stored.
    pub async fn give_back(self, client: Client, origins: &[String]) {
        let tab = client.new_window(true).await.unwrap().handle;
        for old in client.windows().await.unwrap().into_iter().filter(|window| *window != tab) {
            client.switch_to_window(old).await.unwrap();
            client.close_window().await.unwrap();
        }
        client.switch_to_window(tab).await.unwrap();
        for origin in origins {
            for (command, parameters) in [
                ("Storage.clearDataForOrigin", json!({"origin": origin, "storageTypes": "all"})),
                ("Storage.overrideQuotaForOrigin", json!({"origin": origin})), // takes an earlier one back
            ] {
                client.clone().issue_cmd(Command { command, parameters }).await.unwrap();
            }
        }
        client.persist().await.unwrap(); // dropping the client would end the session
        FREE.lock().unwrap().push(self);
    }
}
