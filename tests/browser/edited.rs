//! A word of the prompt taken out or replaced, and the same response after both prompts.

use serde_json::json;

use super::access::look;
use super::looks::each_theme_and_size;
use super::page::Page;

/// The prompt's word number `at` in the tuned model's card.
fn word(at: usize) -> String {
    format!("#card-tuned .read:not(.response) [data-i=\"{at}\"]")
}

async fn texts(page: &Page, selector: &str) -> String {
    let script = format!("return [...document.querySelectorAll('{selector}')].map(e=>e.textContent).join('|')");
    page.js(&script).await.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_word_is_taken_out_and_both_pictures_stand_side_by_side() {
    let page = Page::open("edited").await;
    page.wait_text("#card-tuned .foot", "An example that ships").await;
    page.models_ready().await;
    let response = texts(&page, "#card-tuned .response .tok").await;
    let prompt = page.js("return document.querySelector('#prompt').value").await;
    let second = page.text(&word(1)).await;
    page.click(&word(1)).await;
    page.wait_text("#word-edit-tuned", second.trim()).await;
    // nothing typed is no word
    page.click("#replace-tuned").await;
    page.wait_text("#refused-tuned", "Type the word").await;
    page.click("#take-out-tuned").await;
    page.wait_text("#edited h2", &format!("Without “{}”", second.trim())).await;
    page.wait_text("#edit-said", "The same response is now").await;
    page.wait_js(
        "return document.querySelector('#refused-tuned').textContent=='' && document.activeElement.id=='edited'",
    )
    .await;
    // the response is the same, token by token, and so are prompt and picture in the card
    let tokens = "return [document.querySelectorAll('#edit-tokens tbody tr').length, document.querySelectorAll('#edited .kl').length]";
    let counts = page.js(tokens).await;
    assert!(counts[0].as_u64().unwrap() > 2 && counts[0] == counts[1], "{counts}");
    assert_eq!(texts(&page, "#card-tuned .response .tok").await, response);
    assert_eq!(page.js("return document.querySelector('#prompt').value").await, prompt);
    assert_eq!(page.text("#edited del").await.trim(), second.trim());
    page.wait_js("return [...document.querySelectorAll('#edited canvas')].every(c=>c.height>60)").await;
    each_theme_and_size(&page, "edited", "#edited").await;
    page.press_segment("Scale", "Signed").await;
    page.wait_text("#edited", "on one scale").await;
    page.shot("edited-signed").await;
    // what it would say itself
    page.click("#edit-let-answer").await;
    page.wait_js("return !!document.querySelector('#edit-answer')").await;
    page.js("document.querySelectorAll('#edited details').forEach(d=>d.open=true); document.querySelector('#edit-answer').scrollIntoView({block:'center'})").await;
    page.wait_js("return document.querySelectorAll('#edited table').length==2").await;
    page.shot("edited-answer").await;
    let mut problems = Vec::new();
    look(&page, "edited", &mut problems).await;
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    page.close().await;
}

#[tokio::test]
async fn a_word_is_edited_by_keyboard_and_leaves_with_its_picture() {
    let page = Page::open("edited-keys").await;
    page.wait_text("#card-tuned .foot", "An example that ships").await;
    page.models_ready().await;
    page.js(&format!("document.querySelector('{}').focus()", word(1).replace('"', "\\\""))).await;
    page.keys("\u{E017}").await; // delete
    page.wait_text("#edit-said", "The same response is now").await;
    // another word in its place, typed
    page.js(&format!("document.querySelector('{}').focus()", word(1).replace('"', "\\\""))).await;
    page.keys("\u{E007}").await; // enter chooses it
    page.wait_js("return !!document.querySelector('#word-edit-tuned input')").await;
    page.js("document.querySelector('#word-edit-tuned input').focus()").await;
    page.keys("purple\u{E007}").await;
    page.wait_text("#edited h2", "“purple” in place of").await;
    page.wait_text("#edit-said", "The same response is now").await;
    assert_eq!(page.text("#edited ins").await, "purple");
    page.shot("edited-replaced").await;
    page.click("#edit-into-editor").await;
    page.wait_js("return document.querySelector('#prompt').value.includes('purple')").await;
    page.click("#close-edit").await;
    page.wait_js("return !document.querySelector('#edited')").await;
    page.js(&format!("document.querySelector('{}').focus()", word(0).replace('"', "\\\""))).await;
    page.keys("\u{E017}").await;
    page.wait_text("#edit-said", "The same response is now").await;
    // a word of the template is none of the prompt
    page.press_segment("Granularity", "Token").await;
    page.js(&format!("document.querySelector('{}').focus()", word(0).replace('"', "\\\""))).await;
    page.keys("\u{E017}").await;
    page.wait_text("#refused-tuned", "belongs to the chat template").await;
    page.run().await;
    assert_eq!(
        page.js("return !!document.querySelector('#edited')").await,
        json!(false),
        "it was of the picture before"
    );
    page.close().await;
}
