//! What the hub answers about a repository, read with suspicion.

use std::collections::HashSet;

use serde_json::Value;

use super::address::is_commit;
use super::{HubError, Repository};

/// Bytes of an answer that are read at most. A large repository's is a few hundred kilobytes.
pub const MOST_BYTES: usize = 8 << 20;
/// Files of a repository that are looked at.
const MOST_FILES: usize = 20_000;
/// Characters of a file's path.
const LONGEST_PATH: usize = 1024;

/// A file of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubFile {
    /// Its path in the repository.
    pub path: String,
    /// Its length in bytes, if the hub says so.
    pub bytes: Option<u64>,
    /// Lower-case hexadecimal; the hub has it of large files only.
    pub sha256: Option<String>,
}

/// How a model came from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// Its weights in fewer bits.
    Quantized,
    /// Tuned further.
    Tuned,
    /// Something else: an adapter, several merged.
    Other,
}

/// A repository at one commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// As the hub calls it now; it may have been renamed.
    pub repository: Repository,
    /// The commit, 40 hexadecimal digits.
    pub revision: String,
    /// Its files.
    pub files: Vec<HubFile>,
    /// Whether its files are given out only after an agreement.
    pub gated: bool,
    /// The models that its card names as where it came from, and how.
    pub made_from: Vec<(Repository, Relation)>,
    /// "apache-2.0", if the card says so.
    pub licence: Option<String>,
    /// As GGUF or config.json names the architecture.
    pub architecture: Option<String>,
    /// Whether `architecture` is GGUF's name for it.
    pub architecture_is_ggufs: bool,
    /// Tokens that the model reads, if the hub says so.
    pub context: Option<u64>,
    /// Number of parameters, if the hub says so.
    pub parameters: Option<u64>,
    /// In which types its safetensors hold how many parameters, the most first.
    pub dtypes: Vec<(String, u64)>,
    /// By which method its safetensors are quantized, if they are.
    pub quantized_by: Option<String>,
}

fn refuse(why: &str) -> HubError {
    HubError::Answer(why.to_owned())
}

impl Listing {
    /// Reads the answer to [`Repository::listing`].
    pub fn read(body: &str) -> Result<Self, HubError> {
        let json = read_json(body)?;
        let id = json["id"].as_str().or(json["modelId"].as_str());
        let repository = id.and_then(Repository::named).ok_or_else(|| refuse("it names no repository"))?;
        let revision = json["sha"].as_str().filter(|sha| is_commit(sha));
        let revision = revision.ok_or_else(|| refuse("it names no commit"))?.to_ascii_lowercase();
        let siblings = json["siblings"].as_array().ok_or_else(|| refuse("it lists no files"))?;
        if siblings.len() > MOST_FILES {
            return Err(refuse(&format!("it lists {} files, more than {MOST_FILES}", siblings.len())));
        }
        let files = siblings.iter().map(file).collect::<Result<Vec<_>, _>>()?;
        let mut paths = HashSet::new();
        if let Some(twice) = files.iter().find(|f| !paths.insert(f.path.as_str())) {
            return Err(refuse(&format!("it lists “{}” twice", twice.path)));
        }
        let gguf = &json["gguf"];
        let short = |v: &Value| v.as_str().filter(|s| s.len() <= 100).map(str::to_owned);
        let (ggufs, own) = (short(&gguf["architecture"]), short(&json["config"]["model_type"]));
        let mut dtypes: Vec<(String, u64)> = json["safetensors"]["parameters"]
            .as_object()
            .map(|all| all.iter().filter_map(|(name, n)| Some((name.clone(), n.as_u64()?))).take(20).collect())
            .unwrap_or_default();
        dtypes.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        let tags: Vec<&str> = json["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        Ok(Self {
            repository,
            revision,
            files,
            gated: is_gated(&json["gated"]),
            made_from: made_from(&json["cardData"], &tags),
            licence: short(&json["cardData"]["license"])
                .or_else(|| tags.iter().find_map(|tag| tag.strip_prefix("license:")).map(str::to_owned)),
            architecture_is_ggufs: ggufs.is_some(),
            architecture: ggufs.or(own),
            context: gguf["context_length"].as_u64(),
            parameters: json["safetensors"]["total"].as_u64().or(gguf["total"].as_u64()),
            dtypes,
            quantized_by: short(&json["config"]["quantization_config"]["quant_method"]),
        })
    }

    /// The model whose weights these are in fewer bits, if the card says so; itself if not.
    pub fn model(&self) -> &Repository {
        let made = self.made_from.iter().find(|(_, relation)| *relation == Relation::Quantized);
        made.map_or(&self.repository, |(of, _)| of)
    }

    /// The file of this path.
    pub fn file(&self, path: &str) -> Option<&HubFile> {
        self.files.iter().find(|f| f.path == path)
    }
}

