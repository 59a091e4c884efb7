//! The left panel: prompt, instruction, examples, whose response, template, options.

use leptos::html::Textarea;
use leptos::prelude::*;

use super::conversation::Turns;
use super::history::UndoRun;
use super::loading::{self, WaitingNote};
use super::method::MethodChoice;
use super::model_card::RunButton;
use super::need::Memory;
use super::state::{Chat, Slot, State, Whose};
use super::switching::Changed;
use super::teach::Explain;
use super::toolbar::Segmented;
use super::{format, is_open};
use crate::explain::attribution::Mode;
use crate::explain::methods::Method;
use crate::model::head::Target;
use crate::page::Msg;
use crate::page::editor::{Command, Conversation};
use crate::page::prepared::Prepared;
use crate::share::presets::PRESETS;
use crate::teach::terms::Panel;
use crate::wording::{common, prompt as wording};

const WHOSE: &[(Whose, &str)] = &[
    (Whose::Own, wording::EACH_ITS_OWN),
    (Whose::Tuned, wording::TUNED_MODELS),
    (Whose::Base, wording::BASE_MODELS),
    (Whose::Typed, wording::CUSTOM),
];
const CHAT: &[(Chat, &str)] =
    &[(Chat::TunedOnly, wording::TUNED_ONLY), (Chat::Both, common::BOTH), (Chat::Off, wording::OFF)];
const TARGETS: &[(Target, &str)] =
    &[(Target::Prob, wording::PROBABILITY), (Target::Logprob, wording::LOG), (Target::Logit, wording::LOGIT)];
const MODES: &[(Mode, &str)] =
    &[(Mode::Auto, wording::AUTO), (Mode::Forward, wording::FORWARD), (Mode::Reverse, wording::REVERSE)];

/// The left panel.
#[component]
pub fn PromptPanel(state: State) -> impl IntoView {
    let options = state.options;
    let on_key = move |e: leptos::ev::KeyboardEvent| {
        if e.key() == "Enter" && (e.ctrl_key() || e.meta_key()) && !untrack(|| state.running()) {
            e.prevent_default();
            state.dispatch(Msg::Run);
        }
    };
    view! {
        <aside class="panel" aria-label=common::PROMPT on:keydown=on_key>
            <Editor state/>
            <div class="field">
                <label for="preset">{wording::EXAMPLES}</label>
                <select id="preset" prop:value=move || example(state) on:change=move |e| {
                    if let Ok(at) = event_target_value(&e).parse() {
                        state.dispatch(Msg::Example(at));
                    }
                }>
                    <option value="">{wording::CHOOSE_AN_EXAMPLE}</option>
                    {PRESETS.iter().enumerate().map(|(i, p)| view! { <option value=i>{wording::example(p.kind, p.name)}</option> }).collect_view()}
                </select>
            </div>
            <div class="field">
                <span class="label">{wording::RESPONSE_TO_EXPLAIN}</span>
                <Segmented name=wording::RESPONSE_TO_EXPLAIN options=WHOSE value=Signal::derive(move || options.get().whose) set=move |w| state.set_options(|o| o.whose = w)/>
                <p class="cap">{move || match options.get().whose {
                    Whose::Own => wording::ABOUT_OWN,
                    Whose::Tuned => wording::ABOUT_TUNED,
                    Whose::Base => wording::ABOUT_BASE,
                    Whose::Typed => wording::ABOUT_CUSTOM,
                }}</p>
                <Show when=move || options.get().whose == Whose::Typed>
                    <textarea id="typed" class="small" aria-label=wording::THE_RESPONSE_TO_EXPLAIN prop:value=move || options.get().typed on:input=move |e| state.set_options(|o| o.typed = event_target_value(&e))></textarea>
                </Show>
            </div>
            <div class="field">
                <span class="label">{wording::CHAT_TEMPLATE}</span>
                <Segmented name=wording::CHAT_TEMPLATE options=CHAT value=Signal::derive(move || options.get().chat) set=move |c| state.set_options(|o| o.chat = c)/>
                <TemplateText state/>
            </div>
            <Room state/>
            <Memory state/>
            <Changed state/>
            <div class="field row"><RunButton state/><UndoRun state/></div>
            <WaitingNote state among_weights=false/>
            <Problem state/>
            <MoreOptions state/>
            <p class="foot">{wording::NOTHING_LEAVES}</p>
        </aside>
    }
}

