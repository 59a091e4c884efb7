//! Every view under axe-core: nothing serious in either theme.

use serde_json::{Value as Json, json};

use super::page::{Page, repository};

/// Serious and critical findings on what is on screen, each with where it is.
async fn serious(page: &Page) -> Vec<String> {
    if page.js("return typeof axe").await == json!("undefined") {
        let axe = std::fs::read_to_string(repository("tests/browser/axe/axe.min.js")).unwrap();
        page.js(&format!("{axe}; window.axe = axe")).await;
    }
    let found = page
        .await_js("const done=arguments[0]; axe.run(document,{resultTypes:['violations']}).then(r=>done(r.violations), e=>done([{impact:'critical',id:String(e),nodes:[]}]))")
        .await;
    let is_serious = |v: &&Json| matches!(v["impact"].as_str(), Some("serious" | "critical"));
    let told = |v: &Json| {
        let node =
            |n: &Json| format!("{} {}", n["target"], n["failureSummary"].as_str().unwrap_or("").replace('\n', " "));
        let nodes: Vec<String> = v["nodes"].as_array().unwrap().iter().take(4).map(node).collect();
        format!("{}: {}", v["id"], nodes.join(" | "))
    };
    found.as_array().unwrap().iter().filter(is_serious).map(told).collect()
}

/// Looks in both themes.
pub async fn look(page: &Page, view: &str, problems: &mut Vec<String>) {
    for theme in ["light", "dark"] {
        page.js(&format!(
            "if(document.documentElement.dataset.theme!='{theme}')document.querySelector('#theme').click()"
        ))
        .await;
        // colours fade in
        page.wait_js("return document.getAnimations().every(a=>a.playState!='running')").await;
        problems.extend(serious(page).await.into_iter().map(|p| format!("{view}, {theme}: {p}")));
    }
}

/// Every value of the picture, with the words of its row and column.
async fn the_matrix_is_a_table_too(page: &Page) {
    let size = "const t=document.querySelector('#card-tuned .matrix-table table'); \
        return [t.tBodies[0].rows.length, t.tHead.rows[0].cells.length - 1, \
            document.querySelectorAll('#card-tuned .read:not(.response) .tok').length, \
            document.querySelectorAll('#card-tuned .response .tok').length]";
    let size = page.js(size).await;
    assert_eq!((&size[0], &size[1]), (&size[2], &size[3]));
    let first = page.js("return document.querySelector('#card-tuned .matrix-table td.num').textContent").await;
    assert!(first.as_str().unwrap().starts_with(['+', '-', '0']), "signed values are on screen: {first}");
    page.shot("matrix-table").await;
}

#[tokio::test]
async fn axe_finds_nothing_serious() {
    let page = Page::open("axe").await;
    page.models_ready().await;
    page.wait_text("#card-tuned .foot", "An example that ships").await;
    let mut problems = Vec::new();
    page.js("document.querySelectorAll('details').forEach(d=>d.open=true)").await;
    look(&page, "prompt", &mut problems).await;
    page.press_segment("Scale", "Signed").await;
    page.press_segment("Response to explain", "Custom").await;
    page.js("document.querySelector('#options').open=true").await;
    look(&page, "prompt, signed", &mut problems).await;
    the_matrix_is_a_table_too(&page).await;
    for (tab, ready) in [
        (
            "heads",
            "return document.querySelectorAll('#head-map .cell').length>0 && !!document.querySelector('#head .net')",
        ),
        ("concepts", "return !!document.querySelector('#concept-table tbody tr')"),
        ("findings", "return !!document.querySelector('#finding-3 tbody tr')"),
    ] {
        page.click(&format!("#tab-{tab}")).await;
        page.wait_js(ready).await;
        page.js("document.querySelectorAll('details').forEach(d=>d.open=true)").await;
        look(&page, tab, &mut problems).await;
    }
    page.click("#tab-prompt").await;
    for (open, close) in [
        ("#open-models", "#close-models"),
        ("#backend-used", "#close-backend"),
        ("#share", "#close-share"),
        ("#learn", "#close-learn"),
    ] {
        page.click(open).await;
        page.wait_js(&format!("return document.querySelector('{close}').checkVisibility()")).await;
        look(&page, open, &mut problems).await;
        page.click(close).await;
    }
    page.js("document.querySelector('#learn').click()").await;
    page.click("#guess-start").await;
    look(&page, "guess", &mut problems).await;
    page.click(".pick").await;
    page.click("#guess-look").await;
    look(&page, "guess, held", &mut problems).await;
    page.click("#learn").await;
    page.wait_js("return !!document.querySelector('#start-three-findings')").await;
    page.click("#start-three-findings").await;
    look(&page, "lesson", &mut problems).await;
    page.click("#lesson-leave").await;
    page.click("#learn").await;
    page.click("#present").await;
    look(&page, "presenter", &mut problems).await;
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    page.close().await;
}
