//! A server that breaks its first answer off in the middle, as bad connections do, and whose file can change meanwhile.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

/// What the server has, and was asked for.
#[derive(Default)]
struct Host {
    bytes: Mutex<Vec<u8>>,
    /// Every request's path, and the byte from which it was asked for.
    asked: Mutex<Vec<(String, usize)>>,
    /// How often the file has changed: then it comes whole.
    version: Mutex<usize>,
}

pub struct Server {
    port: u16,
    host: Arc<Host>,
    breaking: Sender<()>,
}

impl Server {
    /// Serves `bytes` as whole.gguf and as breaks.gguf, which comes to its middle only, and there waits for
    /// [`Server::break_off`], when it is asked for from its start; everything else is missing.
    pub fn start(bytes: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let host = Arc::new(Host { bytes: Mutex::new(bytes), ..Host::default() });
        let (shared, (breaking, broken)) = (host.clone(), channel());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // A browser that hangs up is part of the game.
                let _ = answer(stream, &broken, &shared);
            }
        });
        Self { port, host, breaking }
    }

    /// Lets the connection go that waits in the middle of its file.
    pub fn break_off(&self) {
        self.breaking.send(()).unwrap();
    }

    /// Serves another file under the same names from now on.
    pub fn change(&self, bytes: Vec<u8>) {
        *self.host.bytes.lock().unwrap() = bytes;
        *self.host.version.lock().unwrap() += 1;
    }

    pub fn url(&self, file: &str) -> String {
        format!("http://127.0.0.1:{}/{file}", self.port)
    }

    /// How often a file was asked for.
    pub fn asked_for(&self, file: &str) -> usize {
        self.host.asked.lock().unwrap().iter().filter(|(path, _)| path.ends_with(file)).count()
    }

    /// Whether anybody has asked for anything.
    pub fn asked(&self) -> bool {
        !self.host.asked.lock().unwrap().is_empty()
    }

    /// Whether a file was asked for from its middle on.
    pub fn resumed(&self) -> bool {
        self.host.asked.lock().unwrap().iter().any(|(_, from)| *from > 0)
    }
}

fn answer(mut stream: TcpStream, broken: &Receiver<()>, host: &Host) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut from = 0;
    for line in lines.map_while(Result::ok).take_while(|l| !l.is_empty()) {
        if let Some(range) = line.to_lowercase().strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse().unwrap_or(0);
        }
    }
    let common = "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: *\r\nAccess-Control-Expose-Headers: ETag\r\nCross-Origin-Resource-Policy: cross-origin\r\nConnection: close\r\n";
    if first.starts_with("OPTIONS") {
        return write!(stream, "HTTP/1.1 204 No Content\r\n{common}\r\n");
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let known = path.ends_with("whole.gguf") || path.ends_with("breaks.gguf");
    let version = *host.version.lock().unwrap();
    let breaks = path.ends_with("breaks.gguf") && from == 0 && version == 0;
    host.asked.lock().unwrap().push((path, from));
    if !known {
        return write!(stream, "HTTP/1.1 404 Not Found\r\n{common}Content-Length: 0\r\n\r\n");
    }
    let bytes = host.bytes.lock().unwrap().clone();
    let rest = &bytes[from.min(bytes.len())..];
    let status = if from > 0 { "206 Partial Content" } else { "200 OK" };
    write!(stream, "HTTP/1.1 {status}\r\n{common}ETag: \"{version}\"\r\nContent-Length: {}\r\n\r\n", rest.len())?;
    if breaks {
        stream.write_all(&rest[..rest.len() / 2])?;
        stream.flush()?;
        let _ = broken.recv();
        return Ok(());
    }
    stream.write_all(rest)?;
    stream.flush()
}