/// The value of the example that the prompt is, if it is one.
fn example(state: State) -> String {
    let is_alone = state.conversation.with(|c| c.before.is_empty());
    let at = state.prompt.with(|prompt| PRESETS.iter().position(|p| p.text == prompt));
    at.filter(|_| is_alone).map_or_else(String::new, |i| i.to_string())
}

/// The prompt with its instruction; selecting text marks another.
#[component]
fn Editor(state: State) -> impl IntoView {
    let area = NodeRef::<Textarea>::new();
    let instruction = move || {
        // what the run is made of
        state.prompt.track();
        state.marked.track();
        state.conversation.track();
        let spec = state.shell.with(|page| page.facts.editor.spec());
        spec.prompt.get(spec.instruction()).unwrap_or_default().to_owned()
    };
    let explained = move || state.conversation.with(Conversation::explains_prompt);
    let selected = move || {
        let area = area.get_untracked()?;
        let text = state.prompt.get_untracked();
        let (start, end) = (area.selection_start().ok().flatten()?, area.selection_end().ok().flatten()?);
        let span = byte_of(&text, start)..byte_of(&text, end);
        (!span.is_empty()).then_some(span)
    };
    let mark = move |_| state.edit(Command::Mark(selected()));
    let unite = move |_| {
        if let Some(span) = selected() {
            state.edit(Command::Unit(span));
        }
    };
    view! {
        <Turns state/>
        <div class="head tight"><h2><label for="prompt">{common::PROMPT}</label></h2><Explain of=Panel::Prompt/></div>
        <textarea id="prompt" node_ref=area prop:value=move || state.prompt.get() spellcheck="false" on:input=move |e| state.edit(Command::Prompt(event_target_value(&e)))></textarea>
        <div class="cap instruction">
            {wording::INSTRUCTION}": "<span class="instr">{move || format::label(&instruction(), 160)}</span>
        </div>
        <Show when=explained><div class="row">
            <button class="link" id="mark" on:mousedown=|e| e.prevent_default() on:click=mark>{wording::MARK}</button>
            <button class="link" id="unite" title=wording::WHAT_UNITING_DOES on:mousedown=|e| e.prevent_default() on:click=unite>{wording::UNITE}</button>
            <Show when=move || state.marked.get().is_some()><button class="link" on:click=move |_| state.edit(Command::Mark(None))>{wording::DETECT}</button></Show>
        </div>
        <Units state/></Show>
    }
}

/// The parts of the prompt that are read as one unit each.
#[component]
fn Units(state: State) -> impl IntoView {
    let one = move |(at, text): (usize, String)| {
        view! {
            <li><span class="unit">{format::label(&text, 60)}</span>
            <button class="link" aria-label=wording::split_again(&format::label(&text, 60)) on:click=move |_| state.edit(Command::RemoveUnit(at))>{wording::SPLIT}</button></li>
        }
    };
    let texts = move || {
        let text = state.prompt.get();
        let part = |span: &std::ops::Range<usize>| text.get(span.clone()).unwrap_or_default().to_owned();
        state.units.with(|units| units.iter().map(part).enumerate().collect::<Vec<_>>())
    };
    view! {
        <Show when=move || state.units.with(|units| !units.is_empty())>
            <div class="cap units" id="units">{wording::YOUR_UNITS}<ul>{move || texts().into_iter().map(one).collect_view()}</ul></div>
        </Show>
    }
}

/// The byte of `text` at a browser's offset, which counts UTF-16 units.
fn byte_of(text: &str, units: u32) -> usize {
    let mut at = 0;
    for (byte, c) in text.char_indices() {
        if at >= units {
            return byte;
        }
        at += c.len_utf16() as u32;
    }
    text.len()
}

/// The template's text around the prompt, as the tuned model reads it.
#[component]
fn TemplateText(state: State) -> impl IntoView {
    let missing = move || state.tuned.model.with(|m| m.info.is_some() && m.template.is_none());
    let open = RwSignal::new(false);
    Effect::new(move |_| {
        if open.get() {
            loading::need(state);
        }
    });
    let text = move || {
        let all = |p: &Prepared| p.tokens.iter().map(|t| (t.text.clone(), t.role)).collect::<Vec<_>>();
        state.tuned.prepared.with(|p| p.as_ref().map(all).unwrap_or_default())
    };
    view! {
        <Show when=move || missing() && state.options.get().chat != Chat::Off>
            <p class="cap">{wording::NO_TEMPLATE}</p>
        </Show>
        <details class="fold" id="template" on:toggle=move |e| open.set(is_open(&e))>
            <summary>{wording::WHAT_THE_TUNED_READS}</summary>
            <pre class="template">
                {move || text().into_iter().map(|(t, role)| view! { <span class:tpl=role == crate::explain::Role::Template>{t}</span> }).collect_view()}
            </pre>
        </details>
    }
}

