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

import math
import sys
from pathlib import Path

import torch
from torch.nn import functional

from fixture_file import noise, write_safetensors

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


def uniform(p, x):
    return routed(p, x, torch.full([len(x), PATHS], 1 / PATHS)), 0, {}


def round_robin(p, x):
    places = torch.cat([torch.arange(length) for length in LENGTHS]) % PATHS
    return routed(p, x, functional.one_hot(places, PATHS).double()), 0, {}


def random_router(p, x):
    return routed(p, x, top(noise("uniform", "route", [len(x), PATHS]), 2)), 0, {}


def squared_variation(x):
    return x.var(correction=0) / (x.mean() ** 2 + 1e-10)


def noisy_top_k(p, x, k=2):
    clean = x @ p["route.router.noisyLogits.clean"]
    deviation = functional.softplus(x @ p["route.router.noisyLogits.spread"])
    drawn = clean + noise("normal", "route.router.noisyLogits", [len(x), PATHS]) * deviation
    selected = top(drawn, k).detach()
    gates = drawn.masked_fill(selected == 0, -math.inf).softmax(-1)
    # Whoever is inside competes with the best outside, the others with the last inside.
    order = drawn.sort(-1, descending=True).values
    rival = torch.where(selected > 0, order[:, k:k + 1], order[:, k - 1:k])
    expected = torch.distributions.Normal(0.0, 1.0).cdf((clean - rival) / deviation)
    loss = squared_variation(gates.sum(0)) + squared_variation(expected.sum(0))
    return routed(p, x, gates), 0.01 * loss, {}


def gshard(p, x, capacity):
    score = logits_of(p, x).softmax(-1)
    (g1, g2), (e1, e2) = (t.unbind(-1) for t in score.topk(2))
    total = g1 + g2
    chance = noise("uniform", "route", [len(x), PATHS]).gather(1, e2[:, None])[:, 0]
    weights, start = torch.zeros_like(score), 0
    for length in LENGTHS:
        room = math.ceil(capacity * 2 * length / PATHS - 1e-9)
        used = [0] * PATHS
        for experts, gates in ((e1, g1), (e2, g2)):
            for row in range(start, start + length):
                path = experts[row].item()
                if experts is e2 and not 2 * g2[row] / total[row] > chance[row]:
                    continue
                if used[path] < room:
                    place = functional.one_hot(experts[row], PATHS)
                    one = torch.zeros_like(score)
                    one[row] = place.double()
                    weights = weights + one * (gates[row] / total[row])
                    used[path] += 1
        start += length
    return routed(p, x, weights), 0.01 * balance(score, top(score, 1).detach()), {}


def gumbel_softmax(p, x, hard):
    z = logits_of(p, x, bias=True)
    score = ((z + noise("gumbel", "route.router", [len(x), PATHS])) / 0.5).softmax(-1)
    selected = top(score, 1).detach()
    weights = selected * ((selected - score).detach() + score) if hard else score
    return routed(p, x, weights), 0, {}


def mutual_choice(p, x, batch):
    score = logits_of(p, x).softmax(-1)
    masks = []
    for part in [score] if batch else score.split(LENGTHS):
        flat = part.detach().flatten()
        count = math.ceil(2 / PATHS * len(flat) - 1e-9)
        mask = torch.zeros_like(flat)
        mask[flat.argsort(descending=True, stable=True)[:count]] = 1
        masks.append(mask.view_as(part))
    selected = torch.cat(masks)
    return routed(p, x, score * selected), 0.01 * balance(score, selected, 2), {}


def soft_moe(p, x):
    keys = p["softMoE.slots.keys"]
    directions = p["softMoE.slots.scale"] * keys / (keys.norm(dim=0) + 1e-6)
    logits = (x / (x.norm(dim=-1, keepdim=True) + 1e-6)) @ directions
    results = []
    for part, z in zip(x.split(LENGTHS), logits.split(LENGTHS)):
        blends = z.softmax(0).T @ part
        outputs = []
        for slot, blend in enumerate(blends):
            place = f"softMoE.slots.route.experts[{slot % 2}].ffn"
            hidden = functional.gelu(
                blend @ p[f"{place}.up.weight"] + p[f"{place}.up.bias"],
                approximate="tanh")
            outputs.append(hidden @ p[f"{place}.down.weight"] + p[f"{place}.down.bias"])
        results.append(z.softmax(-1) @ torch.stack(outputs))
    return x + torch.cat(results), 0, {}


