//! Checkpoints that a plan names by their repository on the hub: which of its files are meant, and at which commit.

use std::path::PathBuf;
use std::time::Duration;

use shiftlens::checkpoint::hub::{
    Address, Candidate, Candidates, HUB, HubError, Listing, MOST_BYTES, Pinned, Repository,
};
use ureq::Agent;
use ureq::http::{Response, StatusCode};

/// How long the hub may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a piece of a file may take.
const PIECE_PATIENCE: Duration = Duration::from_secs(30 * 60);

/// What a plan says of a checkpoint on the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its repository.
    pub repository: Repository,
    /// At which branch, tag or commit; at its newest if left out.
    pub revision: Option<String>,
    /// Stored how, where the repository has it in several ways.
    pub storage: Option<String>,
}

impl Wanted {
    /// Reads a repository's name, or its address.
    pub fn read(text: &str, storage: Option<String>) -> Result<Self, String> {
        match Address::read(text, &host()).map_err(|e| e.to_string())? {
            Address::Repository { repository, revision } => Ok(Self { repository, revision, storage }),
            Address::Files(_) => Err(format!(
                "“{text}” is a file. Name its repository, as in “Qwen/Qwen3-0.6B”, and with “storage” which of its files you mean."
            )),
        }
    }
}

/// Files that were chosen from a repository.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// The repository at one commit.
    pub listing: Listing,
    /// Its files.
    pub candidate: Candidate,
}

/// The hub: where it is, where its files are kept, and who asks.
pub struct Hub {
    /// Where it is.
    pub at: String,
    /// The folder that keeps its files.
    pub cache: PathBuf,
    token: Option<String>,
    agent: Agent,
}

/// Where the hub is, by the variable that its own tools read.
fn host() -> String {
    let set = std::env::var("HF_ENDPOINT").ok().filter(|at| !at.trim().is_empty());
    set.map_or_else(|| HUB.to_owned(), |at| at.trim_end_matches('/').to_owned())
}

/// The folder that keeps files of the hub, for this user.
fn cache() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let base = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME").or_else(|| named("USERPROFILE"))?.join(".cache")));
    Some(base?.join("shiftlens").join("hub"))
}

