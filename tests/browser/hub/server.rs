//! A server that answers as the hub does: the shapes of its answers are the hub's, written by us; what it holds is a small
//! laboratory's.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

/// The commit at which everything is.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A repository.
#[derive(Clone, Default)]
pub struct Repository {
    /// Its files.
    pub files: Vec<(String, Vec<u8>)>,
    /// What its card says it was made from, and how.
    pub made_from: Option<(&'static str, &'static str)>,
    /// Whether it asks for an agreement.
    pub gated: bool,
    /// Whether the listing gives other checksums than its files have.
    pub lies: bool,
    /// With which status it answers instead, and with which code.
    pub refuses: Option<(u16, &'static str)>,
    /// With which status it answers when a file is asked for.
    pub keeps: Option<u16>,
    /// What it gives instead of any file's own bytes.
    pub forges: Option<Vec<u8>>,
    /// After how many bytes of a file the connection ends, if it does.
    pub breaks: Option<usize>,
    /// Without which token it gives nothing.
    pub token: Option<&'static str>,
    /// At which address its files are in truth, as the hub has them with a host of its own. No token may come there.
    pub elsewhere: Option<String>,
}

#[derive(Default)]
struct Host {
    repositories: Mutex<HashMap<String, Repository>>,
    asked: Mutex<Vec<String>>,
    down: AtomicBool,
}

/// A running hub.
pub struct Hub {
    port: u16,
    host: Arc<Host>,
}

impl Hub {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let host = Arc::<Host>::default();
        let shared = host.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let host = shared.clone();
                // a browser that hangs up is no failure; nor is one that finds nobody
                std::thread::spawn(move || match host.down.load(Ordering::SeqCst) {
                    true => Ok(()),
                    false => answer(stream, &host),
                });
            }
        });
        Self { port, host }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn add(&self, name: &str, repository: Repository) {
        self.host.repositories.lock().unwrap().insert(name.to_owned(), repository);
    }

    /// Answers nobody from now on.
    pub fn go_down(&self) {
        self.host.down.store(true, Ordering::SeqCst);
    }

    /// The paths that were asked for and hold `part`.
    pub fn asked(&self, part: &str) -> Vec<String> {
        self.host.asked.lock().unwrap().iter().filter(|path| path.contains(part)).cloned().collect()
    }
}

/// What is asked.
struct Question {
    path: String,
    /// From which byte to which, the last with it.
    range: Option<(usize, usize)>,
    token: Option<String>,
}

fn answer(mut stream: TcpStream, host: &Host) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let headers: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let header = |name: &str| {
        let named = |line: &String| {
            line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.to_owned())
        };
        headers.iter().find_map(named)
    };
    let range = header("Range").and_then(|range| {
        let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
        Some((from.parse().ok()?, to.parse().unwrap_or(usize::MAX)))
    });
    let token = header("Authorization").and_then(|given| given.strip_prefix("Bearer ").map(str::to_owned));
    let question = Question { path: first.split(' ').nth(1).unwrap_or_default().to_owned(), range, token };
    host.asked.lock().unwrap().push(question.path.clone());
    let Reply { status, code, body, breaks, location } = match first.starts_with("OPTIONS") {
        true => Reply::of(204, "", Vec::new()),
        false => reply(&question, &host.repositories.lock().unwrap()),
    };
    write!(
        stream,
        "HTTP/1.1 {status} X\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: *\r\nAccess-Control-Expose-Headers: X-Error-Code,X-Error-Message,ETag\r\n"
    )?;
    if !code.is_empty() {
        write!(stream, "X-Error-Code: {code}\r\n")?;
    }
    if let Some(location) = location {
        write!(stream, "Location: {location}\r\n")?;
    }
    write!(stream, "Content-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(&body[..breaks.unwrap_or(body.len()).min(body.len())])?;
    stream.flush()
}

struct Reply {
    status: u16,
    code: &'static str,
    body: Vec<u8>,
    /// After how many bytes of the body nothing more comes.
    breaks: Option<usize>,
    /// Where else it is.
    location: Option<String>,
}

