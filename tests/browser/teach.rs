//! Teaching: the guided tour, lessons from files and links, guesses, the presenter, the meaning of words.

use serde_json::{Value as Json, json};

use super::looks::each_theme_and_size;
use super::page::{Page, address};

const STEP: &str = "#coach .where";

async fn start_tour(page: &Page) {
    page.click("#learn").await;
    page.wait_js("return !!document.querySelector('#start-three-findings')").await;
    page.click("#start-three-findings").await;
    page.wait_text(STEP, "step 1 of 14").await;
    // who starts it by keyboard is there
    page.wait_js("return document.activeElement.id == 'coach'").await;
}

/// What the step points at.
async fn pointed(page: &Page, selector: &str) {
    page.wait_js(&format!("return !!document.querySelector('{selector}[data-pointed]')")).await;
}

#[tokio::test]
async fn the_tour_goes_on_when_the_user_does_the_thing_and_is_remembered() {
    let page = Page::open("tour").await;
    page.models_ready().await;
    page.click("#learn").await;
    page.wait_js("return !!document.querySelector('#start-three-findings')").await;
    each_theme_and_size(&page, "learn", "header").await;
    page.click("#close-learn").await;
    start_tour(&page).await;
    pointed(&page, "#results").await;
    assert_eq!(page.js("return document.querySelector('#prompt').value").await, json!("List four fruits."));
    page.wait_text("#card-tuned .foot", "An example that ships").await;
    each_theme_and_size(&page, "tour", "header").await;
    page.click("#lesson-next").await;
    pointed(&page, "#run").await;
    page.run().await;
    page.wait_text(STEP, "step 3 of 14").await;
    pointed(&page, "#card-tuned .response").await;
    page.shot("tour-pointing").await;
    page.js("document.querySelector('#card-tuned .response .tok').click()").await;
    page.wait_text(STEP, "step 4 of 14").await;
    // left, and entered again on another visit
    page.click("#lesson-leave").await;
    page.wait_js("return !document.querySelector('#coach') && !document.querySelector('[data-pointed]')").await;
    page.wait_js("return document.activeElement.id == 'learn'").await;
    page.reload().await;
    page.models_ready().await;
    page.click("#learn").await;
    page.wait_text("#learn-dialog .note", "at step 4 of 14").await;
    page.click("#lesson-go-on").await;
    page.wait_text(STEP, "step 4 of 14").await;
    page.click("#lesson-next").await;
    page.press_segment("Response to explain", "Tuned model's").await;
    page.wait_text(STEP, "step 6 of 14").await;
    page.run().await;
    page.wait_text(STEP, "step 7 of 14").await;
    page.js("document.querySelector('#tab-findings').click()").await;
    page.wait_text(STEP, "step 8 of 14").await;
    pointed(&page, "#finding-1").await;
    page.click("#lesson-next").await;
    page.js("document.querySelector('#tab-heads').click()").await;
    page.wait_text(STEP, "step 10 of 14").await;
    pointed(&page, "#head-map").await;
    page.wait_js("return !!document.querySelector('#head-0-1')").await;
    page.js("document.querySelector('#head-0-1').click()").await;
    page.wait_text(STEP, "step 11 of 14").await;
    page.click("#lesson-next").await;
    page.js("document.querySelector('#tab-concepts').click()").await;
    page.wait_text(STEP, "step 13 of 14").await;
    pointed(&page, "#concept-table").await;
    page.click("#lesson-next").await;
    page.js("document.querySelector('#tab-findings').click()").await;
    // done: nothing is left to go on with
    page.wait_js("return !document.querySelector('#coach')").await;
    page.click("#learn").await;
    page.wait_js(
        "return !!document.querySelector('#start-three-findings') && !document.querySelector('#lesson-go-on')",
    )
    .await;
    page.close().await;
}

