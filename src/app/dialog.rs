//! Dialogs in front of the page; each is open while its signal says so.

use leptos::html::Dialog;
use leptos::prelude::*;

use crate::wording::common;

/// Shows and hides `dialog` as `open` says; `prepare` comes before it is shown.
pub fn follow(dialog: NodeRef<Dialog>, open: RwSignal<bool>, prepare: impl Fn() + 'static) {
    Effect::new(move |_| {
        let open = open.get();
        let Some(dialog) = dialog.get() else { return };
        if open && !dialog.open() {
            prepare();
            let _ = dialog.show_modal();
        } else if !open && dialog.open() {
            dialog.close();
        }
    });
}

/// A titled dialog with a button that closes it.
#[component]
pub fn Modal(
    id: &'static str,
    title: &'static str,
    /// The id of the button that closes it.
    close: &'static str,
    open: RwSignal<bool>,
    /// What is done before it is shown.
    prepare: impl Fn() + 'static,
    children: Children,
) -> impl IntoView {
    let dialog = NodeRef::<Dialog>::new();
    follow(dialog, open, prepare);
    view! {
        <dialog node_ref=dialog id=id aria-label=title on:close=move |_| open.set(false)>
            <div class="head"><h2>{title}</h2><span class="grow"></span><button class="btn" id=close on:click=move |_| open.set(false)>{common::CLOSE}</button></div>
            {children()}
        </dialog>
    }
}