impl Reply {
    fn of(status: u16, code: &'static str, body: Vec<u8>) -> Self {
        Self { status, code, body, breaks: None, location: None }
    }
}

fn reply(question: &Question, repositories: &HashMap<String, Repository>) -> Reply {
    let bare = question.path.split('?').next().unwrap_or_default().trim_start_matches('/');
    if bare == "api/models" {
        return Reply::of(200, "", b"[]".to_vec()); // nobody else has made anything of anything
    }
    let (moved, bare) = bare.strip_prefix("moved/").map_or((false, bare), |bare| (true, bare));
    let may_read = |repository: &Repository| match moved {
        true => question.token.is_none(),
        false => repository.token.is_none_or(|t| question.token.as_deref() == Some(t)),
    };
    if let Some(name) = bare.strip_prefix("api/models/") {
        let name = name.split("/revision/").next().unwrap_or_default();
        return match repositories.get(name) {
            Some(Repository { refuses: Some((status, code)), .. }) => Reply::of(*status, code, Vec::new()),
            Some(repository) if may_read(repository) => {
                Reply::of(200, "", listing(name, repository).to_string().into_bytes())
            }
            // strangers are not told whether it is private
            _ => Reply::of(401, "RepoNotFound", br#"{"error":"Repository not found"}"#.to_vec()),
        };
    }
    let parts: Vec<&str> = bare.splitn(5, '/').collect();
    let [owner, name, "resolve", COMMIT, file] = parts.as_slice() else {
        return Reply::of(404, "EntryNotFound", Vec::new());
    };
    let Some(repository) = repositories.get(&format!("{owner}/{name}")).filter(|r| may_read(r)) else {
        return Reply::of(404, "RepoNotFound", Vec::new());
    };
    if let Some(status) = repository.keeps {
        return Reply::of(status, "", Vec::new());
    }
    let Some((_, bytes)) = repository.files.iter().find(|(path, _)| path == file) else {
        return Reply::of(404, "EntryNotFound", Vec::new());
    };
    if let Some(place) = repository.elsewhere.as_ref().filter(|_| !moved) {
        return Reply { location: Some(format!("{place}/moved/{bare}")), ..Reply::of(302, "", Vec::new()) };
    }
    let bytes = repository.forges.as_ref().unwrap_or(bytes);
    let (status, body) = match question.range {
        Some((from, _)) if from >= bytes.len() => (416, Vec::new()),
        Some((from, to)) => (206, bytes[from..bytes.len().min(to.saturating_add(1))].to_vec()),
        None => (200, bytes.clone()),
    };
    Reply { breaks: repository.breaks, ..Reply::of(status, "", body) }
}

fn listing(name: &str, repository: &Repository) -> Json {
    let file = |(path, bytes): &(String, Vec<u8>)| {
        let sum: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
        let sum = if repository.lies { "0".repeat(64) } else { sum };
        match path.ends_with(".json") {
            true => json!({"rfilename": path, "size": bytes.len(), "blobId": "f00"}),
            false => json!({"rfilename": path, "size": bytes.len(), "blobId": "f00",
                "lfs": {"sha256": sum, "size": bytes.len(), "pointerSize": 133}}),
        }
    };
    let mut card = json!({"license": "mit"});
    let mut tags = vec![json!("license:mit")];
    if let Some((base, how)) = repository.made_from {
        card["base_model"] = json!([base]);
        tags.extend([json!(format!("base_model:{base}")), json!(format!("base_model:{how}:{base}"))]);
    }
    let weights = repository.files.iter().find(|(path, _)| path.ends_with(".safetensors"));
    let count = weights.map_or(0, |(_, bytes)| bytes.len() / 4);
    let safetensors = if count > 0 { json!({"parameters": {"F32": count}, "total": count}) } else { Json::Null };
    json!({
        "_id": "1", "id": name, "modelId": name, "private": false, "disabled": false, "sha": COMMIT,
        "gated": if repository.gated { json!("manual") } else { json!(false) },
        "safetensors": safetensors, "tags": tags, "cardData": card, "siblings": repository.files.iter().map(file).collect::<Vec<_>>(),
        "usedStorage": 1, "downloads": 7, "likes": 0,
    })
}