/// A teacher's own file: shown, shared by link, opened by a student; what looks like markup is text.
#[tokio::test]
async fn a_lesson_of_ones_own_travels_by_link() {
    let page = Page::open("lesson").await;
    page.js("Object.defineProperty(navigator,'clipboard',{value:{writeText:t=>{window.copied=t;return Promise.resolve()}}})").await;
    let folder = tempfile::tempdir().unwrap();
    let lesson = json!({"version": 1, "title": "<b>Rhymes</b>", "about": "<img src=x onerror=window.hit=1>", "steps": [
        {"title": "<script>window.hit=1</script>", "text": ["<img src=x onerror=window.hit=1>"], "at": "prompt", "set": {"prompt": "List three birds."}},
        {"title": "Signed", "text": ["Look."], "until": "signed"},
        {"title": "End", "text": []},
    ]});
    let (good, bad) = (folder.path().join("rhymes.json"), folder.path().join("bad.json"));
    std::fs::write(&good, lesson.to_string()).unwrap();
    std::fs::write(&bad, "{\"version\":1,\"title\":3}").unwrap();
    page.click("#learn").await;
    page.choose_file("#open-lesson", &bad).await;
    page.wait_text("#learn-dialog .error", "bad.json: This is not a lesson that can be read").await;
    let endless = folder.path().join("endless.json");
    std::fs::write(&endless, " ".repeat(70_000)).unwrap();
    page.choose_file("#open-lesson", &endless).await;
    page.wait_text("#learn-dialog .error", "70000 bytes; the limit is 65536").await;
    page.choose_file("#open-lesson", &good).await;
    page.wait_text("#lessons", "<b>Rhymes</b>").await;
    page.js("document.querySelector('#lessons li:last-child .copy-lesson').click()").await;
    page.wait_js("return !!window.copied").await;
    let Json::String(link) = page.js("return window.copied").await else { panic!("no link") };
    assert!(link.contains("#lesson=1."), "{link}");
    page.close().await;

    let page = Page::open_at("lesson-opened", &link).await;
    page.wait_text("#coach h2", "<script>window.hit=1</script>").await;
    assert_eq!(page.js("return document.querySelector('#prompt').value").await, json!("List three birds."));
    assert_eq!(page.js("return window.hit ?? null").await, Json::Null);
    page.click("#lesson-next").await;
    page.press_segment("Scale", "Signed").await;
    page.wait_text(STEP, "step 3 of 3").await;
    // the same link again, in a page that is open
    let fragment = link.split_once('#').unwrap().1;
    page.js("history.replaceState(null,'',location.pathname)").await;
    page.js(&format!("location.hash='{fragment}'")).await;
    page.wait_text(STEP, "step 1 of 3").await;
    page.close().await;

    for (address, words) in [
        (format!("{}/index.html?lesson=nothing-here", address()), "There is no lesson “nothing-here”"),
        (format!("{}/index.html?lesson=../models/x", address()), "There is no lesson"),
        (format!("{}/index.html#lesson=1.AAAA", address()), "damaged, or was cut short"),
    ] {
        let page = Page::open_at("lesson-broken", &address).await;
        page.wait_text("#notice", words).await;
        page.close().await;
    }
    let page = Page::open_at("lesson-named", &format!("{}/index.html?lesson=guess-first", address())).await;
    page.wait_text("#coach .where", "Guess first").await;
    page.wait_js("return document.querySelectorAll('.pick').length>0").await;
    page.close().await;
}

