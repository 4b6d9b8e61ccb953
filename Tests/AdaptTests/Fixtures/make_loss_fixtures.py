#!/usr/bin/env python3
"""Makes the fixtures of the library's losses: each by its equations in PyTorch.

    python3 make_loss_fixtures.py [FOLDER]      default: the folder of this program

As make_router_fixtures.py has them, named `loss_NAME`; what the block behind `train` says stands in the
metadata too.
"""

import sys
from pathlib import Path

import torch
from torch.nn import functional

from make_router_fixtures import LENGTHS, ROUNDS, VOCAB, WIDTH, halting, write_safetensors

FIRST, PRICE = "exit each token when confidence > 0.5 through Linear(16)", 0.3
LAYER = "residual { Linear(6) >> tanh }"
LOOP = f"loop up to {ROUNDS} each token until %s {{ {LAYER} }} join expected"


def linear(p, name, x):
    return x @ p[f"{name}.weight"] + p[f"{name}.bias"]


def cross_entropy(logits, targets):
    return functional.cross_entropy(logits, targets, reduction="none")


def exits(p, x):
    """The logits of two exits and of the model's end."""
    for head, layer in (("exit.linear", "linear"), ("exit2.linear", "linear2")):
        yield linear(p, head, x)
        x = x + linear(p, layer, x).tanh()
    yield linear(p, "linear3", x)


def distilled(results, temperature):
    """Of (logits, weight): the mean divergence of the earlier ones from the last."""
    teacher = (results[-1][0] / temperature).softmax(-1).detach()
    total, count = 0, 0
    for logits, weight in results[:-1]:
        student = (logits / temperature).log_softmax(-1)
        total = total + weight * (teacher * (teacher.log() - student)).sum(-1)
        count = count + weight
    return temperature ** 2 * (total / count).mean()


def deep_supervision(p, x, targets):
    weights = [0.25, 0.5, 2]
    losses = [w * cross_entropy(y, targets) for w, y in zip(weights, exits(p, x))]
    return sum(losses).mean() / sum(weights), {}


def self_distillation(p, x, targets):
    results = [(y, torch.ones(len(x))) for y in exits(p, x)]
    mean = sum(cross_entropy(y, targets) for y, _ in results).mean() / 3
    return mean + 0.5 * distilled(results, 2), {}


def rounds_of(p, x, targets):
    results = [(linear(p, "linear", y), chance[:, 0]) for y, chance in halting(p, x)]
    loss = sum(chance * cross_entropy(y, targets) for y, chance in results).mean()
    return results, loss


def round_distillation(p, x, targets):
    results, loss = rounds_of(p, x, targets)
    ponder = sum((n + 1) * chance.mean() for n, (_, chance) in enumerate(results))
    return loss + 0.05 * ponder + 0.5 * distilled(results, 3), {}


def depth(results):
    """The mean number of rounds that are expected: each counts once more than the one before."""
    return sum((n + 1) * chance.mean() for n, (_, chance) in enumerate(results))


def target_depth(p, x, targets):
    results, loss = rounds_of(p, x, targets)
    return loss + 0.5 * (depth(results) - 2) ** 2, {}


def paced(p, x, targets):
    results, loss = rounds_of(p, x, targets)
    price, excess = p["loop.halt.price"], depth(results) - 1.5
    return loss + price * excess, {"loop.halt.price": (price + 0.2 * excess.detach()).relu()}


def priced(p, x, targets):
    """A share of gates, soft, at a price; the gates decide nothing."""
    gates = linear(p, "shares.linear", x).sigmoid()
    price, excess = p["shares.price"], gates.mean() - 0.4
    loss = cross_entropy(linear(p, "linear", x), targets).mean() + price * excess
    gate = 0.1 * (gates * (1 - gates)).mean()
    return loss + gate, {"shares.price": (price + 0.5 * excess.detach()).relu()}


def imitate(p, x, targets):
    wanted = (2 * x).tanh().detach()
    given = linear(p, "imitate.linear", x)
    loss = cross_entropy(linear(p, "linear", x + given), targets).mean()
    return loss + 0.5 * ((given - wanted) ** 2).mean(), {}


