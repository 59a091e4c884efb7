//! What a run takes of memory, known before it starts: the list of steps folded once more, for the bytes that the other
//! folds hold at the same time.
//!
//! Every figure is a peak, beside the weights. What is counted follows what `forward.rs`, `layer.rs`, `reverse.rs` and
//! `trace.rs` allocate; `tests/memory.rs` holds it against an allocator that counts.

use shiftlens_kernels::attention::{Forward, PAGE, Shape, Vjp};

use super::reverse;
use super::trace::{KEPT, triangle};
use crate::checkpoint::{LayerSpec, ModelConfig};
use crate::model::steps::{Place, Step, steps};

const FLOAT: u64 = 4;
/// Copies of a product's result while it is made: natively the cores fill columns of their own, which are then put in place.
const COPIES: u64 = if cfg!(target_arch = "wasm32") { 1 } else { 2 };
/// Bytes of the head's work for a token of the vocabulary beside its logit: the softmax as f64, the cotangent.
const HEAD: u64 = 8 + 4;
/// The same where chance chooses: a copy of the logits, probabilities, their order, and what it takes to sort it.
const SAMPLED_HEAD: u64 = 26;
/// Whatever is small: plans, lists, tables of angles.
const SMALL: u64 = 256 << 10;

fn size(count: usize) -> u64 {
    count as u64
}

/// Bytes by place while a list of steps is folded.
struct Fold<'a> {
    config: &'a ModelConfig,
    places: [u64; Place::COUNT],
    /// What stays until the fold is done with.
    beside: u64,
    /// What attention works in, for all cores.
    workspace: u64,
    peak: u64,
}

impl<'a> Fold<'a> {
    fn new(config: &'a ModelConfig, stream: u64) -> Self {
        let mut places = [0; Place::COUNT];
        places[Place::Stream as usize] = stream;
        Self { config, places, beside: 0, workspace: 0, peak: stream }
    }

    fn at(&self, place: Place) -> u64 {
        self.places[place as usize]
    }

    /// Something takes the place of what was there: for a moment both are held.
    fn set(&mut self, place: Place, bytes: u64) {
        self.see(bytes);
        self.places[place as usize] = bytes;
    }

    fn clear(&mut self, place: Place) {
        self.places[place as usize] = 0;
    }

    /// So many bytes more are held for a moment.
    fn see(&mut self, more: u64) {
        self.peak = self.peak.max(self.places.iter().sum::<u64>() + self.beside + more);
    }

    /// Bytes of `rows` rows at a place.
    fn rows(&self, rows: u64, place: Place) -> u64 {
        let c = self.config;
        let width = match place {
            Place::Stream | Place::Input | Place::Branch => c.width,
            Place::Queries | Place::Attended => c.query_width(),
            Place::Keys | Place::Values => c.kv_width(),
            Place::Gate | Place::Up | Place::Hidden => c.ffn_width,
        };
        rows * size(width) * FLOAT
    }

    /// `rows` rows go through the steps, the first `primal` of them primal. With `keeps`, what the vjp needs stays beside.
    fn forward(&mut self, steps: &[Step], rows: u64, primal: u64, keeps: bool) {
        for step in steps {
            match *step {
                Step::Norm { from, to, .. } => {
                    self.set(to, self.rows(rows, to));
                    self.keep(keeps, self.rows(rows, from));
                }
                Step::NormHeads { of, .. } => {
                    self.set(of, self.rows(rows, of));
                    self.keep(keeps, self.rows(rows, of));
                }
                Step::Copy { to, .. } => self.set(to, self.rows(rows, to)),
                Step::Linear { from, to, .. } => {
                    // activations are rounded to 16 bits, with a scale and a sum for 32 of them
                    let (rounded, y) = (self.at(from) * 9 / 16, self.rows(rows, to));
                    self.see(rounded + COPIES * y);
                    self.set(to, y);
                }
                Step::Rope { .. } => {}
                Step::Attend(_) => {
                    self.see(self.rows(rows, Place::Attended) + self.workspace);
                    self.set(Place::Attended, self.rows(rows, Place::Attended));
                    for place in [Place::Queries, Place::Keys, Place::Values] {
                        self.keep(keeps, self.at(place));
                        self.clear(place);
                    }
                }
                Step::Gate(_) => {
                    let values_and_slopes = 2 * self.rows(primal, Place::Gate);
                    self.see(self.rows(rows, Place::Hidden) + values_and_slopes);
                    self.set(Place::Hidden, self.rows(rows, Place::Hidden));
                    for place in [Place::Gate, Place::Up] {
                        self.keep(keeps, self.at(place));
                        self.clear(place);
                    }
                }
                // what is kept of it is the last one, which no other step needs at the same time
                Step::Add { .. } if keeps => {}
                Step::Add { .. } => self.clear(Place::Branch),
            }
        }
    }

    fn keep(&mut self, keeps: bool, bytes: u64) {
        self.beside += if keeps { bytes } else { 0 };
        self.see(0);
    }

