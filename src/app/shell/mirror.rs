//! A signal that views read and only the shell sets.

use std::ops::Deref;

use leptos::prelude::*;

use crate::page::Tracked;

/// Reads like a [`ReadSignal`].
pub struct Mirror<T: 'static> {
    read: ReadSignal<T>,
    write: WriteSignal<T>,
}

impl<T> Clone for Mirror<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Mirror<T> {}

impl<T> Deref for Mirror<T> {
    type Target = ReadSignal<T>;

    fn deref(&self) -> &ReadSignal<T> {
        &self.read
    }
}

impl<T: Clone + Default + Send + Sync + 'static> Mirror<T> {
    pub(super) fn new() -> Self {
        let (read, write) = signal(T::default());
        Self { read, write }
    }

    /// One for each side.
    pub(super) fn both() -> [Self; 2] {
        [Self::new(), Self::new()]
    }

    /// Takes the value over, if it was changed since this was last called.
    pub(super) fn draw(&self, value: &mut Tracked<T>) {
        if let Some(value) = value.changed() {
            self.write.set(value);
        }
    }

    /// Takes the value over, if it is another.
    pub(super) fn put(&self, value: T)
    where
        T: PartialEq,
    {
        if self.read.with_untracked(|before| *before != value) {
            self.write.set(value);
        }
    }

    /// Takes over what differs of a pair that has changed.
    pub(super) fn each(signals: &[Self; 2], value: &mut Tracked<[T; 2]>)
    where
        T: PartialEq,
    {
        value.changed().into_iter().flatten().zip(signals).for_each(|(value, signal)| signal.put(value));
    }
}
