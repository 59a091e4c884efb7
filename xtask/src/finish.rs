//! What a build still needs after Trunk: no script within the page itself, and a service worker that knows its files.

use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

/// Takes Trunk's own start out of `index.html` (ours is `start.js`), and fills in `offline.js`.
pub fn finish(dist: &Path) -> Result<(), String> {
    start_from_a_file(dist)?;
    fill_in_the_service_worker(dist)
}

fn start_from_a_file(dist: &Path) -> Result<(), String> {
    let index = dist.join("index.html");
    let text = read(&index)?;
    let (before, rest) = text.split_once("<script type=\"module\">").ok_or("Trunk's index.html starts nothing")?;
    let (_, after) = rest.split_once("</script>").ok_or("Trunk's index.html is cut short")?;
    if after.contains("<script>") || after.contains("<script type") {
        return Err("index.html has more than one script".into());
    }
    let start = "<script type=\"module\" src=\"./start.js\"></script>";
    write(&index, &format!("{}{start}{}", before.trim_end(), after.trim_start()))
}

fn fill_in_the_service_worker(dist: &Path) -> Result<(), String> {
    let mut files = super::page::files(dist)?;
    files.retain(|f| f != "offline.js" && !f.ends_with(".md"));
    let mut hash = Sha256::new();
    let worker = dist.join("offline.js");
    let text = read(&worker)?;
    hash.update(&text);
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let mut list = String::new();
    for file in &files {
        let sum = hex(&Sha256::digest(fs::read(dist.join(file)).map_err(|e| format!("{file}: {e}"))?));
        hash.update(file);
        hash.update(&sum);
        list.push_str(&format!("  {file:?}: {sum:?},\n"));
    }
    let version = hex(&hash.finalize()[..8]);
    write(&worker, &text.replace("__VERSION__", &version).replace("__FILES__", &format!("{{\n{list}}}")))
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}