    /// Cotangents go back through the steps: `first` rows of them until they meet attention, `rows` from there on; `primal`
    /// rows were kept.
    fn vjp(&mut self, steps: &[Step], first: u64, rows: u64, primal: u64) {
        let mut now = first;
        for step in steps.iter().rev() {
            match *step {
                Step::Norm { from, to, .. } => {
                    if from == to || self.at(from) == 0 {
                        self.set(from, self.rows(now, from));
                    }
                    if from != to {
                        self.clear(to);
                    }
                }
                Step::NormHeads { of, .. } => self.set(of, self.rows(now, of)),
                Step::Copy { from, to } => {
                    self.places[from as usize] = self.rows(now, from);
                    self.clear(to);
                }
                Step::Linear { from, to, .. } => {
                    self.see(self.rows(now, from));
                    self.clear(to);
                    self.places[from as usize] = self.rows(now, from);
                }
                Step::Rope { .. } => {}
                Step::Attend(_) => {
                    if now < rows {
                        now = rows;
                        self.set(Place::Attended, self.rows(now, Place::Attended));
                        self.set(Place::Stream, self.rows(now, Place::Stream));
                    }
                    for place in [Place::Queries, Place::Keys, Place::Values] {
                        self.places[place as usize] = self.rows(now, place);
                    }
                    self.see(self.workspace);
                    self.clear(Place::Attended);
                }
                Step::Gate(_) => {
                    let values_and_slopes = 2 * self.rows(primal, Place::Gate);
                    self.see(2 * self.rows(now, Place::Gate) + values_and_slopes);
                    self.clear(Place::Hidden);
                    self.set(Place::Gate, self.rows(now, Place::Gate));
                    self.set(Place::Up, self.rows(now, Place::Up));
                }
                Step::Add { .. } => self.set(Place::Branch, self.rows(now, Place::Branch)),
            }
        }
    }
}

/// What a model's runs take, from its shape.
pub struct Memory<'a> {
    config: &'a ModelConfig,
    /// The steps of every kind of layer.
    kinds: Vec<Vec<Step>>,
}

impl<'a> Memory<'a> {
    /// Of a model of this shape.
    pub fn of(config: &'a ModelConfig) -> Self {
        let mut specs: Vec<&LayerSpec> = Vec::new();
        for spec in &config.specs {
            if !specs.contains(&spec) {
                specs.push(spec);
            }
        }
        Self { config, kinds: specs.into_iter().map(steps).collect() }
    }

    fn stream(&self, rows: u64) -> u64 {
        rows * size(self.config.width) * FLOAT
    }

    /// What the head takes for tokens whose logits are found at once; `sampled` where chance chooses one.
    fn head(&self, tokens: u64, sampled: bool) -> u64 {
        let each = if sampled { SAMPLED_HEAD } else { HEAD };
        size(self.config.vocab) * (COPIES * tokens * FLOAT).max(tokens * FLOAT + each)
    }

    fn widest(&self) -> u64 {
        let c = self.config;
        size(c.width.max(c.query_width()).max(c.ffn_width))
    }

    /// A tile of weights for each core that works on a product, as floats or as integers.
    fn tiles(&self) -> u64 {
        SMALL + cores() * ((48 << 10) + 8 * self.widest() * FLOAT)
    }

    /// For each core that works on a transposed product: what it sums up, and a tile of weights with the same rearranged.
    fn transposed_tiles(&self) -> u64 {
        self.tiles() + cores() * ((384 << 10) + 128 * self.widest() * 5)
    }

    /// What attention works in on all cores, from the floats that one part does.
    fn attention_workspace(&self, workspace: impl Fn(&Shape) -> usize) -> u64 {
        let c = self.config;
        let shape = Shape { width: c.head_width, heads: c.heads, kv_heads: c.kv_heads, scale: 1.0, window: None };
        cores() * size(workspace(&shape)) * FLOAT
    }

    /// Bytes of forward mode: tokens are read in `chunks`, one after the other, with a tangent for every group from its first
    /// token on. `sampled` as chance chooses what follows.
    pub fn forward(&self, chunks: impl IntoIterator<Item = usize>, firsts: &[usize], sampled: bool) -> u64 {
        let caches = size(self.config.layers) * 2 * size(self.config.kv_width()) * FLOAT;
        let (mut length, mut hidden, mut peak) = (0, 0, 0);
        for count in chunks {
            let before = length;
            length += count;
            let rows = count + firsts.iter().map(|&first| length.saturating_sub(first.max(before))).sum::<usize>();
            let alive = firsts.iter().filter(|first| **first < length);
            let pages = length.div_ceil(PAGE) + alive.clone().map(|&f| (length - f).div_ceil(PAGE)).sum::<usize>();
            let lists = size(self.config.layers) * (size(firsts.len()) * 80 + size(pages * self.config.kv_heads) * 96);
            let (rows, primal) = (size(rows), size(count));
            let cached = caches * size(pages * PAGE) + lists;
            let tangents = alive.count();
            // embeddings are made for the primal rows; what grows by less than a half is given twice as much
            let stream = self.stream(if rows > primal { rows.max(2 * primal) } else { rows });
            let embedding = stream + self.stream(primal);
            let layer = |steps: &Vec<Step>| {
                let mut fold = Fold::new(self.config, stream);
                fold.workspace = self.attention_workspace(|shape| Forward::workspace(shape, count, tangents, length));
                fold.forward(steps, rows, primal, false);
                fold.peak
            };
            let work = self.kinds.iter().map(layer).max().unwrap_or(0).max(embedding).max(stream + self.stream(rows));
            peak = peak.max(cached + hidden + 24 * rows + work);
            hidden = self.stream(rows);
            peak = peak.max(cached + hidden + self.head(1, sampled));
        }
        peak + self.tiles()
    }

