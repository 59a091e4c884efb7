//! Every view under axe-core, by keyboard, and on a phone.

use serde_json::{Value as Json, json};

use super::page::{self, Page, repository};

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

#[tokio::test]
async fn the_page_fits_a_phone() {
    let page = Page::open("phone").await;
    page.resize(390, 844).await;
    page.wait_text("#card-tuned .response", &page::first_screen()).await;
    let overflow = page.js("return document.documentElement.scrollWidth-document.documentElement.clientWidth").await;
    assert!(overflow.as_i64().unwrap() <= 0, "{overflow} pixels too wide");
    page.shot("phone").await;
    page.js("document.querySelector('#card-tuned').scrollIntoView()").await;
    page.shot("phone-results").await;
    page.close().await;
}

#[tokio::test]
async fn errors_and_endless_words_fit_in_both_themes_and_widths() {
    let page = Page::open("fit").await;
    page.models_ready().await;
    page.wait_text("#card-tuned .response", &page::first_screen()).await;
    page.press_segment("Response to explain", "Tuned model's").await;
    let overflow = "return document.documentElement.scrollWidth-document.documentElement.clientWidth";
    for (name, width, height) in [("wide", 1280, 720), ("narrow", 390, 844)] {
        page.resize(width, height).await;
        for theme in ["light", "dark"] {
            page.js(&format!(
                "if(document.documentElement.dataset.theme!='{theme}')document.querySelector('#theme').click()"
            ))
            .await;
            page.fill("#prompt", &format!("Repeat the word {} two times.", "Donaudampfschifffahrt".repeat(6))).await;
            page.run().await;
            page.wait_js("return !!document.querySelector('#card-base .response')").await;
            page.shot(&format!("long-word-{name}-{theme}")).await;
            page.js("document.querySelector('#card-tuned').scrollIntoView()").await;
            page.shot(&format!("long-word-results-{name}-{theme}")).await;
            assert!(page.js(overflow).await.as_i64().unwrap() <= 0, "a long word, {name}, {theme}");
            let said = page.text("#card-base .response").await;
            page.fill("#prompt", "   ").await;
            page.js("document.querySelector('#run').click()").await;
            page.wait_text("#card-tuned .error", "prompt is empty").await;
            page.shot(&format!("error-{name}-{theme}")).await;
            assert!(page.js(overflow).await.as_i64().unwrap() <= 0, "an error, {name}, {theme}");
            assert_eq!(page.text("#card-base .response").await, said, "the other model's earlier result stands again");
        }
    }
    page.close().await;
}

#[tokio::test]
async fn the_keyboard_walks_the_tabs_and_skips_to_the_results() {
    let page = Page::open("tabs").await;
    page.wait_text("#card-tuned .response", &page::first_screen()).await;
    page.js("document.querySelector('#tab-prompt').focus()").await;
    let shown = "return [document.activeElement.id, document.querySelector('#view').getAttribute('aria-labelledby'), \
        document.querySelectorAll('[role=tab][tabindex=\"0\"]').length]";
    for (key, tab) in [
        ("\u{E014}", "tab-heads"),    // arrow right
        ("\u{E012}", "tab-prompt"),   // arrow left
        ("\u{E012}", "tab-findings"), // from the first to the last
        ("\u{E011}", "tab-prompt"),   // home
    ] {
        page.keys(key).await;
        page.wait_js(&format!("return document.activeElement.id == '{tab}'")).await;
        assert_eq!(page.js(shown).await, json!([tab, tab, 1]));
    }
    // a picture in the address stays there
    page.js("history.replaceState(null, '', '#see=1.kept')").await;
    page.js("document.querySelector('.skip').click()").await;
    page.wait_js("return document.activeElement.id == 'results'").await;
    assert_eq!(page.js("return location.hash").await, json!("#see=1.kept"));
    page.close().await;
}

#[tokio::test]
async fn the_keyboard_walks_the_words() {
    let page = Page::open("keyboard").await;
    page.models_ready().await;
    page.wait_text("#card-tuned .response", &page::first_screen()).await;
    // what is chosen already would be let go by another press
    page.js("document.querySelector('#card-tuned .response .sel')?.click()").await;
    page.js("document.querySelector('#card-tuned .response [data-i=\"0\"]').focus()").await;
    page.keys("\u{E014}\u{E014}\u{E014}").await; // arrow right, three times
    assert_eq!(page.js("return document.activeElement.dataset.i").await, json!("3"));
    page.keys("\u{E007}").await; // enter
    page.wait_js("return document.querySelector('#card-tuned .response .sel')?.dataset.i=='3'").await;
    page.close().await;
}
