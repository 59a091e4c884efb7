//! Head relations and concepts read from weights: against direct computation, planted, and under what leaves the model
//! as it is.

use std::collections::HashMap;

use crate::support::families;
use crate::support::listeners::quiet;
use crate::support::{Noise, Tiny};
use candle_core::{Device, Tensor};
use shiftlens::checkpoint::Checkpoint;
use shiftlens::explain::weights::concepts::Concepts;
use shiftlens::explain::weights::heads::{Head, HeadOptions, Reading, WordPairs};
use shiftlens::explain::weights::{Nearest, Related, Relatedness, Words};
use shiftlens::model::block_on;

const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN";

/// Letters as words; neighbours (a and b, c and d, ...) are related.
fn pairs_of(checkpoint: &Checkpoint) -> WordPairs {
    let list: Vec<String> = LETTERS.chars().map(String::from).collect();
    let words = Words::of(&list, checkpoint.tokenizer().unwrap()).unwrap();
    assert_eq!(words.words.len(), list.len());
    let vector = |i: usize| (0..list.len() / 2).map(|j| if i / 2 == j { 1.0 } else { 0.01 * j as f32 }).collect();
    let given = list.iter().enumerate().map(|(i, w)| (w.clone(), vector(i))).collect::<HashMap<String, Vec<f32>>>();
    let input = words.input(checkpoint).unwrap();
    let related = block_on(Related::find(&words.words, &input, &Relatedness::Given(given), &mut quiet)).unwrap();
    assert_eq!(related.pairs.len(), list.len() / 2);
    WordPairs::new(words, input, related)
}

fn heads(checkpoint: &Checkpoint, layer: usize, reading: Reading) -> (Vec<String>, Vec<Head>) {
    let pairs = pairs_of(checkpoint);
    let found = pairs.heads(checkpoint, layer, HeadOptions { reading, keep: 100 }).unwrap();
    (pairs.words.words.clone(), found)
}

fn matrix(checkpoint: &Checkpoint, name: &str) -> Vec<Vec<f64>> {
    let t: Vec<Vec<f32>> = checkpoint.tensor(name).unwrap().dequantize(&Device::Cpu).unwrap().to_vec2().unwrap();
    t.into_iter().map(|r| r.into_iter().map(f64::from).collect()).collect()
}

/// The form of METHODS.md, section 2, word by word in f64; grouped-query heads share a key head.
#[test]
fn relations_are_the_form_computed_directly() {
    let checkpoint = Tiny::default().checkpoint();
    let (words, found) = heads(&checkpoint, 1, Reading::Relation);
    let embedding = matrix(&checkpoint, "token_embd.weight");
    let (q, k) = (matrix(&checkpoint, "blk.1.attn_q.weight"), matrix(&checkpoint, "blk.1.attn_k.weight"));
    let gain: Vec<f32> = checkpoint.floats("blk.1.attn_norm.weight").unwrap().to_vec1().unwrap();
    let vector = |word: &str| -> Vec<f64> {
        let ids: Vec<u32> =
            checkpoint.tokenizer().unwrap().encode(&format!(" {word}")).unwrap().iter().map(|p| p.id).collect();
        let mean = |i: usize| ids.iter().map(|id| embedding[*id as usize][i]).sum::<f64>() / ids.len() as f64;
        let v: Vec<f64> = (0..gain.len()).map(mean).collect();
        let rms = (v.iter().map(|v| v * v).sum::<f64>() / v.len() as f64).sqrt();
        v.iter().zip(&gain).map(|(v, g)| v / rms * f64::from(*g)).collect()
    };
    let width = 16;
    let active = |w: &[Vec<f64>], head: usize, word: &str| -> Vec<f64> {
        let v = vector(word);
        (0..width).map(|c| w[head * width + c].iter().zip(&v).map(|(w, v)| w * v).sum()).collect()
    };
    for (h, head) in found.iter().enumerate() {
        assert_eq!(head.pairs.len(), LETTERS.len());
        for pair in &head.pairs {
            let a = active(&q, h, &words[pair.query as usize]);
            let b = active(&k, h / 2, &words[pair.key as usize]);
            let form = a.iter().zip(&b).map(|(a, b)| a * b).sum::<f64>() / (width as f64).sqrt();
            assert!((form - f64::from(pair.score)).abs() < 1e-4 * form.abs().max(1.0), "{form} {pair:?}");
        }
        assert!(head.pairs.windows(2).all(|p| p[0].score >= p[1].score));
    }
}

