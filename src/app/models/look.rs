//! What a repository holds: the file that is proposed, the others, and who may hold the other half of the pair.

use leptos::prelude::*;

use super::words;
use crate::app::state::{Side, Slot, State};
use crate::app::{focus, format};
use crate::checkpoint::catalogue::memory_of_file;
use crate::checkpoint::hub::{Candidate, bits};
use crate::page::fit::Need;
use crate::page::hub::{Command, Found, Look};
use crate::page::{Here, Msg};

fn command(state: State, command: Command) {
    state.dispatch(Msg::Hub(command));
}

/// What is known of the repository that was asked for `half`.
#[component]
pub fn LookNote(state: State, half: Slot) -> impl IntoView {
    let side = half.side;
    let look = state.looks[side.index()];
    let asking = move || look.with(|l| if let Look::Asking(about) = l { Some(about.clone()) } else { None });
    let failed = move || look.with(|l| if let Look::Failed(e) = l { Some(e.to_string()) } else { None });
    let found =
        Memo::new(move |_| look.with(|l| if let Look::Found(found) = l { Some((**found).clone()) } else { None }));
    // another repository is another form; what is chosen in one does not make it anew
    let which = Memo::new(move |_| {
        found.with(|f| f.as_ref().map(|f| (f.listing.repository.to_string(), f.listing.revision.clone())))
    });
    view! {
        <div role="status">
            <Show when=move || asking().is_some()>
                <p class="row"><span>{move || format!("Looking up {} on the hub…", asking().unwrap_or_default())}</span>
                    <button class="btn" on:click=move |_| command(state, Command::Forget(side))>"Cancel"</button></p>
            </Show>
        </div>
        <Show when=move || failed().is_some()><p class="error" role="alert">{move || failed().unwrap_or_default()}</p></Show>
        {move || which.get().and_then(|_| found.get_untracked()).map(|found| view! { <Repository state side found/> })}
    }
}

fn need(found: &Found, candidate: &Candidate) -> Need {
    Need { bytes: candidate.bytes, memory: memory_of_file(candidate.bytes), context: found.listing.context }
}

/// "Q8_0, 639 MB".
fn option(here: &Here, found: &Found, at: usize) -> String {
    let Some(candidate) = found.candidates.open.get(at) else { return String::new() };
    let kind = if candidate.safetensors { "safetensors, " } else { "" };
    let mut text = format!("{kind}{}, {}", candidate.storage, format::bytes(candidate.bytes));
    if at == found.proposed {
        text.push_str(" (proposed)");
    } else if here.reasons([need(found, candidate); 2], None).iter().any(|r| r.is_final()) {
        text.push_str(" (too large)");
    }
    text
}

#[component]
fn Repository(state: State, side: Side, found: Found) -> impl IntoView {
    let key = side.key();
    let chosen = RwSignal::new(found.proposed);
    let found = StoredValue::new(found);
    let title = found.with_value(|f| f.listing.repository.to_string());
    let about = found.with_value(|f| {
        let licence = f.listing.licence.as_ref().map_or(String::new(), |l| format!(" · licence {l}"));
        format!(" at commit {}{licence}", f.listing.revision.chars().take(7).collect::<String>())
    });
    let options = move || {
        let count = found.with_value(|f| f.candidates.open.len());
        let option = |at: usize| state.here.with(|here| found.with_value(|f| option(here, f, at)));
        (0..count)
            .map(|at| view! { <option value=at.to_string() selected=move || chosen.get() == at>{option(at)}</option> })
            .collect_view()
    };
    let fits = move || {
        let free = state.stored.with(|s| s.free);
        state.here.with(|here| {
            found.with_value(|f| {
                let Some(candidate) = f.candidates.open.get(chosen.get()) else { return String::new() };
                let own = (candidate.bytes as f64 * 8.0 / bits(&candidate.storage)) as u64;
                let parameters = f.listing.parameters.unwrap_or(own);
                let checked = match candidate.is_checked() {
                    true => "The weights will be checked against the hub's checksum.",
                    false => "The hub lists no checksum for the weights, so they cannot be checked.",
                };
                let verdict = words::verdict(&here.reasons([need(f, candidate); 2], free));
                format!("{verdict}; {}. {checked}", words::time(here, parameters))
            })
        })
    };
    let refused = found.with_value(|f| f.candidates.refused.clone());
    let not_opened = (!refused.is_empty()).then(|| {
        let count = refused.len();
        let files = if count == 1 { "file" } else { "files" };
        let list = refused.into_iter().map(|r| view! { <li>{format!("{} {}.", r.path, r.why)}</li> }).collect_view();
        view! { <details class="fold"><summary>{format!("{count} {files} that cannot be opened")}</summary><ul class="cap">{list}</ul></details> }
    });
    let other = found.with_value(|f| f.other.clone()).map(|other| {
        let half = if side == Side::Tuned { "base model" } else { "tuned model" };
        let said = match (&other.name, other.named_by_card) {
            (Some(name), true) => format!("According to its model card, the {half} is {name}."),
            (Some(name), false) => format!("Judging by its name, the {half} may be {name}."),
            (None, _) => format!("The {half} may be listed in the card of the model it was made from."),
        };
        let find = move |_| {
            command(state, Command::Counterpart(side));
            focus(&format!("url-{}", side.other().key()));
        };
        view! { <p>{said}" "<button class="btn" id=format!("counterpart-{key}") on:click=find>{format!("Find the {half}")}</button></p> }
    });
    let choose = move |e: leptos::ev::Event| chosen.set(event_target_value(&e).parse().unwrap_or(0));
    let open = move |_| command(state, Command::Open(side, chosen.get_untracked()));
    view! {
        <div class="repository" id=format!("found-{key}")>
            <p role="status"><b>{title}</b><span class="cap">{about}</span></p>
            <label for=format!("candidate-{key}")>"File to open"</label>
            <select id=format!("candidate-{key}") on:change=choose>{options}</select>
            <p class="cap">{fits}</p>
            <p class="row">
                <button class="btn" id=format!("open-{key}") on:click=open>"Download and open"</button>
                <button class="btn" on:click=move |_| command(state, Command::Forget(side))>"Close"</button>
            </p>
            {other}
            {not_opened}
        </div>
    }
}
