#!/usr/bin/env python3
"""Makes the fixtures of the library's routers: each by its equations in PyTorch, dense and masked.

    python3 make_router_fixtures.py [FOLDER]      default: the folder of this program

Needs PyTorch (made with 2.13, CPU); the tests do not: the files are committed. Everything is computed
in Double from parameters that are exact in Float, and stored as Float.

`router_NAME`, in the safetensors format, each a model Embedding(16, 6) >> a form >> Linear(16), whose
script is in the metadata:

    tokens, targets    I32 [rows], the sequences one behind the other
    lengths            I32 [sequence]
    parameter.NAME     the parameters by the names that the language gives them; weights are [in, out]
    loss               [] mean cross entropy over all rows in nats, and what the router adds
    gradient.NAME      of the loss
    update.NAME        what a state is behind the step
"""

import json
import math
import struct
import sys
from pathlib import Path

import torch
from torch.nn import functional

VOCAB, WIDTH, PATHS = 16, 6, 4
LENGTHS = [5, 1, 12, 7]
ROUNDS = 4

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def top(x, k):
    return torch.zeros_like(x).scatter(-1, x.topk(k).indices, 1.0)


def best(x, share):
    """Of each sequence and column the best, their number rounded up."""
    parts = []
    for part in x.split(LENGTHS):
        count = math.ceil(share * len(part) - 1e-9)
        # Of equal ones the earlier.
        order = part.detach().argsort(dim=0, descending=True, stable=True)
        parts.append(torch.zeros_like(part).scatter(0, order[:count], 1.0))
    return torch.cat(parts)


def with_room(selected, factor, k):
    """The first rows of each sequence and path that there is room for."""
    parts = []
    for part in selected.split(LENGTHS):
        room = math.ceil(factor * k / PATHS * len(part) - 1e-9)
        parts.append(part * (part.cumsum(0) <= room))
    return torch.cat(parts)


def balance(score, selected, k=1):
    return score.shape[1] * (score.mean(0) * selected.mean(0)).sum() / k


def proportions(x):
    return x / (x.sum(-1, keepdim=True) + 1e-12)


def logits_of(p, x, bias=False, place="route.router.linear"):
    z = x @ p[f"{place}.weight"]
    return z + p[f"{place}.bias"] if bias else z


def routed(p, x, weights):
    """Experts at the rows with a weight, around them what was there."""
    outputs = [
        x @ p[f"route.experts[{i}].linear.weight"] + p[f"route.experts[{i}].linear.bias"]
        for i in range(PATHS)]
    return x + sum(weights[:, i:i + 1] * y for i, y in enumerate(outputs))


def gate(p, x, kind, renormalize, temperature, k):
    z = logits_of(p, x) / temperature
    score = z.softmax(-1) if kind == "softmax" else z.sigmoid()
    selected = top(score, k).detach()
    weights = proportions(score * selected) if renormalize else score * selected
    return routed(p, x, weights), 0.01 * balance(proportions(score), selected, k), {}


def switch(p, x):
    score = logits_of(p, x).softmax(-1)
    selected = with_room(top(score, 1), 1.25, 1).detach()
    return routed(p, x, score * selected), 0.01 * balance(score, selected), {}


def expert_choice(p, x):
    score = logits_of(p, x).softmax(-1)
    return routed(p, x, score * best(score, 2 / PATHS).detach()), 0, {}


def mixture(p, x):
    return routed(p, x, logits_of(p, x).softmax(-1)), 0, {}




def sinkhorn(p, x):
    z = logits_of(p, x)
    shares = z.detach().softmax(-1)
    for _ in range(8):
        shares = shares / (shares.sum(0) + 1e-12)
        shares = shares / (shares.sum(-1, keepdim=True) + 1e-12)
    return routed(p, x, z.sigmoid() * top(shares, 1)), 0, {}


def loss_free(p, x):
    score = logits_of(p, x).sigmoid()
    selected = top(score + p["route.bias"], 2).detach()
    load = selected.sum(0)
    after = p["route.bias"] + 0.001 * torch.sign(load.mean() - load)
    return routed(p, x, proportions(score * selected)), 0, {"route.bias": after}


def relu_gate(p, x):
    gates = logits_of(p, x, bias=True).relu()
    opened = (gates > 0).double()
    weight = p["route.weight"]
    after = weight * 1.2 ** torch.sign(opened.sum() / len(x) - 2)
    return routed(p, x, gates), weight.detach() * gates.sum(-1).mean() / 2, {"route.weight": after}


