"""A vision transformer of ViT-tiny's shape that drops the least of its tokens behind each block."""

import torch
from torch import nn

from common import Block, Inference, block_flops, linear_flops, scope

BATCH, TOKENS, WIDTH, HEADS, DEPTH, DROPPED, CLASSES = 8, 197, 192, 3, 12, 16, 1000


class Pruned(nn.Module):
    def __init__(self):
        super().__init__()
        number = lambda index: "" if index == 0 else str(index + 1)
        self.blocks_ = [Block(WIDTH, HEADS, 4 * WIDTH, causal=False) for _ in range(DEPTH)]
        self.scores_ = [nn.Linear(WIDTH, 1, bias=False) for _ in range(DEPTH)]
        for index, (block, score) in enumerate(zip(self.blocks_, self.scores_)):
            self.add_module(f"block{number(index)}", block)
            self.add_module(f"keep{number(index)}", scope(router=scope(linear=score)))
        self.norm = nn.LayerNorm(WIDTH)
        self.linear = nn.Linear(WIDTH, CLASSES)

    def forward(self, x):
        for block, score in zip(self.blocks_, self.scores_):
            x = block(x)
            kept = score(x).squeeze(-1).topk(x.shape[1] - DROPPED, sorted=False).indices
            x = x.gather(1, kept.unsqueeze(-1).expand(-1, -1, WIDTH))
        return self.linear(self.norm(x).mean(1))


class Prune(Inference):
    ways = ["eager", "compile"]

    def __init__(self, way):
        super().__init__(way)
        x = torch.randn(BATCH, TOKENS, WIDTH, generator=torch.Generator().manual_seed(2))
        self.inputs = (x,)
        rows = BATCH * TOKENS
        self.dense_flops = (
            DEPTH * (block_flops(rows, WIDTH, 4 * WIDTH) + linear_flops(rows, WIDTH, 1))
            + linear_flops(BATCH, WIDTH, CLASSES))
        model = Pruned()
        self.prepare(model, model)
