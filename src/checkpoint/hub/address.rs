//! What a visitor writes for a repository or a file, and the addresses that are asked.

use std::fmt::{Display, Formatter};

use super::HubError;

/// Where the hub is.
pub const HUB: &str = "https://huggingface.co";
/// Its host alone.
const HUB_HOST: &str = "huggingface.co";

/// Other ways to write where it is.
const ALIASES: [&str; 3] = ["huggingface.co", "www.huggingface.co", "hf.co"];

/// Longest name of an owner or of a repository that the hub gives.
const LONGEST: usize = 96;

/// First parts of the hub's own paths, which are no owners of models.
const NOT_MODELS: [&str; 9] =
    ["datasets", "spaces", "api", "docs", "collections", "papers", "models", "organizations", "blog"];

/// A repository of a model: `Qwen/Qwen3-0.6B`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Repository {
    /// Who publishes it.
    pub owner: String,
    /// What it is called.
    pub name: String,
}

impl Display for Repository {
    fn fmt(&self, f: &mut Formatter) -> std::fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

impl Repository {
    /// The repository called `owner/name`, if that can be one.
    pub fn named(text: &str) -> Option<Self> {
        let (owner, name) = text.split_once('/')?;
        (is_name(owner) && is_name(name)).then(|| Self { owner: owner.to_owned(), name: name.to_owned() })
    }

    /// Another of the same owner, if `name` can be one.
    pub fn beside(&self, name: &str) -> Option<Self> {
        is_name(name).then(|| Self { owner: self.owner.clone(), name: name.to_owned() })
    }

    /// Where its files are listed with their sizes and checksums, at `revision` or at its newest.
    pub fn listing(&self, hub: &str, revision: Option<&str>) -> String {
        match revision {
            Some(revision) => format!("{hub}/api/models/{self}/revision/{}?blobs=true", encoded(revision, false)),
            None => format!("{hub}/api/models/{self}?blobs=true"),
        }
    }

    /// Where GGUF files that others made of it are found, the most used first.
    pub fn quantized(&self, hub: &str) -> String {
        let made_of = encoded(&format!("base_model:quantized:{self}"), false);
        format!("{hub}/api/models?filter={made_of}&filter=gguf&sort=downloads&direction=-1&limit=10")
    }

    /// Where one of its files is, as it was at the commit `revision`.
    pub fn file(&self, hub: &str, revision: &str, file: &str) -> String {
        format!("{hub}/{self}/resolve/{}/{}", encoded(revision, false), encoded(file, true))
    }

    /// Its page, for people.
    pub fn page(&self) -> String {
        format!("{HUB}/{self}")
    }
}

/// Letters, digits and `_ . -`, neither beginning nor ending with a dash or a dot, none of them twice in a row.
fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let edge = |c: Option<char>| c.is_some_and(|c| !matches!(c, '.' | '-'));
    (1..=LONGEST).contains(&text.len())
        && text.chars().all(plain)
        && edge(text.chars().next())
        && edge(text.chars().last())
        && !text.contains("--")
        && !text.contains("..")
        && !text.ends_with(".git")
}

/// Percent-encodes what may not stand in a part of an address; `path` keeps slashes.
fn encoded(text: &str, path: bool) -> String {
    let one = |b: u8| match b {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(b).to_string(),
        b'/' if path => "/".to_owned(),
        b => format!("%{b:02X}"),
    };
    text.bytes().map(one).collect()
}

