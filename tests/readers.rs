//! Checkpoint readers: what is refused and how, and that no bytes make them panic or allocate beyond the file's size.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use proptest::prelude::*;
use shiftlens::checkpoint::{ByteSource, Checkpoint, CheckpointError, FileBytes, MemoryBytes, gguf::Header};
use support::{Tiny, gold};

/// Counts what the present thread holds, and its peak.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = HELD.try_with(|h| {
            h.set(h.get() + layout.size() as isize);
            let _ = PEAK.try_with(|p| p.set(p.get().max(h.get())));
        });
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let _ = HELD.try_with(|h| h.set(h.get() - layout.size() as isize));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most that `f` held beyond what was held before.
fn peak(f: impl FnOnce()) -> usize {
    let before = HELD.with(Cell::get);
    PEAK.with(|p| p.set(before));
    f();
    (PEAK.with(Cell::get) - before).max(0) as usize
}

fn open(name: &str, bytes: Vec<u8>) -> Result<Checkpoint, CheckpointError> {
    Checkpoint::open(vec![Box::new(MemoryBytes::new(name, bytes))])
}

/// The error, for results whose value has no Debug.
fn refused(result: Result<Checkpoint, CheckpointError>) -> CheckpointError {
    match result {
        Ok(_) => panic!("it was accepted"),
        Err(e) => e,
    }
}

fn header(bytes: &[u8]) -> Result<Header, CheckpointError> {
    Header::read(&MemoryBytes::new("x.gguf", bytes.to_vec()), 0)
}

#[test]
fn whole_files_open_and_cut_ones_say_so() {
    let bytes = Tiny::default().gguf();
    let checkpoint = open("tiny.gguf", bytes.clone()).unwrap();
    assert_eq!((checkpoint.name.as_str(), checkpoint.quantization().as_str()), ("Tiny random", "F32"));
    for keep in [bytes.len() - 1, bytes.len() / 2, 2000, 40] {
        let refused = refused(open("tiny.gguf", bytes[..keep].to_vec()));
        assert!(matches!(refused, CheckpointError::Truncated { .. } | CheckpointError::Absurd { .. }), "{refused}");
    }
}

/// Two checkpoints that differ in a single weight are told apart: a fine-tune can change few. (Only 256 bytes of every
/// tensor were looked at before.)
#[test]
fn every_byte_of_the_weights_counts_for_the_fingerprint() {
    let bytes = Tiny::default().gguf();
    let fingerprint = |bytes: &[u8]| open("x.gguf", bytes.to_vec()).unwrap().fingerprint().unwrap();
    let own = fingerprint(&bytes);
    let read = open("another name.gguf", bytes.clone()).unwrap();
    read.tensor("token_embd.weight").unwrap();
    assert_eq!(read.fingerprint().unwrap(), own, "whatever it is called, and whatever was read before");
    let header = Header::read(&MemoryBytes::new("x.gguf", bytes.clone()), 0).unwrap();
    for (name, entry) in header.tensors {
        for at in [0, entry.bytes / 3, entry.bytes - 1] {
            let mut changed = bytes.clone();
            changed[entry.offset as usize + at] ^= 1;
            assert_ne!(fingerprint(&changed), own, "byte {at} of {name}");
        }
    }
}

#[test]
fn other_files_are_not_checkpoints() {
    for bytes in [vec![], b"GG".to_vec(), b"<html>not found</html>".to_vec(), vec![0; 4096]] {
        assert!(matches!(refused(open("page.gguf", bytes)), CheckpointError::NotACheckpoint(_)));
    }
}

#[test]
fn absurd_counts_are_refused_before_anything_is_allocated() {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(3u32.to_le_bytes());
    bytes.extend(u64::MAX.to_le_bytes());
    bytes.extend(1u64.to_le_bytes());
    bytes.resize(200, 0);
    let used = peak(|| assert!(matches!(header(&bytes), Err(CheckpointError::Absurd { .. }))));
    assert!(used < 100_000, "{used}");
}

/// Replaces the first occurrence of `from`, which is as long as `to`.
fn patch(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|w| w == from).unwrap();
    bytes[at..at + to.len()].copy_from_slice(to);
    bytes
}

