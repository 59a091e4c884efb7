"""PyTorch's values of a real checkpoint: python make_real.py FILE.gguf OUT.json (needs torch, transformers, accelerate and gguf).

The file's weights are dequantized to f32. For each prompt below: the model's greedy response, its probabilities, and the signed
gradient x input of every position for every response token."""
import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

torch.set_num_threads(2)
path, out = sys.argv[1:]
folder, file = path.rsplit('/', 1)
tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32, attn_implementation='eager').eval()
for parameter in model.parameters():
    parameter.requires_grad_(False)
CASES = [('Give three tips for staying healthy.', True, 20), ('The capital of France is Paris. The capital of Italy is', False, 20)]
cases = []
for prompt, chat, count in CASES:
    chat = chat and tokenizer.chat_template is not None
    if chat:
        text = tokenizer.apply_chat_template([{'role': 'user', 'content': prompt}], add_generation_prompt=True, tokenize=False)
        ids = tokenizer(text, add_special_tokens=False)['input_ids']
        begin = tokenizer('')['input_ids']  # BOS, where the model wants one
        if begin and ids[0] != begin[0]:
            ids = begin + ids
    else:
        ids = tokenizer(prompt)['input_ids']
    n = len(ids)
    with torch.no_grad():
        for _ in range(count):
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
    # the embedding as the first layer gets it, with a family's multiplier inside: gradient x input is the same on either side of it
    e = model.get_input_embeddings()(torch.tensor([ids])).detach().requires_grad_()
    probabilities = torch.softmax(model(inputs_embeds=e).logits[0], -1)
    columns, prob = [], []
    for m in range(n, len(ids)):
        p = probabilities[m - 1, ids[m]]
        (g,) = torch.autograd.grad(p, e, retain_graph=True)
        columns.append((g[0] * e[0]).sum(-1))
        prob.append(float(p.detach()))
    importance = [[float(f'{v:.6g}') for v in row] for row in torch.stack(columns, 1).tolist()]
    print(repr(tokenizer.decode(ids)))
    cases.append(dict(prompt=prompt, chat=chat, ids=ids, n_prompt=n, prob=prob, importance=importance))
json.dump(cases, open(out, 'w'))
