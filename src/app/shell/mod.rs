//! Between the page's native core and the browser: messages in, effects out, and what has changed into signals.

mod edited;
mod mirror;
mod signals;
mod study;
mod text;

use leptos::prelude::*;

pub use mirror::Mirror;
pub use signals::{Model, Signals};

use crate::page::{Effect, Msg, Page};

/// Carries an effect out.
type Perform = Box<dyn Fn(Effect)>;

/// The core, the signals that only this folder sets, and who carries effects out.
#[derive(Clone, Copy)]
pub struct Shell {
    page: StoredValue<Page>,
    pub signals: Signals,
    perform: StoredValue<Option<Perform>, LocalStorage>,
}

impl Shell {
    /// A page on which nothing has happened.
    pub fn new() -> Self {
        Self { page: StoredValue::new(Page::default()), signals: Signals::new(), perform: StoredValue::new_local(None) }
    }

    /// From now on `perform` carries effects out.
    pub fn carry_out(&self, perform: impl Fn(Effect) + 'static) {
        self.perform.set_value(Some(Box::new(perform)));
    }

    /// Reads the core; nothing is called again when it changes.
    pub fn with<R>(&self, read: impl FnOnce(&Page) -> R) -> R {
        self.page.with_value(read)
    }

    /// Takes a message to the core, shows what it changes, and does what it wants done.
    pub fn dispatch(&self, msg: Msg) {
        let effects = self.page.try_update_value(|page| page.update(msg)).unwrap_or_default();
        self.page.update_value(|page| self.signals.draw(page));
        self.perform.with_value(|perform| {
            if let Some(perform) = perform {
                effects.into_iter().for_each(perform);
            }
        });
    }
}
