//! Attribution as a graph: drawn, walked, filtered, compared, saved, presented; and answers of hundreds of words.

use serde_json::{Value as Json, json};
use shiftlens::explain::{ModelReport, PromptToken, Role, units};
use shiftlens::share::presets::PRESETS;
use shiftlens::share::{Export, Models};

use super::looks::each_theme_and_size;
use super::page::{Page, repository};
use super::support::families::file;

/// How many ribbons the graph of `id` has, and how many it says it has.
async fn ribbons(page: &Page, id: &str) -> (u64, String) {
    let count = format!("return document.querySelectorAll('#{id} .ribbon').length");
    let said = format!("return document.querySelector('#{id}').parentElement.querySelector('.drawn').textContent");
    (page.js(&count).await.as_u64().unwrap(), page.js(&said).await.as_str().unwrap().to_owned())
}

/// Words that are drawn over each other or out of the frame.
async fn untidy(page: &Page, id: &str) -> Json {
    let script = format!(
        "const f=document.querySelector('#{id}').getBoundingClientRect(); \
         const boxes=[...document.querySelectorAll('#{id} text')].filter(t=>getComputedStyle(t).visibility!='hidden') \
            .map(t=>[t.textContent, t.getBoundingClientRect()]); \
         const out=boxes.filter(([,b])=>b.left<f.left-1||b.right>f.right+1||b.top<f.top-2||b.bottom>f.bottom+2).map(([t])=>t+' leaves the frame'); \
         const touch=(a,b)=>Math.min(a.right,b.right)-Math.max(a.left,b.left)>1 && Math.min(a.bottom,b.bottom)-Math.max(a.top,b.top)>4; \
         for(let i=0;i<boxes.length;i++)for(let j=i+1;j<boxes.length;j++)if(touch(boxes[i][1],boxes[j][1]))out.push(boxes[i][0]+' touches '+boxes[j][0]); \
         return out"
    );
    page.js(&script).await
}

async fn set_floor(page: &Page, floor: u8) {
    page.js(&format!(
        "const s=document.querySelector('[aria-label^=\"b: hide\"]'); s.value='{floor}'; s.dispatchEvent(new Event('input',{{bubbles:true}}))"
    ))
    .await;
}