/// The rows of one head of `t` in another order, or mixed by a rotation.
fn mixed(t: &Tensor, head: usize, width: usize, mix: &Tensor) -> Tensor {
    let rows = t.dim(0).unwrap();
    let part = |from: usize, len: usize| t.narrow(0, from, len).unwrap();
    let own = mix.matmul(&part(head * width, width)).unwrap();
    let after = (head + 1) * width;
    Tensor::cat(&[&part(0, head * width), &own, &part(after, rows - after)], 0).unwrap()
}

fn edited(mix: &Tensor) -> Checkpoint {
    let tiny = Tiny { kv_heads: 4, ..Tiny::default() };
    tiny.checkpoint_edited(&|name, t| match name {
        "blk.0.attn_q.weight" | "blk.0.attn_k.weight" => mixed(&t, 2, 16, mix),
        _ => t,
    })
}

fn identity() -> Tensor {
    Tensor::eye(16, candle_core::DType::F32, &Device::Cpu).unwrap()
}

fn same(one: &[Head], other: &[Head]) {
    for (a, b) in one.iter().zip(other) {
        let pairs = |h: &Head| h.pairs.iter().map(|p| (p.query, p.key)).collect::<Vec<_>>();
        assert_eq!(pairs(a), pairs(b));
        assert!(a.pairs.iter().zip(&b.pairs).all(|(a, b)| (a.score - b.score).abs() < 1e-4));
    }
}

#[test]
fn the_order_of_a_heads_dimensions_does_not_matter() {
    let order: Vec<u32> = (0..16).map(|i| (i * 5 + 3) % 16).collect();
    let mix = identity().index_select(&Tensor::new(order, &Device::Cpu).unwrap(), 0).unwrap();
    let (plain, shuffled) = (edited(&identity()), edited(&mix));
    for reading in [Reading::Relation, Reading::Paper] {
        same(&heads(&plain, 0, reading).1, &heads(&shuffled, 0, reading).1);
    }
}

/// Turning the two dimensions of a rotary pair together leaves every attention score as it is.
#[test]
fn a_rotation_within_rotary_pairs_does_not_change_the_relation() {
    let mut values = vec![0.0f32; 256];
    for pair in 0..8 {
        let (sin, cos) = (0.3 + pair as f32).sin_cos();
        let (i, j) = (2 * pair, 2 * pair + 1);
        (values[i * 16 + i], values[i * 16 + j], values[j * 16 + i], values[j * 16 + j]) = (cos, -sin, sin, cos);
    }
    let mix = Tensor::from_vec(values, (16, 16), &Device::Cpu).unwrap();
    let (plain, turned) = (edited(&identity()), edited(&mix));
    same(&heads(&plain, 0, Reading::Relation).1, &heads(&turned, 0, Reading::Relation).1);
    let weights = |c: &Checkpoint| heads(c, 0, Reading::Paper).1[2].dimensions[0].weight;
    assert!((weights(&plain) - weights(&turned)).abs() > 1e-3, "the paper's reading depends on the basis");
}

/// A head whose query matrix turns the word "c" into what its key matrix makes of "d".
#[test]
fn a_planted_relation_is_found() {
    let tiny = Tiny { kv_heads: 4, ..Tiny::default() };
    let plain = tiny.checkpoint();
    let pairs = pairs_of(&plain);
    let place = |word: &str| pairs.words.words.iter().position(|w| w == word).unwrap() as u32;
    let (c, d) = (place("c"), place("d"));
    let input = pairs.words.input(&plain).unwrap();
    // what tells the word from the others: all begin with the same space
    let own = input.broadcast_sub(&input.mean_keepdim(0).unwrap()).unwrap();
    let row = |i: u32| own.narrow(0, i as usize, 1).unwrap();
    let mut noise = Noise(9);
    let signal = Tensor::from_vec((0..16).map(|_| noise.next()).collect(), (16, 1), &Device::Cpu).unwrap();
    let plant = |t: &Tensor, word: u32| {
        let much = (signal.matmul(&row(word)).unwrap() * 3.0).unwrap();
        let zeros = Tensor::zeros((48, 64), candle_core::DType::F32, &Device::Cpu).unwrap();
        (t + Tensor::cat(&[&much, &zeros], 0).unwrap()).unwrap()
    };
    let planted = tiny.checkpoint_edited(&|name, t| match name {
        "blk.0.attn_q.weight" => plant(&t, c),
        "blk.0.attn_k.weight" => plant(&t, d),
        _ => t,
    });
    let (_, found) = heads(&planted, 0, Reading::Relation);
    assert_eq!((found[0].pairs[0].query, found[0].pairs[0].key), (c, d));
    let (_, paper) = heads(&planted, 0, Reading::Paper);
    assert_eq!((paper[0].pairs[0].query, paper[0].pairs[0].key), (c, d));
    assert_eq!(heads(&plain, 0, Reading::Relation).1[1], found[1], "the other heads stay as they were");
}

