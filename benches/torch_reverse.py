"""PyTorch's reverse attribution (METHODS.md, section 1) at SmolLM2-135M's shape: python torch_reverse.py THREADS.

One forward pass over prompt and response, then one backward pass per response token. Needs torch and transformers.
The weights are random: the time does not depend on their values. Prints JSON.
"""
import json
import sys
import time

import torch
from transformers import LlamaConfig, LlamaForCausalLM

threads = int(sys.argv[1])
torch.set_num_threads(threads)
torch.manual_seed(1)
config = LlamaConfig(vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
                     num_key_value_heads=3, rope_theta=100000.0, tie_word_embeddings=True)
model = LlamaForCausalLM(config).float().eval()
for parameter in model.parameters():
    parameter.requires_grad_(False)
N, M = 37, 48
ids = torch.randint(100, 40000, (1, N + M))
embed = model.get_input_embeddings()


def attribute():
    e = embed(ids).detach().requires_grad_()
    p = torch.softmax(model(inputs_embeds=e).logits[0], -1)
    columns = []
    for m in range(M):
        (g,) = torch.autograd.grad(p[N - 1 + m, ids[0, N + m]], e, retain_graph=True)
        columns.append((g[0] * e[0]).sum(-1)[:N])
    return columns


with torch.no_grad():
    model(ids)  # warm-up
times = []
for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 2):
    start = time.perf_counter()
    attribute()
    times.append(time.perf_counter() - start)
print(json.dumps({"threads": threads, "seconds": min(times), "torch": torch.__version__}))
