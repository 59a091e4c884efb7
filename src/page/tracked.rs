//! A value that remembers whether it was changed since it was last drawn.

use std::ops::{Deref, DerefMut};

/// Reads like the value; every mutable use marks it as changed.
#[derive(Debug, Clone, Default)]
pub struct Tracked<T> {
    value: T,
    changed: bool,
}

impl<T> Tracked<T> {
    /// A value that has not been drawn yet.
    pub fn new(value: T) -> Self {
        Self { value, changed: true }
    }
}

impl<T: Clone> Tracked<T> {
    /// The value, if it was changed since this was last asked.
    pub fn changed(&mut self) -> Option<T> {
        std::mem::take(&mut self.changed).then(|| self.value.clone())
    }
}

impl<T> Deref for Tracked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Tracked<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.changed = true;
        &mut self.value
    }
}

impl<T: PartialEq> PartialEq for Tracked<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}