def first_layer(p, x):
    return x + (x @ p["pair.linear.weight"] + p["pair.linear.bias"]).tanh()


def norm_change(p, x):
    y = first_layer(p, x)
    before, after = x.norm(dim=-1, keepdim=True), y.norm(dim=-1, keepdim=True)
    selected = ((after - before).abs() / before > 0.3).double().detach()
    return y + selected * kept(p, y, "pair.keep"), 0, {}


def saturation(p, x):
    y = first_layer(p, x)
    cosine = functional.cosine_similarity(x, y)[:, None]
    selected = (1 - cosine > 0.2).double().detach()
    return y + selected * kept(p, y, "pair.keep"), 0, {}


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


def imitate(p, x):
    wanted = (x @ p["imitate.linear.weight"] + p["imitate.linear.bias"]).detach()
    given = x @ p["imitate.linear2.weight"] + p["imitate.linear2.bias"]
    return given, 0.5 * ((given - wanted) ** 2).mean(), {}


def kept(p, x, place="keep"):
    return x @ p[f"{place}.kept.linear.weight"] + p[f"{place}.kept.linear.bias"]


def mod(p, x):
    z = logits_of(p, x, bias=True, place="keep.router.linear")
    selected = best(z, 0.5).detach()
    auxiliary = functional.binary_cross_entropy_with_logits(z, selected)
    return x + z * selected * kept(p, x), 0.01 * auxiliary, {}


def predicted_mod(p, x):
    place = "keep.router.moDScore"
    z = logits_of(p, x, bias=True, place=f"{place}.score")
    selected = best(z, 0.5).detach()
    hidden = functional.gelu(
        logits_of(p, x.detach(), bias=True, place=f"{place}.predictor.linear"), approximate="tanh")
    guess = logits_of(p, hidden, bias=True, place=f"{place}.predictor.linear2")
    auxiliary = functional.binary_cross_entropy_with_logits(guess, selected)
    return x + z * selected * kept(p, x), auxiliary, {}


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


PAIR = """layer Pair(): x [.., d] -> [.., d] {
  let first = x >> residual { Linear(d) >> tanh }
  first >> residual { keep above %s of row by %s(x) { Linear(d) } else { zero } }
}
"""

# Declarations that stand before a case's model.
PRELUDES = {
    "norm_change": PAIR % (0.3, "NormChange"), "saturation": PAIR % (0.2, "Saturation")}

CASES = {
    "gate_softmax": (
        route("Gate(2)"), lambda p, x: gate(p, x, "softmax", True, 1, 2)),
    "gate_sigmoid": (
        route('Gate(1, kind: "sigmoid", rescale: false, temperature: 2)'),
        lambda p, x: gate(p, x, "sigmoid", False, 2, 1)),
    "switch": (route("Switch(jitter: 0)"), switch),
    "expert_choice": (route("ExpertChoice(2)"), expert_choice),
    "mixture": (route("Mixture()"), mixture),
    "uniform": (route("Uniform()"), uniform),
    "round_robin": (route("RoundRobin()"), round_robin),
    "random_router": (route("RandomRouter(2)"), random_router),
    "noisy_top_k": (route("NoisyTopK(2)"), noisy_top_k),
    "gshard": (route("GShard()"), lambda p, x: gshard(p, x, 1)),
    "gshard_full": (route("GShard(capacity: 0.5)"), lambda p, x: gshard(p, x, 0.5)),
    "gumbel_soft": (
        route("GumbelSoftmax(temperature: 0.5, hard: false)"),
        lambda p, x: gumbel_softmax(p, x, False)),
    "gumbel_hard": (
        route("GumbelSoftmax(temperature: 0.5)"), lambda p, x: gumbel_softmax(p, x, True)),
    "mutual_choice": (
        route("MutualChoice(2)"), lambda p, x: mutual_choice(p, x, False)),
    "mutual_batch": (
        route('MutualChoice(2, among: "batch")'), lambda p, x: mutual_choice(p, x, True)),
    "soft_moe": ("residual { SoftMoE(2, 8, slots: 2) }", soft_moe),
    "norm_change": ("Pair()", norm_change),
    "saturation": ("Pair()", saturation),
    "imitate": (f"Imitate(Linear({WIDTH}), Linear({WIDTH}), weight: 0.5)", imitate),
    "predicted_mod": (keep("50%", "PredictedMoD(50%, hidden: 5)"), predicted_mod),
    "sinkhorn": (route("Sinkhorn()"), sinkhorn),
    "loss_free": (route("LossFree(2)"), loss_free),
    "relu_gate": (route("ReluGate(2)"), relu_gate),
    "threshold": (route("Threshold()"), threshold),
    "mod": (keep("50%", "MoD()"), mod),
    "priced": (keep("above 0.5", "Priced(40%)"), priced),
    "act": (loop("ACT(5%, start: -1)", "average"), act),
    "ponder": (loop("Ponder(30%, beta: 5%, start: -1)", "expected"), ponder),
    "q_exit": (loop("QExit(prior: 30%, beta: 5%, start: -1)", "expected"), ponder),
    "halt": (loop("Halt(depth: 5%, start: -1)", "expected"), halt),
}
STATES = {
    "loss_free": ("route.bias", [PATHS], 0.1), "relu_gate": ("route.weight", [], 0.01),
    "priced": ("keep.price", [], 0.3),
}


