//! Hosts that the page may ask for a checkpoint: its own, the hub, and those that the user has allowed.

use web_sys::Url;

use super::state::State;
use super::{memory, parameter, window};
use crate::checkpoint::hub::HUB;

/// Where the user's permissions are remembered: a host a line.
const KEY: &str = "shiftlens.hosts";

/// The hosts of `urls`, each once. An address that is none has no host: opening it says what is wrong with it.
pub fn of<'a>(urls: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let host = |url: &str| Url::new(url).ok().map(|u| u.host()).filter(|h| !h.is_empty());
    let mut hosts: Vec<String> = urls.into_iter().filter_map(host).collect();
    hosts.sort();
    hosts.dedup();
    hosts
}

/// Where the hub is: `?hub=` may name the page's own origin, or a server of this machine if the page comes from one too. A
/// link to the page cannot send anybody's questions elsewhere.
pub fn hub() -> String {
    let (own, name) = (window().location().origin(), window().location().hostname().unwrap_or_default());
    let is_here = |name: &str| matches!(name, "localhost" | "127.0.0.1" | "[::1]");
    let asked = parameter("hub").and_then(|url| Url::new(&url).ok());
    let asked = asked.filter(|url| Ok(url.origin()) == own || is_here(&name) && is_here(&url.hostname()));
    asked.map_or(HUB.to_owned(), |url| url.origin())
}

/// Those of `hosts` that the user has to be asked about.
pub fn unknown(state: State, hosts: Vec<String>) -> Vec<String> {
    let allowed = memory::get(KEY).unwrap_or_default();
    let own = window().location().host().unwrap_or_default();
    let hub = state.shell.with(|page| of([page.hub.at.as_str(), HUB]));
    let known = |host: &String| *host == own || hub.contains(host) || allowed.lines().any(|h| h == host);
    hosts.into_iter().filter(|h| !known(h)).collect()
}

/// The user allows `hosts` from now on.
pub fn allow(state: State, hosts: &[String]) {
    let before = memory::get(KEY).unwrap_or_default();
    let all: Vec<&str> = before.lines().chain(hosts.iter().map(String::as_str)).collect();
    memory::keep(state, KEY, &all.join("\n"));
}
