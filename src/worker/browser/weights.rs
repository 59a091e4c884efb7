//! Reading the loaded model's weights by words, layer by layer; what is found is kept for the next visit.

use std::ops::ControlFlow;

use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

use super::kept::Kept;
use super::{EngineState, js, post};
use crate::explain::weights::coherence::Judge;
use crate::explain::weights::heads::{HeadOptions, Reading, compared_pairs};
use crate::explain::weights::matching::LayerMatches;
use crate::explain::weights::{Atlas, LayerConcepts, LayerHeads, Related, Relatedness, lexicon};
use crate::model::{ModelError, Tick};
use crate::protocol::{Event, Failure, JobId, Stage, StorageFailure};
use crate::worker::Runner;

/// Most pairs of one dimension that cross to the page.
const DIMENSION_PAIRS: usize = 24;
/// Components of a layer, as the paper reads.
const COMPONENTS: usize = 300;

/// By which words weights are read.
#[derive(Default)]
pub struct Lexicon {
    /// In place of the bundled English list.
    list: Option<Vec<String>>,
    /// In place of the model's own embeddings.
    vectors: Option<Relatedness>,
    /// Another model's vectors, which judge what is read.
    judge: Option<Relatedness>,
}

/// The loaded model's words with what has been found of them, and where results are kept.
pub struct Shelf {
    atlas: Atlas,
    judge: Option<Judge>,
    kept: Kept,
}

impl Shelf {
    fn new(runner: &Runner, lexicon: &Lexicon) -> Result<Self, Failure> {
        let checkpoint = runner.checkpoint();
        let english = || lexicon::english();
        let list = lexicon.list.clone().unwrap_or_else(english);
        let by = lexicon.vectors.clone().unwrap_or(Relatedness::Own);
        let atlas = Atlas::new(checkpoint, &list, by)?;
        let kept = Kept::of(checkpoint.fingerprint()?);
        let judge = lexicon.judge.as_ref().and_then(|vectors| Judge::by(vectors, atlas.words()));
        Ok(Self { atlas, judge, kept })
    }

    /// What was kept under `name`; a damaged file counts as none.
    async fn kept<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_slice(&self.kept.read(name).await?).ok()
    }

    /// Keeps a result. A browser without room works all the same, only slower next time.
    async fn keep<T: Serialize>(&self, name: &str, result: &T) {
        if let Ok(text) = serde_json::to_vec(result) {
            let _ = self.kept.write(name, &text).await;
        }
    }

    async fn heads(
        &mut self,
        runner: &Runner,
        layer: usize,
        reading: Reading,
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<LayerHeads, Failure> {
        let key = self.atlas.key();
        let (name, related) = (format!("heads-{reading:?}-{key}-{layer}"), format!("related-{key}"));
        if let Some(heads) = self.kept(&name).await {
            return Ok(heads);
        }
        let checkpoint = runner.checkpoint();
        if self.atlas.related().is_none()
            && let Some(found) = self.kept.read(&related).await.and_then(|bytes| Related::from_bytes(&bytes))
        {
            self.atlas.relate(checkpoint, found)?;
        }
        let known = self.atlas.related().is_some();
        let how = HeadOptions { reading, keep: compared_pairs(reading) };
        let mut heads = self.atlas.heads(checkpoint, layer, how, tick).await?;
        for dimension in heads.heads.iter_mut().flat_map(|h| &mut h.dimensions) {
            dimension.pairs.truncate(DIMENSION_PAIRS);
        }
        if let (false, Some(found)) = (known, self.atlas.related()) {
            let _ = self.kept.write(&related, &found.to_bytes()).await;
        }
        self.keep(&name, &heads).await;
        Ok(heads)
    }

    pub(super) async fn concepts(&mut self, runner: &Runner, layer: usize) -> Result<LayerConcepts, Failure> {
        let name = format!("concepts-{}-{layer}", self.atlas.key());
        if let Some(concepts) = self.kept(&name).await {
            return Ok(concepts);
        }
        let concepts = self.atlas.concepts(runner.checkpoint(), layer, COMPONENTS)?;
        self.keep(&name, &concepts).await;
        Ok(concepts)
    }
}

/// Runs `work` with the model and its shelf, taken out for the job's length: jobs run one at a time.
pub(super) async fn with_shelf<T>(
    engine: &EngineState,
    work: impl AsyncFnOnce(&Runner, &mut Shelf) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let runner = engine.runner.borrow_mut().take().ok_or(Failure::NotLoaded)?;
    let shelf = engine.shelf.borrow_mut().take();
    let lexicon = engine.lexicon.take();
    let opened = match shelf {
        Some(shelf) => Ok(shelf),
        None => Shelf::new(&runner, &lexicon),
    };
    *engine.lexicon.borrow_mut() = lexicon;
    let outcome = match opened {
        Ok(mut shelf) => {
            let outcome = work(&runner, &mut shelf).await;
            *engine.shelf.borrow_mut() = Some(shelf);
            outcome
        }
        Err(e) => Err(e),
    };
    *engine.runner.borrow_mut() = Some(runner);
    outcome
}