def threshold(p, x):
    score = (logits_of(p, x, place="route.router.thresholds.gate")
             - p["route.router.thresholds.limit"]).sigmoid()
    return routed(p, x, score * (score > 0.5).double()), 0, {}


def kept(p, x):
    return x @ p["keep.kept.linear.weight"] + p["keep.kept.linear.bias"]


def mod(p, x):
    z = logits_of(p, x, bias=True, place="keep.router.linear")
    selected = best(z, 0.5).detach()
    auxiliary = functional.binary_cross_entropy_with_logits(z, selected)
    return x + z * selected * kept(p, x), 0.01 * auxiliary, {}


def priced(p, x):
    score = (logits_of(p, x, bias=True, place="keep.router.linear") + 1).sigmoid()
    selected = (score > 0.5).double()
    price = p["keep.price"]
    after = (price + 0.1 * (selected.mean() - 0.4)).relu()
    weights = (selected - score).detach() + score
    # Whoever is not selected is not there for the path.
    return x + weights * selected * kept(p, x), price.detach() * score.mean(), {"keep.price": after}


def rounds(p, x):
    """Each round's result and halting score."""
    for _ in range(ROUNDS):
        x = x + (x @ p["loop.linear.weight"] + p["loop.linear.bias"]).tanh()
        yield x, (x @ p["loop.halt.router.linear.weight"]
                  + p["loop.halt.router.linear.bias"] - 1).sigmoid()


def act(p, x):
    count, total = len(x), torch.zeros(len(x), 1)
    running, result, ponder = torch.ones(count, 1), 0, 0
    for n, (y, h) in enumerate(rounds(p, x)):
        halts = ((total + h > 0.99) if n < ROUNDS - 1 else torch.ones(count, 1)).double().detach()
        weight = halts * (1 - total) + (1 - halts) * h
        result = result + running * weight * y
        ponder = ponder + (running * (halts * (1 - total) + 1)).sum() / count
        running, total = running * (1 - halts), total + h
    return result, 0.05 * ponder, {}


def halting(p, x):
    survival, results = torch.ones(len(x), 1), []
    for n, (y, h) in enumerate(rounds(p, x)):
        results.append((y, survival if n == ROUNDS - 1 else survival * h))
        survival = survival * (1 - h)
    return results


def ponder(p, x):
    results, prior, divergence = halting(p, x), 0.3, 0
    for n, (_, chance) in enumerate(results):
        q = prior * (1 - prior) ** n / (1 - (1 - prior) ** ROUNDS)
        divergence = divergence + (chance * (torch.log(chance + 1e-12) - math.log(q))).mean()
    return results, 0.05 * divergence, {}


def halt(p, x):
    results = halting(p, x)
    return results, 0.05 * sum((n + 1) * c.mean() for n, (_, c) in enumerate(results)), {}


def route(router):
    return f"residual {{ route each token by {router} {{ {PATHS} experts {{ Linear({WIDTH}) }} }} }}"


def keep(amount, router):
    return f"residual {{ keep {amount} of token by {router} {{ Linear({WIDTH}) }} else {{ zero }} }}"


def loop(router, join):
    return (f"loop up to {ROUNDS} each token until {router} "
            f"{{ residual {{ Linear({WIDTH}) >> tanh }} }} join {join}")


CASES = {
    "gate_softmax": (
        route("Gate(2)"), lambda p, x: gate(p, x, "softmax", True, 1, 2)),
    "gate_sigmoid": (
        route('Gate(1, kind: "sigmoid", rescale: false, temperature: 2)'),
        lambda p, x: gate(p, x, "sigmoid", False, 2, 1)),
    "switch": (route("Switch(jitter: 0)"), switch),
    "expert_choice": (route("ExpertChoice(2)"), expert_choice),
    "mixture": (route("Mixture()"), mixture),
    "sinkhorn": (route("Sinkhorn()"), sinkhorn),
    "loss_free": (route("LossFree(2)"), loss_free),
    "relu_gate": (route("ReluGate(2)"), relu_gate),
    "threshold": (route("Threshold()"), threshold),
    "mod": (keep("50%", "MoD()"), mod),
    "priced": (keep("above 0.5", "Priced(40%)"), priced),
    "act": (loop("ACT(5%, start: -1)", "average"), act),
    "ponder": (loop("Ponder(30%, beta: 5%, start: -1)", "expected"), ponder),
    "halt": (loop("Halt(depth: 5%, start: -1)", "expected"), halt),
}
WITH_BIAS = {"relu_gate", "mod", "priced", "act", "ponder", "halt"}
STATES = {
    "loss_free": ("route.bias", [PATHS], 0.1), "relu_gate": ("route.weight", [], 0.01),
    "priced": ("keep.price", [], 0.3),
}


