//! Links and files: made in one browser, opened in another that has loaded nothing.

use serde_json::json;
use shiftlens::share::link::Link;
use shiftlens::share::presets::PRESETS;

use super::looks::each_theme_and_size;
use super::page::{Page, address};

/// What is read off both cards.
const PICTURE: &str = "return ['base','tuned'].map(s=>[...document.querySelectorAll(`#card-${s} .response .tok`)].map(t=>t.textContent+'|'+(t.getAttribute('style')||'')).join(',')+document.querySelector(`#card-${s} .score b`).textContent)";

/// Neither the note nor the address speaks of a sent picture any more.
const LEFT: &str = "return !document.querySelector('#linked') && location.hash==''";

async fn link(page: &Page) -> String {
    page.click("#share").await;
    page.wait_js("return document.querySelector('#link').value.includes('#see=1.')").await;
    let link = page.js("return document.querySelector('#link').value").await.as_str().unwrap().to_owned();
    page.shot("share").await;
    page.click("#close-share").await;
    link
}

#[tokio::test]
async fn a_link_shows_the_picture_before_any_model_and_is_computed_again() {
    let page = Page::open("link-made").await;
    page.models_ready().await;
    page.fill("#prompt", "What is the opposite of loud?").await;
    page.press_segment("Granularity", "Token").await;
    page.run().await;
    page.click("#card-tuned .response [data-i=\"2\"]").await;
    let sent = page.js(PICTURE).await;
    let link = link(&page).await;
    assert!(link.len() < 4096, "{} characters", link.len());
    each_theme_and_size(&page, "share", "header").await;
    page.close().await;

    let page = Page::open_at("link-opened", &link).await;
    page.wait_text("#linked", "From a link").await;
    assert_eq!(page.js(PICTURE).await, sent);
    assert_eq!(page.js("return document.querySelector('#prompt').value").await, json!("What is the opposite of loud?"));
    assert_eq!(page.js("return document.querySelector('#card-tuned .response .sel')?.dataset.i").await, json!("2"));
    // neither an engine nor a model was fetched for it
    let fetched = page.js("return performance.getEntriesByType('resource').map(e=>e.name)").await.to_string();
    assert!(!fetched.contains("engine") && !fetched.contains(".gguf"), "{fetched}");
    page.shot("linked").await;
    each_theme_and_size(&page, "linked", "#linked").await;
    // it is computed as it says, not as the page is set meanwhile
    page.press_segment("Response to explain", "Custom").await;
    page.click("#recompute").await;
    page.wait_text("#recomputed", "Tuned model: it matches").await;
    page.wait_text("#recomputed", "Base model: it matches").await;
    page.shot("recomputed").await;
    // another run leaves the picture and its address behind
    page.press_segment("Response to explain", "Each its own").await;
    page.fill("#prompt", "List two birds.").await;
    page.run().await;
    page.wait_js(LEFT).await;
    // so do an example, and a run by the keyboard before any model is there
    page.open_tab(&link).await;
    page.wait_text("#linked", "From a link").await;
    page.js(
        "const s=document.querySelector('#preset'); s.value='1'; s.dispatchEvent(new Event('change',{bubbles:true}))",
    )
    .await;
    page.wait_js(LEFT).await;
    page.wait_text("#card-tuned .foot", "An example that ships").await;
    page.open_tab(&link).await;
    page.wait_text("#linked", "From a link").await;
    page.js("document.querySelector('#prompt').dispatchEvent(new KeyboardEvent('keydown',{key:'Enter',ctrlKey:true,bubbles:true}))").await;
    page.wait_js(LEFT).await;
    page.wait_js("return !document.querySelector('#card-tuned .foot').textContent.includes('Sent') && document.querySelector('#card-tuned .foot').textContent.includes('Q8_0')").await;
    page.close().await;
}

