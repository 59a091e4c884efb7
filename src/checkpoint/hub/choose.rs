//! Which files of a repository make a checkpoint that can be opened, and which of several to propose.

use super::{HubError, HubFile, Listing, storage};
use crate::checkpoint::families;

/// What stands beside the weights in safetensors; the first two are needed.
const BESIDE: [&str; 4] = ["config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"];
/// Shards' names are listed here.
const INDEX: &str = "model.safetensors.index.json";
/// What is said where neither a file's name nor the hub tells how it is stored.
const UNNAMED: &str = "of unnamed storage";
/// Types of safetensors that are read.
const READ: [&str; 3] = ["BF16", "F16", "F32"];

/// Files that together make one checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The storage type, as the files' names have it: "Q4_K_M"; "BF16" for safetensors.
    pub storage: String,
    /// The files, the weights first.
    pub files: Vec<HubFile>,
    /// Bytes of all files.
    pub bytes: u64,
    /// Whether it is safetensors, and not one GGUF file.
    pub safetensors: bool,
}

impl Candidate {
    /// The addresses of its files at the listing's commit, each with its checksum where the hub has one.
    pub fn urls(&self, listing: &Listing, hub: &str) -> Vec<String> {
        let url = |file: &HubFile| {
            let url = listing.repository.file(hub, &listing.revision, &file.path);
            match &file.sha256 {
                Some(sum) => format!("{url}#sha256={sum}"),
                None => url,
            }
        };
        self.files.iter().map(url).collect()
    }

    /// Whether every byte of the weights is held to a checksum.
    pub fn is_checked(&self) -> bool {
        let weights = |f: &&HubFile| !f.path.ends_with(".json") && !f.path.ends_with(".jinja");
        self.files.iter().filter(weights).all(|f| f.sha256.is_some())
    }

    fn rank(&self) -> u8 {
        storage::named(&self.storage).map_or(u8::MAX, |s| s.rank)
    }
}

/// A file that will not be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which.
    pub path: String,
    /// Why, for the user.
    pub why: String,
}

/// What a repository holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Candidates {
    /// What can be opened, the nearest to the published weights first; what is longer than 8 bits a weight comes after.
    pub open: Vec<Candidate>,
    /// What cannot.
    pub refused: Vec<Refused>,
}

impl Candidates {
    /// Those of `listing`. Fails if there is none.
    pub fn of(listing: &Listing) -> Result<Self, HubError> {
        let nothing = |why: String| HubError::Nothing { repository: listing.repository.to_string(), why };
        if let Some(name) = &listing.architecture {
            let known = match listing.architecture_is_ggufs {
                true => families::of_gguf(name),
                false => families::of_json(name),
            };
            known.map_err(|e| nothing(e.to_string().trim_end_matches('.').to_owned()))?;
        }
        let mut all = Self::default();
        for file in listing.files.iter().filter(|f| f.path.to_lowercase().ends_with(".gguf")) {
            match gguf(file) {
                Ok(candidate) => all.open.push(candidate),
                Err(why) => all.refused.push(Refused { path: file.path.clone(), why }),
            }
        }
        match safetensors(listing) {
            Some(Ok(candidate)) => all.open.push(candidate),
            Some(Err((path, why))) => all.refused.push(Refused { path, why }),
            None => {}
        }
        // of one rank the shorter first, for the same order every time
        all.open.sort_by(|a, b| (a.rank(), a.bytes, &a.storage).cmp(&(b.rank(), b.bytes, &b.storage)));
        if all.open.is_empty() {
            let why = all.refused.first().map(|r| format!("“{}” {}", r.path, r.why));
            return Err(nothing(
                why.unwrap_or_else(|| "there is neither a .gguf nor a .safetensors file in it".into()),
            ));
        }
        Ok(all)
    }

    /// The one to propose: stored as `prefer` says, if that is there and fits; else the nearest to the published weights of
    /// at most `most` bytes; else the shortest.
    pub fn best(&self, most: u64, prefer: Option<&str>) -> usize {
        let fits = |c: &Candidate| c.bytes <= most;
        let wanted = |c: &Candidate| prefer.is_some_and(|p| c.storage.eq_ignore_ascii_case(p));
        let at = |found: &dyn Fn(&Candidate) -> bool| self.open.iter().position(found);
        let shortest = || (0..self.open.len()).min_by_key(|i| self.open[*i].bytes);
        at(&|c| wanted(c) && fits(c)).or_else(|| at(&fits)).or_else(shortest).unwrap_or(0)
    }
}

