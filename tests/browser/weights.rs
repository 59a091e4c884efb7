//! What the page reads from the weights: heads, concepts, findings.

use std::time::Duration;

use serde_json::json;

use super::looks::each_theme_and_size;
use super::page::{self, Page};

/// Every head of the bundled pair is on the map.
const WHOLE_MAP: &str = "return document.querySelectorAll('.map .cell').length==36";
const FINDINGS: &str = "[...document.querySelectorAll('.layer-cell b')]";

#[tokio::test]
async fn heads_are_read_mapped_and_drawn() {
    let page = Page::open("heads").await;
    page.models_ready().await;
    // as an older build left it
    page.js("const r=await navigator.storage.getDirectory(); await r.getDirectoryHandle('weights-0',{create:true})")
        .await;
    page.click("#tab-heads").await;
    page.wait_js(WHOLE_MAP).await;
    page.js("document.querySelector('#head-2-3').click()").await;
    page.wait_text("#head h2", "Layer 2, head 3").await;
    let count = |selector: &'static str| {
        let script = format!("return document.querySelectorAll('{selector}').length");
        async { script }
    };
    let edges = page.js(&count(".net line").await).await.as_u64().unwrap();
    assert!((1..=60).contains(&edges), "{edges}");
    assert!(page.js(&count(".pair-list li").await).await.as_u64().unwrap() > 0);
    // dragging a word takes its edges along
    let place = "return document.querySelector('.net [data-word=\"0\"]').getAttribute('transform')";
    let before = page.js(place).await;
    page.js("const w=document.querySelector('.net [data-word=\"0\"]'),r=w.getBoundingClientRect(),o=(t,x,y)=>w.dispatchEvent(new PointerEvent(t,{bubbles:true,pointerId:1,clientX:x,clientY:y})); o('pointerdown',r.x,r.y); o('pointermove',r.x+40,r.y+30); o('pointerup',r.x+40,r.y+30)").await;
    assert_ne!(page.js(place).await, before);
    // a word's own pairs, and those of instruction verbs
    let word = page.text(".pair-list li span").await.split(" → ").next().unwrap().to_owned();
    page.fill("#head-word", &word).await;
    page.wait_js(&format!("const p=[...document.querySelectorAll('.pair-list li')]; return p.length>0 && p.every(l=>l.textContent.split(/ → |\\d/).slice(0,2).some(w=>w.startsWith('{word}')))")).await;
    page.fill("#head-word", "").await;
    page.press_segment("Measure", "Distance").await;
    page.press_segment("Order", "Ranking").await;
    page.wait_js("const v=[...document.querySelectorAll('.rank .n')].map(n=>+n.textContent); return v.length==36 && v.every((x,i)=>i==0||v[i-1]>=x)").await;
    page.press_segment("Order", "Map").await;
    a_wide_map_fits_a_phone(&page).await;
    each_theme_and_size(&page, "heads", "main").await;
    each_theme_and_size(&page, "heads-graph", "#head").await;
    // the paper's reading, one dimension at a time
    page.press_segment("Reading", "Paper").await;
    page.wait_js(WHOLE_MAP).await;
    page.wait_js("return document.querySelectorAll('#dimension option').length==49").await;
    page.js("const d=document.querySelector('#dimension'); d.selectedIndex=[...d.options].findIndex(o=>/ [1-9]\\d* pairs/.test(o.text)); d.dispatchEvent(new Event('change',{bubbles:true}))").await;
    page.wait_js("return document.querySelectorAll('.pair-list li').length>0").await;
    // what was read is kept for the next visit, in place of what older builds kept
    let kept = "const r=await navigator.storage.getDirectory(); let n=0; for await (const [name,d] of r.entries()) if (name.startsWith('weights-')) { if (name=='weights-0') return 'an older folder is left'; for await (const c of d.values()) for await (const f of c.keys()) n+=f.startsWith('heads-Relation'); } return n";
    assert_eq!(page.js(kept).await, json!(12));
    page.close().await;
}

/// As wide as with many heads, the map scrolls within its frame, and the page stays as wide as the screen.
async fn a_wide_map_fits_a_phone(page: &Page) {
    page.resize(390, 844).await;
    page.js("document.querySelectorAll('.map .cell').forEach(c=>c.style.minWidth='120px')").await;
    page.wait_js("const m=document.querySelector('#head-map'); return m.scrollWidth>m.clientWidth").await;
    assert_eq!(page.js("return document.documentElement.scrollWidth").await, json!(390));
    page.js("document.querySelectorAll('.map .cell').forEach(c=>c.style.minWidth='')").await;
    page.resize(1280, 900).await;
}

