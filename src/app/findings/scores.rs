//! Finding 1: instruction score over a set of prompts.

use leptos::html::Input;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::copy::CopyTable;
use super::{VerdictLine, cells, chance_cells, figure, save_csv, state};
use crate::app::state::{State, Tab};
use crate::app::teach::Explain;
use crate::app::toolbar::Segmented;
use crate::app::{format, weights, window};
use crate::explain::findings::{
    PAPER_SCORES, PromptCase, ScoreFinding, instruction_scores, parse_prompts, scores_so_far, written_p,
};
use crate::teach::terms::Panel;
use crate::wording::{common, findings as wording};

/// The set that ships with the page.
const BUNDLED: &str = "findings/held-out.jsonl";

const OWN: &[(bool, &str)] = &[(false, wording::TUNED_UNDER_BOTH), (true, wording::EACH_ITS_OWN)];

async fn bundled() -> Result<Vec<PromptCase>, String> {
    let fetched = async {
        let response = JsFuture::from(window().fetch_with_str(BUNDLED)).await.ok()?;
        let response: web_sys::Response = response.dyn_into().ok()?;
        JsFuture::from(response.text().ok()?).await.ok()?.as_string()
    };
    let text = fetched.await.ok_or(wording::NO_BUNDLED_SET)?;
    parse_prompts(&text).map_err(|e| e.to_string())
}

/// Reads a chosen file.
fn choose(app: State, input: NodeRef<Input>) {
    let Some(file) = input.get_untracked().and_then(|i| i.files()?.get(0)) else { return };
    leptos::task::spawn_local(async move {
        match read(&file).await {
            Ok(cases) => state::take(app, file.name(), cases),
            Err(e) => state::refuse(app, e),
        }
    });
}

async fn read(file: &web_sys::File) -> Result<Vec<PromptCase>, String> {
    let text = JsFuture::from(file.text()).await.ok().and_then(|t| t.as_string());
    let text = text.ok_or_else(|| wording::unreadable(&file.name()))?;
    parse_prompts(&text).map_err(|e| wording::not_a_set(&file.name(), &e.to_string()))
}

/// Shows the prompts of a file that was dropped on the page, or says in the first tab why not.
pub fn open_file(app: State, file: web_sys::File) {
    leptos::task::spawn_local(async move {
        match read(&file).await {
            Ok(cases) => {
                state::take(app, file.name(), cases);
                weights::open(app, Tab::Findings);
            }
            Err(e) => {
                weights::open(app, Tab::Prompt);
                app.notify(e);
            }
        }
    });
}

/// The tests' results as cells of a table.
fn row(found: &ScoreFinding) -> impl IntoView + use<> {
    let paired = found.paired.map_or_else(|| "–".into(), |w| written_p(w.p));
    let corrected = found.chance.and(found.corrected).map(|[a, b]| a.max(b));
    view! { {cells(&found.comparison, 3)}<td class="num">{paired}</td>{chance_cells(found.chance, corrected)} }
}