/// A view of the weights travels too: which head, read in which way.
#[tokio::test]
async fn a_link_made_among_the_heads_opens_there() {
    let page = Page::open("head-link-made").await;
    page.models_ready().await;
    page.run().await;
    page.js("document.querySelector('#tab-heads').click()").await;
    page.press_segment("Reading", "Paper").await;
    page.wait_js("return !!document.querySelector('#head-2-1')").await;
    page.js("document.querySelector('#head-2-1').click()").await;
    let link = link(&page).await;
    page.close().await;

    let page = Page::open_at("head-link-opened", &link).await;
    let pressed = "return document.querySelector('#tab-heads').ariaSelected=='true' && [...document.querySelectorAll('[aria-label=Reading] button')].find(b=>b.ariaPressed=='true').textContent=='Paper'";
    page.wait_js(pressed).await;
    page.wait_text("#head", "Layer 2, head 1").await;
    page.wait_js("return !!document.querySelector('#head .pairs')").await;
    // the link has no ids: nothing is said of a sequence that it does not know
    page.wait_text("#view", "Run a prompt in the first tab, and its attention shows here.").await;
    page.shot("head-link-opened").await;
    page.js("document.querySelector('#tab-prompt').click()").await;
    page.wait_text("#linked", "From a link").await;
    page.click("#recompute").await;
    page.wait_text("#recomputed", "Tuned model: it matches").await;
    page.close().await;

    // one that names what the models do not have shows what they have
    let (_, fragment) = link.split_once('#').unwrap();
    let mut forged = Link::decode(fragment).unwrap().unwrap();
    (forged.inside.head, forged.inside.concepts) = ((9999, 9999), 9999);
    let page = Page::open_at("head-link-forged", &format!("{}/index.html#{}", address(), forged.encode(0).0)).await;
    page.wait_text("#head h2", "Layer 0, head 0").await;
    page.wait_js("return !!document.querySelector('#head .pairs')").await;
    page.close().await;
}

#[tokio::test]
async fn forged_and_broken_links_are_answered_in_words() {
    for (fragment, words) in [
        ("#see=1.AAAA", "damaged, or was cut short"),
        ("#see=1.%3Cscript%3Ealert(1)%3C/script%3E", "damaged, or was cut short"),
        ("#see=9.AAAA", "newer version"),
    ] {
        let page = Page::open_at("forged", &format!("{}/index.html{fragment}", address())).await;
        page.wait_text("#notice", words).await;
        page.models_ready().await; // the page goes on as ever
        page.close().await;
    }
}

/// Texts that would be markup, were they treated as such.
#[tokio::test]
async fn nothing_in_a_prompt_or_a_file_is_markup() {
    let page = Page::open("markup").await;
    page.models_ready().await;
    let evil = "<img src=x onerror=\"window.hacked=1\"><script>window.hacked=1</script> List two birds.";
    page.fill("#prompt", evil).await;
    page.run().await;
    let link = link(&page).await;
    page.close().await;
    let page = Page::open_at("markup-link", &link).await;
    page.wait_text("#linked", "From a link").await;
    // the same in a file's every text
    let text = std::fs::read_to_string(super::page::repository(&format!("public/{}", PRESETS[0].file()))).unwrap();
    let text = text
        .replace("stories15M base", "<img src=x onerror=window.hacked=1>")
        .replace("stories-tuned.gguf", "<svg onload=window.hacked=1>");
    let file = tempfile::Builder::new().suffix(".shiftlens.json").tempfile().unwrap();
    std::fs::write(file.path(), text).unwrap();
    page.click("#share").await;
    page.choose_file("#open-results", file.path()).await;
    page.wait_text("#linked", "<img src=x").await;
    assert_eq!(
        page.js("return [window.hacked, document.querySelectorAll('main img, main svg[onload]').length]").await,
        json!([null, 0])
    );
    page.close().await;
}

#[tokio::test]
async fn a_file_is_dropped_back_in_and_a_broken_one_refused() {
    let page = Page::open("file").await;
    page.models_ready().await;
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("run.shiftlens.json");
    std::fs::copy(super::page::repository(&format!("public/{}", PRESETS[0].file())), &good).unwrap();
    page.fill("#prompt", "something else").await;
    page.drop_file(&good).await;
    page.wait_text("#linked", "From run.shiftlens.json").await;
    page.wait_text("#card-tuned .foot", "Sent, not computed here").await;
    assert_eq!(page.js("return document.querySelector('#prompt').value").await, json!(PRESETS[0].text));
    let before = page.js(PICTURE).await;
    page.click("#recompute").await;
    page.wait_text("#recomputed", "Tuned model: it matches").await;
    assert_eq!(page.js(PICTURE).await, before);
    let bad = folder.path().join("bad.shiftlens.json");
    std::fs::write(&bad, "{\"version\":1}").unwrap();
    page.drop_file(&bad).await;
    page.wait_text("#notice", "is not a file of Shiftlens's results").await;
    page.close().await;
}