    /// Bytes of reverse mode for a prompt and a response of so many tokens, after both have been read.
    pub fn reverse(&self, prompt: usize, response: usize) -> u64 {
        if prompt == 0 || response == 0 {
            return 0;
        }
        let c = self.config;
        let read = size(prompt + response - 1);
        let x = self.stream(read);
        // embeddings and every layer's input
        let inputs = x * (1 + size(c.layers)) + 32 * read;
        let up = |steps: &Vec<Step>| self.pass(steps, read, false).peak;
        let (tiles, transposed) = (self.tiles(), self.transposed_tiles());
        let mut peak = tiles + inputs + self.kinds.iter().map(up).max().unwrap_or(0);
        let columns = size(prompt) * size(response) * FLOAT;
        let lengths: Vec<usize> = (prompt..prompt + response).collect();
        let top = c.specs.last().map(steps).unwrap_or_default();
        for parts in reverse::split(&lengths, c) {
            let (cotangents, rows) = (size(parts.iter().map(Vec::len).sum()), size(parts.iter().flatten().sum()));
            let held = inputs + x + columns + 16 * rows;
            let at_once = cotangents.min(size(reverse::HEAD_ROWS));
            peak =
                peak.max(tiles + held + x + self.stream(cotangents) + self.stream(at_once) + self.head(at_once, false));
            for part in &parts {
                let back = |steps: &Vec<Step>, first: usize| {
                    let (first, all) = (size(first), size(part.iter().sum()));
                    let kept = self.pass(steps, read, true);
                    let mut fold = Fold::new(c, self.stream(first));
                    fold.beside = kept.beside;
                    let longest = part.last().copied().unwrap_or(0);
                    fold.workspace = self.attention_workspace(|shape| Vjp::workspace(shape, part.len(), longest));
                    fold.vjp(steps, first, all, read);
                    // the other parts' cotangents wait beside
                    self.stream(rows - all) + fold.peak.max(kept.peak + self.stream(first))
                };
                let below = self.kinds.iter().map(|steps| back(steps, part.iter().sum())).max().unwrap_or(0);
                let highest = back(&top, part.len()).max(if c.layers > 1 { below } else { 0 });
                peak = peak.max(transposed + held + highest);
            }
        }
        peak
    }

    /// One layer for a whole sequence, with a cache of its own.
    fn pass(&self, steps: &[Step], read: u64, keeps: bool) -> Fold<'a> {
        let mut fold = Fold::new(self.config, self.stream(read));
        let paged = read.next_multiple_of(size(PAGE));
        let cache = fold.rows(paged, Place::Keys) + fold.rows(paged, Place::Values);
        fold.beside = cache;
        fold.workspace = self.attention_workspace(|shape| Forward::workspace(shape, read as usize, 0, read as usize)); // from a count of tokens
        fold.forward(steps, read, read, keeps);
        fold.beside -= cache;
        if keeps {
            fold.beside += fold.at(Place::Branch); // what the last block wrote
        }
        fold
    }

    /// Bytes of reading a sequence of so many tokens layer by layer for what goes on inside.
    pub fn trace(&self, tokens: usize) -> u64 {
        let kept = self.traced_layer(tokens);
        let all = (kept * size(self.config.layers)).min(KEPT.max(kept));
        let pass = |steps: &Vec<Step>| self.pass(steps, size(tokens), true).peak;
        all + kept + self.kinds.iter().map(pass).max().unwrap_or(0) + self.tiles()
    }

    /// What a trace keeps of a layer.
    pub(super) fn traced_layer(&self, tokens: usize) -> u64 {
        let c = self.config;
        (size(tokens) * size(c.query_width() + c.kv_width() + c.width) + triangle(size(tokens))) * FLOAT
    }

    /// Bytes of a layer's attention on a sequence of so many tokens, all heads and the rollout, as a view takes them: the
    /// weights, and the same in a row as they cross.
    pub fn attention(&self, tokens: usize) -> u64 {
        let one = triangle(size(tokens));
        (1 + size(self.config.heads)) * one * 2 * FLOAT + one * 8
    }
}

#[cfg(target_arch = "wasm32")]
fn cores() -> u64 {
    1
}

#[cfg(not(target_arch = "wasm32"))]
fn cores() -> u64 {
    size(rayon::current_num_threads())
}