#[tokio::test]
async fn attribution_is_drawn_as_a_graph() {
    let page = Page::open("graph").await;
    page.wait_text("#card-tuned .foot", "An example that ships").await;
    page.press_segment("Picture", "Graph").await;
    page.wait_js("return document.querySelectorAll('#graph-tuned .ribbon').length>0").await;
    assert_eq!(page.js("return document.querySelectorAll('.card canvas').length").await, json!(0));
    for id in ["graph-base", "graph-tuned"] {
        let (count, said) = ribbons(&page, id).await;
        assert!(said.starts_with(&format!("{count} of ")), "{count}: {said}");
        assert_eq!(untidy(&page, id).await, json!([]), "{id}");
    }
    // every ribbon ends within its words' bars: what is drawn agrees with where the words are
    let (few, _) = ribbons(&page, "graph-tuned").await;
    set_floor(&page, 0).await;
    page.wait_js(&format!("return document.querySelectorAll('#graph-tuned .ribbon').length>{few}")).await;
    assert!(ribbons(&page, "graph-tuned").await.1.starts_with("All "));
    page.js("document.querySelector('#results').scrollIntoView()").await;
    page.shot("graph-all-levels").await;
    set_floor(&page, 5).await;
    // the keyboard walks it, and a word that is chosen is chosen in the text too
    page.js("document.querySelector('#graph-tuned').focus()").await;
    page.keys("\u{e015}\u{e014}").await; // down, right
    page.wait_text("#card-tuned .value", "came from").await;
    let dimmed = "const o=[...document.querySelectorAll('#graph-tuned .ribbon')].map(r=>+getComputedStyle(r).opacity); return o.some(x=>x<.5)&&o.some(x=>x==1)";
    page.wait_js(dimmed).await;
    page.keys("\u{e007}").await; // Enter
    page.wait_js("return !!document.querySelector('#card-tuned .response .sel')").await;
    page.shot("graph-word").await;
    page.keys("\u{e00c}").await; // Escape
    page.wait_js("return !document.querySelector('#card-tuned .response .sel')").await;
    page.js("document.activeElement.blur()").await;
    page.press_segment("Scale", "Signed").await;
    page.wait_js("return document.querySelectorAll('#card-tuned .swatch').length==2").await;
    page.shot("graph-signed").await;
    page.press_segment("Scale", "Levels").await;
    set_floor(&page, 7).await;
    each_theme_and_size(&page, "graph", "#card-base").await;
    assert_eq!(untidy(&page, "graph-tuned").await, json!([]));
    // it is saved as it is drawn, and remembered
    page.js("window.saved=[]; const make=URL.createObjectURL; URL.createObjectURL=b=>{window.saved.push(b); return make(b)}; HTMLAnchorElement.prototype.click=function(){window.named=this.download}").await;
    for (section, name) in [("#card-tuned", "graph-tuned"), ("#save-both-graphs", "graphs")] {
        page.js(&format!("document.querySelector('{section} .save button').click()")).await;
        page.wait_js(&format!("return window.named=='{name}.svg'")).await;
        let read = "const done=arguments[0]; saved.at(-1).text().then(t=>{const d=new DOMParser().parseFromString(t,'image/svg+xml'); done([!d.querySelector('parsererror'), d.querySelectorAll('[data-ribbon]').length, d.documentElement.textContent])})";
        let found = page.await_js(read).await;
        assert_eq!(found[0], json!(true));
        let here = if section == "#card-tuned" { "#graph-tuned .ribbon" } else { ".ribbon" };
        assert_eq!(page.js(&format!("return document.querySelectorAll('{here}').length")).await, found[1]);
        assert!(found[2].as_str().unwrap().contains("Made with Shiftlens"), "{found}");
    }
    page.reload().await;
    page.wait_js("return document.querySelectorAll('#graph-tuned .ribbon').length>0").await;
    page.close().await;
}

/// A file says which models made its picture, whichever are loaded by then.
#[tokio::test]
async fn a_saved_picture_names_the_models_that_made_it() {
    let page = Page::open("graph-names").await;
    page.models_ready().await;
    page.press_segment("Response to explain", "Tuned model's").await;
    page.fill("#prompt", "List two birds.").await;
    page.run().await;
    let folder = tempfile::tempdir().unwrap();
    let another = folder.path().join("another.gguf");
    std::fs::write(&another, file("llama", "llama", "Another", &|_, tensor| tensor)).unwrap();
    page.click("#open-models").await;
    page.choose_file("#file-base", &another).await;
    page.wait_text("#chip-base", "Another").await;
    page.click("#close-models").await;
    page.js("window.saved=[]; const make=URL.createObjectURL; URL.createObjectURL=b=>{window.saved.push(b); return make(b)}; HTMLAnchorElement.prototype.click=function(){window.named=this.download}").await;
    for (form, section, name) in [
        ("Matrix", "#difference", "difference"),
        ("Graph", "#difference", "graph-difference"),
        ("Graph", "#save-both-graphs", "graphs"),
    ] {
        page.press_segment("Picture", form).await;
        page.wait_js(&format!("return !!document.querySelector('{section} .save button')")).await;
        page.js(&format!("document.querySelector('{section} .save button').click()")).await;
        page.wait_js(&format!("return window.named=='{name}.svg'")).await;
        let said = page.await_js("const done=arguments[0]; saved.at(-1).text().then(done)").await;
        let said = said.as_str().unwrap();
        assert!(said.contains("stories-base.gguf") && !said.contains("another.gguf"), "{name}: {said}");
    }
    page.close().await;
}

