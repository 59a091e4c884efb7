//! Hosts that the page may ask for a checkpoint: its own, the catalogue's, and those that the user has allowed.

use super::state::State;
use super::{memory, window};
use crate::checkpoint::catalogue::CATALOGUE;

/// Where the user's permissions are remembered: a host a line.
const KEY: &str = "shiftlens.hosts";

/// The hosts of `urls`, each once. An address that is none has no host: opening it says what is wrong with it.
pub fn of<'a>(urls: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let host = |url: &str| web_sys::Url::new(url).ok().map(|u| u.host()).filter(|h| !h.is_empty());
    let mut hosts: Vec<String> = urls.into_iter().filter_map(host).collect();
    hosts.sort();
    hosts.dedup();
    hosts
}

/// Those of `hosts` that the user has to be asked about.
pub fn unknown(hosts: Vec<String>) -> Vec<String> {
    let allowed = memory::get(KEY).unwrap_or_default();
    let own = window().location().host().unwrap_or_default();
    let catalogue = of(CATALOGUE.iter().flat_map(|p| [p.base.url, p.tuned.url]));
    let known = |host: &String| *host == own || catalogue.contains(host) || allowed.lines().any(|h| h == host);
    hosts.into_iter().filter(|h| !known(h)).collect()
}

/// The user allows `hosts` from now on.
pub fn allow(state: State, hosts: &[String]) {
    let before = memory::get(KEY).unwrap_or_default();
    let all: Vec<&str> = before.lines().chain(hosts.iter().map(String::as_str)).collect();
    memory::keep(state, KEY, &all.join("\n"));
}