/// Undoes it; nothing for what is no text.
fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [first, after @ ..] = rest {
        match (first, after) {
            (b'%', [a, b, after @ ..]) => {
                let digit = |b: u8| char::from(b).to_digit(16);
                bytes.push(u8::try_from(digit(*a)? * 16 + digit(*b)?).ok()?);
                rest = after;
            }
            (b'%', _) => return None,
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// Whether it names a commit, which never changes.
pub(super) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// What a visitor asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A repository, whose files are to be listed.
    Repository {
        /// Which.
        repository: Repository,
        /// At which branch, tag or commit, if it is said.
        revision: Option<String>,
    },
    /// Files, by their own addresses.
    Files(Vec<String>),
}

impl Address {
    /// Reads what was written; `hub` is where the hub is for this page.
    pub fn read(text: &str, hub: &str) -> Result<Self, HubError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            [] => Err(HubError::NoName),
            [one] => Self::read_one(one, hub),
            all => Ok(Self::Files(all.iter().map(|word| Self::as_file(word, hub)).collect())),
        }
    }

    fn read_one(text: &str, hub: &str) -> Result<Self, HubError> {
        let not_one = || HubError::NotARepository(text.chars().take(200).collect());
        let Some(path) = path_on_hub(text, hub) else {
            let is_file = text.contains("://") || is_file_name(text);
            if is_file {
                return Ok(Self::Files(vec![text.to_owned()]));
            }
            let repository = Repository::named(text.trim_end_matches('/')).ok_or_else(not_one)?;
            return Ok(Self::Repository { repository, revision: None });
        };
        let bare = path.split(['?', '#']).next().unwrap_or_default();
        let parts: Vec<&str> = bare.split('/').filter(|part| !part.is_empty()).collect();
        if parts.first().is_some_and(|first| NOT_MODELS.contains(first)) {
            return Err(HubError::NotAModel(bare.chars().take(200).collect()));
        }
        let repository = |owner: &str, name: &str| Repository::named(&format!("{owner}/{name}")).ok_or_else(not_one);
        match parts.as_slice() {
            [owner, name] => Ok(Self::Repository { repository: repository(owner, name)?, revision: None }),
            [owner, name, "tree" | "commit", revision, ..] => {
                let revision = decoded(revision).filter(|r| !r.is_empty()).ok_or_else(not_one)?;
                Ok(Self::Repository { repository: repository(owner, name)?, revision: Some(revision) })
            }
            [_, _, "resolve" | "blob" | "raw", _, _, ..] => Ok(Self::Files(vec![Self::as_file(text, hub)])),
            // its discussions, its files' list and the like
            [owner, name, ..] => Ok(Self::Repository { repository: repository(owner, name)?, revision: None }),
            _ => Err(not_one()),
        }
    }

    /// A file's address; the hub's page about a file shows the file itself under another one.
    fn as_file(text: &str, hub: &str) -> String {
        match path_on_hub(text, hub) {
            Some(path) => {
                let shown = ["/blob/", "/raw/"].into_iter().find(|kind| path.contains(kind));
                let path = shown.map_or(path.to_owned(), |kind| path.replacen(kind, "/resolve/", 1));
                let (path, fragment) = path.split_once('#').map_or((&path[..], None), |(p, f)| (p, Some(f)));
                let path = path.split('?').next().unwrap_or_default();
                let fragment = fragment.map_or(String::new(), |f| format!("#{f}"));
                format!("{hub}/{path}{fragment}")
            }
            None => text.to_owned(),
        }
    }
}

/// Whether a relative address is a file's and no repository's name.
fn is_file_name(text: &str) -> bool {
    let bare = text.split(['?', '#']).next().unwrap_or_default().to_lowercase();
    [".gguf", ".safetensors", ".json", ".jinja"].iter().any(|end| bare.ends_with(end))
}

/// What follows the hub's host in an address of the hub's, without the first slash.
fn path_on_hub<'a>(text: &'a str, hub: &str) -> Option<&'a str> {
    if let Some(path) = text.strip_prefix(hub) {
        return path.is_empty().then_some("").or_else(|| path.strip_prefix('/'));
    }
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    ALIASES.iter().any(|alias| host.eq_ignore_ascii_case(alias)).then_some(path)
}

/// A file of the hub as it was at one commit: `owner/name@commit/file`; another host that is laid out like the hub stands
/// before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// The host, if it is not the hub.
    pub host: Option<String>,
    /// The repository.
    pub repository: Repository,
    /// The commit, 40 hexadecimal digits.
    pub revision: String,
    /// The file's path in it.
    pub file: String,
}

impl Display for Pinned {
    fn fmt(&self, f: &mut Formatter) -> std::fmt::Result {
        if let Some(host) = &self.host {
            write!(f, "{host}/")?;
        }
        write!(f, "{}@{}/{}", self.repository, self.revision, self.file)
    }
}

impl Pinned {
    /// The file at `url`, if that names a commit of a repository.
    pub fn of_url(url: &str) -> Option<Self> {
        let path = url.split(['?', '#']).next()?;
        let (_, path) = path.split_once("://")?;
        let parts: Vec<&str> = path.splitn(6, '/').collect();
        let [host, owner, name, "resolve", revision, file] = parts.as_slice() else { return None };
        let repository = Repository::named(&format!("{owner}/{name}"))?;
        let file = decoded(file).filter(|file| !file.is_empty())?;
        let host = (*host != HUB_HOST).then(|| (*host).to_owned());
        is_commit(revision).then(|| Self { host, repository, revision: (*revision).to_owned(), file })
    }

    /// Reads how it is written.
    pub fn read(text: &str) -> Option<Self> {
        let (place, rest) = text.split_once('@')?;
        let (revision, file) = rest.split_once('/')?;
        let (host, repository) = match place.splitn(3, '/').collect::<Vec<_>>().as_slice() {
            [_, _] => (None, Repository::named(place)?),
            [host, owner, name] => (Some((*host).to_owned()), Repository::named(&format!("{owner}/{name}"))?),
            _ => return None,
        };
        let sound = is_commit(revision) && !file.is_empty();
        sound.then(|| Self { host, repository, revision: revision.to_owned(), file: file.to_owned() })
    }

    /// Where it is on the hub; nothing if it is on another host.
    pub fn url(&self) -> Option<String> {
        self.host.is_none().then(|| self.repository.file(HUB, &self.revision, &self.file))
    }

    /// The same with as much of the commit as people read.
    pub fn brief(&self) -> String {
        let short = Self { revision: self.revision.chars().take(7).collect(), ..self.clone() };
        short.to_string()
    }
}
