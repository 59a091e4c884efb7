//! The random checkpoints in the layout of the transformers library: safetensors, config.json, tokenizer.json.

use std::collections::HashMap;

use candle_core::Tensor;
use serde_json::json;

use super::{Tiny, VOCAB, byte_alphabet};

impl Tiny {
    /// The files of the same model as [`Tiny::gguf`].
    pub fn huggingface(&self) -> Vec<(&'static str, Vec<u8>)> {
        let tensors: HashMap<String, Tensor> = self
            .tensors(VOCAB)
            .into_iter()
            .map(|(name, t)| (huggingface_name(&name), self.unpermuted(&name, t)))
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        candle_core::safetensors::save(&tensors, &path).unwrap();
        let mut files = self.configuration();
        files.push(("model.safetensors", std::fs::read(path).unwrap()));
        files
    }

    /// config.json and tokenizer.json.
    pub fn configuration(&self) -> Vec<(&'static str, Vec<u8>)> {
        let config = json!({
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "vocab_size": VOCAB,
            "hidden_size": self.width, "intermediate_size": self.ffn, "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads, "num_key_value_heads": self.kv_heads, "max_position_embeddings": 256,
            "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": self.tied,
            "bos_token_id": 256, "eos_token_id": 257,
        });
        vec![("config.json", config.to_string().into_bytes()), ("tokenizer.json", tokenizer().to_string().into_bytes())]
    }

    /// The header of model.safetensors in F32, without the weights themselves.
    pub fn safetensors_header(&self) -> Vec<u8> {
        let (d, kv) = (self.width, self.width / self.heads * self.kv_heads);
        let mut entries = vec![("token_embd".into(), vec![VOCAB, d]), ("output_norm".into(), vec![d])];
        if !self.tied {
            entries.push(("output".into(), vec![VOCAB, d]));
        }
        for i in 0..self.layers {
            let mut add = |name: &str, shape: &[usize]| entries.push((format!("blk.{i}.{name}"), shape.to_vec()));
            add("attn_norm", &[d]);
            add("ffn_norm", &[d]);
            add("attn_q", &[d, d]);
            add("attn_k", &[kv, d]);
            add("attn_v", &[kv, d]);
            add("attn_output", &[d, d]);
            add("ffn_gate", &[self.ffn, d]);
            add("ffn_up", &[self.ffn, d]);
            add("ffn_down", &[d, self.ffn]);
        }
        let mut at = 0;
        let mut header = serde_json::Map::new();
        for (name, shape) in entries {
            let end = at + 4 * shape.iter().product::<usize>() as u64;
            let entry = json!({"dtype": "F32", "shape": shape, "data_offsets": [at, end]});
            header.insert(huggingface_name(&format!("{name}.weight")), entry);
            at = end;
        }
        let text = serde_json::Value::Object(header).to_string().into_bytes();
        [&(text.len() as u64).to_le_bytes(), text.as_slice()].concat()
    }

    /// Bytes of the weights behind that header.
    pub fn safetensors_length(&self) -> u64 {
        let (d, kv) = (self.width as u64, (self.width / self.heads * self.kv_heads) as u64);
        let layer = 2 * d + 2 * d * d + 2 * kv * d + 3 * self.ffn as u64 * d;
        let head = if self.tied { 0 } else { VOCAB as u64 * d };
        4 * (VOCAB as u64 * d + head + d + self.layers as u64 * layer)
    }

    /// GGUF interleaves the two halves of every head's q and k rows; transformers does not.
    fn unpermuted(&self, name: &str, t: Tensor) -> Tensor {
        let heads = match name {
            n if n.contains("attn_q.") => self.heads,
            n if n.contains("attn_k.") => self.kv_heads,
            _ => return t,
        };
        let (rows, columns) = t.dims2().unwrap();
        let halves = t.reshape((heads, rows / heads / 2, 2, columns)).unwrap().transpose(1, 2).unwrap();
        halves.contiguous().unwrap().reshape((rows, columns)).unwrap()
    }
}

fn huggingface_name(gguf: &str) -> String {
    let fixed = [
        ("token_embd", "model.embed_tokens"),
        ("output_norm", "model.norm"),
        ("output.", "lm_head."),
        ("blk.", "model.layers."),
        ("attn_norm", "input_layernorm"),
        ("ffn_norm", "post_attention_layernorm"),
        ("attn_q", "self_attn.q_proj"),
        ("attn_k", "self_attn.k_proj"),
        ("attn_v", "self_attn.v_proj"),
        ("attn_output", "self_attn.o_proj"),
        ("ffn_gate", "mlp.gate_proj"),
        ("ffn_up", "mlp.up_proj"),
        ("ffn_down", "mlp.down_proj"),
    ];
    let start = fixed[..4].iter().find(|(from, _)| gguf.starts_with(from)).unwrap();
    let name = gguf.replacen(start.0, start.1, 1);
    fixed[4..].iter().fold(name, |name, (from, to)| name.replace(from, to))
}

fn tokenizer() -> serde_json::Value {
    let words = byte_alphabet().into_iter().chain(["<s>", "</s>", "<u>", "<a>", "he"].map(String::from));
    let vocab: serde_json::Map<_, _> = words.enumerate().map(|(id, word)| (word, json!(id))).collect();
    let special = |(i, content): (usize, &str)| json!({"id": 256 + i, "content": content, "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false});
    let added: Vec<_> = ["<s>", "</s>", "<u>", "<a>"].into_iter().enumerate().map(special).collect();
    let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
        "pre_tokenizer": bytes, "post_processor": null, "decoder": bytes,
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "vocab": vocab, "merges": ["h e"]},
    })
}
