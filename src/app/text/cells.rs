//! {base, tuned} x {plain, template}: four small pictures of one prompt, how far apart they are, and what changed each token.

use std::sync::Arc;

use leptos::prelude::*;

use super::{State, Trouble, ask};
use crate::app::format;
use crate::app::state::Side;
use crate::explain::cells::{Cells as Found, Effects, Four, TokenEffects};
use crate::page::text::{Command, Part};
use crate::wording::{numbers, text as wording};

/// Effects below this are what rounding leaves of differences that are zero.
const ROUNDING: f64 = 1e-9;

/// The button, and what it finds.
#[component]
pub fn Cells(state: State) -> impl IntoView {
    let cells = state.text.cells;
    let has_template = move || state.tuned.model.with(|m| m.template.is_some());
    let shown = move || match (has_template(), cells.with(|c| c.wanted)) {
        (false, _) => view! { <p class="empty">{wording::NO_TEMPLATE}</p> }.into_any(),
        (true, false) => {
            let compute = move |_| ask(state, Command::Cells);
            view! { <button type="button" class="btn" id="text-cells" on:click=compute>{wording::COMPUTE_CELLS}</button> }
                .into_any()
        }
        (true, true) => view! { <Result state/> }.into_any(),
    };
    view! {
        <h3>{wording::CELLS}</h3>
        <p class="cap">{wording::ABOUT_CELLS}</p>
        <Trouble state part=Part::Cells/>
        {shown}
    }
}

#[component]
fn Result(state: State) -> impl IntoView {
    let cells = state.text.cells;
    move || match cells.with(|c| c.found.clone()) {
        None => view! { <p class="cap" role="status">{move || wording::cells_done(cells.with(|c| c.done()))}</p> }
            .into_any(),
        Some(Err(e)) => view! { <p class="error" role="alert">{e.to_string()}</p> }.into_any(),
        Some(Ok(found)) => view! { <Picture state found/> }.into_any(),
    }
}

/// The mean level of every token in one run.
fn mean_levels(levels: &[Vec<u8>]) -> Vec<f64> {
    let mean = |row: &Vec<u8>| row.iter().map(|l| f64::from(*l)).sum::<f64>() / row.len().max(1) as f64;
    levels.iter().map(mean).collect()
}

#[component]
fn Picture(state: State, found: Arc<Found>) -> impl IntoView {
    let count = state.text.cells.with_untracked(|c| c.levels().count);
    let means: Four<Vec<f64>> = found.levels.map(|rows| mean_levels(rows));
    let apart = found.importance_apart;
    let larger = wording::which_is_larger(
        (apart.template_on_base + apart.template_on_tuned) / 2.0,
        (apart.weights_plain + apart.weights_in_template) / 2.0,
    );
    let one = |side: Side, reading: &'static str, means: &[f64], score: Option<f64>| {
        let token = |(token, level): (&TokenEffects, &f64)| {
            let text = format::label(&token.text, 24);
            let shade = (10.0 * level / f64::from(count)).ceil() as u32;
            let title = wording::token_level(&text, *level);
            view! { <span class="tok" class:instr=token.instruction style=format::level_style(shade) title=title>{text}</span>" " }
        };
        let name = wording::cell(side.name(), reading);
        let title = name.clone();
        view! {
            <div class="cell" role="group" aria-label=name>
                <b>{title}</b>
                <p class="read">{found.tokens.iter().zip(means).map(token).collect_view()}</p>
                {score.map(|score| view! { <span class="cap">{wording::score_of(score)}</span> })}
            </div>
        }
    };
    let scores = found.scores;
    let (plain, template) = (wording::PLAIN, wording::IN_TEMPLATE);
    view! {
        <p id="cells-verdict"><b>{larger}</b></p>
        <p class="cap">{wording::FOUR_CELLS}". "{wording::ABOUT_DISTANCE}</p>
        <div class="four" id="four-cells">
            {one(Side::Base, plain, &means.base.plain, scores.map(|s| s.base.plain))}
            <span class="between across">{wording::template_apart(apart.template_on_base)}</span>
            {one(Side::Base, template, &means.base.template, scores.map(|s| s.base.template))}
            <span class="between down">{wording::weights_apart(apart.weights_plain)}</span>
            <span class="between down">{wording::weights_apart(apart.weights_in_template)}</span>
            {one(Side::Tuned, plain, &means.tuned.plain, scores.map(|s| s.tuned.plain))}
            <span class="between across">{wording::template_apart(apart.template_on_tuned)}</span>
            {one(Side::Tuned, template, &means.tuned.template, scores.map(|s| s.tuned.template))}
        </div>
        <h3>{wording::EFFECTS}</h3>
        <p class="cap">{wording::ABOUT_EFFECTS}</p>
        <EffectsTable found=found.clone()/>
        <p class="foot" id="cells-caption">{caption(state, &found)}</p>
    }
}

