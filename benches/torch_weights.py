"""The paper's way of reading weights (METHODS.md, sections 2 and 3) in PyTorch, at SmolLM2-135M's shape:
python torch_weights.py THREADS.

Words' cosines and bounds once; for one layer's heads, dimension by dimension, pairs of the 100 strongest words; for one
feed-forward layer the singular value decomposition and each component's words. Needs torch. The weights are random: the
time hardly depends on their values. Prints JSON.
"""
import json
import sys
import time

import torch

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(1)
WORDS, FREQUENT, WIDTH, HEADS, KV_HEADS, HEAD, FFN, TOP, COMPONENTS = 10_773, 3_000, 576, 9, 3, 64, 1536, 100, 300
vectors = torch.randn(WORDS, WIDTH)
w_q, w_k = torch.randn(WIDTH, HEADS * HEAD), torch.randn(WIDTH, KV_HEADS * HEAD)
down = torch.randn(FFN, WIDTH)


def related():
    unit = torch.nn.functional.normalize(vectors - vectors.mean(0), dim=1)
    cosines = unit @ unit.T
    frequent = cosines[:, :FREQUENT]
    bound = frequent.mean(1) + 1.96 * frequent.std(1)
    return cosines, (cosines > bound[:, None]) & (cosines > bound[None, :])


def heads(cosines, allowed):
    q, k = vectors @ w_q, vectors @ w_k
    found = []
    for head in range(HEADS):
        group = head // (HEADS // KV_HEADS)
        for c in range(HEAD):
            a, b = q[:, head * HEAD + c], k[:, group * HEAD + c]
            i, j = a.abs().topk(TOP).indices, b.abs().topk(TOP).indices
            keep = (a[i][:, None] * b[j][None, :] > 0) & (i[:, None] != j[None, :]) & allowed[i][:, j]
            order = cosines[i][:, j][keep].argsort(descending=True)
            x, y = keep.nonzero(as_tuple=True)
            found.append(torch.stack([i[x], j[y]])[:, order])
    return found


def concepts():
    _, s, v = torch.linalg.svd(down - down.mean(0), full_matrices=False)
    unit = torch.nn.functional.normalize(vectors, dim=1)
    return s, (v[:COMPONENTS] @ unit.T).abs().topk(50).indices


def seconds(work):
    times, result = [], None
    for _ in range(3):
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    return min(times), result


with torch.no_grad():
    related_s, (cosines, allowed) = seconds(related)
    heads_s, _ = seconds(lambda: heads(cosines, allowed))
    concepts_s, _ = seconds(concepts)
print(json.dumps({"related": related_s, "heads": heads_s, "concepts": concepts_s, "torch": torch.__version__}))