#[tokio::test]
async fn what_differs_is_drawn_as_ribbons_gained_lost_and_kept() {
    let page = Page::open("graph-difference").await;
    page.models_ready().await;
    page.press_segment("Picture", "Graph").await;
    page.press_segment("Response to explain", "Tuned model's").await;
    page.fill("#prompt", "Name the capital of France and two rivers that flow through the country.").await;
    page.run().await;
    page.wait_js("return document.querySelectorAll('#graph-difference .ribbon').length>0").await;
    let legend = "return [...document.querySelectorAll('#difference .legend .row')].map(r=>r.textContent)";
    let legend: Vec<String> = serde_json::from_value(page.js(legend).await).unwrap();
    let counts: u64 = legend
        .iter()
        .map(|words| words.rsplit_once('(').unwrap().1.trim_end_matches(')').parse::<u64>().unwrap())
        .sum();
    assert_eq!(counts, ribbons(&page, "graph-difference").await.0, "{legend:?}");
    assert_eq!(untidy(&page, "graph-difference").await, json!([]));
    page.js("document.querySelector('#graph-difference').focus()").await;
    page.keys("\u{e015}\u{e015}").await;
    page.wait_js("return /gained|lost|kept|no ribbon/.test(document.querySelector('#difference .value').textContent)")
        .await;
    page.js("document.activeElement.blur()").await;
    each_theme_and_size(&page, "graph-difference", "#difference").await;
    page.resize(1280, 720).await;
    page.click("#learn").await;
    page.click("#present").await;
    page.wait_text("#slide-place", "1 of 6").await;
    for slide in [5, 6] {
        while page.text("#slide-place").await != format!("{slide} of 6") {
            page.click("#slide-next").await;
        }
        page.wait_js("return document.querySelectorAll('.slide-figure [data-ribbon]').length>0").await;
        page.shot(&format!("graph-slide-{slide}")).await;
    }
    page.close().await;
}

/// A result of `rows` prompt words and `columns` response words, made from a shipped one.
fn long(rows: usize, columns: usize) -> Export {
    let text = std::fs::read_to_string(repository(&format!("public/examples/{}.json", PRESETS[0].id))).unwrap();
    let export: Export = serde_json::from_str(&text).unwrap();
    let words = ["river", "of", "the", "capital", "a", "stone", "and", "it", "mountain", "went", "home", "slowly"];
    let word = |i: usize| format!("{}{}", words[i * 7 % words.len()], if i % 11 == 10 { "." } else { "" });
    let mut prompt = String::new();
    let mut tokens = Vec::new();
    for n in 0..rows {
        let start = prompt.len();
        if n > 0 {
            prompt.push(' ');
        }
        prompt.push_str(&word(n));
        let span = start..prompt.len();
        tokens.push(PromptToken { id: 1, text: prompt[span.clone()].into(), bytes: None, role: Role::User, span });
    }
    let report = |report: Option<ModelReport>, shift: usize| {
        let mut report = report?;
        report.units = units(&tokens, &prompt, report.by, false);
        report.prompt = tokens.clone();
        report.response = (0..columns)
            .map(|m| {
                let mut token = report.response[m % report.response.len()].clone();
                (token.text, token.bytes) = (format!(" {}", word(m + 3)), None);
                token
            })
            .collect();
        let value = |n: usize, m: usize| {
            let near = (n as f32 / rows as f32 - (m + shift) as f32 / columns as f32).abs();
            (-(near * near) * 60.0).exp() * (0.4 + ((n * 31 + m * 17 + shift) % 13) as f32 / 20.0) - 0.02
        };
        report.importance = (0..report.units.len()).map(|n| (0..columns).map(|m| value(n, m)).collect()).collect();
        report.instruction = 0..prompt.len().min(20);
        report.score(Default::default());
        Some(report)
    };
    let models = Models { base: report(export.models.base, 0), tuned: report(export.models.tuned, 9) };
    Export::new(prompt.clone(), models)
}

async fn open_long(page: &Page, rows: usize, columns: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("long.shiftlens.json");
    std::fs::write(&file, serde_json::to_string(&long(rows, columns)).unwrap()).unwrap();
    page.wait_text("#card-tuned .foot", "An example that ships").await;
    page.drop_file(&file).await;
    page.wait_text("#card-tuned .foot", "Sent").await;
    folder
}

