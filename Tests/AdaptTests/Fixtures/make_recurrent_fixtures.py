#!/usr/bin/env python3
"""Makes the fixtures of the recurrent layers: PyTorch's own RNN, GRU and LSTM over ragged sequences.

    python3 make_recurrent_fixtures.py [FOLDER]      default: the folder of this program

Needs PyTorch (made with 2.13, CPU); the tests do not: the files are committed. Everything is computed
in Double from parameters that are exact in Float, and stored as Float.

`recurrent_rnn`, `recurrent_gru` and `recurrent_lstm`, in the safetensors format, each a model
Embedding(32, 6) >> layer(8) >> Linear(32):

    tokens, targets    I32 [rows], the sequences one behind the other
    lengths            I32 [sequence]
    parameter.NAME     the parameters by the names that the language gives them; weights are [in, out]
    logits             [rows, 32]
    loss               [] mean cross entropy over all rows, in nats
    gradient.NAME      of the loss
"""

import sys
from pathlib import Path

import torch
from torch.nn import functional

from fixture_file import write_safetensors

VOCAB, WIDTH, HIDDEN = 32, 6, 8
LENGTHS = [5, 1, 12, 7]
GATES = {"rnn": 1, "gru": 3, "lstm": 4}

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def draw(kind, generator):
    gates = GATES[kind]
    shapes = {
        "embedding.table": ([VOCAB, WIDTH], 0.7),
        f"{kind}.input.weight": ([WIDTH, gates * HIDDEN], 0.6),
        f"{kind}.input.bias": ([gates * HIDDEN], 0.3),
        f"{kind}.scan.recurrent.weight": ([HIDDEN, gates * HIDDEN], 0.5),
        "linear.weight": ([HIDDEN, VOCAB], 0.4),
        "linear.bias": ([VOCAB], 0.2),
    }
    if kind == "gru":
        shapes[f"{kind}.scan.recurrent.bias"] = ([gates * HIDDEN], 0.3)
    return {
        name: (deviation * torch.randn(shape, generator=generator)).float().double()
        .requires_grad_() for name, (shape, deviation) in shapes.items()
    }


def forward(kind, p, tokens):
    layer = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[kind](WIDTH, HIDDEN)
    zero = torch.zeros(GATES[kind] * HIDDEN)
    weights = {
        "weight_ih_l0": p[f"{kind}.input.weight"].T,
        "weight_hh_l0": p[f"{kind}.scan.recurrent.weight"].T,
        "bias_ih_l0": p[f"{kind}.input.bias"],
        "bias_hh_l0": p.get(f"{kind}.scan.recurrent.bias", zero),
    }
    rows = []
    for sequence in tokens.split(LENGTHS):
        x = p["embedding.table"][sequence].unsqueeze(1)
        rows.append(torch.func.functional_call(layer, weights, (x,))[0].squeeze(1))
    return torch.cat(rows) @ p["linear.weight"] + p["linear.bias"]


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent
    for seed, kind in enumerate(GATES, start=1):
        generator = torch.Generator().manual_seed(seed)
        p = draw(kind, generator)
        tokens = torch.randint(0, VOCAB, [sum(LENGTHS)], generator=generator)
        targets = torch.randint(0, VOCAB, [sum(LENGTHS)], generator=generator)
        logits = forward(kind, p, tokens)
        loss = functional.cross_entropy(logits, targets)
        gradients = torch.autograd.grad(loss, list(p.values()))
        tensors = {"tokens": tokens, "targets": targets, "lengths": torch.tensor(LENGTHS)}
        tensors |= {f"parameter.{name}": value for name, value in p.items()}
        tensors |= {"logits": logits, "loss": loss}
        tensors |= {f"gradient.{name}": g for name, g in zip(p, gradients)}
        metadata = {"layer": kind, "seed": str(seed), "torch": torch.__version__}
        write_safetensors(folder / f"recurrent_{kind}.safetensors", tensors, metadata)


main()