fn values(effects: &Effects) -> [f64; 5] {
    let Effects { template_on_base, template_on_tuned, weights_plain, weights_in_template, interaction } = *effects;
    let all = [template_on_base, template_on_tuned, weights_plain, weights_in_template, interaction];
    all.map(|effect| if effect.abs() < ROUNDING { 0.0 } else { effect })
}

/// What changed each token: the bars are the picture, the table its numbers.
#[component]
fn EffectsTable(found: Arc<Found>) -> impl IntoView {
    let most = found.tokens.iter().flat_map(|t| values(&t.level)).map(f64::abs).fold(0.0, f64::max);
    let names = [
        wording::TEMPLATE_ON_BASE,
        wording::TEMPLATE_ON_TUNED,
        wording::WEIGHTS_PLAIN,
        wording::WEIGHTS_TEMPLATE,
        wording::INTERACTION,
    ];
    let head = names.map(|name| view! { <th scope="col" class="num">{name}</th> }).into_iter().collect_view();
    let row = |token: &TokenEffects| {
        let cells = values(&token.level).map(|value| view! { <td class="num">{bar(value, most)}</td> });
        let text = format::label(&token.text, 24);
        view! { <tr><th scope="row"><span class:instr=token.instruction>{text}</span></th>{cells.into_iter().collect_view()}</tr> }
    };
    let score = found.score.map(|score| {
        let cells = values(&score).map(|value| view! { <td class="num">{numbers::signed(value as f32)}</td> });
        view! { <tfoot><tr><th scope="row">{wording::INSTRUCTION_SCORE}</th>{cells.into_iter().collect_view()}</tr></tfoot> }
    });
    view! {
        <div class="frame" tabindex="0" role="region" aria-label=wording::EFFECTS>
            <table class="components lens" id="effects">
                <thead><tr><th scope="col">{wording::TOKEN}</th>{head}</tr></thead>
                <tbody>{found.tokens.iter().map(row).collect_view()}</tbody>
                {score}
            </table>
        </div>
    }
}

fn bar(value: f64, most: f64) -> impl IntoView + use<> {
    super::layers::signed(value as f32, most as f32)
}

fn caption(state: State, found: &Found) -> String {
    let (text, levels) = (state.text, state.text.cells.with_untracked(|c| c.levels()));
    let what = text.cells.with_untracked(|c| c.what()).unwrap_or_default().replace(" x ", " × ");
    text.subject.with_untracked(|subject| {
        let Some(subject) = subject.as_deref() else { return String::new() };
        let response: String = subject.response.iter().map(|t| t.text.as_str()).collect();
        wording::cells_caption(&wording::CellsMade {
            prompt: &format::label(&subject.spec.prompt, 120),
            response: &format::label(&response, 120),
            base: &subject.models[0].1,
            tuned: &subject.models[1].1,
            what: &what,
            levels: levels.count,
            hidden: levels.floor,
            tokens: found.tokens.len(),
            left_out: found.left_out,
        })
    })
}