#[tokio::test]
async fn students_guess_before_they_see() {
    // the exercise is set by a link
    let page = Page::open("exercise").await;
    page.wait_text("#card-tuned .foot", "An example that ships").await;
    page.click("#share").await;
    page.click("#exercise").await;
    page.wait_js("return document.querySelector('#link').value.includes('?guess=1#see=1.')").await;
    let Json::String(link) = page.js("return document.querySelector('#link').value").await else { panic!("no link") };
    page.close().await;

    let page = Page::open_at("guess", &link).await;
    page.wait_js("return document.querySelectorAll('.pick').length>2").await;
    let hidden = "return ['#card-tuned','#card-base'].every(s=>!document.querySelector(s).checkVisibility())";
    page.wait_js(hidden).await;
    assert_eq!(page.js("return document.querySelector('#guess-look').disabled").await, json!(true));
    page.js("document.querySelectorAll('.pick').forEach((b,i)=>i<3&&b.click())").await;
    page.wait_text("#guess", "3 words are marked.").await;
    each_theme_and_size(&page, "guess", "#guess").await;
    page.click("#guess-look").await;
    page.wait_text("#guess-held", "of your 3 words among the").await;
    assert_eq!(page.js("return document.querySelectorAll('#guess-held .held').length").await, json!(2));
    // the marks are those of the model's own densities, which the page rounds to hundredths
    let agree = "const density=[...document.querySelectorAll('#card-tuned .dens .n')].map(n=>+n.textContent); \
        const marked=[...document.querySelector('#guess-held .marked').children].map(w=>/hit|models/.test(w.className)); \
        const of=which=>density.filter((_,i)=>marked[i]==which); \
        return of(true).length==3 && density.length==marked.length && Math.min(...of(true))>=Math.max(...of(false))-0.011";
    assert_eq!(page.js(agree).await, json!(true), "{}", page.text("#guess").await);
    page.wait_js("return document.querySelector('#card-tuned').checkVisibility()").await;
    each_theme_and_size(&page, "guess-held", "#guess").await;
    page.click("#guess-again").await;
    page.wait_js(hidden).await;
    page.click("#guess-stop").await;
    page.wait_js("return !document.querySelector('#guess') && document.querySelector('#card-tuned').checkVisibility()")
        .await;
    page.close().await;
}

#[tokio::test]
async fn the_presenter_shows_one_view_at_a_time_and_nothing_scrolls_away() {
    let page = Page::open("presenter").await;
    page.models_ready().await;
    page.js(
        "const s=document.querySelector('#preset'); s.value='1'; s.dispatchEvent(new Event('change',{bubbles:true}))",
    )
    .await;
    page.wait_text("#card-tuned .response", "cat").await;
    page.resize(1280, 720).await;
    page.click("#learn").await;
    page.click("#present").await;
    page.wait_text("#slide-place", "1 of 6").await;
    let fits = "const s=document.querySelector('#slide'), d=document.querySelector('#presenter'); \
        return s.scrollHeight<=s.clientHeight && s.scrollWidth<=s.clientWidth && d.scrollHeight<=d.clientHeight && parseFloat(getComputedStyle(s).fontSize)";
    for slide in 1..=6 {
        page.wait_text("#slide-place", &format!("{slide} of 6")).await;
        page.wait_js(&format!("return !!(()=>{{{fits}}})()")).await;
        let size = page.js(fits).await;
        // a story of thirty words still stands in type that is read from afar
        assert!(size.as_f64().is_some_and(|s| s >= 24.0), "slide {slide}: {size}");
        page.shot(&format!("presenter-{slide}")).await;
        page.keys("\u{e014}").await; // arrow right
    }
    page.wait_text("#slide-place", "6 of 6").await;
    page.keys("\u{e011}").await; // Home
    page.wait_text("#slide-place", "1 of 6").await;
    page.keys("\u{e00f}").await; // page down, as clickers send it
    page.wait_text("#slide-place", "2 of 6").await;
    page.js("document.querySelector('#theme').click()").await;
    page.shot("presenter-dark").await;
    page.keys("\u{e00c}").await; // Escape
    page.wait_js("return !document.querySelector('#presenter').open").await;
    page.close().await;
}

#[tokio::test]
async fn a_panel_explains_its_words_behind_one_question_mark() {
    let page = Page::open("terms").await;
    page.wait_text("#card-tuned .foot", "An example that ships").await;
    let marks =
        "return ['aside','#card-tuned','[role=toolbar]'].map(p=>document.querySelectorAll(p+' .what').length).join()";
    assert_eq!(page.js(marks).await, "1,1,1");
    page.js("document.querySelector('#card-tuned .what').focus()").await;
    page.keys("\u{e007}").await;
    let open = "[...document.querySelectorAll('.meaning')].filter(e=>e.matches(':popover-open'))";
    page.wait_js(&format!(
        "const o={open}; return o.length==1 && ['Instruction score','Density'].every(w=>o[0].textContent.includes(w))"
    ))
    .await;
    each_theme_and_size(&page, "meaning", "#card-tuned").await;
    page.keys("\u{e00c}").await;
    page.wait_js(&format!("return {open}.length==0")).await;
    page.js("document.querySelector('#results > .not-shown').open=true").await;
    page.wait_text("#results > .not-shown", "What would happen without a word").await;
    page.close().await;
}