HEADS = {f"exit{n}.linear": (WIDTH, VOCAB) for n in ("", "2")}
LAYERS = {f"linear{n}": (WIDTH, WIDTH) for n in ("", "2")} | {"linear3": (WIDTH, VOCAB)}
HALTS = {"loop.linear": (WIDTH, WIDTH), "loop.halt.router.linear": (WIDTH, 1)}
EXITS = f"{FIRST}\n  {LAYER}\n  {FIRST}\n  {LAYER}"
SHARES = """layer Shares(): x [.., d] {
  let gate = x >> Linear(3) >> sigmoid
  minimize priced(mean(mean(gate, axis: last)), 40%, rate: 0.5, start: 0.3)
  minimize 0.1 * polarization(gate)
  x
}
"""

# By name: the form, what is minimized, the linear layers, the states, the loss; what stands before the model.
CASES = {
    "deep_supervision": (
        EXITS, "minimize deepSupervision(allAnswers(), target, weights: [0.25, 0.5, 2])",
        HEADS | LAYERS, [], deep_supervision, ""),
    "self_distillation": (
        EXITS, "minimize crossEntropy + 0.5 * selfDistillation(allAnswers(), temperature: 2)",
        HEADS | LAYERS, [], self_distillation, ""),
    "round_distillation": (
        LOOP % "Halt(depth: 5%, start: -1)",
        "minimize crossEntropy + 0.5 * selfDistillation(allAnswers(), temperature: 3)",
        HALTS | {"linear": (WIDTH, VOCAB)}, [], round_distillation, ""),
    "target_depth": (
        LOOP % "Halt(depth: 50%, target: 2, start: -1)", "minimize crossEntropy",
        HALTS | {"linear": (WIDTH, VOCAB)}, [], target_depth, ""),
    "paced": (
        LOOP % "Paced(1.5, rate: 0.2, start: -1)", "minimize crossEntropy",
        HALTS | {"linear": (WIDTH, VOCAB)}, ["loop.halt.price"], paced, ""),
    "priced": (
        "Shares()", "minimize crossEntropy",
        {"shares.linear": (WIDTH, 3), "linear": (WIDTH, VOCAB)}, ["shares.price"], priced, SHARES),
    "imitate": (
        "residual { Imitate(Linear(6), { x in tanh(2 * x) }, weight: 0.5) }",
        "minimize crossEntropy",
        {"imitate.linear": (WIDTH, WIDTH), "linear": (WIDTH, VOCAB)}, [], imitate, ""),
}


def draw(layers, states, generator):
    def number(size, shape):
        return (size * torch.randn(shape, generator=generator)).float().double()

    p = {"embedding.table": number(0.7, [VOCAB, WIDTH])}
    for name, shape in layers.items():
        p[f"{name}.weight"] = number(0.5, shape)
        p[f"{name}.bias"] = number(0.2, shape[1:])
    return p, {name: torch.tensor(PRICE).float().double() for name in states}


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent
    for seed, (name, case) in enumerate(CASES.items(), start=101):
        form, minimize, layers, names, loss_of, before = case
        generator = torch.Generator().manual_seed(seed)
        p, states = draw(layers, names, generator)
        for value in p.values():
            value.requires_grad_()
        tokens = torch.randint(0, VOCAB, [sum(LENGTHS)], generator=generator)
        targets = torch.randint(0, VOCAB, [sum(LENGTHS)], generator=generator)
        loss, after = loss_of(p | states, p["embedding.table"][tokens], targets)
        gradients = torch.autograd.grad(loss, list(p.values()))
        tensors = {"tokens": tokens, "targets": targets, "lengths": torch.tensor(LENGTHS)}
        tensors |= {f"parameter.{key}": value for key, value in (p | states).items()}
        tensors["loss"] = loss
        tensors |= {f"gradient.{key}": g for key, g in zip(p, gradients)}
        tensors |= {f"update.{key}": value for key, value in after.items()}
        script = f"{before}model M() {{\n  Embedding({VOCAB}, {WIDTH})\n  {form}\n  Linear({VOCAB})\n}}\n"
        metadata = {
            "script": script, "minimize": minimize, "seed": str(seed), "torch": torch.__version__}
        write_safetensors(folder / f"loss_{name}.safetensors", tensors, metadata)


main()
