"""Writes divergence.json: python make_divergence.py GOLD (needs torch and transformers). In f64.
Each family's tiny model (base) against the next one's (tuned) on the base's ids; all have 320 tokens. For each response token:
  kl_tuned_base, kl_base_tuned: sum p log(p / q), nats
  base, tuned: {"probability", "rank", "entropy"} of the token that comes, "top": the five most probable ids"""
import torch, json, sys
from transformers import AutoModelForCausalLM
torch.set_num_threads(1)
root = sys.argv[1]
families = ['llama', 'llama_tied', 'qwen2', 'qwen3', 'gemma3', 'olmo2', 'granite', 'smollm3', 'phi3']
models = {f: AutoModelForCausalLM.from_pretrained(f'{root}/{f}', dtype=torch.float32, attn_implementation='eager').double().eval() for f in families}
pairs = []
for base, tuned in zip(families, families[1:] + families[:1]):
    gold = json.load(open(f'{root}/{base}/gold.json'))
    ids, n = gold['ids'], gold['n_prompt']
    with torch.no_grad():
        rows = {side: torch.log_softmax(models[f](torch.tensor([ids])).logits[0], -1)[n - 1:-1] for side, f in (('base', base), ('tuned', tuned))}
    tokens = []
    for m, y in enumerate(ids[n:]):
        b, t = rows['base'][m], rows['tuned'][m]
        token = {'kl_tuned_base': float((t.exp() * (t - b)).sum()), 'kl_base_tuned': float((b.exp() * (b - t)).sum())}
        for side, row in (('base', b), ('tuned', t)):
            token[side] = {'probability': float(row[y].exp()), 'rank': int((row > row[y]).sum()) + 1,
                'entropy': float(-(row.exp() * row).sum()), 'top': row.topk(5).indices.tolist()}
        tokens.append(token)
    pairs.append({'base': base, 'tuned': tuned, 'tokens': tokens})
    print(base, tuned, max(t['kl_tuned_base'] for t in tokens))
json.dump(pairs, open(f'{root}/divergence.json', 'w'))
