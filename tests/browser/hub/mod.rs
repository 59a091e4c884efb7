//! Repositories of the hub in place of files, held against a server that answers as the hub does.

mod server;

use candle_core::quantized::GgmlDType;
use serde_json::json;
use shiftlens::checkpoint::catalogue::CATALOGUE;

use super::access;
use super::looks::each_theme_and_size;
use super::page::{Page, address};
use super::support::Tiny;
use server::{COMMIT, Hub, Repository};

/// Files of a small model in two storage types, and two that nobody can open.
fn gguf(seed: u64, name: &str) -> Vec<(String, Vec<u8>)> {
    let tiny = |dtype| Tiny { dtype, seed, ..Tiny::default() }.gguf();
    vec![
        ("README.md".to_owned(), b"# A model".to_vec()),
        (format!("{name}-Q8_0.gguf"), tiny(GgmlDType::Q8_0)),
        (format!("{name}-Q4_0.gguf"), tiny(GgmlDType::Q4_0)),
        (format!("{name}-IQ2_XS.gguf"), vec![0; 10]),
        (format!("{name}-F32-00001-of-00002.gguf"), vec![0; 10]),
    ]
}

/// A laboratory's pair: the tuned half in GGUF, whose card names the base; the base in safetensors.
fn laboratory() -> Hub {
    let hub = Hub::start();
    let made_from = Some(("lab/tiny-Foundation", "finetune"));
    hub.add("lab/tiny-Instruct", Repository { files: gguf(1, "tiny-Instruct"), made_from, ..Repository::default() });
    let base = Tiny { seed: 2, ..Tiny::default() }.huggingface();
    let files = base.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
    hub.add("lab/tiny-Foundation", Repository { files, ..Repository::default() });
    hub
}

async fn open(name: &str, hub: &Hub) -> Page {
    let page = Page::open_at(name, &format!("{}/index.html?hub={}", address(), hub.url())).await;
    page.models_ready().await;
    page.fill("#prompt", "List four fruits.").await;
    page.click("#open-models").await;
    page
}

async fn look(page: &Page, side: &str, name: &str) {
    page.fill(&format!("#url-{side}"), name).await;
    page.click(&format!("#fetch-{side}")).await;
}

