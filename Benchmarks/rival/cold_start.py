"""From the start of the process to the first forward pass of a loaded model, in PyTorch.

    python3 cold_start.py FILE      weights as Adapt saved them
"""

import sys
from pathlib import Path

import torch
from torch import nn

from common import Block, adapt_parameters, read
from routed import Duo

VOCAB, WIDTH, DEPTH, HEADS = 256, 128, 4, 4


class DuoLM(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, WIDTH)
        self.positions = nn.Embedding(1024, WIDTH)
        self.duoBlocks = nn.ModuleList(
            Block(WIDTH, HEADS, None, True, "duo", Duo(WIDTH, 4 * WIDTH)) for _ in range(DEPTH))
        self.norm = nn.LayerNorm(WIDTH)
        self.linear = nn.Linear(WIDTH, VOCAB)

    def forward(self, tokens):
        x = self.embedding(tokens) + self.positions.weight[:tokens.shape[1]]
        for block in self.duoBlocks:
            x = block(x)
        return self.linear(self.norm(x))


with torch.inference_mode():
    model = DuoLM()
    tensors = read(Path(sys.argv[1]))
    for name, place in adapt_parameters(model):
        place.copy_(tensors[name])
    tokens = torch.tensor([[7 * i % 256 for i in range(64)]])
    print(model(tokens).abs().sum().item() / 64)
