//! What can go wrong outside our code, provoked for real: storage, memory, a dying engine, models that do not match.

use std::path::PathBuf;

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::faults;
use crate::page::{self, Page};
use crate::support::Tiny;

/// Files in a folder that lives as long as the first of the pair.
fn files(contents: &[(&str, Vec<u8>)]) -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let write = |(name, bytes): &(&str, Vec<u8>)| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let paths = contents.iter().map(write).collect();
    (folder, paths)
}

#[tokio::test]
async fn a_full_storage_is_said_and_the_model_is_used() {
    let server = faults::Server::start(std::fs::read(page::repository("public/models/stories-tuned.gguf")).unwrap());
    let page = Page::open("full").await;
    page.models_ready().await;
    let quota = json!({"origin": page::address(), "quotaSize": 300_000});
    page.chromium("Storage.overrideQuotaForOrigin", quota).await;
    page.click("#open-models").await;
    page.choose_file("#file-tuned", &page::repository("public/models/stories-base.gguf")).await;
    page.wait_text(".slot-form:last-child .note", "storage is full").await;
    page.wait_text("#chip-tuned", "stories15M base").await;
    page.fill("#url-base", &server.url("whole.gguf")).await;
    page.click("#fetch-base").await;
    page.click("#allow-base").await;
    page.wait_text(".slot-form:first-child .note", "storage is full").await;
    page.wait_text("#chip-base", "stories15M tuned").await;
    page.shot("storage-full").await;
    page.click("#close-models").await;
    page.run().await;
    page.close().await;
}

/// Settings that cannot be remembered are said not to be.
#[tokio::test]
async fn a_full_local_storage_is_said() {
    let page = Page::open("full-settings").await;
    page.wait_text("#card-tuned .response", &page::first_screen()).await;
    let fill = "for (let n = 1 << 22, i = 0; n >= 1; n >>= 1) for (;;) \
        try { localStorage.setItem('filler' + i, 'x'.repeat(n)); i += 1 } catch { break }";
    page.js(fill).await;
    page.click("#tab-findings").await;
    page.js("const s=document.querySelector('#backend'); s.value='cpu'; s.dispatchEvent(new Event('change'))").await;
    page.wait_js("return !!document.querySelector('#notice')?.checkVisibility()").await;
    page.wait_text("#notice", "storage is full").await;
    page.shot("settings-full").await;
    page.close().await;
}

#[tokio::test]
async fn a_download_with_a_checksum_is_held_to_it() {
    let bytes = std::fs::read(page::repository("public/models/stories-tuned.gguf")).unwrap();
    let sum: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    let server = faults::Server::start(bytes);
    let page = Page::open("checksum").await;
    page.models_ready().await;
    page.click("#open-models").await;
    page.fill("#url-base", &format!("{}#sha256={}", server.url("whole.gguf"), "0".repeat(64))).await;
    page.click("#fetch-base").await;
    page.click("#allow-base").await;
    page.wait_text(".slot-form .error", "is not the file that was asked for").await;
    page.wait_text("#chip-base", "stories15M base").await;
    page.fill("#url-base", &format!("{}#sha256={sum}", server.url("whole.gguf"))).await;
    page.click("#fetch-base").await;
    page.wait_text("#chip-base", "stories15M tuned").await;
    page.close().await;
}

/// A checkpoint of six gibibytes: true in every header, and holes on the disk.
#[tokio::test]
async fn memory_that_will_not_be_enough_is_said_before_loading() {
    let tiny = Tiny { ffn: 1 << 18, layers: 30, ..Tiny::default() };
    let mut contents = tiny.configuration();
    contents.push(("model.safetensors", tiny.safetensors_header()));
    let (_folder, paths) = files(&contents);
    let header = contents[2].1.len() as u64;
    let weights = std::fs::OpenOptions::new().write(true).open(&paths[2]).unwrap();
    weights.set_len(header + tiny.safetensors_length()).unwrap();
    let page = Page::open("memory").await;
    page.models_ready().await;
    page.click("#open-models").await;
    page.choose_files("#file-base", &paths).await;
    page.wait_text(".slot-form .error", "MiB of memory").await;
    page.wait_text("#chip-base", "stories15M base").await;
    page.shot("too-large").await;
    page.click("#close-models").await;
    page.run().await; // the model that was there still is
    page.close().await;
}

#[tokio::test]
async fn safetensors_with_another_tokenizer_load_and_the_page_says_what_is_off() {
    let contents = Tiny::default().huggingface();
    let (_folder, paths) = files(&contents);
    let page = Page::open("tokenizers").await;
    page.models_ready().await;
    page.click("#open-models").await;
    page.choose_files("#file-base", &paths).await;
    page.wait_text("#chip-base", "F32").await;
    page.click("#close-models").await;
    page.fill("#prompt", "List three tools.").await;
    page.press_segment("Response to explain", "Tuned model's").await;
    page.run().await;
    // the same text, in other tokens
    let response = |side: &str| {
        format!(
            "return [...document.querySelectorAll('#card-{side} .response .tok')].map(t=>t.textContent).join('').trim()"
        )
    };
    assert_eq!(page.js(&response("base")).await, page.js(&response("tuned")).await);
    page.wait_js("return !!document.querySelector('#difference canvas')").await; // word by word they can be compared
    page.press_segment("Granularity", "Token").await;
    page.wait_text("#difference", "split text into different tokens").await;
    page.shot("tokenizers-differ").await;
    page.close().await;
}

/// A worker whose memory is overwritten: the next step traps.
#[tokio::test]
async fn an_engine_that_dies_is_started_again_and_nothing_is_lost() {
    let page = Page::open("crash").await;
    let script = r#"const Real = Worker; window.engines = [];
        window.Worker = class extends Real { constructor(url, options) {
            const code = `const early = []; self.onmessage = (m) => early.push(m.data);
                const real = self.fetch; self.fetch = (url, options) => real(new URL(url, "${location}"), options);
                await import("${new URL(url, location)}");
                for (const data of early) self.onmessage({ data });
                const { default: init } = await import("${new URL("./engine.js", location)}");
                const wasm = await init(); // the one that is running
                self.addEventListener("message", (m) => { if (m.data === "die") new Uint8Array(wasm.memory.buffer).fill(255); });`;
            super(URL.createObjectURL(new Blob([code], { type: "text/javascript" })), options); window.engines.push(this);
        } };"#;
    page.chromium("Page.setBypassCSP", json!({"enabled": true})).await; // the page itself runs no such code
    page.chromium("Page.addScriptToEvaluateOnNewDocument", json!({"source": script})).await;
    page.reload().await;
    page.models_ready().await;
    page.wait_text("#card-tuned .response", &page::first_screen()).await;
    page.fill("#prompt", "List four fruits.").await;
    page.js("window.engines.forEach(e => e.postMessage('die'))").await;
    page.click("#run").await;
    page.wait_text("#card-tuned .error", "stopped unexpectedly").await;
    page.wait_text("#card-tuned .response", &page::first_screen()).await; // the result before it is still there
    page.shot("engine-died").await;
    page.models_ready().await;
    assert_eq!(page.js("return document.querySelector('#prompt').value").await, json!("List four fruits."));
    page.run().await;
    assert!(page.text("#card-tuned .response").await.contains(" and "));
    page.close().await;
}
