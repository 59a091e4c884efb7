//! Asking a host for a short text, beside whatever else is done.

use std::rc::Rc;

use web_sys::{AbortController, AbortSignal};

use super::download::Answer;
use super::{EngineState, post};
use crate::protocol::{Event, Failure, JobId};

/// Asks `url`; what comes of it is posted.
pub fn begin(engine: &Rc<EngineState>, job: JobId, url: String, most: u64) {
    let question = AbortController::new().ok();
    let signal = question.as_ref().map(AbortController::signal);
    if let Some(question) = question {
        engine.questions.borrow_mut().insert(job, question);
    }
    let engine = engine.clone();
    wasm_bindgen_futures::spawn_local(async move {
        let answered = ask(job, &url, most, signal.clone()).await;
        engine.questions.borrow_mut().remove(&job);
        let cancelled = signal.is_some_and(|s| s.aborted());
        let event = match answered {
            _ if cancelled => Event::Failed { job, failure: Failure::Cancelled },
            Ok(event) => event,
            Err(failure) => Event::Failed { job, failure },
        };
        post(event);
    });
}

/// Reads no more than `most` bytes: an answer that is longer is not what was asked for.
async fn ask(job: JobId, url: &str, most: u64, signal: Option<AbortSignal>) -> Result<Event, Failure> {
    let answer = Answer::of(url, 0, signal).await?;
    let (status, code) = (answer.status(), answer.header("X-Error-Code").unwrap_or_default());
    let wait = answer.header("Retry-After").or_else(|| answer.header("RateLimit")).and_then(|text| seconds(&text));
    let mut bytes = Vec::new();
    if status != 204 {
        let body = answer.body()?;
        while let Some(part) = body.next().await? {
            bytes.extend(part.to_vec());
            if bytes.len() as u64 >= most {
                body.abort().await;
                break;
            }
        }
    }
    Ok(Event::Answered { job, status, code, wait, body: String::from_utf8_lossy(&bytes).into_owned() })
}

/// `55`, or the `t=55` of `"api";r=0;t=55`.
fn seconds(text: &str) -> Option<u64> {
    text.trim().parse().ok().or_else(|| text.split(';').find_map(|part| part.trim().strip_prefix("t=")?.parse().ok()))
}
