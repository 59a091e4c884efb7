//! What a repository holds: the file that is proposed, the others, and who may hold the other half of the pair.

use leptos::prelude::*;

use super::verdict;
use crate::app::focus;
use crate::app::state::{Side, Slot, State};
use crate::checkpoint::catalogue::memory_of_file;
use crate::checkpoint::hub::{Candidate, bits};
use crate::page::fit::Need;
use crate::page::hub::{Command, Found, Look};
use crate::page::{Here, Msg};
use crate::wording::models::Mark;
use crate::wording::{common, models as wording, numbers};

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
                <p class="row"><span>{move || wording::looking_up(&asking().unwrap_or_default())}</span>
                    <button class="btn" on:click=move |_| command(state, Command::Forget(side))>{common::CANCEL}</button></p>
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
    let too_large = || here.reasons([need(found, candidate); 2], None).iter().any(|r| r.is_final());
    let mark = match at == found.proposed {
        true => Mark::Proposed,
        false if too_large() => Mark::TooLarge,
        false => Mark::None,
    };
    wording::file(candidate.safetensors, &candidate.storage, &numbers::bytes(candidate.bytes), mark)
}

#[component]
fn Repository(state: State, side: Side, found: Found) -> impl IntoView {
    let key = side.key();
    let chosen = RwSignal::new(found.proposed);
    let found = StoredValue::new(found);
    let title = found.with_value(|f| f.listing.repository.to_string());
    let about = found.with_value(|f| {
        let commit: String = f.listing.revision.chars().take(7).collect();
        wording::at_commit(&commit, f.listing.licence.as_deref())
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
                    true => wording::CHECKED,
                    false => wording::NOT_CHECKED,
                };
                let runs = verdict::verdict(&here.reasons([need(f, candidate); 2], free));
                wording::fits_and_checked(&runs, &verdict::time(here, parameters), checked)
            })
        })
    };
    let refused = found.with_value(|f| f.candidates.refused.clone());
    let not_opened = (!refused.is_empty()).then(|| {
        let count = refused.len();
        let list = refused.into_iter().map(|r| view! { <li>{wording::path_and_why(&r.path, &r.why)}</li> }).collect_view();
        view! { <details class="fold"><summary>{wording::cannot_be_opened(count)}</summary><ul class="cap">{list}</ul></details> }
    });
    let other = found.with_value(|f| f.other.clone()).map(|other| {
        let half = if side == Side::Tuned { wording::BASE_MODEL } else { wording::TUNED_MODEL };
        let said = match (&other.name, other.named_by_card) {
            (Some(name), true) => wording::by_card(half, name),
            (Some(name), false) => wording::by_name(half, name),
            (None, _) => wording::in_a_card(half),
        };
        let find = move |_| {
            command(state, Command::Counterpart(side));
            focus(&format!("url-{}", side.other().key()));
        };
        view! { <p>{said}" "<button class="btn" id=format!("counterpart-{key}") on:click=find>{wording::find(half)}</button></p> }
    });
    let choose = move |e: leptos::ev::Event| chosen.set(event_target_value(&e).parse().unwrap_or(0));
    let open = move |_| command(state, Command::Open(side, chosen.get_untracked()));
    view! {
        <div class="repository" id=format!("found-{key}")>
            <p role="status"><b>{title}</b><span class="cap">{about}</span></p>
            <label for=format!("candidate-{key}")>{wording::FILE_TO_OPEN}</label>
            <select id=format!("candidate-{key}") on:change=choose>{options}</select>
            <p class="cap">{fits}</p>
            <p class="row">
                <button class="btn" id=format!("open-{key}") on:click=open>{wording::DOWNLOAD_AND_OPEN}</button>
                <button class="btn" on:click=move |_| command(state, Command::Forget(side))>{common::CLOSE}</button>
            </p>
            {other}
            {not_opened}
        </div>
    }
}