#[test]
fn each_refusal_names_what_is_wrong() {
    let good = Tiny::default().gguf();
    let says = |bytes, words: &str| {
        let message = refused(open("m.gguf", bytes)).to_string();
        assert!(message.contains(words), "{message}");
    };
    says(patch(good.clone(), b"llama", b"mamba"), "mamba");
    says(patch(good.clone(), b"blk.1.ffn_up.weight", b"blk.1.ffn_xx.weight"), "blk.1.ffn_up.weight");
    let wide = Tiny { ffn: 128, ..Tiny::default() }.gguf();
    let key = b"llama.feed_forward_length\x04\0\0\0";
    says(patch(wide, &[&key[..], &128u32.to_le_bytes()].concat(), &[&key[..], &96u32.to_le_bytes()].concat()), "shape");
    says(patch(good, b"tokenizer.ggml.merges", b"tokenizer.ggml.mergex"), "merges");
}

/// Types of ggml's that are not read are called what people call them, with what to fetch instead.
#[test]
fn unread_storage_types_are_refused_by_name() {
    let good = Tiny::default().gguf();
    // a tensor's name, two dimensions, and then its type
    let name = b"blk.1.ffn_up.weight";
    let at = good.windows(name.len()).position(|w| w == name).unwrap() + name.len() + 4 + 2 * 8;
    assert_eq!(good[at..at + 4], [0; 4], "F32");
    let says = |code: u32| {
        let mut bytes = good.clone();
        bytes[at..at + 4].copy_from_slice(&code.to_le_bytes());
        refused(open("m.gguf", bytes)).to_string()
    };
    for (code, called, instead) in [
        (20, "IQ4_NL", "Q4_K_M"),
        (23, "IQ4_XS", "Q4_K_M"),
        (39, "MXFP4", "Q4_K_M"),
        (16, "IQ2_XXS", "Q4_K_M"),
        (35, "TQ2_0", "Q4_K_M"),
        (28, "F64", "F16"),
        (999, "type 999", "Q4_K_M"),
    ] {
        let message = says(code);
        assert!(message.contains(&format!("“blk.1.ffn_up.weight” is stored as {called}, ")), "{message}");
        assert!(message.split(": ").last().unwrap().contains(instead), "{message}");
    }
}

/// What a file claims of its layers is refused before there is a list of them.
#[test]
fn endless_layers_are_refused() {
    let key = b"llama.block_count\x04\0\0\0";
    let claims = |n: u32| {
        let (from, to) = ([&key[..], &2u32.to_le_bytes()].concat(), [&key[..], &n.to_le_bytes()].concat());
        refused(open("m.gguf", patch(Tiny::default().gguf(), &from, &to))).to_string()
    };
    assert!(claims(1 << 20).contains("out of all proportion"), "{}", claims(1 << 20));
    assert!(claims(4096).contains("blk.2.attn_norm.weight"), "{}", claims(4096));
}

/// A tensor that nobody uses would make fluent nonsense of the rest.
#[test]
fn what_is_left_over_is_refused_by_name() {
    let open_as = |folder: &str, model_type: &str| {
        let folder = gold(folder);
        let config = std::fs::read_to_string(folder.join("config.json")).unwrap();
        let mut config: serde_json::Value = serde_json::from_str(&config).unwrap();
        config["model_type"] = model_type.into();
        let weights = std::fs::read(folder.join("model.safetensors")).unwrap();
        Checkpoint::open(vec![
            Box::new(MemoryBytes::new("model.safetensors", weights)),
            Box::new(MemoryBytes::new("config.json", serde_json::to_vec(&config).unwrap())),
        ])
    };
    let norm = "model.layers.0.self_attn.k_norm.weight".to_owned();
    assert_eq!(refused(open_as("qwen3", "qwen2")), CheckpointError::UnusedTensor(norm));
    let missing = "model.layers.0.input_layernorm.weight".to_owned();
    assert_eq!(refused(open_as("olmo2", "qwen3")), CheckpointError::MissingTensor(missing));
    assert_eq!(refused(open_as("llama", "mamba")), CheckpointError::UnknownArchitecture("mamba".into()));
    assert!(open_as("llama", "mistral").is_ok());
}

#[test]
fn a_file_without_a_tokenizer_opens_for_ids_alone() {
    let bytes = patch(Tiny::default().gguf(), b"tokenizer.ggml.tokens", b"tokenizer.ggml.txkens");
    assert_eq!(open("m.gguf", bytes).unwrap().tokenizer().err(), Some(CheckpointError::MissingTokenizer));
}