/// The section.
#[component]
pub fn Scores(state: State) -> impl IntoView {
    let f = state.findings;
    if f.cases.with_untracked(Vec::is_empty) {
        leptos::task::spawn_local(async move {
            match bundled().await {
                Ok(cases) => state::take(state, wording::BUNDLED_SET.into(), cases),
                Err(e) => state::refuse(state, e),
            }
        });
    }
    let input = NodeRef::<Input>::new();
    // chance takes thousands of draws, and a verdict on the way would tempt to stop at the one that is liked
    let found = Memo::new(move |_| match f.running.get() {
        true => f.rows.with(|rows| scores_so_far(rows)),
        false => f.rows.with(|rows| instruction_scores(rows)),
    });
    let progress = move || {
        let (done, all) = (f.rows.with(Vec::len), f.cases.with(Vec::len));
        (done, all)
    };
    let button = move || {
        let (done, all) = progress();
        match (f.running.get(), done) {
            (true, _) => view! { <button type="button" class="btn" id="scores-stop" on:click=move |_| state::stop(state)>{common::STOP}</button> }.into_any(),
            (false, d) if d > 0 && d < all => view! { <button type="button" class="btn" id="scores-go-on" on:click=move |_| state::start(state)>{common::RESUME}</button> }.into_any(),
            (false, d) if d > 0 => view! { <button type="button" class="btn" id="scores-again" on:click=move |_| state::again(state)>{wording::MEASURE_AGAIN}</button> }.into_any(),
            _ => view! { <button type="button" class="btn" id="scores-start" disabled=move || f.cases.with(Vec::is_empty) on:click=move |_| state::start(state)>{wording::MEASURE}</button> }.into_any(),
        }
    };
    let download = move |_| {
        let score = |v: Option<f64>| v.map_or_else(String::new, |v| v.to_string());
        let rows = f
            .rows
            .get_untracked()
            .into_iter()
            .map(|r| vec![r.prompt, r.response.trim().to_owned(), score(r.base), score(r.tuned)]);
        save_csv("shiftlens-finding-1.csv", &["prompt", "response", "base", "tuned"], rows);
    };
    let pairs = move || {
        f.rows.with(|rows| rows.iter().filter_map(|r| r.base.zip(r.tuned)).unzip::<f64, f64, Vec<f64>, Vec<f64>>())
    };
    let paper = PAPER_SCORES.map(|(name, n, [b, bs, t, ts], value)| view! {
        <tr class="paper"><th scope="row">{wording::of_paper(name)}</th><td class="num">{n}</td><td class="num">{wording::mean_and_deviation(b, bs, 3)}</td><td class="num">{wording::mean_and_deviation(t, ts, 3)}</td><td class="num">"–"</td><td class="num">{written_p(value)}</td><td class="num">{format!("{:.2}", (t - b) / ((bs * bs + ts * ts) / 2.0).sqrt())}</td><td class="num">"–"</td><td class="num">"–"</td><td class="num">"–"</td></tr>
    });
    view! {
        <section class="panel card" id="finding-1" aria-label=wording::FINDING_1>
            <div class="head"><h2>{wording::TITLE_1}</h2><Explain of=Panel::FindingScores/></div>
            <p class="cap">{wording::ABOUT_1}</p>
            <div class="bar">
                <Segmented name=wording::WHOSE_RESPONSE options=OWN value=*f.own set=move |own| state::set_own(state, own)/>
                {button}
                <span class="cap" id="scores-progress" role="status">{move || { let (done, all) = progress(); wording::measured(done, all, &format::label(&f.name.get(), 48)) }}</span>
                <span class="grow"></span>
                <label>{wording::ANOTHER_SET}<input type="file" id="prompt-set" node_ref=input accept=".tsv,.txt,.jsonl,.ndjson,text/plain" on:change=move |_| choose(state, input)/></label>
                <button type="button" class="btn" id="scores-csv" disabled=move || f.rows.with(Vec::is_empty) on:click=download>{wording::CSV}</button>
            </div>
            <p class="hint">{wording::ABOUT_SETS}</p>
            {move || f.failure.get().map(|e| view! { <p class="error" role="alert">{e}</p> })}
            <progress class="wide" aria-label=wording::PROMPTS_MEASURED max=move || progress().1.max(1).to_string() prop:value=move || progress().0.to_string()></progress>
            <VerdictLine verdict=Signal::derive(move || found.with(|f| f.verdict.clone()))/>
            {move || { let (base, tuned) = pairs(); (base.len() > 1).then(|| figure::strips((common::BASE, base), (common::TUNED, tuned))) }}
            <div class="frame"><table class="components tests">
                <thead><tr><th scope="col">{wording::PROMPTS}</th><th scope="col">{wording::N}</th><th scope="col">{wording::BASE_MEAN}</th><th scope="col">{common::TUNED}</th><th scope="col">{wording::WELCH_T}</th><th scope="col">{wording::WELCH_P}</th><th scope="col">{wording::EFFECT}</th><th scope="col" title=wording::ABOUT_P_PAIRED>{wording::P_PAIRED}</th><th scope="col" title=wording::ABOUT_PERMUTATION_1>{wording::PERMUTATION_P}</th><th scope="col" title=wording::ABOUT_HOLM_1>{wording::P_AFTER_HOLM}</th></tr></thead>
                <tbody>
                    <tr><th scope="row">{wording::THIS_PAIR}</th>{move || found.with(row)}</tr>
                    {paper}
                </tbody>
            </table></div>
            <CopyTable id="finding-1"/><figure::SaveFigure state id="finding-1"/>
        </section>
    }
}
