//! A test for each family of models.

/// A test for each of these folders, called as the folder is.
macro_rules! tests {
    ($check:ident $($folder:ident $architecture:literal),*) => {
        $(#[test] fn $folder() { super::$check(stringify!($folder), $architecture); })*
    };
}

/// `check` of each family as a test of its own, so that they share the cores.
macro_rules! each_family {
    ($module:ident: $check:ident) => {
        mod $module {
            use $crate::support::families::with_families;
            with_families!(tests! $check);
        }
    };
}
