//! What tuning changed on one text: the panel below the results.

use serde_json::json;

use super::access;
use super::looks::each_theme_and_size;
use super::page::{Page, patched, repository};

async fn open_panel(page: &Page) {
    page.js("const d=document.querySelector('#text'); if(!d.open) d.querySelector('summary').click()").await;
}

fn number(text: &str) -> f64 {
    text.trim().replace('−', "-").parse().unwrap_or_else(|_| panic!("{text} is no number"))
}

#[tokio::test]
async fn both_models_are_compared_on_one_text() {
    let page = Page::open("text").await;
    page.models_ready().await;
    page.fill("#prompt", "What is the opposite of loud?").await;
    page.press_segment("Response to explain", "Tuned model's").await;
    page.run().await;
    assert_eq!(
        page.js("return document.querySelectorAll('#text .kl').length").await,
        json!(0),
        "nothing before it is opened"
    );
    open_panel(&page).await;
    page.wait_js(
        "const of=s=>document.querySelector('#goes-on-'+s)?.textContent; \
        return document.querySelector('#text-parting') && (!of('base') || of('base')!='…' && of('tuned')!='…')",
    )
    .await;
    let tokens = "return [...document.querySelectorAll('#text .kl')].length";
    let read = "return document.querySelectorAll('#card-tuned .matrix-table').length";
    assert!(page.js(tokens).await.as_u64().unwrap() > 2 && page.js(read).await == json!(1));
    // at every token the tuned model's number is the one of its own run: the text is its own
    page.press_segment("Granularity", "Token").await;
    page.js("document.querySelector('#text .kl[data-i=\"1\"]').click()").await;
    page.wait_text("#text-at", "token 2 of").await;
    page.js("document.querySelector('#card-tuned .response [data-i=\"1\"]').click()").await;
    page.wait_js("return document.querySelectorAll('#card-tuned .choice .cap').length==1").await;
    let of_run = page.text("#card-tuned .choice .cap").await;
    let p = of_run.split_whitespace().nth(1).unwrap().to_owned();
    assert!(page.text("#dist-tuned caption").await.contains(&p), "{of_run}");
    // the keyboard walks the strip and chooses
    page.js("document.querySelector('#text .kl[data-i=\"1\"]').focus()").await;
    page.keys("\u{E012}").await; // arrow left
    page.wait_js("return document.activeElement.dataset.i=='0'").await;
    page.keys("\u{E007}").await;
    page.wait_text("#text-at", "token 1 of").await;
    let bars = page.js("return document.querySelectorAll('#dist-base .wide-bar').length").await;
    assert!(bars.as_u64().unwrap() >= 10);
    page.js("document.querySelector('#text .matrix-table summary').click()").await;
    page.wait_js(
        "const t=document.querySelector('#text .matrix-table tbody'); \
        return t && t.rows.length==document.querySelectorAll('#text .kl').length",
    )
    .await;
    page.js("document.querySelector('#text .matrix-table summary').click()").await;
    each_theme_and_size(&page, "text-strip", "#text").await;
    each_theme_and_size(&page, "text-distributions", "#text-parting").await;
    let mut problems = Vec::new();
    access::look(&page, "text", &mut problems).await;
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    // a run of something else leaves nothing of it
    let caption = page.text("#text-at").await;
    page.fill("#prompt", "Name three animals.").await;
    page.run().await;
    page.wait_js("return document.querySelector('#text-parting')!=null").await;
    assert_ne!(page.text("#text-at").await, caption);
    // two vocabularies cannot be compared
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.gguf");
    let base = std::fs::read(repository("public/models/stories-base.gguf")).unwrap();
    std::fs::write(&path, patched(&base, "▁because\0".as_bytes(), "▁becauze\0".as_bytes())).unwrap();
    page.click("#open-models").await;
    page.choose_file("#file-base", &path).await;
    page.wait_text("#text-missing", "split text into different tokens").await;
    page.click("#close-models").await;
    page.js("document.querySelector('#text').scrollIntoView()").await;
    page.shot("text-other-tokens").await;
    page.close().await;
}

#[tokio::test]
async fn a_token_is_followed_through_the_layers() {
    let page = Page::open("layers").await;
    page.models_ready().await;
    page.fill("#prompt", "What is the opposite of loud?").await;
    page.press_segment("Response to explain", "Tuned model's").await;
    page.run().await;
    open_panel(&page).await;
    page.wait_js("return document.querySelector('#text-parting')!=null").await;
    page.js("document.querySelector('#text-layers>summary').click()").await;
    page.wait_js("return document.querySelector('#lens-table')!=null").await;
    // the last layer says what the model says
    let last = "const r=[...document.querySelectorAll('#lens-table tbody tr')].pop().cells; return [r[1].querySelector('code').textContent, r[3].querySelector('code').textContent]";
    let first = "return ['base','tuned'].map(s=>document.querySelector('#dist-'+s+' tbody th code').textContent)";
    assert_eq!(page.js(last).await, page.js(first).await);
    // and the parts sum to the logit
    let sums = page.js("return [...document.querySelectorAll('#contributions tfoot td')].map(t=>t.textContent)").await;
    let sums: Vec<f64> = sums.as_array().unwrap().iter().map(|s| number(s.as_str().unwrap())).collect();
    assert!(sums.len() == 4 && (sums[0] - sums[2]).abs() < 0.05 && (sums[1] - sums[3]).abs() < 0.05, "{sums:?}");
    each_theme_and_size(&page, "text-layers", "#text-layers").await;
    each_theme_and_size(&page, "text-contributions", "#contributions").await;
    let mut problems = Vec::new();
    access::look(&page, "layers", &mut problems).await;
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    page.close().await;
}

#[tokio::test]
async fn template_and_weights_are_told_apart() {
    let page = Page::open("cells").await;
    page.models_ready().await;
    page.fill("#prompt", "What is the opposite of loud?").await;
    page.run().await;
    open_panel(&page).await;
    page.wait_js("return document.querySelector('#text-cells')!=null").await;
    page.js("document.querySelector('#text-cells').click()").await;
    page.wait_js("return document.querySelector('#four-cells')!=null").await;
    assert_eq!(page.js("return document.querySelectorAll('#four-cells .cell').length").await, json!(4));
    let caption = page.text("#cells-caption").await;
    assert!(
        ["opposite of loud", "stories15M base", "gradient × input", "levels 1 to 10"]
            .iter()
            .all(|part| caption.contains(part)),
        "{caption}"
    );
    let words = "return document.querySelectorAll('#four-cells .cell:first-child .tok').length==document.querySelectorAll('#effects tbody tr').length";
    assert_eq!(page.js(words).await, json!(true));
    each_theme_and_size(&page, "text-cells", "#cells-verdict").await;
    each_theme_and_size(&page, "text-effects", "#effects").await;
    let mut problems = Vec::new();
    access::look(&page, "cells", &mut problems).await;
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    // the levels of the scale are read anew, without another run
    let before = page.text("#cells-caption").await;
    page.js("const b=document.querySelectorAll('.bar input[type=range]')[1]; b.value=0; b.dispatchEvent(new Event('input',{bubbles:true}))").await;
    page.wait_text("#cells-caption", "up to 0 hidden").await;
    assert_ne!(page.text("#cells-caption").await, before);
    page.close().await;
}