def draw(name, generator):
    form = "route" if name not in ("mod", "priced") else "keep"
    shapes = {"embedding.table": ([VOCAB, WIDTH], 0.7)}
    if name in ("act", "ponder", "halt"):
        shapes |= {"loop.linear.weight": ([WIDTH, WIDTH], 0.4), "loop.linear.bias": ([WIDTH], 0.2)}
        router, paths = "loop.halt.router.linear", 1
    else:
        paths = PATHS if form == "route" else 1
        router = f"{form}.router.linear"
        places = [f"route.experts[{i}]" for i in range(PATHS)] if form == "route" else ["keep.kept"]
        for place in places:
            shapes |= {
                f"{place}.linear.weight": ([WIDTH, WIDTH], 0.4),
                f"{place}.linear.bias": ([WIDTH], 0.2)}
    if name == "threshold":
        router = "route.router.thresholds.gate"
        shapes["route.router.thresholds.limit"] = ([PATHS], 0.2)
    shapes[f"{router}.weight"] = ([WIDTH, paths], 0.9)
    if name in WITH_BIAS:
        shapes[f"{router}.bias"] = ([paths], 0.2)
    shapes |= {"linear.weight": ([WIDTH, VOCAB], 0.4), "linear.bias": ([VOCAB], 0.2)}
    p = {
        key: (deviation * torch.randn(shape, generator=generator)).float().double()
        .requires_grad_() for key, (shape, deviation) in shapes.items()
    }
    states = {}
    if name in STATES:
        key, shape, size = STATES[name]
        states[key] = (size * torch.rand(shape, generator=generator)).float().double()
    return p, states


def loss_of(p, results, targets):
    """The mean over rows of the loss of each result by its weight."""
    if not isinstance(results, list):
        results = [(results, torch.ones(len(targets), 1))]
    losses = [
        weight[:, 0] * functional.cross_entropy(
            y @ p["linear.weight"] + p["linear.bias"], targets, reduction="none")
        for y, weight in results]
    return sum(losses).mean()


def write_safetensors(path, tensors, metadata):
    """8 bytes little-endian header length, JSON header padded to 8 bytes, the data."""
    header, data = {"__metadata__": metadata}, b""
    for name, tensor in tensors.items():
        kind = "F32" if tensor.is_floating_point() else "I32"
        dtype = torch.float32 if kind == "F32" else torch.int32
        raw = tensor.detach().to(dtype).contiguous().numpy()
        raw = raw.astype(raw.dtype.newbyteorder("<")).tobytes()
        header[name] = {
            "dtype": kind, "shape": list(tensor.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    print(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size} bytes")


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent
    for seed, (name, (form, forward)) in enumerate(CASES.items(), start=1):
        generator = torch.Generator().manual_seed(seed)
        p, states = draw(name, generator)
        tokens = torch.randint(0, VOCAB, [sum(LENGTHS)], generator=generator)
        targets = torch.randint(0, VOCAB, [sum(LENGTHS)], generator=generator)
        results, router, after = forward(p | states, p["embedding.table"][tokens])
        loss = loss_of(p, results, targets) + router
        gradients = torch.autograd.grad(loss, list(p.values()), allow_unused=True)
        tensors = {"tokens": tokens, "targets": targets, "lengths": torch.tensor(LENGTHS)}
        tensors |= {f"parameter.{key}": value for key, value in (p | states).items()}
        tensors["loss"] = loss
        tensors |= {f"gradient.{key}": g for key, g in zip(p, gradients) if g is not None}
        tensors |= {f"update.{key}": value for key, value in after.items()}
        script = f"model M() {{\n  Embedding({VOCAB}, {WIDTH})\n  {form}\n  Linear({VOCAB})\n}}\n"
        metadata = {"script": script, "seed": str(seed), "torch": torch.__version__}
        write_safetensors(folder / f"router_{name}.safetensors", tensors, metadata)


if __name__ == "__main__":
    main()
