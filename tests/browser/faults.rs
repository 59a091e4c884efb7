//! A server that breaks its first answer off in the middle, as bad connections do.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

pub struct Server {
    port: u16,
    asked: Arc<AtomicBool>,
    resumed: Arc<AtomicBool>,
    breaking: Sender<()>,
}

impl Server {
    /// Serves `bytes` as whole.gguf and as breaks.gguf, which comes to its middle only, and there waits for
    /// [`Server::break_off`], when it is asked for from its start; everything else is missing.
    pub fn start(bytes: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let resumed = Arc::new(AtomicBool::new(false));
        let asked = Arc::new(AtomicBool::new(false));
        let (came, seen, (breaking, broken)) = (asked.clone(), resumed.clone(), channel());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                came.store(true, Ordering::SeqCst);
                // A browser that hangs up is part of the game.
                let _ = answer(stream, &bytes, &broken, &seen);
            }
        });
        Self { port, asked, resumed, breaking }
    }

    /// Lets the connection go that waits in the middle of its file.
    pub fn break_off(&self) {
        self.breaking.send(()).unwrap();
    }

    pub fn url(&self, file: &str) -> String {
        format!("http://127.0.0.1:{}/{file}", self.port)
    }

    /// Whether anybody has asked for anything.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    pub fn resumed(&self) -> bool {
        self.resumed.load(Ordering::SeqCst)
    }
}

fn answer(mut stream: TcpStream, bytes: &[u8], broken: &Receiver<()>, resumed: &AtomicBool) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut from = 0;
    for line in lines.map_while(Result::ok).take_while(|l| !l.is_empty()) {
        if let Some(range) = line.to_lowercase().strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse().unwrap_or(0);
        }
    }
    let common = "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: *\r\nCross-Origin-Resource-Policy: cross-origin\r\nConnection: close\r\n";
    if first.starts_with("OPTIONS") {
        return write!(stream, "HTTP/1.1 204 No Content\r\n{common}\r\n");
    }
    let breaks = first.contains("breaks.gguf") && from == 0;
    if !breaks && !first.contains("whole.gguf") && !first.contains("breaks.gguf") {
        return write!(stream, "HTTP/1.1 404 Not Found\r\n{common}Content-Length: 0\r\n\r\n");
    }
    let rest = &bytes[from.min(bytes.len())..];
    let status = if from > 0 { "206 Partial Content" } else { "200 OK" };
    write!(stream, "HTTP/1.1 {status}\r\n{common}Content-Length: {}\r\n\r\n", rest.len())?;
    resumed.fetch_or(from > 0, Ordering::SeqCst);
    if breaks {
        stream.write_all(&rest[..rest.len() / 2])?;
        stream.flush()?;
        let _ = broken.recv();
        return Ok(());
    }
    stream.write_all(rest)?;
    stream.flush()
}