/// A word's output vector added to the down projection comes out as a component that leads with this word.
#[test]
fn a_planted_concept_is_found() {
    let plain = Tiny::default().checkpoint();
    let pairs = pairs_of(&plain);
    let output = pairs.words.output(&plain).unwrap();
    let (at, mut noise) = (pairs.words.words.iter().position(|w| w == "k").unwrap(), Noise(4));
    let much = Tensor::from_vec((0..96).map(|_| noise.next() * 9.0).collect(), (1, 96), &Device::Cpu).unwrap();
    let planted = Tiny::default().checkpoint_edited(&|name, t| match name {
        "blk.1.ffn_down.weight" => (t + output.narrow(0, at, 1).unwrap().t().unwrap().matmul(&much).unwrap()).unwrap(),
        _ => t,
    });
    let near = Nearest::new(&output).unwrap();
    let concepts = Concepts::of(&planted, 1, 10, &near).unwrap();
    assert_eq!(concepts.components[0].words[0].word as usize, at);
    assert!(concepts.components[0].share > 3.0 * concepts.components[1].share);
    let untouched = Concepts::of(&planted, 0, 10, &near).unwrap();
    assert_ne!(untouched.components[0].words[0].word as usize, at);
}

/// A norm after the block scales what it writes: the planted vector, divided by the norm's gain, is what reaches the stream.
#[test]
fn a_concept_is_what_reaches_the_residual_stream() {
    let steep = |t: &Tensor| {
        let ramp = Tensor::arange(0f32, t.elem_count() as f32, &Device::Cpu).unwrap();
        (ramp * 0.1).unwrap().affine(1.0, 0.2).unwrap()
    };
    let plain = families::edited("gemma3", "gemma3", &|_, t| t);
    let list: Vec<String> = "cat dog man sun car map pen bed hat cow".split(' ').map(String::from).collect();
    let words = Words::of(&list, plain.tokenizer().unwrap()).unwrap();
    let output = words.output(&plain).unwrap();
    let (mut noise, wide) = (Noise(4), plain.config.ffn_width);
    let much = Tensor::from_vec((0..wide).map(|_| noise.next() * 9.0).collect(), (1, wide), &Device::Cpu).unwrap();
    let at = words.words.iter().position(|w| w == "dog").unwrap();
    let planted = families::edited("gemma3", "gemma3", &|name, t| match name {
        "blk.1.post_ffw_norm.weight" => steep(&t),
        "blk.1.ffn_down.weight" => {
            let vector = output.narrow(0, at, 1).unwrap().flatten_all().unwrap();
            let before = (&vector / steep(&vector)).unwrap().unsqueeze(1).unwrap();
            (t + before.matmul(&much).unwrap()).unwrap()
        }
        _ => t,
    });
    let found = Concepts::of(&planted, 1, 3, &Nearest::new(&output).unwrap()).unwrap().components.swap_remove(0);
    assert_eq!(found.words[0].word as usize, at, "{found:?}");
    assert!(found.words[0].strength.abs() > 0.95, "{found:?}");
}

/// The layer's norm takes the embeddings' length away: a head with biases reads the same whatever it is.
#[test]
fn the_papers_reading_of_a_head_with_biases_does_not_hang_on_the_embeddings_length() {
    let scaled = |by: f64| {
        let checkpoint = families::edited("qwen2", "qwen2", &|name, t| match name {
            "token_embd.weight" => (t * by).unwrap(),
            _ => t,
        });
        heads(&checkpoint, 0, Reading::Paper).1
    };
    let (one, other) = (scaled(1.0), scaled(0.01));
    assert!(one.iter().any(|head| !head.pairs.is_empty()));
    let order = |head: &Head| head.dimensions.iter().map(|d| d.index).collect::<Vec<_>>();
    for (one, other) in one.iter().zip(&other) {
        assert_eq!(order(one), order(other));
        assert_eq!(one.pairs, other.pairs);
    }
}
