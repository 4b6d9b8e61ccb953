"""The best of three paths at each of six sites for a whole sequence: 729 combinations."""

import itertools
import math

import torch
from torch import nn
from torch.nn import functional

from common import Block, Inference
from language_models import DEPTH, HEADS, HIDDEN, VOCAB, WIDTH
from routed import Duo

LENGTH = 32
COMBINATIONS = 3 ** DEPTH


class Searched(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, WIDTH)
        self.positions = nn.Embedding(LENGTH, WIDTH)
        self.blocks = nn.ModuleList(
            Block(WIDTH, HEADS, HIDDEN, True, "duo", Duo(WIDTH, HIDDEN)) for _ in range(DEPTH))
        self.norm = nn.LayerNorm(WIDTH)
        self.linear = nn.Linear(WIDTH, VOCAB)

    def start(self, tokens):
        return self.embedding(tokens) + self.positions.weight

    def probabilities(self, block, x):
        """(input of the paths, what each is weighted with)"""
        h = block.norm2(x)
        return h, block.duo.route.router.linear(h).softmax(-1)

    def bits(self, x, targets):
        """Of each sequence."""
        logits = self.linear(self.norm(x))
        losses = functional.cross_entropy(
            logits.flatten(0, 1), targets.expand(len(x), -1).flatten(), reduction="none")
        return losses.view(len(x), -1).mean(1) / math.log(2)

    def naive(self, tokens, targets):
        """The whole model once for each combination."""
        start, found = self.start(tokens), []
        for combination in itertools.product(range(3), repeat=DEPTH):
            x = start
            for block, path in zip(self.blocks, combination):
                x = block.attend(x)
                if path < 2:
                    h, weight = self.probabilities(block, x)
                    route = block.duo.route
                    x = x + (route.big, route.small)[path].ffn(h) * weight[..., path:path + 1]
            found.append(self.bits(x, targets))
        return torch.cat(found)

    def tree(self, tokens, targets):
        """What combinations share is computed once: behind i blocks there are 3^i states."""
        x = self.start(tokens)
        for block in self.blocks:
            x = block.attend(x)
            h, weight = self.probabilities(block, x)
            route = block.duo.route
            big = x + route.big.ffn(h) * weight[..., 0:1]
            small = x + route.small.ffn(h) * weight[..., 1:2]
            x = torch.stack([big, small, x], 1).flatten(0, 1)
        return self.bits(x, targets)


class Oracle(Inference):
    ways = ["naive", "tree", "tree compile"]

    def __init__(self, way):
        super().__init__(way)
        generator = torch.Generator().manual_seed(2)
        text = torch.randint(0, VOCAB, [1, LENGTH + 1], generator=generator)
        self.inputs = (text[:, :-1].contiguous(), text[:, 1:].contiguous())
        self.dense_flops = None
        model = Searched()
        self.prepare(model, getattr(model, way.removesuffix(" compile")))

    def facts(self):
        return {**super().facts(), "loss": self.output.min().item()}

    def tensors(self):
        return {"input": self.inputs[0], "target": self.inputs[1], "output": self.output}
