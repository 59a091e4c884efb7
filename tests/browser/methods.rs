//! By another method, why a word and not another, and the check of a picture.

use serde_json::json;

use super::access::look;
use super::looks::each_theme_and_size;
use super::page::Page;

pub async fn choose_method(page: &Page, name: &str) {
    page.js("document.querySelector('#options').open=true").await;
    page.js(&format!(
        "const s=document.querySelector('#method'); s.value='{name}'; s.dispatchEvent(new Event('change',{{bubbles:true}}))"
    ))
    .await;
}

#[tokio::test]
async fn a_run_by_another_method_says_so() {
    let page = Page::open("methods").await;
    page.models_ready().await;
    page.fill("#prompt", "What is the opposite of loud?").await;
    page.js(
        "const l=document.querySelector('#limit'); l.value='2'; l.dispatchEvent(new Event('change',{bubbles:true}))",
    )
    .await;
    page.press_segment("Response to explain", "Tuned model's").await;
    choose_method(&page, "occlusion").await;
    page.press_segment("Baseline", "Text").await;
    page.wait_js("return document.querySelector('#baseline').value=='…'").await;
    page.run().await;
    page.wait_text("#card-tuned .made", "Occlusion of the probability, against \"…\".").await;
    page.wait_text("#difference .made", "Occlusion of the probability").await;
    assert!(page.text("#card-base .foot").await.contains("occlusion of the probability"));
    each_theme_and_size(&page, "method-occlusion", "#method").await;
    choose_method(&page, "integrated-gradients").await;
    page.press_segment("Baseline", "Mean").await;
    page.run().await;
    page.wait_text("#gap-tuned", "The columns").await;
    page.wait_text("#card-base .made", "Integrated gradients of the probability, against the mean embedding.").await;
    // the presenter names it too
    page.click("#learn").await;
    page.click("#present").await;
    page.click("#slide-next").await;
    page.wait_text("#slide .slide-note", "Integrated gradients of the probability").await;
    page.shot("method-presenter").await;
    page.click("#slide-leave").await;
    let mut problems = Vec::new();
    page.js("document.querySelectorAll('details').forEach(d=>d.open=true)").await;
    look(&page, "methods", &mut problems).await;
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    // the usual method again: nothing is said of it above the picture
    choose_method(&page, "gradient-x-input").await;
    page.run().await;
    assert_eq!(page.js("return document.querySelectorAll('#results .made').length").await, json!(0));
    page.close().await;
}

#[tokio::test]
async fn a_word_is_set_against_another_and_the_picture_is_checked() {
    let page = Page::open("why").await;
    page.wait_text("#card-tuned .foot", "An example that ships").await;
    page.models_ready().await;
    // an alternative of a word of the example that ships
    let plain = page.text("#card-tuned .response").await;
    page.click("#card-tuned .response [data-i=\"1\"]").await;
    page.wait_js("return !!document.querySelector('#card-tuned button.alt')").await;
    let question = page.js("return document.querySelector('#card-tuned button.alt').title").await;
    page.click("#card-tuned button.alt").await;
    let question = question.as_str().unwrap().to_owned();
    page.wait_text("#why-tuned b", &question).await;
    page.wait_text("#why-base b", &question).await;
    // the keyboard stands at the way back
    page.wait_js("return document.activeElement.id=='plain-tuned'").await;
    page.wait_text("#card-base .made", "and not").await;
    page.wait_text("#card-tuned .made", "and not").await;
    assert_eq!(page.text("#card-tuned .response").await, plain, "the same response");
    assert_eq!(page.text("#card-base .response").await, plain, "which both explain");
    page.press_segment("Scale", "Signed").await;
    page.wait_text(".legend", "spoke for").await;
    each_theme_and_size(&page, "why", "#why-tuned").await;
    // a question is not another picture's check
    page.click("#check-tuned").await;
    page.wait_text("#checked-tuned .verdict", "random orders").await;
    page.click("#plain-tuned").await;
    page.wait_js("return !document.querySelector('.card .linked') && !document.querySelector('#checked-tuned')").await;
    page.wait_text("#card-tuned .foot", "An example that ships").await;
    // a word that is typed, at the word that is chosen still
    page.wait_js("return !!document.querySelector('#card-tuned .why-not input')").await;
    page.fill("#card-tuned .why-not input", "zebra").await;
    page.click("#card-tuned .why-not button").await;
    page.wait_js("return /zeb|and not/.test(document.querySelector('#card-tuned .made')?.textContent ?? '')").await;
    page.shot("why-typed").await;
    page.click("#plain-tuned").await;
    page.wait_js("return !document.querySelector('.card .linked') && !!document.querySelector('#check-tuned')").await;
    // the check of the plain picture, by keyboard
    page.js("document.querySelector('#check-tuned').focus()").await;
    page.keys("\u{E007}").await;
    page.wait_text("#checked-tuned .verdict", "random orders").await;
    // the shipped numbers are right, however noisy the differences of a quantized model are
    let verdict = page.text("#checked-tuned .verdict").await;
    assert!(verdict.contains("agree within") && !verdict.contains("do not trust these numbers"), "{verdict}");
    page.js("document.querySelectorAll('#checked-tuned details').forEach(d=>d.open=true)").await;
    page.wait_js("return document.querySelectorAll('#checked-tuned table').length==3").await;
    each_theme_and_size(&page, "check", "#checked-tuned").await;
    let mut problems = Vec::new();
    look(&page, "check", &mut problems).await;
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    // another run takes the result away
    page.run().await;
    assert_eq!(page.js("return !!document.querySelector('.verdict')").await, json!(false));
    // before the engine has come far
    page.await_js(
        "const done=arguments[0]; document.querySelector('#check-base').click(); \
         requestAnimationFrame(()=>{document.querySelector('#stop-check-base').click(); done(true)})",
    )
    .await;
    page.wait_js("return !document.querySelector('#stop-check-base') && !!document.querySelector('#check-base')").await;
    page.close().await;
}