async fn nothing_serious(page: &Page, view: &str) {
    let mut problems = Vec::new();
    access::look(page, view, &mut problems).await;
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[tokio::test]
async fn a_pair_is_opened_by_its_repositories_names() {
    let hub = laboratory();
    let page = open("hub", &hub).await;
    // by the keyboard: the field, and Enter
    page.fill("#url-tuned", "https://huggingface.co/lab/tiny-Instruct/tree/main").await;
    page.js("document.querySelector('#url-tuned').focus()").await;
    page.keys("\u{e007}").await;
    page.wait_text("#found-tuned", "lab/tiny-Instruct at commit 0123456 · licence mit").await;
    assert_eq!(hub.asked("/resolve/").len(), 0, "nothing is fetched that nobody has chosen");
    let options =
        "return [...document.querySelectorAll('#candidate-tuned option')].map(o=>o.textContent.split(',')[0]).join()";
    assert_eq!(page.js(options).await, json!("Q8_0,Q4_0"));
    page.wait_text("#found-tuned", "Runs here; a run of 48 tokens").await;
    page.wait_text("#found-tuned", "2 files that cannot be opened").await;
    page.wait_text("#found-tuned", "According to its model card, the base model is lab/tiny-Foundation.").await;
    page.click("#counterpart-tuned").await;
    page.wait_text("#found-base", "lab/tiny-Foundation").await;
    page.wait_text("#candidate-base", "safetensors, F32").await;
    let label = "return document.activeElement.getAttribute('aria-label')";
    page.wait_js(&format!("{label}=='Repository or address of the base model'")).await;
    each_theme_and_size(&page, "hub", "#models .slot-form").await;
    nothing_serious(&page, "repositories").await;
    for (side, stored) in [("tuned", "Q8_0"), ("base", "F32")] {
        page.click(&format!("#open-{side}")).await;
        page.wait_text(&format!("#chip-{side}"), stored).await;
    }
    // another file of the same repository
    page.js("const s=document.querySelector('#candidate-tuned'); s.value='1'; s.dispatchEvent(new Event('change',{bubbles:true}))").await;
    page.click("#open-tuned").await;
    page.wait_text("#chip-tuned", "Q4_0").await;
    page.wait_text(".slot-form", "lab/tiny-Instruct@0123456/tiny-Instruct-Q4_0.gguf").await;
    // the two are stored differently, which is said at once
    page.wait_text("#pair-differs", "Stored in different types").await;
    page.click("#close-models").await;
    page.run().await;
    page.wait_text("#card-tuned .foot", "lab/tiny-Instruct@0123456/tiny-Instruct-Q4_0.gguf").await;
    page.wait_text("#card-base .foot", "lab/tiny-Foundation@0123456/model.safetensors").await;
    // what ran is the measure of what comes
    page.click("#open-models").await;
    page.wait_text("#models", "Times are scaled by the number of parameters from a run of").await;
    page.wait_text("#known", "a run of 48 tokens takes about").await;
    // kept, and known by where it came from
    page.reload().await;
    page.click("#run").await;
    page.wait_text("#card-tuned .foot", "lab/tiny-Instruct@0123456/tiny-Instruct-Q4_0.gguf").await;
    assert_eq!(hub.asked(&format!("/lab/tiny-Instruct/resolve/{COMMIT}/tiny-Instruct-Q4_0.gguf")).len(), 1);
    page.close().await;
}

#[tokio::test]
async fn what_the_hub_refuses_is_said_and_nothing_is_lost() {
    let hub = laboratory();
    let add = |name: &str, repository: Repository| hub.add(name, repository);
    let files = || gguf(3, "x");
    add("lab/gated", Repository { gated: true, files: files(), ..Repository::default() });
    add("lab/busy", Repository { refuses: Some((429, "")), ..Repository::default() });
    add("lab/down", Repository { refuses: Some((503, "")), ..Repository::default() });
    add("lab/empty", Repository { files: vec![("README.md".into(), Vec::new())], ..Repository::default() });
    add("lab/lies", Repository { lies: true, files: files(), ..Repository::default() });
    add("lab/keeps", Repository { keeps: Some(403), files: files(), ..Repository::default() });
    let page = open("hub-refuses", &hub).await;
    for (name, said) in [
        ("gpt2", "is neither an address nor a repository's name"),
        ("https://huggingface.co/datasets/lab/x", "holds no model"),
        ("lab/absent", "no repository “lab/absent” that is open to everybody"),
        ("lab/gated", "only to people who have agreed to its terms"),
        ("lab/busy", "too many questions"),
        ("lab/down", "cannot answer at the moment (503)"),
        ("lab/empty", "holds nothing that Shiftlens can open"),
    ] {
        look(&page, "base", name).await;
        page.wait_text(".slot-form .error", said).await;
    }
    page.shot("hub-refuses").await;
    // files that are not what the hub says, and files that it keeps
    for (name, said) in
        [("lab/lies", "is not the file that was asked for"), ("lab/keeps", "agreed to its publisher's terms")]
    {
        look(&page, "base", name).await;
        page.wait_text("#found-base", name).await;
        page.click("#open-base").await;
        page.wait_text(".slot-form .error", said).await;
    }
    // nothing of what was damaged stays
    page.wait_js("return document.querySelectorAll('#stored li').length<=1").await;
    // what was asked before is not said of what is asked now
    hub.go_down();
    look(&page, "base", "lab/tiny-Instruct").await;
    page.wait_text(".slot-form .error", "The hub could not be reached").await;
    assert_eq!(page.js("return document.querySelectorAll('.slot-form:first-child .error').length").await, json!(1));
    assert!(page.text("#chip-base").await.contains("stories15M base"));
    assert_eq!(page.js("return document.querySelector('#prompt').value").await, json!("List four fruits."));
    page.click("#close-models").await;
    page.run().await;
    page.close().await;
}

#[tokio::test]
async fn a_known_pair_is_opened_with_one_press() {
    let hub = Hub::start();
    let pair = &CATALOGUE[0];
    // of the base only the publisher's own repository is there
    let files = |seed, name: &str| gguf(seed, name).into_iter().filter(|(path, _)| !path.contains("IQ")).collect();
    hub.add(pair.base.model, Repository { files: files(4, "base"), ..Repository::default() });
    hub.add(pair.tuned[0].quantized[0], Repository { files: files(5, "tuned"), ..Repository::default() });
    let page = open("hub-known", &hub).await;
    let row = format!("#pair-{}", pair.id);
    page.wait_text(&row, "Runs here; a run of 48 tokens probably takes less than").await;
    page.wait_text("#pair-gemma3-270m", "Shiftlens signs in nowhere").await;
    page.wait_js("return !document.querySelector('#pair-gemma3-270m button') && document.querySelectorAll('#pair-olmo2-1b option').length==3").await;
    each_theme_and_size(&page, "known-pairs", "#known").await;
    page.click(&format!("{row} button")).await;
    for side in ["base", "tuned"] {
        page.wait_text(&format!("#chip-{side}"), "Tiny random").await;
    }
    page.wait_text(".slot-form:first-child", &format!("{}@0123456", pair.base.model)).await;
    page.wait_text(".slot-form:last-child", &format!("{}@0123456", pair.tuned[0].quantized[0])).await;
    page.close().await;
}

/// A machine with little memory: what will not run is said before a byte is fetched, with the nearest that will. Two models
/// that are no pair say at once what of them can be compared.
#[tokio::test]
async fn what_does_not_fit_is_said_before_anything_is_fetched() {
    let hub = laboratory();
    let page = Page::open_raw("hub-fit", "about:blank").await;
    let script = "Object.defineProperty(Navigator.prototype, 'deviceMemory', { value: 1 })";
    page.chromium("Page.addScriptToEvaluateOnNewDocument", json!({"source": script})).await;
    page.go(&format!("{}/index.html?hub={}", address(), hub.url())).await;
    page.models_ready().await;
    page.click("#open-models").await;
    page.wait_text("#pair-smollm2-1.7b".replace('.', "\\.").as_str(), "May not run here: both models need").await;
    page.wait_text("#pair-smollm2-1\\.7b", "The nearest that runs: SmolLM2 135M.").await;
    assert_eq!(hub.asked("").len(), 0);
    // another width, more layers, another vocabulary
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.gguf");
    std::fs::write(&file, Tiny { layers: 3, width: 128, ..Tiny::default() }.gguf()).unwrap();
    page.choose_file("#file-tuned", &file).await;
    page.wait_text("#chip-tuned", "F32").await;
    for said in ["Different vocabularies", "Different widths", "Different numbers of layers", "Cannot be compared"] {
        page.wait_text("#pair-differs", said).await;
    }
    each_theme_and_size(&page, "pair-differs", "#pair-differs").await;
    nothing_serious(&page, "a pair that differs").await;
    page.click("#close-models").await;
    page.wait_text("#pair-hint", "These two models can be compared only in part.").await;
    page.shot("pair-hint").await;
    page.click("#pair-hint .link").await;
    page.wait_js("return document.querySelector('#models').open").await;
    page.close().await;
}