/// Vectors that know nothing of meaning: chance must be called chance, in both tabs.
#[tokio::test]
async fn a_judge_says_what_hangs_together_and_what_does_not() {
    let page = Page::open("judge").await;
    page.models_ready().await;
    page.click("#tab-heads").await;
    page.wait_js(WHOLE_MAP).await;
    page.wait_text("#heads-chance", "of a head's pairs are the same after tuning; another head of its layer has").await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, words: &[String], seed: u64| {
        let mut state = seed;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / (1u64 << 24) as f64 - 0.5
        };
        let line = |w: &String| format!("{w}{}\n", (0..16).map(|_| format!(" {:.3}", noise())).collect::<String>());
        let path = folder.path().join(name);
        std::fs::write(&path, words.iter().map(line).collect::<String>()).unwrap();
        path
    };
    let words = shiftlens::explain::weights::lexicon::english();
    page.js("document.querySelector('#words').open=true").await;
    page.choose_file("#judge", &file("few.txt", &words[..20], 1)).await;
    page.click("#use-words").await;
    page.wait_text(".error", "too few to judge coherence by").await;
    // random vectors that choose the pairs would find them near: they may not judge
    let random = file("random.txt", &words, 2);
    page.choose_file("#judge", &random).await;
    page.choose_file("#vectors", &random).await;
    page.click("#use-words").await;
    page.wait_text(".error", "cannot judge them").await;
    page.js("document.querySelector('#vectors').value=''").await;
    page.click("#use-words").await;
    page.wait_text("#words", "known to the judge").await;
    page.wait_js(WHOLE_MAP).await;
    page.wait_text("#heads-chance .note", "These pairs are no closer than random words.").await;
    page.wait_text("#head-coherence", "by chance up to").await;
    each_theme_and_size(&page, "judge-heads", "main").await;
    page.click("#tab-concepts").await;
    page.wait_js(&format!("return {FINDINGS}.length==6 && {FINDINGS}.every(b=>b.textContent!='–')")).await;
    page.wait_text("#concepts-chance", "These components' words are no closer than random words.").await;
    page.wait_text("#concepts-chance", "° on average (").await;
    page.wait_text("#concept-table tbody", "coherence").await;
    each_theme_and_size(&page, "judge-concepts", "main").await;
    // and no finding stands on it
    page.click("#tab-findings").await;
    for finding in ["#finding-2", "#finding-3"] {
        page.wait_text(&format!("{finding} .verdict"), "Cannot be told: ").await;
    }
    page.close().await;
}

#[tokio::test]
async fn attention_on_the_prompt_is_shown_for_both_models() {
    let page = Page::open("attention").await;
    page.models_ready().await;
    page.press_segment("Chat template", "Off").await;
    page.press_segment("Response to explain", "Tuned model's").await;
    page.fill("#prompt", "What is the opposite of loud?").await;
    page.run().await;
    page.click("#tab-heads").await;
    for side in ["base", "tuned"] {
        page.wait_js(&format!("return document.querySelectorAll('#attention-{side} .thumb').length==6")).await;
        page.wait_js(&format!("return !!document.querySelector('#attention-{side} .frame canvas')")).await;
    }
    // both read the same tokens: their difference can be shown
    page.wait_text("#on-prompt", "more in the base").await;
    page.js("document.querySelector('#attention-tuned .frame canvas').focus()").await;
    page.keys("\u{E015}").await;
    page.keys("\u{E015}").await;
    page.wait_text("#attention-tuned .value", "looks at").await;
    let first = page.text("#attention-tuned .value").await;
    page.click("#mask-sink").await;
    page.wait_js(&format!("return document.querySelector('#attention-tuned .value').textContent!={}", json!(first)))
        .await;
    page.press_segment("Pattern", "Rollout").await;
    page.press_segment("Drawn as", "Lines").await;
    page.wait_js("return document.querySelectorAll('#attention-tuned .attention-lines line').length>0").await;
    each_theme_and_size(&page, "attention", "#on-prompt").await;
    page.close().await;
}

#[tokio::test]
async fn concepts_are_matched_searched_and_labelled() {
    let page = Page::open("concepts").await;
    page.models_ready().await;
    page.click("#tab-concepts").await;
    page.wait_js(&format!("return {FINDINGS}.length==6 && {FINDINGS}.every(b=>b.textContent!='–')")).await;
    page.wait_js("return document.querySelectorAll('.components tbody tr').length>10").await;
    page.fill("#concept-search", "write").await;
    page.wait_text("#concept-found", "component").await;
    page.click(".found").await;
    page.wait_js("return !!document.querySelector('tr.sought')").await;
    assert!(page.text("tr.sought").await.len() > 10);
    // the user knows better
    let shares = page.text("#shares").await;
    page.js("const s=document.querySelector('tr .task'); s.value='translation'; s.dispatchEvent(new Event('change',{bubbles:true}))").await;
    page.wait_js(&format!("return document.querySelector('#shares').textContent!={}", json!(shares))).await;
    // what fires at a token of the shipped example
    page.wait_js("return document.querySelectorAll('#firing-tuned .fires li').length==8").await;
    let fired = page.text("#firing-tuned .fires").await;
    page.click("#firing-tuned .tokens button:nth-child(4)").await;
    page.wait_js(&format!("return document.querySelector('#firing-tuned .fires').textContent!={}", json!(fired))).await;
    each_theme_and_size(&page, "concepts", "main").await;
    each_theme_and_size(&page, "concepts-firing", "#firing").await;
    page.close().await;
}