#[test]
fn safetensors_need_their_configuration_and_shards() {
    let folder = gold("llama");
    let with = |names: &[&str]| {
        let files = names.iter().map(|n| Box::new(FileBytes::open(&folder.join(n)).unwrap()) as Box<dyn ByteSource>);
        Checkpoint::open(files.collect())
    };
    assert!(with(&["config.json", "model.safetensors"]).is_ok());
    assert_eq!(refused(with(&["model.safetensors"])), CheckpointError::MissingFile("config.json".into()));
    let bytes = std::fs::read(folder.join("model.safetensors")).unwrap();
    let config = std::fs::read(folder.join("config.json")).unwrap();
    let set = |weights: Vec<u8>| -> Vec<Box<dyn ByteSource>> {
        vec![
            Box::new(MemoryBytes::new("model.safetensors", weights)),
            Box::new(MemoryBytes::new("config.json", config.clone())),
        ]
    };
    assert!(matches!(
        refused(Checkpoint::open(set(bytes[..5000].to_vec()))),
        CheckpointError::Truncated { .. } | CheckpointError::Absurd { .. }
    ));
    assert!(matches!(refused(Checkpoint::open(set(vec![255; 64]))), CheckpointError::Absurd { .. }));
}

#[test]
fn a_vocabulary_the_file_does_not_hold_is_refused_before_its_tables_are_made() {
    let folder = gold("llama");
    let config = std::fs::read_to_string(folder.join("config.json")).unwrap();
    let config = config.replace("\"vocab_size\": 320", "\"vocab_size\": 2000000000");
    let tokenizer = r#"{"version":"1.0","added_tokens":[],"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}"#;
    let weights = std::fs::read(folder.join("model.safetensors")).unwrap();
    let files: Vec<Box<dyn ByteSource>> = vec![
        Box::new(MemoryBytes::new("model.safetensors", weights)),
        Box::new(MemoryBytes::new("config.json", config.into_bytes())),
        Box::new(MemoryBytes::new("tokenizer.json", tokenizer.as_bytes().to_vec())),
    ];
    let used = peak(|| assert!(matches!(refused(Checkpoint::open(files)), CheckpointError::Shape { .. })));
    assert!(used < 4_000_000, "{used}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_gguf_reader_panic_or_hoard(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let file = [b"GGUF\x03\0\0\0".as_slice(), &bytes].concat();
        let used = peak(|| drop(header(&file)));
        prop_assert!(used < 200_000 + 16 * file.len());
    }

    #[test]
    fn no_damage_makes_the_gguf_reader_panic_or_hoard(at in 0usize..9000, value in any::<u8>(), more in proptest::collection::vec((0usize..9000, any::<u8>()), 0..8)) {
        let mut bytes = Tiny { layers: 1, ..Tiny::default() }.gguf();
        bytes[at] = value;
        for (at, value) in more {
            bytes[at] = value;
        }
        let size = bytes.len();
        let used = peak(|| drop(header(&bytes)));
        prop_assert!(used < 200_000 + 16 * size);
        drop(open("damaged.gguf", bytes));
    }

    #[test]
    fn no_bytes_make_the_safetensors_reader_panic(length in 0u64..400, bytes in proptest::collection::vec(any::<u8>(), 0..400), json in "\\{\"[a-z.]{1,8}\":\\{\"dtype\":\"F32\",\"shape\":\\[[0-9]{1,20},[0-9]{1,20}\\],\"data_offsets\":\\[[0-9]{1,20},[0-9]{1,20}\\]\\}\\}") {
        for body in [bytes.as_slice(), json.as_bytes()] {
            let length = if body == json.as_bytes() { json.len() as u64 } else { length };
            let file = [&length.to_le_bytes()[..], body].concat();
            let config = br#"{"model_type":"llama","vocab_size":4,"hidden_size":4,"num_attention_heads":1,"num_hidden_layers":1,"intermediate_size":4,"max_position_embeddings":8,"rms_norm_eps":1e-5}"#;
            let set: Vec<Box<dyn ByteSource>> = vec![
                Box::new(MemoryBytes::new("a.safetensors", file)),
                Box::new(MemoryBytes::new("config.json", config.to_vec())),
            ];
            drop(Checkpoint::open(set));
        }
    }
}
