"""What PyTorch's workloads share: layers, their names on the other side, files, and counting."""

import functools
import json
import struct
import time

import torch
from torch import nn
from torch.nn import functional

PRODUCTS = {"aten.mm", "aten.addmm"}


# Layers. Attributes are called as the scopes of the other side, so that parameters have one name.


def scope(**modules):
    """A module that only gives others a name."""
    result = nn.Module()
    for name, module in modules.items():
        result.add_module(name, module)
    return result


class Attention(nn.Module):
    def __init__(self, width, heads, causal=True):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.qkv = nn.Linear(width, 3 * width)  # one product for the three projections
        self.output = nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = (
            part.view(batch, length, self.heads, -1).transpose(1, 2)
            for part in self.qkv(x).chunk(3, -1))
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.output(y.transpose(1, 2).reshape(batch, length, width))


class FeedForward(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.up = nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, width)

    def forward(self, x):
        return self.down(functional.gelu(self.up(x), approximate="tanh"))


class Block(nn.Module):
    """Attention, then `inner` (a feed-forward layer, if not given) under the name it has."""

    def __init__(self, width, heads, hidden, causal=True, name="ffn", inner=None):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads, causal)
        self.norm2 = nn.LayerNorm(width)
        self.inner = name
        self.add_module(name, inner or FeedForward(width, hidden))

    def forward(self, x):
        x = self.attend(x)
        return x + getattr(self, self.inner)(self.norm2(x))

    def attend(self, x):
        return x + self.attention(self.norm(x))


def linear_flops(rows, inputs, outputs):
    return 2 * rows * inputs * outputs


def ffn_flops(rows, width, hidden):
    return 2 * linear_flops(rows, width, hidden)


def block_flops(rows, width, hidden):
    """Projections and feed-forward; the products inside attention are not counted."""
    return 4 * linear_flops(rows, width, width) + ffn_flops(rows, width, hidden)


# Weights for the other side


def adapt_parameters(module):
    """The parameters under Adapt's names; weights of products are [in, out]."""
    for name, value in module.named_parameters():
        value = value.detach()
        parts = name.split(".")
        place = ""
        for part in parts[:-1]:
            place += f"[{part}]" if part.isdigit() else f".{part}"
        owner, kind = module.get_submodule(".".join(parts[:-1])), parts[-1]
        place = place.removeprefix(".")
        if hasattr(owner, "unstacked"):
            yield from owner.unstacked(place, kind, value)
        elif isinstance(owner, nn.Embedding):
            yield f"{place}.table", value
        elif isinstance(owner, nn.LayerNorm):
            yield f"{place}.{'gain' if kind == 'weight' else 'shift'}", value
        elif place.endswith(".qkv"):
            for part, piece in zip(("query", "key", "value"), value.chunk(3, 0)):
                yield f"{place.removesuffix('qkv')}{part}.{kind}", piece.t() if kind == "weight" else piece
        else:
            yield f"{place}.{kind}", value.t() if value.dim() == 2 else value


def export(path, model, tensors):
    tensors = dict(tensors)
    tensors |= {f"parameter.{name}": value for name, value in adapt_parameters(model)}
    header, blocks, offset = {}, [], 0
    for name, tensor in tensors.items():
        tensor = tensor.detach() if tensor.is_floating_point() else tensor.int()
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


def read(path):
    """All tensors of a safetensors file."""
    raw = path.read_bytes()
    (size,) = struct.unpack("<Q", raw[:8])
    tensors = {}
    for name, entry in json.loads(raw[8:8 + size]).items():
        if name != "__metadata__":
            first, last = (8 + size + offset for offset in entry["data_offsets"])
            dtype = {"F32": torch.float32, "I32": torch.int32}[entry["dtype"]]
            tensors[name] = torch.frombuffer(
                bytearray(raw[first:last]), dtype=dtype).reshape(entry["shape"])
    return tensors