/// The repositories that the answer to [`Repository::quantized`] lists, in its order.
pub fn found(body: &str) -> Result<Vec<Repository>, HubError> {
    let json = read_json(body)?;
    let all = json.as_array().ok_or_else(|| refuse("it lists no repositories"))?;
    let open = all.iter().filter(|one| !is_gated(&one["gated"]));
    Ok(open.filter_map(|one| one["id"].as_str().and_then(Repository::named)).take(10).collect())
}

fn read_json(body: &str) -> Result<Value, HubError> {
    if body.len() > MOST_BYTES {
        return Err(refuse(&format!("it is longer than {} MB", MOST_BYTES >> 20)));
    }
    serde_json::from_str(body).map_err(|_| refuse("it is no JSON"))
}

/// `false`, or how the agreement is given.
fn is_gated(gated: &Value) -> bool {
    !matches!(gated, Value::Null | Value::Bool(false))
}

fn file(json: &Value) -> Result<HubFile, HubError> {
    let path = json["rfilename"].as_str().ok_or_else(|| refuse("a file has no name"))?;
    let part = |p: &str| !p.is_empty() && p != "." && p != "..";
    let sound =
        path.len() <= LONGEST_PATH && path.split('/').all(part) && !path.chars().any(|c| c.is_control() || c == '\\');
    if !sound {
        return Err(refuse("a file has a name that no file can have"));
    }
    let length = |v: &Value| match v {
        Value::Null => Ok(None),
        v => v.as_u64().map(Some).ok_or_else(|| refuse(&format!("“{path}” has a length that is none"))),
    };
    let lfs = &json["lfs"];
    let sha256 = match &lfs["sha256"] {
        Value::Null => None,
        v => {
            let hex = |s: &&str| s.len() == 64 && s.bytes().all(|b| b.is_ascii_hexdigit());
            let sum = v.as_str().filter(hex).ok_or_else(|| refuse(&format!("“{path}” has a checksum that is none")))?;
            Some(sum.to_ascii_lowercase())
        }
    };
    // the length of what is stored apart is the file's; the other may be its pointer's
    let bytes = length(&lfs["size"])?.or(length(&json["size"])?);
    Ok(HubFile { path: path.to_owned(), bytes, sha256 })
}

/// From the card's metadata, and from the tags that the hub derives from it.
fn made_from(card: &Value, tags: &[&str]) -> Vec<(Repository, Relation)> {
    let relation = |word: &str| match word {
        "quantized" => Relation::Quantized,
        "finetune" => Relation::Tuned,
        _ => Relation::Other,
    };
    let tagged: Vec<(Repository, Relation)> = tags
        .iter()
        .filter_map(|tag| tag.strip_prefix("base_model:")?.split_once(':'))
        .filter_map(|(word, of)| Some((Repository::named(of)?, relation(word))))
        .collect();
    let said = card["base_model_relation"].as_str().map(relation);
    let named: Vec<&str> = match &card["base_model"] {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let named: Vec<Repository> = named.into_iter().filter_map(Repository::named).take(8).collect();
    let how = |of: &Repository| said.or_else(|| tagged.iter().find(|(tag, _)| tag == of).map(|(_, how)| *how));
    let mut all: Vec<(Repository, Relation)> =
        named.into_iter().map(|of| (how(&of).unwrap_or(Relation::Tuned), of)).map(|(how, of)| (of, how)).collect();
    let more: Vec<_> = tagged.into_iter().filter(|(of, _)| !all.iter().any(|(known, _)| known == of)).collect();
    all.extend(more);
    all.truncate(8);
    all
}
