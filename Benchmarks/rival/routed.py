"""Feed-forward layers of which each row takes a part, in PyTorch's ways of moving rows."""

import torch
from torch import nn
from torch.nn import functional

from common import FeedForward, ffn_flops, linear_flops, scope


class Duo(nn.Module):
    """Big, small or nothing, row by row; a path computes the rows that chose it and no others."""

    ways = ["index", "index compile"]

    def __init__(self, width, hidden):
        super().__init__()
        self.route = scope(
            router=scope(linear=nn.Linear(width, 3, bias=False)),
            big=scope(ffn=FeedForward(width, hidden)),
            small=scope(ffn=FeedForward(width, hidden // 16)))

    def forward(self, x):
        return self.routed(x)[0]

    def routed(self, x):
        """(result, mean probability and share of rows of each path)"""
        h = x.reshape(-1, x.shape[-1])
        probabilities = self.route.router.linear(h).softmax(-1)  # [row, path]
        weight, path = probabilities.max(-1)
        output = torch.zeros_like(h)
        for index, module in enumerate((self.route.big.ffn, self.route.small.ffn)):
            rows = (path == index).nonzero().squeeze(-1)
            taken = module(h.index_select(0, rows)) * weight.index_select(0, rows).unsqueeze(-1)
            output = output.index_add(0, rows, taken)
        share = functional.one_hot(path, 3).to(h.dtype).mean(0)
        return output.view_as(x), probabilities.mean(0), share

    @staticmethod
    def dense_flops(rows, width, hidden):
        return linear_flops(rows, width, 3) + ffn_flops(rows, width, hidden)


class Stacked(nn.Module):
    """The weights of all experts in one tensor each, as a grouped product wants them."""

    def __init__(self, experts):
        super().__init__()
        layers = [expert.ffn for expert in experts]
        stack = lambda tensors: nn.Parameter(torch.stack([t.detach() for t in tensors]))
        self.up = stack([layer.up.weight.t() for layer in layers])  # [expert, width, hidden]
        self.up_bias = stack([layer.up.bias for layer in layers])
        self.down = stack([layer.down.weight.t() for layer in layers])
        self.down_bias = stack([layer.down.bias for layer in layers])

    def unstacked(self, place, kind, value):
        layer, _, bias = kind.partition("_")
        for index, weight in enumerate(value):
            yield f"{place}[{index}].ffn.{layer}.{'bias' if bias else 'weight'}", weight


class Mixture(nn.Module):
    """The `k` best of the experts for each row, weighted by their renormalized probabilities."""

    # PyTorch 2.13 compiles grouped products of bfloat16 only.
    ways = ["loop", "sort", "grouped", "loop compile", "sort compile"]

    def __init__(self, width, hidden, experts=8, k=2, way="loop"):
        super().__init__()
        self.k, self.count = k, experts
        self.route = scope(
            router=scope(linear=nn.Linear(width, experts, bias=False)),
            experts=nn.ModuleList(scope(ffn=FeedForward(width, hidden)) for _ in range(experts)))
        self.move = getattr(self, way.removesuffix(" compile"))
        if way.startswith("grouped"):
            self.route.experts = Stacked(self.route.experts)

    def forward(self, x):
        return self.routed(x)[0]

    def routed(self, x):
        """(result, mean probability and share of rows of each path)"""
        h = x.reshape(-1, x.shape[-1])
        probabilities = self.route.router.linear(h).softmax(-1)  # [row, expert]
        weight, chosen = probabilities.topk(self.k, -1)  # [row, k]
        weight = weight / weight.sum(-1, keepdim=True)
        output = self.move(h, weight, chosen)
        share = functional.one_hot(chosen, self.count).to(h.dtype).sum(1).mean(0)
        return output.view_as(x), probabilities.mean(0), share

    def loop(self, h, weight, chosen):
        output = torch.zeros_like(h)
        for index, expert in enumerate(self.route.experts):
            rows, slot = (chosen == index).nonzero(as_tuple=True)
            taken = expert.ffn(h.index_select(0, rows)) * weight[rows, slot].unsqueeze(-1)
            output = output.index_add(0, rows, taken)
        return output

    def sorted_rows(self, h, chosen):
        """Pairs of row and expert in the order of experts: their order, rows, and rows of each."""
        flat = chosen.flatten()
        order = flat.argsort(stable=True)
        return order, order // self.k, torch.bincount(flat, minlength=self.count)

    def sort(self, h, weight, chosen):
        order, rows, counts = self.sorted_rows(h, chosen)
        parts = h.index_select(0, rows).split(counts.tolist())
        taken = torch.cat([e.ffn(part) for e, part in zip(self.route.experts, parts)])
        taken = taken * weight.flatten().index_select(0, order).unsqueeze(-1)
        return torch.zeros_like(h).index_add(0, rows, taken)

    def grouped(self, h, weight, chosen):
        order, rows, counts = self.sorted_rows(h, chosen)
        experts, ends = self.route.experts, counts.cumsum(0).int()
        expert = chosen.flatten().index_select(0, order)
        hidden = functional.grouped_mm(h.index_select(0, rows), experts.up, offs=ends)
        hidden = functional.gelu(
            hidden + experts.up_bias.index_select(0, expert), approximate="tanh")
        taken = functional.grouped_mm(hidden, experts.down, offs=ends)
        taken = taken + experts.down_bias.index_select(0, expert)
        taken = taken * weight.flatten().index_select(0, order).unsqueeze(-1)
        return torch.zeros_like(h).index_add(0, rows, taken)

    @staticmethod
    def dense_flops(rows, width, hidden, experts=8):
        return linear_flops(rows, width, experts) + experts * ffn_flops(rows, width, hidden)

    @staticmethod
    def executed_flops(rows, width, hidden, experts=8, k=2):
        """The same for every routing; grouped products are not counted as they run."""
        return linear_flops(rows, width, experts) + k * ffn_flops(rows, width, hidden)