/// The file of HTML is opened from a disk, and answers.
#[tokio::test]
async fn the_interactive_file_works_from_a_disk() {
    let page = Page::open("one-page").await;
    page.models_ready().await;
    page.fill("#prompt", "What is the opposite of </script><b>loud?").await;
    page.run().await;
    page.js("window.saved=null; const make=URL.createObjectURL; URL.createObjectURL=b=>{b.text().then(t=>window.saved=t); return make(b)}").await;
    page.click("#share").await;
    page.click("#one-page").await;
    page.wait_js("return window.saved!==null").await;
    let text = page.js("return window.saved").await;
    page.close().await;
    let file = tempfile::Builder::new().suffix(".html").tempfile().unwrap();
    std::fs::write(file.path(), text.as_str().unwrap()).unwrap();
    let page = Page::open_raw("one-page-opened", &format!("file://{}", file.path().display())).await;
    page.wait_js("return document.querySelectorAll('section').length==2").await;
    assert!(page.text("h1").await.contains("</script><b>loud?"));
    let coloured = "return [...document.querySelectorAll('section')[1].querySelectorAll('.text')[0].children].filter(e=>e.style.background).length";
    assert_eq!(page.js(coloured).await, json!(0));
    page.js("[...document.querySelectorAll('section')[1].querySelectorAll('.text')[1].children].at(-2).click()").await;
    assert!(page.js(coloured).await.as_u64().unwrap() > 0);
    assert!(page.js("return document.querySelectorAll('td[style*=background]').length").await.as_u64().unwrap() > 0);
    page.shot("one-page").await;
    page.close().await;
}

/// The files that the buttons make are read back: an SVG that a browser draws, a PNG of the same shape, a CSV with the same numbers.
#[tokio::test]
async fn figures_and_tables_hold_what_is_on_screen() {
    let page = Page::open("figures").await;
    page.wait_text("#card-tuned .foot", "An example that ships").await;
    page.js("window.saved=[]; const make=URL.createObjectURL; URL.createObjectURL=b=>{window.saved.push(b); return make(b)}; HTMLAnchorElement.prototype.click=function(){window.named=(window.named||[]).concat(this.download)}").await;
    page.click("#share").await;
    for kind in ["svg", "csv", "png"] {
        page.click(&format!("#{kind}-tuned")).await;
        page.wait_js(&format!("return (window.named||[]).some(n=>n.endsWith('-tuned.{kind}'))")).await;
    }
    page.shot("share-dialog").await;
    let read = "const [svg,csv]=await Promise.all(saved.slice(0,2).map(b=>b.text())); \
        const doc=new DOMParser().parseFromString(svg,'image/svg+xml'); \
        const image=await createImageBitmap(saved.at(-1)); \
        const rows=csv.trim().split('\\n').length-1; \
        return {parsed:!doc.querySelector('parsererror'), texts:[...doc.querySelectorAll('text')].map(t=>t.textContent).join(' '), \
            cells:doc.querySelectorAll('rect title').length, png:[image.width,image.height], size:[+doc.documentElement.getAttribute('width'),+doc.documentElement.getAttribute('height')], rows, kind:saved.at(-1).type}";
    let found =
        page.await_js(&format!("const done=arguments[0];(async()=>{{{read}}})().then(done,e=>done(String(e)))")).await;
    assert_eq!((&found["parsed"], &found["kind"]), (&json!(true), &json!("image/png")), "{found}");
    let shown = page.js("return document.querySelectorAll('#card-tuned .read:not(.response) .tok').length").await;
    assert_eq!(found["rows"], shown);
    for words in ["most influence", "gradient x input of the probability", "stories-tuned.gguf", "Instruction score"] {
        assert!(found["texts"].as_str().unwrap().contains(words), "{words}: {found}");
    }
    for i in 0..2 {
        let (pixels, units) = (found["png"][i].as_f64().unwrap(), found["size"][i].as_f64().unwrap());
        assert!((pixels - 3.0 * units).abs() < 4.0, "{found}");
    }
    page.close().await;
}