def difference(wanted, given):
    """The largest difference, relative to the largest number wanted."""
    if wanted.shape != given.shape:
        return float("inf")
    if not wanted.is_floating_point():
        return float((wanted != given).any())
    return ((wanted - given).abs().max() / wanted.abs().max()).item()


# Counting


def product_flops(run):
    """(what `run` gives, operations of its products without those inside attention)"""
    from torch.utils.flop_counter import FlopCounterMode  # slow to load: not before it is needed

    with FlopCounterMode(display=False) as counter:
        result = run()
    counts = counter.get_flop_counts().get("Global", {})
    return result, sum(count for op, count in counts.items() if str(op) in PRODUCTS)


def sgemm_rate():
    """Floating-point operations a second of this library's best product of a common shape."""
    m, k, n = 2048, 256, 1024
    a, b = torch.randn(m, k), torch.randn(k, n)
    times = []
    for _ in range(12):
        start = time.perf_counter()
        torch.mm(a, b)
        times.append(time.perf_counter() - start)
    return 2 * m * k * n / min(times)


# Kinds of workloads


class Inference:
    """A workload that gives an output, which all ways and the other side must agree on."""

    flops = None  # executed, forward; counted where a workload does not say

    def __init__(self, way):
        self.way = way
        self.compiles = way.endswith("compile")

    def prepare(self, model, run):
        """Keeps the model, and what a step calls: `run`, compiled where the way says so."""
        self.model = model.eval().requires_grad_(False)
        self.plain = run
        self.run = torch.compile(run) if self.compiles else run

    def forward(self):
        with torch.inference_mode():
            return self.run(*self.inputs)

    def step(self):
        self.forward()

    @functools.cached_property
    def counted(self):
        """(output, operations of products)"""
        with torch.no_grad():
            return product_flops(lambda: self.plain(*self.inputs))

    @property
    def output(self):
        return self.counted[0]

    def facts(self):
        return {"flops": self.flops or self.counted[1], "dense_flops": self.dense_flops}

    def tensors(self):
        """What the other side needs besides the parameters."""
        return {"input": self.inputs[0], "output": self.output}


LEARNING_RATE = 1e-7  # so small that routing stays as it began: every round measures the same work


def make_optimizer(parameters, kind, decay):
    return torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=decay, **{kind: True})


def faster_optimizer(model, decay):
    """Tries both on copies of the parameters."""
    seconds = {}
    for kind in ("fused", "foreach"):
        copies = [nn.Parameter(p.detach().clone()) for p in model.parameters()]
        for p in copies:
            p.grad = torch.full_like(p, 1e-3)
        trial, times = make_optimizer(copies, kind, decay), []
        for _ in range(6):
            start = time.perf_counter()
            trial.step()
            times.append(time.perf_counter() - start)
        seconds[kind] = min(times[2:])
    return min(seconds, key=seconds.get), seconds


class Training:
    """A workload whose model gives (loss, its cross entropy, shares of paths or None)."""

    flops = None  # as in Inference

    def __init__(self, way):
        self.way = way
        self.compiles = way.endswith("compile")

    def prepare(self, model, decay=0.01):
        self.model = model
        self.kind, self.seconds = faster_optimizer(model, decay)
        self.optimizer = make_optimizer(model.parameters(), self.kind, decay)
        self.run = torch.compile(model) if self.compiles else model

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss, _, _ = self.run(*self.inputs)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()

    def facts(self):
        with torch.no_grad():
            (_, entropy, shares), forward = product_flops(lambda: self.model(*self.inputs))
        return {
            "loss": entropy.item(), "flops": 3 * (self.flops or forward), "dense_flops": self.dense_flops,
            "shares": shares.tolist() if shares is not None else None,
            "optimizer": self.kind, "optimizer_seconds": self.seconds,
        }

    def tensors(self):
        return {"input": self.inputs[0], "target": self.inputs[1]}