def linear(place, inputs, outputs, deviation=0.4, bias=True):
    shapes = {f"{place}.weight": ([inputs, outputs], deviation)}
    return shapes | {f"{place}.bias": ([outputs], 0.2)} if bias else shapes


def experts():
    shapes = {}
    for i in range(PATHS):
        shapes |= linear(f"route.experts[{i}].linear", WIDTH, WIDTH)
    return shapes


def feed_forward(place):
    return linear(f"{place}.up", WIDTH, 8) | linear(f"{place}.down", 8, WIDTH)


def router_shapes(name):
    """What the router of a route has."""
    place = "route.router"
    match name:
        case "uniform" | "round_robin" | "random_router":
            return {}
        case "noisy_top_k":
            return {
                f"{place}.noisyLogits.{part}": ([WIDTH, PATHS], 0.9)
                for part in ("clean", "spread")}
        case "threshold":
            limit = {f"{place}.thresholds.limit": ([PATHS], 0.2)}
            return limit | linear(f"{place}.thresholds.gate", WIDTH, PATHS, 0.9, bias=False)
        case _:
            bias = name in ("relu_gate", "gumbel_soft", "gumbel_hard")
            return linear(f"{place}.linear", WIDTH, PATHS, 0.9, bias)


def form_shapes(name):
    """What a form has, by the names that the language gives."""
    match name:
        case "act" | "ponder" | "q_exit" | "halt":
            router = linear("loop.halt.router.linear", WIDTH, 1, 0.9)
            return linear("loop.linear", WIDTH, WIDTH) | router
        case "soft_moe":
            places = [f"softMoE.slots.route.experts[{i}].ffn" for i in range(2)]
            shapes = {"softMoE.slots.keys": ([WIDTH, 4], 0.4), "softMoE.slots.scale": ([1], 2)}
            return shapes | feed_forward(places[0]) | feed_forward(places[1])
        case "norm_change" | "saturation":
            return linear("pair.linear", WIDTH, WIDTH) | linear(
                "pair.keep.kept.linear", WIDTH, WIDTH)
        case "imitate":
            return linear("imitate.linear", WIDTH, WIDTH) | linear(
                "imitate.linear2", WIDTH, WIDTH)
        case "predicted_mod":
            place = "keep.router.moDScore"
            score = linear(f"{place}.score", WIDTH, 1, 0.9)
            guess = linear(f"{place}.predictor.linear", WIDTH, 5) | linear(
                f"{place}.predictor.linear2", 5, 1)
            return linear("keep.kept.linear", WIDTH, WIDTH) | score | guess
        case "mod" | "priced":
            router = linear("keep.router.linear", WIDTH, 1, 0.9)
            return linear("keep.kept.linear", WIDTH, WIDTH) | router
        case _:
            return experts() | router_shapes(name)


def draw(name, generator):
    shapes = {"embedding.table": ([VOCAB, WIDTH], 0.7)} | form_shapes(name)
    shapes |= linear("linear", WIDTH, VOCAB)
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


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent
    for name, (form, forward) in CASES.items():
        # By its name, so that a case more does not change the others.
        seed = sum(name.encode())
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
        script = PRELUDES.get(name, "") + (
            f"model M() {{\n  Embedding({VOCAB}, {WIDTH})\n  {form}\n  Linear({VOCAB})\n}}\n")
        metadata = {"script": script, "seed": str(seed), "torch": torch.__version__}
        write_safetensors(folder / f"router_{name}.safetensors", tensors, metadata)


if __name__ == "__main__":
    main()
