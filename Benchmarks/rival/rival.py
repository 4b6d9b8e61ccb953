#!/usr/bin/env python3
"""PyTorch's side of the benchmarks: one process trains one workload in one way, a step on request.

    python3 rival.py --workload duo_lm_train --way eager --threads 2

Speaks the protocol of ../README.md on stdin and stdout: says `ready {json}`; answers `step` with
the seconds of one training step, `stats` with `{json}`, and ends at `quit`. `--list` prints the
workloads and their ways as JSON.
"""

import argparse
import gc
import json
import shutil
import struct
import sys
import time
from pathlib import Path

VOCAB, WIDTH, DEPTH, HEADS, HIDDEN, SMALL = 256, 256, 6, 8, 1024, 64
BATCH, LENGTH = 16, 128
ROWS = BATCH * LENGTH
# So small that routing stays as it began: every round then measures the same work.
LEARNING_RATE = 1e-7
BALANCE, COST = 0.01, 0.05

WAYS = ["eager", "compile"]
WORKLOADS = {"dense_lm_train": WAYS, "duo_lm_train": WAYS}


def available_ways(workload):
    """`compile` needs a C++ compiler on this machine."""
    compiler = any(shutil.which(name) for name in ("g++", "clang++", "c++"))
    return [way for way in WORKLOADS[workload] if way != "compile" or compiler]


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="print workloads and ways, and end")
    parser.add_argument("--workload", choices=WORKLOADS)
    parser.add_argument("--way", choices=WAYS, default="eager")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--optimizer", choices=["auto", "fused", "foreach"], default="auto")
    parser.add_argument("--export", type=Path, help="write weights and batch as safetensors first")
    options = parser.parse_args()
    if options.list:
        print(json.dumps({workload: available_ways(workload) for workload in WORKLOADS}))
        sys.exit(0)
    if options.workload is None:
        parser.error("--workload is missing")
    return options


options = parse()

import torch  # noqa: E402: after the arguments, because it takes seconds
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402


