//! The prompts of which the report has a picture, to be shown with two checkpoints that follow one another.

use std::sync::Arc;

use leptos::prelude::*;

use super::back::id;
use super::command;
use crate::app::state::State;
use crate::app::{focus, format};
use crate::page::study::{Command, Report};
use crate::share::study::{Picture, Study};
use crate::wording::study as wording;

/// Characters of a prompt that are listed.
const LONGEST: usize = 160;

/// The list.
#[component]
pub fn Prompts(state: State, report: Arc<Report>) -> impl IntoView {
    let set = RwSignal::new(None::<usize>);
    let study = &report.study;
    let (with, all) = (study.pictures.len(), study.prompts());
    let chosen = (with > 0).then(|| view! { <Pair state report=report.clone()/><Sets report=report.clone() set/> });
    let list = {
        let report = report.clone();
        move || (with > 0).then(|| rows(state, &report.study, state.study.later.get(), set.get()))
    };
    view! {
        <section class="panel card" id="study-prompts" aria-label=wording::PROMPTS>
            <div class="head"><h2>{wording::PROMPTS}</h2><span class="hint">{wording::held(with, all)}</span></div>
            <p class="cap">{if with > 0 { wording::ABOUT_PROMPTS } else { wording::NO_PICTURES }}</p>
            <div class="inline">{chosen}</div>
            {list}
        </section>
    }
}

/// Which two checkpoints.
#[component]
fn Pair(state: State, report: Arc<Report>) -> impl IntoView {
    let checkpoints = &report.study.checkpoints;
    let name = |later: usize| {
        let name = |at: usize| checkpoints.get(at).map(|c| c.name.as_str());
        wording::pair(later.checked_sub(1).and_then(name), name(later).unwrap_or_default())
    };
    let later = state.study.later;
    let option = |at: usize| {
        view! { <option value=at.to_string() selected=move || later.get() == at>{name(at)}</option> }
    };
    let choose = move |e| {
        if let Ok(later) = event_target_value(&e).parse() {
            command(state, Command::Pair(later));
        }
    };
    view! {
        <span class="choose">
            <label for="study-pair">{wording::PAIR}</label>
            <select id="study-pair" on:change=choose>{report.study.pairs().map(option).collect_view()}</select>
        </span>
    }
}

/// Prompts of which set; nothing to choose where there is one.
#[component]
fn Sets(report: Arc<Report>, set: RwSignal<Option<usize>>) -> impl IntoView {
    let sets = &report.study.sets;
    let option = |(at, name): (usize, &str)| {
        view! { <option value=at.to_string()>{name.to_owned()}</option> }
    };
    let options = sets.iter().map(|set| set.name.as_str()).enumerate().map(option).collect_view();
    (sets.len() > 1).then(|| {
        view! {
            <span class="choose">
                <label for="study-set">{wording::SET}</label>
                <select id="study-set" on:change=move |e| set.set(event_target_value(&e).parse().ok())>
                    <option value="">{wording::EVERY_SET}</option>
                    {options}
                </select>
            </span>
        }
    })
}

/// A row for each prompt of `set`, with what the two checkpoints score on it.
fn rows(state: State, study: &Study, later: usize, set: Option<usize>) -> impl IntoView + use<> {
    // the base first; a checkpoint alone stands by itself
    let places: Vec<usize> = later.checked_sub(1).into_iter().chain([later]).collect();
    let score = |at: &usize| {
        let name = study.checkpoints.get(*at).map_or("", |c| c.name.as_str());
        view! { <th scope="col" class="num" title=wording::SCORE>{name.to_owned()}</th> }
    };
    let head = places.iter().map(score).collect_view();
    let listed = study.pictures.iter().enumerate().filter(|(_, picture)| set.is_none_or(|set| picture.set == set));
    let rows = listed.map(|(at, picture)| row(state, study, at, picture, &places)).collect_view();
    view! {
        <div class="frame study-frame" tabindex="0" role="region" aria-label=wording::PROMPTS>
            <table class="components study-prompts">
                <caption>{wording::SCORE}</caption>
                <thead><tr><td></td><th scope="col">{wording::SET}</th><th scope="col" class="num">{wording::NUMBER}</th><th scope="col">{wording::PROMPT}</th>{head}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

fn row(state: State, study: &Study, at: usize, picture: &Picture, places: &[usize]) -> impl IntoView + use<> {
    let set = study.sets.get(picture.set).map_or("", |set| set.name.as_str());
    let seen = |place: usize| picture.results.get(place).and_then(Option::as_ref);
    let score = |place: &usize| {
        let score = seen(*place).and_then(|seen| seen.score).map_or_else(|| "–".to_owned(), |s| format!("{s:.3}"));
        view! { <td class="num">{score}</td> }
    };
    let there = places.last().is_some_and(|place| seen(*place).is_some());
    let is_shown = move || state.study.shown.get() == Some(at);
    let show = move |_| {
        command(state, Command::Show(at));
        focus("results");
    };
    view! {
        <tr class:sought=is_shown>
            <td><button type="button" class="btn small" id=id(at) disabled=!there aria-label=wording::show(set, picture.index) on:click=show>{if there { wording::SHOW } else { wording::NO_RESULT }}</button></td>
            <td>{set.to_owned()}</td><td class="num">{picture.index}</td>
            <th scope="row">{format::label(&picture.prompt, LONGEST)}{move || is_shown().then(|| view! { " "<span class="tag">{wording::ON_SCREEN}</span> })}</th>
            {places.iter().map(score).collect_view()}
        </tr>
    }
}