/// A GGUF file as a checkpoint of its own, or why it is none.
fn gguf(file: &HubFile) -> Result<Candidate, String> {
    let name = file.path.rsplit('/').next().unwrap_or_default().to_lowercase();
    if let Some(count) = parts(&name) {
        return Err(format!(
            "is one of {count} parts, and Shiftlens opens a GGUF file in one piece: choose a smaller quantization, or join the parts with llama-gguf-split --merge and choose the file"
        ));
    }
    if name.contains("mmproj") {
        return Err("is for images, and holds no language model".into());
    }
    if name.contains("imatrix") {
        return Err("holds statistics, and no model".into());
    }
    if name.contains("vocab") {
        return Err("holds a vocabulary alone".into());
    }
    let storage = storage::of_file(&file.path);
    if let Some(unread) = storage.filter(|s| !s.read) {
        return Err(format!(
            "is stored as {}, which Shiftlens does not read: take Q4_K_M, Q5_K_M or Q8_0",
            unread.name
        ));
    }
    let bytes = file.bytes.ok_or("has a length that the hub does not tell")?;
    let storage = storage.map_or_else(|| UNNAMED.to_owned(), |s| s.name.to_owned());
    Ok(Candidate { storage, files: vec![file.clone()], bytes, safetensors: false })
}

/// Of how many parts a file called `…-00001-of-00003.gguf` is one.
fn parts(name: &str) -> Option<u32> {
    let (before, count) = name.trim_end_matches(".gguf").rsplit_once("-of-")?;
    let (_, which) = before.rsplit_once('-')?;
    let number = |text: &str| text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit());
    (number(which) && number(count)).then(|| count.parse().ok()).flatten()
}

/// The safetensors of the repository's top folder, if there are any; or why they cannot be opened.
fn safetensors(listing: &Listing) -> Option<Result<Candidate, (String, String)>> {
    let top = |f: &&HubFile| f.path.ends_with(".safetensors") && !f.path.contains('/');
    let all: Vec<&HubFile> = listing.files.iter().filter(top).collect();
    let first = all.first()?;
    let refuse = |path: &str, why: String| Some(Err((path.to_owned(), why)));
    let weights: Vec<&HubFile> = all.iter().copied().filter(|f| f.path.starts_with("model")).collect();
    if weights.is_empty() {
        let why = match first.path.starts_with("adapter") {
            true => "is an adapter, and no whole model: merge it into its base first",
            false => "is not called model.safetensors, so what it holds is not known",
        };
        return refuse(&first.path, why.into());
    }
    // one file, or the shards beside it
    let one: Vec<&HubFile> = weights.iter().copied().filter(|f| f.path == "model.safetensors").collect();
    let weights = if one.is_empty() { weights } else { one };
    if let Some(method) = &listing.quantized_by {
        return refuse(&weights[0].path, format!("is quantized by {method}, which Shiftlens does not read"));
    }
    let dtype = listing.dtypes.first().map_or(UNNAMED, |(name, _)| name.as_str());
    if let Some((other, _)) = listing.dtypes.iter().find(|(name, _)| !READ.contains(&name.as_str())) {
        return refuse(&weights[0].path, format!("is stored as {other}, which Shiftlens does not read"));
    }
    if let Some(missing) = BESIDE[..2].iter().find(|name| listing.file(name).is_none()) {
        return refuse(&weights[0].path, format!("needs {missing} beside it, which is not there"));
    }
    let beside = BESIDE.iter().chain([&INDEX].into_iter().filter(|_| weights.len() > 1));
    let files: Vec<HubFile> =
        weights.iter().copied().chain(beside.filter_map(|name| listing.file(name))).cloned().collect();
    let lengths: Option<Vec<u64>> = files.iter().map(|f| f.bytes).collect();
    let bytes = lengths.and_then(|all| all.into_iter().try_fold(0u64, u64::checked_add));
    match bytes {
        Some(bytes) => Some(Ok(Candidate { storage: dtype.to_owned(), files, bytes, safetensors: true })),
        None => refuse(&weights[0].path, "has a length that the hub does not tell".into()),
    }
}