/// Says before a run what does not fit the models' contexts: counted by their own tokenizers, once typing pauses.
#[component]
fn Room(state: State) -> impl IntoView {
    let said = move |slot: Slot| {
        let length = slot.prepared.with(|p| p.as_ref().map(|p| p.length))?;
        let (name, limit) = (slot.side.name(), state.options.with(|o| o.limit));
        let id = format!("room-{}", slot.side.key());
        if length.over() > 0 {
            return Some(
                view! { <p class="error" role="status" id=id>{common::of_model(name, &length.to_string())}</p> }
                    .into_any(),
            );
        }
        let (left, context) = (length.left(), length.context);
        (length.response.is_none() && limit > left).then(|| {
            let words = wording::little_room(name, context, left, limit);
            view! { <p class="note" role="status" id=id>{words}</p> }.into_any()
        })
    };
    move || state.slots().map(said).collect_view()
}

/// What keeps a run from making sense, said where the button is.
#[component]
fn Problem(state: State) -> impl IntoView {
    let text = move || {
        let failure = |s: super::state::Slot| {
            s.model.with(|m| m.failure.as_ref().map(|f| common::of_model(s.side.name(), &f.to_string())))
        };
        let all: Vec<String> = state.slots().into_iter().filter_map(failure).collect();
        (!all.is_empty()).then(|| all.join(" "))
    };
    view! { <Show when=move || text().is_some()><p class="error" role="alert">{move || text().unwrap_or_default()}</p></Show> }
}

/// Target, method, length, sampling.
#[component]
fn MoreOptions(state: State) -> impl IntoView {
    let options = state.options;
    let number = move |label: &'static str,
                       id: &'static str,
                       min: &'static str,
                       max: &'static str,
                       step: &'static str,
                       get: fn(&super::state::Options) -> f64,
                       set: fn(&mut super::state::Options, f64)| {
        let change = move |e| {
            if let Ok(v) = event_target_value(&e).parse::<f64>() {
                state.set_options(|o| set(o, v));
            }
        };
        view! { <label class="number" for=id>{label}<input id=id type="number" min=min max=max step=step prop:value=move || get(&options.get()).to_string() on:change=change/></label> }
    };
    view! {
        <details class="fold" id="options">
            <summary>{wording::OPTIONS}</summary>
            <span class="label">{wording::GRADIENT_OF}</span>
            <Segmented name=wording::GRADIENT_OF options=TARGETS value=Signal::derive(move || options.get().target) set=move |t| state.set_options(|o| o.target = t)/>
            <MethodChoice state/>
            <Show when=move || state.how.get().method == Method::GradientInput>
                <span class="label">{wording::ABOUT_MODE}</span>
                <Segmented name=wording::MODE options=MODES value=Signal::derive(move || options.get().mode) set=move |m| state.set_options(|o| o.mode = m)/>
            </Show>
            <label class="check"><input type="checkbox" id="template-row" prop:checked=move || state.template_row.get() on:change=move |e| state.edit(Command::TemplateRow(event_target_checked(&e)))/>{wording::TEMPLATE_ROW}</label>
            <span class="label">{wording::SAMPLING}</span>
            <div class="numbers">
                {number(wording::MOST_NEW_TOKENS, "limit", "1", "512", "1", |o| o.limit as f64, |o, v| o.limit = v.clamp(1.0, 512.0) as usize)}
                {number(wording::TEMPERATURE, "temperature", "0", "2", "0.1", |o| o.sampling.temperature, |o, v| o.sampling.temperature = v.clamp(0.0, 2.0))}
                {number(wording::TOP_K, "top-k", "0", "200", "1", |o| o.sampling.top_k as f64, |o, v| o.sampling.top_k = v.clamp(0.0, 200.0) as usize)}
                {number(wording::TOP_P, "top-p", "0.05", "1", "0.05", |o| o.sampling.top_p, |o, v| o.sampling.top_p = v.clamp(0.05, 1.0))}
                {number(wording::REPEAT_PENALTY, "penalty", "1", "2", "0.05", |o| f64::from(o.sampling.repeat_penalty), |o, v| o.sampling.repeat_penalty = v.clamp(1.0, 2.0) as f32)}
                {number(wording::SEED, "seed", "0", "999999", "1", |o| o.sampling.seed as f64, |o, v| o.sampling.seed = v.clamp(0.0, 999_999.0) as u64)}
            </div>
        </details>
    }
}
