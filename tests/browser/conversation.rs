//! Turns before the prompt: edited, explained, sent by a link.

use serde_json::json;

use super::looks::each_theme_and_size;
use super::page::Page;

/// The prompt's words that are explained.
const OWN: &str = "return [...document.querySelectorAll('#card-tuned .read[aria-label=Prompt] .tok:not(.tpl)')].map(e=>e.textContent.trim()).join(' ')";

#[tokio::test]
async fn turns_are_read_before_the_prompt_and_explained_where_chosen() {
    let page = Page::open("conversation").await;
    page.models_ready().await;
    page.fill("#prompt", "What is the opposite of loud?").await;
    page.js("document.querySelector('#conversation').open=true").await;
    page.click("#add-turn").await;
    page.wait_js("return document.activeElement.id=='turn-0'").await;
    page.fill("#turn-0", "Answer kindly.").await;
    page.click("#add-turn").await;
    page.click("#add-turn").await;
    page.wait_text("#conversation summary", "Turns before the prompt: 3").await;
    page.fill("#turn-1", "What is the opposite of hot?").await;
    page.fill("#turn-2", "Cold.").await;
    let speakers = "return [...document.querySelectorAll('.turn .speaker')].map(e=>e.value).join()";
    assert_eq!(page.js(speakers).await, json!("system,user,assistant"));
    // what the model reads has all of it, the turns in grey
    page.js("document.querySelector('#template').open=true").await;
    for said in ["Answer kindly.", "What is the opposite of hot?", "Cold.", "What is the opposite of loud?"] {
        page.wait_text(".template", said).await;
    }
    page.wait_js(
        "return ![...document.querySelectorAll('.template span:not(.tpl)')].some(e=>e.textContent.includes('hot'))",
    )
    .await;
    page.run().await;
    page.wait_text("#explained-turns", "Only turn 4 of a conversation of 4 turns is explained.").await;
    let words = page.js(OWN).await;
    assert!(words.as_str().unwrap().contains("loud") && !words.as_str().unwrap().contains("kindly"), "{words}");
    // the system's words become rows, the prompt's leave
    page.js("document.querySelector('.turn input[type=checkbox]').click()").await;
    page.wait_js("return document.querySelector('#explain-prompt').checked").await;
    page.js("document.querySelector('#explain-prompt').click()").await;
    page.wait_text(".instruction", "Answer kindly.").await;
    page.run().await;
    page.wait_text("#explained-turns", "Only turn 1 of a conversation of 4 turns is explained.").await;
    let words = page.js(OWN).await;
    assert!(words.as_str().unwrap().contains("kindly") && !words.as_str().unwrap().contains("loud"), "{words}");
    each_theme_and_size(&page, "conversation", "#conversation").await;
    // a link brings the turns along
    page.click("#share").await;
    page.wait_js("return document.querySelector('#link').value.includes('#see=')").await;
    let link = page.js("return document.querySelector('#link').value").await;
    page.close().await;
    let page = Page::open_at("conversation-sent", link.as_str().unwrap()).await;
    page.wait_text("#explained-turns", "Only turn 1 of a conversation of 4 turns is explained.").await;
    page.wait_js("return document.querySelector('#turn-2')?.value=='Cold.' && document.querySelector('#prompt').value=='What is the opposite of loud?'").await;
    // an example stands alone
    page.js(
        "const e=document.querySelector('#preset'); e.value='1'; e.dispatchEvent(new Event('change',{bubbles:true}))",
    )
    .await;
    page.wait_text("#conversation summary", "Turns before the prompt: none").await;
    page.wait_js("return !document.querySelector('#explained-turns')").await;
    page.close().await;
}

#[tokio::test]
async fn marked_words_are_one_row_and_so_is_the_template_where_asked() {
    let page = Page::open("units").await;
    page.models_ready().await;
    page.fill("#prompt", "What is the opposite of loud?").await;
    page.js("document.querySelector('#template-row').click()").await;
    page.run().await;
    let rows =
        "[...document.querySelectorAll('#card-tuned .read[aria-label=Prompt] .tok')].map(e=>e.textContent.trim())";
    page.wait_js(&format!("return {rows}.join('|')=='(template)|What|is|the|opposite|of|loud|?'")).await;
    // words are put together and taken apart without another run
    page.js("const t=document.querySelector('#prompt'); t.focus(); t.setSelectionRange(9,16)").await;
    page.click("#unite").await;
    page.wait_text("#units .unit", "the opposite").await;
    page.wait_js(&format!("return {rows}.join('|')=='(template)|What|is|the opposite|of|loud|?'")).await;
    each_theme_and_size(&page, "units", "#units").await;
    page.click("#units button").await;
    page.wait_js(&format!("return {rows}.length==8 && !document.querySelector('#units')")).await;
    page.close().await;
}