impl Hub {
    /// The hub as the environment says; nothing where there is no place for a cache.
    pub fn of_environment() -> Option<Self> {
        let token = std::env::var("HF_TOKEN").ok().filter(|token| !token.trim().is_empty());
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(PATIENCE))
            .timeout_recv_response(Some(PATIENCE))
            .timeout_recv_body(Some(PIECE_PATIENCE));
        Some(Self { at: host(), cache: cache()?, token, agent: config.build().into() })
    }

    /// Asks for `url`, or for the part of it from byte `range.0` to before byte `range.1`. The token goes to the hub alone: it is
    /// left out where the hub sends the question on to another host.
    pub fn ask(&self, url: &str, range: Option<(u64, u64)>) -> Result<Response<ureq::Body>, HubError> {
        let mut request = self.agent.get(url);
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {}", token.trim()));
        }
        if let Some((from, to)) = range {
            request = request.header("Range", format!("bytes={from}-{}", to.saturating_sub(1)));
        }
        request.call().map_err(|e| HubError::Unreachable(e.to_string()))
    }

    /// What the description of a study keeps of `chosen`: its first file at its commit, and the host if that is not the hub.
    pub fn pinned(&self, chosen: &Chosen) -> Option<Pinned> {
        Pinned::of_url(chosen.candidate.urls(&chosen.listing, &self.at).first()?)
    }

    /// The folder of a repository at a commit.
    pub fn folder(&self, repository: &Repository, commit: &str) -> PathBuf {
        self.cache.join(&repository.owner).join(&repository.name).join(commit)
    }

    /// Which files of the repository are meant. One whose commit is said is not asked about twice.
    pub fn choose(&self, wanted: &Wanted) -> Result<Chosen, HubError> {
        let listing = match self.listed_before(wanted) {
            Some(listing) => listing,
            None => self.list(wanted)?,
        };
        let all = Candidates::of(&listing)?;
        let is_wanted = |c: &Candidate| wanted.storage.as_ref().is_none_or(|s| c.storage.eq_ignore_ascii_case(s));
        let Some(candidate) = all.open.iter().find(|c| is_wanted(c)).cloned() else {
            let there: Vec<&str> = all.open.iter().map(|c| c.storage.as_str()).collect();
            let wanted = wanted.storage.as_deref().unwrap_or_default();
            let why = format!("it has no file stored as {wanted}, but {}", there.join(", "));
            return Err(HubError::Nothing { repository: listing.repository.to_string(), why });
        };
        Ok(Chosen { listing, candidate })
    }

    /// The listing that was kept of this commit.
    fn listed_before(&self, wanted: &Wanted) -> Option<Listing> {
        let is_commit = |text: &&str| text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let commit = wanted.revision.as_deref().filter(is_commit)?;
        let folder = self.folder(&wanted.repository, &commit.to_ascii_lowercase());
        Listing::read(&std::fs::read_to_string(folder.join("listing.json")).ok()?).ok()
    }

    fn list(&self, wanted: &Wanted) -> Result<Listing, HubError> {
        let Wanted { repository, revision, .. } = wanted;
        let mut answer = self.ask(&repository.listing(&self.at, revision.as_deref()), None)?;
        if answer.status() != StatusCode::OK {
            return Err(refusal(&answer, &repository.to_string(), revision.as_deref()));
        }
        let body = answer.body_mut().with_config().limit(MOST_BYTES as u64 + 1).read_to_string();
        let body = body.map_err(|e| HubError::Unreachable(e.to_string()))?;
        let listing = Listing::read(&body)?;
        if listing.gated && self.token.is_none() {
            return Err(HubError::Gated(listing.repository.to_string()));
        }
        // kept for a machine without a network; a full disk is found out when the files come
        let folder = self.folder(repository, &listing.revision);
        let _ = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(folder.join("listing.json"), &body));
        Ok(listing)
    }
}

/// What an answer means that is none of success.
pub fn refusal(answer: &Response<ureq::Body>, asked: &str, revision: Option<&str>) -> HubError {
    let header = |name: &str| answer.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let wait = header("Retry-After").parse().ok();
    HubError::of_status(answer.status().as_u16(), header("X-Error-Code"), wait, (asked, revision))
}

/// The hub's refusals in words for a plan; the library's are for the page.
pub fn said(error: &HubError) -> String {
    match error {
        HubError::NotThere(repository) => format!(
            "the hub has no repository “{repository}” that you may read. Check how it is spelt, capitals included; if it is private, set HF_TOKEN to a token of yours."
        ),
        HubError::Gated(repository) => format!(
            "“{repository}” gives its files only to people who have agreed to its terms. Agree on {HUB}/{repository} and set HF_TOKEN to a token of yours, or download the files and give their “path”."
        ),
        HubError::Unreachable(why) => format!(
            "the hub could not be reached ({why}). Without a network, give the file's “path”, or name a commit that was fetched before: “https://huggingface.co/OWNER/NAME/tree/COMMIT”."
        ),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_names_a_repository_by_its_name_or_address() {
        let found = Wanted::read("Qwen/Qwen3-0.6B", Some("BF16".into())).unwrap();
        assert_eq!((found.repository.to_string().as_str(), found.revision), ("Qwen/Qwen3-0.6B", None));
        let found = Wanted::read("https://huggingface.co/Qwen/Qwen3-0.6B/tree/v1", None).unwrap();
        assert_eq!((found.revision.as_deref(), found.storage), (Some("v1"), None));
        let said = Wanted::read("https://huggingface.co/a/b/resolve/main/c.gguf", None).unwrap_err();
        assert!(said.contains("is a file. Name its repository"), "{said}");
        assert!(Wanted::read("Qwen3", None).unwrap_err().contains("neither an address nor a repository's name"));
    }
}