#[tokio::test]
async fn findings_are_measured_stopped_and_gone_on_with() {
    let page = Page::open("findings").await;
    page.models_ready().await;
    page.click("#tab-findings").await;
    page.wait_text("#scores-progress", "0 of 252").await;
    page.click("#scores-start").await;
    page.wait_js("return parseInt(document.querySelector('#scores-progress').textContent)>=3").await;
    page.click("#scores-stop").await;
    page.wait_js("return !!document.querySelector('#scores-go-on')").await;
    let done: u64 = page.text("#scores-progress").await.split(' ').next().unwrap().parse().unwrap();
    page.click("#scores-go-on").await;
    page.wait_js(&format!("return parseInt(document.querySelector('#scores-progress').textContent)>{done}")).await;
    // the other two come from the weights
    for finding in ["#finding-2", "#finding-3"] {
        page.wait_js(&format!("return document.querySelectorAll('{finding} .strips circle').length>5")).await;
    }
    // what chance gives stands beside Welch's p, and a verdict gives its reason
    page.wait_js("return document.querySelectorAll('#finding-2 tbody tr').length==4").await;
    page.wait_js("return [...document.querySelectorAll('#finding-2 tbody tr:not(.paper)')].every(r=>/^\\d+\\.\\d %$/.test(r.cells[7].textContent))").await;
    page.wait_js("return ['#finding-2','#finding-3'].every(f=>/^(Holds|Does not hold|Cannot be told): .+\\.$/.test(document.querySelector(f+' .said').textContent))").await;
    page.wait_text("#finding-3 tbody", "of both models' components").await;
    page.wait_text("#finding-1 .said", "Cannot be told: the prompts are still being measured.").await;
    page.js("window.copied=''; navigator.clipboard.writeText=t=>{window.copied=t; return Promise.resolve()}; document.querySelector('#finding-2 .copy-table button').click()").await;
    page.wait_js("return window.copied.includes('p after Holm') && window.copied.endsWith(document.querySelector('#finding-2 .said').textContent+'\\n')").await;
    // a file that is no set is refused in words, and nothing is lost
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    page.choose_file("#prompt-set", &file("wrong.jsonl", "{\"text\": 1}")).await;
    page.wait_text("#finding-1 .error", "Line 1 is not a prompt").await;
    page.wait_text("#scores-progress", "of 252").await;
    let set = "prompt\tinstruction\tresponse\nList two birds.\nMake this a question: We can paint the door.\tMake this a question\nSay bell two times.\t\tbell bell";
    page.choose_file("#prompt-set", &file("mine.tsv", set)).await;
    page.wait_text("#scores-progress", "0 of 3 · mine.tsv").await;
    page.click("#scores-start").await;
    page.wait_text("#scores-progress", "3 of 3").await;
    page.wait_text("#finding-1 .said", "Cannot be told: only 3 prompts have been measured, and it takes 6.").await;
    page.js("window.saved=null; const make=URL.createObjectURL; URL.createObjectURL=b=>{b.text().then(t=>window.saved=t); return make(b)}").await;
    page.click("#scores-csv").await;
    page.wait_js("return window.saved!==null").await;
    let csv = page.js("return window.saved").await;
    let mut reader = csv::Reader::from_reader(csv.as_str().unwrap().as_bytes());
    assert_eq!(reader.headers().unwrap(), vec!["prompt", "response", "base", "tuned"]);
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
    assert_eq!((rows.len(), &rows[2][0], &rows[2][1]), (3, "Say bell two times.", "bell bell"));
    assert!(rows.iter().all(|r| r[2].parse::<f64>().is_ok() && r[3].parse::<f64>().is_ok()), "{rows:?}");
    // what was measured is there on the next visit, as far as it came
    page.reload().await;
    page.models_ready().await;
    page.click("#tab-findings").await;
    page.choose_file("#prompt-set", &file("mine.tsv", set)).await;
    page.wait_text("#scores-progress", "3 of 3 · mine.tsv").await;
    each_theme_and_size(&page, "findings", "main").await;
    page.close().await;
}

#[tokio::test]
async fn the_real_checkpoints_heads_and_concepts_are_read() {
    let Some(file) = page::shared("models/SmolLM2-135M-Instruct.Q4_1.gguf") else { return };
    let page = Page::open("real-heads").await;
    page.models_ready().await;
    page.drop_file(&file).await;
    page.wait_text_for("#chip-tuned", "Q4_1", Duration::from_secs(120)).await;
    page.click("#tab-heads").await;
    // one layer of 30 is enough; the bundled base has its six
    page.wait_text_for("#weights-tuned", "1 of 30 layers", Duration::from_secs(300)).await;
    page.wait_text("#weights-base", "6 of 6 layers").await;
    page.click("#pause").await;
    page.wait_js("return !!document.querySelector('#resume')").await;
    page.shot("real-heads").await;
    page.click("#tab-concepts").await;
    page.click("#resume").await;
    // widths differ: the components of both are read, and it is said that they cannot be compared
    page.wait_text_for(".error", "different widths", Duration::from_secs(120)).await;
    page.shot("real-concepts").await;
    page.close().await;
}