/// Layer `layer`'s heads.
pub async fn heads(engine: &EngineState, job: JobId, layer: usize, reading: Reading) -> Result<Event, Failure> {
    engine.yield_now(job).await?;
    let mut tick = async |t: Tick| {
        post(Event::Progress { job, stage: Stage::Words, done: t.done as u64, total: t.total as u64 });
        match engine.yield_now(job).await {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    let read = async |runner: &Runner, shelf: &mut Shelf| {
        let heads = shelf.heads(runner, layer, reading, &mut tick).await?;
        Ok((shelf.judge.as_ref().map(|j| j.heads(&heads)), heads))
    };
    let (judged, heads) = with_shelf(engine, read).await?;
    Ok(Event::Heads { job, reading, heads: Box::new(heads), judged })
}

/// Layer `layer`'s components.
pub async fn concepts(engine: &EngineState, job: JobId, layer: usize) -> Result<Event, Failure> {
    engine.yield_now(job).await?;
    let read = async |runner: &Runner, shelf: &mut Shelf| {
        let concepts = shelf.concepts(runner, layer).await?;
        Ok((shelf.judge.as_ref().map(|j| j.components(&concepts)), concepts))
    };
    let (judged, concepts) = with_shelf(engine, read).await?;
    Ok(Event::Concepts { job, concepts: Box::new(concepts), judged })
}

/// The base's components against this model's.
pub async fn matches(engine: &EngineState, job: JobId, base: &LayerConcepts) -> Result<Event, Failure> {
    engine.yield_now(job).await?;
    let own = with_shelf(engine, async |runner, shelf| shelf.concepts(runner, base.layer).await).await?;
    Ok(Event::Matches { job, matches: Box::new(LayerMatches::between(base, &own)?) })
}

/// Takes other words; the present ones stay if the new ones do not fit the model. `given`: whether the files hold a list,
/// vectors that say which words are related, and vectors that judge, in this order.
pub async fn words(engine: &EngineState, job: JobId, given: [bool; 3], files: Vec<File>) -> Result<Event, Failure> {
    let mut files = files.into_iter();
    let [list, vectors, judge] = given.map(|wanted| wanted.then(|| files.next()).flatten());
    let list = match list {
        Some(file) => Some(lexicon::parse(&text(&file).await?)),
        None => None,
    };
    let wanted = list.clone().unwrap_or_else(lexicon::english);
    let read = async |file: Option<File>| match file {
        Some(file) => read_vectors(engine, job, &file, &wanted).await.map(Some),
        None => Ok(None),
    };
    let (vectors, judge) = (read(vectors).await?, read(judge).await?);
    if let (Some(chooses), Some(judges)) = (&vectors, &judge)
        && chooses.key() == judges.key()
    {
        return Err(ModelError::JudgeChooses.into());
    }
    let given = vectors.as_ref().map(Relatedness::count);
    let lexicon = Lexicon { list, vectors, judge };
    let runner = engine.runner.borrow_mut().take().ok_or(Failure::NotLoaded)?;
    let shelf = Shelf::new(&runner, &lexicon);
    *engine.runner.borrow_mut() = Some(runner);
    let shelf = shelf?;
    if lexicon.judge.is_some() && shelf.judge.is_none() {
        return Err(ModelError::NoJudge.into());
    }
    let (count, judge) = (shelf.atlas.words().len(), shelf.judge.as_ref().map(Judge::words));
    *engine.shelf.borrow_mut() = Some(shelf);
    *engine.lexicon.borrow_mut() = lexicon;
    Ok(Event::Words { job, count, vectors: given, judge })
}

async fn text(file: &File) -> Result<String, Failure> {
    let read = JsFuture::from(file.text()).await.map_err(|e| StorageFailure::Other(js::message(&e)))?;
    Ok(read.as_string().unwrap_or_default())
}

/// Bytes of a file of word vectors that are read at once.
const PIECE: f64 = (8 << 20) as f64;

/// Vectors of `wanted`, read piece by piece: such files can be gigabytes long.
async fn read_vectors(
    engine: &EngineState,
    job: JobId,
    file: &File,
    wanted: &[String],
) -> Result<Relatedness, Failure> {
    let mut reader = Relatedness::reader(wanted);
    let mut at = 0.0;
    while at < file.size() {
        let end = (at + PIECE).min(file.size());
        let part = file.slice_with_f64_and_f64(at, end).map_err(|e| StorageFailure::Other(js::message(&e)))?;
        let reads = web_sys::FileReaderSync::new().and_then(|r| r.read_as_array_buffer(&part));
        let bytes = reads.map_err(|e| StorageFailure::Other(js::message(&e)))?;
        reader.push(&js_sys::Uint8Array::new(&bytes.into()).to_vec());
        at = end;
        post(Event::Progress { job, stage: Stage::Vectors, done: at as u64, total: file.size() as u64 });
        engine.yield_now(job).await?;
    }
    let found = reader.finish();
    match found.count() {
        0 => Err(ModelError::NoVectors.into()),
        _ => Ok(found),
    }
}