/// How long the page takes from a turn of the slider until the next frame is drawn, milliseconds: the median of nine.
async fn redraw(page: &Page) -> f64 {
    let script = "const done=arguments[0]; (async()=>{ const s=document.querySelector('[aria-label^=\"b: hide\"]'), times=[]; \
        for(let i=0;i<9;i++){ await new Promise(r=>requestAnimationFrame(r)); const t=performance.now(); \
            s.value=String(i%2?2:1); s.dispatchEvent(new Event('input',{bubbles:true})); \
            await new Promise(r=>requestAnimationFrame(()=>setTimeout(r))); times.push(performance.now()-t) } \
        times.sort((a,b)=>a-b); done(times[4]) })()";
    page.await_js(script).await.as_f64().unwrap()
}

#[tokio::test]
async fn two_hundred_by_two_hundred_words_are_drawn_without_delay() {
    let page = Page::open("graph-large").await;
    let _folder = open_long(&page, 200, 200).await;
    let matrix = redraw(&page).await;
    page.press_segment("Picture", "Graph").await;
    page.wait_js("return document.querySelectorAll('#graph-tuned .ribbon').length>0").await;
    let graph = redraw(&page).await;
    println!("200 x 200 words, both models, a turn of the slider: matrix {matrix:.0} ms, graph {graph:.0} ms");
    let (count, said) = ribbons(&page, "graph-tuned").await;
    assert!(count == 1200 && said.starts_with("The 1,200 strongest of"), "{count}: {said}");
    for id in ["graph-base", "graph-tuned"] {
        assert_eq!(untidy(&page, id).await, json!([]), "{id}");
    }
    set_floor(&page, 7).await;
    each_theme_and_size(&page, "graph-large", "#graph-tuned").await;
    // pointing at a word names it, and those it is joined to, without touching others
    page.js("document.querySelector('#graph-tuned').focus()").await;
    page.keys("\u{e015}\u{e015}\u{e015}\u{e015}\u{e015}").await;
    page.wait_text("#card-tuned .value", "influenced").await;
    assert_eq!(untidy(&page, "graph-tuned").await, json!([]));
    page.shot("graph-large-word").await;
    // two software-rendered cards beside other browsers; a person notices a tenth of a second
    assert!(graph < 400.0, "{graph} ms");
    page.close().await;
}

/// Presses, drags and releases on the strip of the tuned model's brush, from one share of its width to another.
async fn drag(page: &Page, from: f64, to: f64) {
    page.js(&format!(
        "const s=document.querySelector('#card-tuned .brush-strip'), b=s.getBoundingClientRect(); \
         const at=(t,x)=>(document.elementFromPoint(b.left+b.width*x,b.top+b.height/2)||s).dispatchEvent(new PointerEvent(t,{{clientX:b.left+b.width*x,clientY:b.top+b.height/2,bubbles:true,buttons:1,pointerType:'mouse'}})); \
         at('pointerdown',{from}); for(let i=1;i<=4;i++)s.dispatchEvent(new PointerEvent('pointermove',{{clientX:b.left+b.width*({from}+({to}-{from})*i/4),bubbles:true,buttons:1}})); s.dispatchEvent(new PointerEvent('pointerup',{{bubbles:true}}))"
    ))
    .await;
}

/// The first and the last word of the part that is drawn.
async fn part(page: &Page) -> [u64; 2] {
    let said = page.text("#card-tuned .brush [role=status]").await;
    let numbers: Vec<u64> = said.split(' ').filter_map(|word| word.parse().ok()).collect();
    [numbers[0], numbers[1]]
}