/// Every other picture: vector text, the same words and marks as on screen, a caption; and a PNG of it.
#[tokio::test]
async fn every_picture_can_be_saved() {
    const SAVE: &str = "[...document.querySelectorAll(SELECTOR)].find(b=>b.textContent==KIND).click()";
    const READ: &str = "const file=window.saved.at(-1); if(file.type=='image/png'){const i=await createImageBitmap(file); return {png:[i.width,i.height]}} \
        const text=await file.text(), doc=new DOMParser().parseFromString(text,'image/svg+xml'); \
        return {parsed:!doc.querySelector('parsererror'), texts:[...doc.querySelectorAll('text')].map(t=>t.textContent).join(' '), \
            lines:doc.querySelectorAll('line').length, dots:doc.querySelectorAll('circle').length, paths:doc.querySelectorAll('path.line, path[stroke]').length, cells:doc.querySelectorAll('rect title').length, \
            drawn:[...doc.querySelectorAll('line')].every(l=>l.getAttribute('stroke')&&l.getAttribute('stroke')!='none')}";
    let page = Page::open("pictures").await;
    page.models_ready().await;
    page.js("window.saved=[]; const make=URL.createObjectURL; URL.createObjectURL=b=>{window.saved.push(b); return make(b)}; HTMLAnchorElement.prototype.click=function(){window.named=(window.named||[]).concat(this.download)}").await;
    let save = async |selector: &str, name: &str| {
        for kind in ["SVG", "PNG"] {
            let script = SAVE.replace("SELECTOR", &json!(format!("{selector} .save button")).to_string());
            page.js("window.named=[]").await;
            page.js(&script.replace("KIND", &json!(kind).to_string())).await;
            page.wait_js(&format!("return window.named.includes('{name}.{}')", kind.to_lowercase())).await;
            if kind == "PNG" {
                let read = format!("const done=arguments[0];(async()=>{{{READ}}})().then(done,e=>done(String(e)))");
                let found = page.await_js(&read).await;
                assert!(found["png"][0].as_f64().is_some_and(|w| w >= 1500.0), "{name}: {found}");
            }
        }
        let read = READ.replace("window.saved.at(-1)", "window.saved.filter(f=>f.type=='image/svg+xml').at(-2)");
        let found = page
            .await_js(&format!("const done=arguments[0];(async()=>{{{read}}})().then(done,e=>done(String(e)))"))
            .await;
        assert_eq!(found["parsed"], json!(true), "{name}: {found}");
        assert!(found["texts"].as_str().unwrap().contains("Made with Shiftlens"), "{name}: {found}");
        found
    };
    page.press_segment("Response to explain", "Tuned model's").await;
    page.fill("#prompt", "List four fruits.").await;
    page.run().await;
    page.wait_js("return !!document.querySelector('#difference .save')").await;
    let found = save("#difference", "difference").await;
    let (rows, columns) = ("#card-tuned .read:not(.response) .tok:not(.tpl)", "#card-tuned .response .tok");
    let cells = page
        .js(&format!("return document.querySelectorAll('{rows}').length*document.querySelectorAll('{columns}').length"))
        .await;
    assert_eq!(found["cells"], cells, "{found}");
    assert!(found["texts"].as_str().unwrap().contains("more to the tuned model"));

    page.click("#tab-heads").await;
    page.wait_js("return !!document.querySelector('#head .net line')").await;
    let found = save("#head", "head").await;
    let drawn = page.js("return [document.querySelectorAll('#head .net line').length, document.querySelector('#head .net text').textContent]").await;
    assert_eq!((&found["lines"], &found["drawn"]), (&drawn[0], &json!(true)));
    assert!(found["texts"].as_str().unwrap().contains(drawn[1].as_str().unwrap()));
    page.wait_js("return !!document.querySelector('#attention-tuned .save')").await;
    assert!(save("#attention-tuned", "attention-tuned").await["cells"].as_u64().unwrap() > 20);
    page.press_segment("Drawn as", "Lines").await;
    page.wait_js("return !!document.querySelector('#attention-tuned .attention-lines line')").await;
    assert!(save("#attention-tuned", "attention-tuned").await["lines"].as_u64().unwrap() > 3);

    page.js("document.querySelector('#overview').open=true").await;
    page.wait_js("return document.querySelector('#overview .bar [role=status]')?.textContent===''").await;
    let texts = save("#overview", "heads").await["texts"].as_str().unwrap().to_owned();
    assert!(
        texts.contains("5.5") && texts.contains("least attention") && texts.contains("Both models read"),
        "{texts}"
    );

    page.click("#tab-concepts").await;
    page.wait_js("return document.querySelectorAll('.charts .line').length==4").await;
    assert!(save("[aria-label='The chosen layer']", "variance").await["paths"].as_u64().unwrap() >= 2);

    page.click("#tab-findings").await;
    page.wait_js("return !!document.querySelector('#finding-2 .strips circle')").await;
    let found = save("#finding-2", "finding-2").await;
    let dots = page.js("return document.querySelectorAll('#finding-2 .strips circle').length").await;
    assert_eq!(found["dots"], dots);
    page.close().await;
}