# Model


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)  # one product for the three projections
        self.output = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        q, k, v = (
            part.view(BATCH, LENGTH, HEADS, -1).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.output(y.transpose(1, 2).reshape(BATCH, LENGTH, WIDTH))


class FeedForward(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.up = nn.Linear(WIDTH, hidden)
        self.down = nn.Linear(hidden, WIDTH)

    def forward(self, x):
        return self.down(functional.gelu(self.up(x), approximate="tanh"))

    @staticmethod
    def flops(hidden):
        """Of one row, forward: two products, two operations a term."""
        return 2 * 2 * WIDTH * hidden


class Duo(nn.Module):
    """Big, small or nothing, row by row; a path computes the rows that chose it and no others."""

    def __init__(self):
        super().__init__()
        self.router = nn.Linear(WIDTH, 3, bias=False)
        self.big = FeedForward(HIDDEN)
        self.small = FeedForward(SMALL)

    def forward(self, x):
        h = x.reshape(ROWS, WIDTH)
        probabilities = self.router(h).softmax(-1)  # [row, path]
        weight, path = probabilities.max(-1)
        output = torch.zeros_like(h)
        for index, module in enumerate((self.big, self.small)):
            rows = (path == index).nonzero().squeeze(-1)
            taken = module(h.index_select(0, rows)) * weight.index_select(0, rows).unsqueeze(-1)
            output = output.index_add(0, rows, taken)
        share = functional.one_hot(path, 3).to(h.dtype).mean(0)
        return output.view_as(x), probabilities.mean(0), share


class Block(nn.Module):
    def __init__(self, duo):
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.attention = Attention()
        self.norm2 = nn.LayerNorm(WIDTH)
        self.ffn = Duo() if duo else FeedForward(HIDDEN)


class ByteLM(nn.Module):
    def __init__(self, duo):
        super().__init__()
        self.duo = duo
        self.embedding = nn.Embedding(VOCAB, WIDTH)
        self.positions = nn.Embedding(LENGTH, WIDTH)
        self.blocks = nn.ModuleList(Block(duo) for _ in range(DEPTH))
        self.norm = nn.LayerNorm(WIDTH)
        self.linear = nn.Linear(WIDTH, VOCAB)

    def forward(self, tokens, targets):
        """(loss, its cross entropy, share of rows of each path of each block [block, path] or None)"""
        x = self.embedding(tokens) + self.positions.weight
        balance, cost, shares = 0, fixed_flops(), []
        for block in self.blocks:
            x = x + block.attention(block.norm(x))
            y = block.ffn(block.norm2(x))
            if self.duo:
                y, mean, share = y
                balance = balance + 3 * (mean * share).sum()
                cost = cost + mean[0] * FeedForward.flops(HIDDEN) + mean[1] * FeedForward.flops(SMALL)
                shares.append(share)
            x = x + y
        logits = self.linear(self.norm(x))
        entropy = functional.cross_entropy(logits.view(ROWS, VOCAB), targets.view(ROWS))
        if not self.duo:
            return entropy, entropy, None
        dense = fixed_flops() + DEPTH * FeedForward.flops(HIDDEN)
        loss = entropy + BALANCE * balance + COST * cost / dense
        return loss, entropy, torch.stack(shares).detach()


def fixed_flops():
    """Of one row, forward, outside the feed-forward layers: projections and the last product.
    The products inside attention (scores and their use) are not counted."""
    return 2 * (DEPTH * 4 * WIDTH * WIDTH + WIDTH * VOCAB)


def step_flops(shares):
    """Executed and dense floating-point operations of a training step: forward and twice that back."""
    big, small = FeedForward.flops(HIDDEN), FeedForward.flops(SMALL)
    dense = fixed_flops() + DEPTH * big
    executed = dense
    if shares is not None:
        router = 2 * WIDTH * 3
        executed = fixed_flops() + sum(router + s[0] * big + s[1] * small for s in shares.tolist())
    return round(3 * ROWS * executed), 3 * ROWS * dense


# Training


def batch():
    generator = torch.Generator().manual_seed(2)
    text = torch.randint(0, VOCAB, [BATCH, LENGTH + 1], generator=generator)
    return text[:, :-1].contiguous(), text[:, 1:].contiguous()


def optimizer(parameters, kind):
    return torch.optim.AdamW(parameters, lr=LEARNING_RATE, **{kind: True})


def faster_optimizer(model):
    """Tries both on copies of the parameters."""
    seconds = {}
    for kind in ("fused", "foreach"):
        copies = [nn.Parameter(p.detach().clone()) for p in model.parameters()]
        for p in copies:
            p.grad = torch.full_like(p, 1e-3)
        trial, times = optimizer(copies, kind), []
        for _ in range(6):
            start = time.perf_counter()
            trial.step()
            times.append(time.perf_counter() - start)
        seconds[kind] = min(times[2:])
    return min(seconds, key=seconds.get), seconds


def sgemm_rate():
    """Floating-point operations a second of this library's best product of the workload's shape."""
    a, b = torch.randn(ROWS, WIDTH), torch.randn(WIDTH, HIDDEN)
    times = []
    for _ in range(12):
        start = time.perf_counter()
        torch.mm(a, b)
        times.append(time.perf_counter() - start)
    return 2 * ROWS * WIDTH * HIDDEN / min(times)


class Trainer:
    def __init__(self):
        torch.manual_seed(1)
        self.model = ByteLM(duo=options.workload.startswith("duo"))
        self.tokens, self.targets = batch()
        kind, self.optimizer_seconds = options.optimizer, None
        if kind == "auto":
            kind, self.optimizer_seconds = faster_optimizer(self.model)
        self.optimizer_kind = kind
        self.optimizer = optimizer(self.model.parameters(), kind)
        self.run = self.model
        if options.way == "compile":
            torch._dynamo.config.capture_dynamic_output_shape_ops = True
            self.run = torch.compile(self.model)

    def forward(self):
        return self.run(self.tokens, self.targets)

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss, _, self.shares = self.forward()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()

    def stats(self):
        with torch.no_grad():
            _, entropy, shares = self.model(self.tokens, self.targets)
        executed, dense = step_flops(shares)
        if shares is not None:
            shares = [[round(share, 4) for share in block] for block in shares.tolist()]
        return {
            "loss": entropy.item(), "flops": executed, "dense_flops": dense, "shares": shares,
            "sgemm": sgemm_rate(),
        }


# Weights for the other side


def adapt_parameters(model):
    """The parameters under Adapt's names; weights of products are [in, out]."""
    for name, value in model.named_parameters():
        value = value.detach()
        for index in range(DEPTH):
            name = name.replace(f"blocks.{index}.", f"blocks[{index}].")
        if ".qkv." in name:
            for part, slice_ in zip(("query", "key", "value"), value.chunk(3, 0)):
                yield name.replace("qkv", part), slice_.t() if slice_.dim() == 2 else slice_
            continue
        if name in ("embedding.weight", "positions.weight"):
            yield name.replace("weight", "table"), value
            continue
        if "norm" in name:
            yield name.replace("weight", "gain").replace("bias", "shift"), value
            continue
        if model.duo and ".ffn." in name:
            name = name.replace(".ffn.router.", ".duo.route.router.linear.")
            name = name.replace(".ffn.big.", ".duo.route.big.ffn.")
            name = name.replace(".ffn.small.", ".duo.route.small.ffn.")
        yield name, value.t() if value.dim() == 2 else value


def export(path, trainer):
    tensors = {"tokens": trainer.tokens.int(), "targets": trainer.targets.int()}
    tensors |= {f"parameter.{name}": value for name, value in adapt_parameters(trainer.model)}
    header, blocks, offset = {}, [], 0
    for name, tensor in tensors.items():
        raw = tensor.contiguous().numpy().tobytes()
        header[name] = {
            "dtype": "F32" if tensor.is_floating_point() else "I32", "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(raw)],
        }
        blocks.append(raw)
        offset += len(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(b"".join([struct.pack("<Q", len(text)), text, *blocks]))


# Protocol


def say(*words):
    print(*words, flush=True)


def main():
    torch.set_num_threads(options.threads)
    trainer = Trainer()
    if options.export:
        export(options.export, trainer)
    ready = {
        "rival": f"PyTorch {torch.__version__}", "workload": options.workload, "way": options.way,
        "threads": torch.get_num_threads(), "optimizer": trainer.optimizer_kind,
        "optimizer_seconds": trainer.optimizer_seconds, **trainer.stats(),
    }
    if options.way == "compile":
        trainer.step()  # compiles; counted as no step
    gc.collect()
    gc.disable()
    say("ready", json.dumps(ready))
    for line in sys.stdin:
        command = line.strip()
        if command == "step":
            start = time.perf_counter()
            trainer.step()
            say(f"{time.perf_counter() - start:.6f}")
        elif command == "stats":
            say(json.dumps(trainer.stats()))
        elif command == "quit":
            break
        elif command:
            say("error unknown command")


main()