#[tokio::test]
async fn five_hundred_words_thin_out_and_a_brush_chooses_the_part() {
    let page = Page::open("long-answer").await;
    let _folder = open_long(&page, 60, 512).await;
    page.js("document.querySelector('#card-tuned .brush').scrollIntoView()").await;
    page.wait_text("#card-tuned .brush [role=status]", "Words 1 to 60 of 512").await;
    let fits = "const c=document.querySelector('#card-tuned canvas'), f=c.parentElement; return [f.scrollWidth<=f.clientWidth, f.scrollHeight<=1000]";
    // all of it, in the matrix: no wider than its frame, however many words
    page.click("#card-tuned .brush .link").await;
    page.wait_text("#card-tuned .brush [role=status]", "All 512 words").await;
    assert_eq!(page.js(fits).await, json!([true, true]));
    page.shot("long-matrix-all").await;
    // a part by the pointer, to within a pixel's words
    drag(&page, 0.5, 0.625).await;
    let chosen = part(&page).await;
    assert!(chosen[0].abs_diff(257) < 4 && chosen[1].abs_diff(321) < 4, "{chosen:?}");
    drag(&page, 0.55, 0.45).await; // the part itself is taken along
    let moved = part(&page).await;
    assert!(moved[0] < chosen[0] - 30 && moved[1] - moved[0] == chosen[1] - chosen[0], "{moved:?} after {chosen:?}");
    // and by the keyboard
    page.js("document.querySelector('#card-tuned .brush .last').focus()").await;
    page.keys("\u{e014}").await;
    page.wait_text("#card-tuned .brush [role=status]", &format!("to {} of", moved[1] + 1)).await;
    page.keys("\u{e00f}").await; // page down
    page.wait_text("#card-tuned .brush [role=status]", &format!("Words {} to", moved[1] + 2)).await;
    // over the text
    let words = "const t=document.querySelectorAll('#card-tuned .response .tok'); const e=(w,k)=>w.dispatchEvent(new PointerEvent(k,{bubbles:true,buttons:1,pointerType:'mouse'})); e(t[9],'pointerdown'); e(t[20],'pointermove'); e(t[49],'pointermove'); e(t[49],'pointerup')";
    page.js(words).await;
    page.wait_text("#card-tuned .brush [role=status]", "Words 10 to 50 of 512").await;
    let marked = "return [8,9,49,50].map(i=>getComputedStyle(document.querySelectorAll('#card-tuned .response .tok')[i]).boxShadow!='none')";
    assert_eq!(page.js(marked).await, json!([false, true, true, false]));
    page.shot("long-matrix-part").await;
    page.press_segment("Picture", "Graph").await;
    page.wait_js("return document.querySelectorAll('#graph-tuned .ribbon').length>0").await;
    assert_eq!(page.js("return document.querySelectorAll('#graph-tuned [data-word^=c]').length").await, json!(41));
    assert_eq!(untidy(&page, "graph-tuned").await, json!([]));
    each_theme_and_size(&page, "long-graph", "#card-tuned .brush").await;
    // a shorter answer is seen whole again
    page.js(
        "const s=document.querySelector('#preset'); s.value='1'; s.dispatchEvent(new Event('change',{bubbles:true}))",
    )
    .await;
    page.wait_js("return !document.querySelector('.brush')").await;
    page.close().await;
}

#[tokio::test]
async fn bars_of_the_next_word_move_while_a_model_answers() {
    let page = Page::open("next-word").await;
    page.models_ready().await;
    page.js("window.seen=new Set(); new MutationObserver(()=>{ const b=document.querySelector('#card-tuned .next-bars'); if(b){ window.seen.add([...b.querySelectorAll('i')].map(i=>i.style.width).join()); window.words=b.textContent; window.marked=b.querySelectorAll('i.chosen').length } }).observe(document.querySelector('#card-tuned'),{subtree:true,childList:true,characterData:true,attributes:true})").await;
    page.fill("#prompt", "Tell me a story about a small boat.").await;
    page.run().await;
    assert!(page.js("return window.seen.size").await.as_u64().unwrap() > 3, "the bars stood still");
    assert_eq!(page.js("return window.marked").await, json!(1), "the chosen token is marked");
    assert!(page.js("return window.words").await.as_str().unwrap().contains('%'));
    assert_eq!(page.js("return document.querySelectorAll('.next-word').length").await, json!(0));
    page.close().await;
}
