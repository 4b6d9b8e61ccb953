"""A dense language model that writes 128 bytes behind 128, the likeliest each time, with a cache."""

import torch
from torch import nn
from torch.nn import functional

from common import Block, Inference, block_flops, linear_flops

VOCAB, WIDTH, DEPTH, HEADS, HIDDEN, PROMPT, COUNT = 256, 512, 12, 8, 2048, 128, 128
LENGTH = PROMPT + COUNT


class Writer(nn.Module):
    def __init__(self, way):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, WIDTH)
        self.positions = nn.Embedding(LENGTH, WIDTH)
        self.blocks = nn.ModuleList(Block(WIDTH, HEADS, HIDDEN) for _ in range(DEPTH))
        self.norm = nn.LayerNorm(WIDTH)
        self.linear = nn.Linear(WIDTH, VOCAB)
        self.next = self.sliced
        if way.endswith("compile"):
            self.next = torch.compile(self.whole)

    def heads(self, x):
        return x.view(x.shape[0], x.shape[1], HEADS, -1).transpose(1, 2)

    def attend(self, block, x, keys, values, first, last, mask=None):
        """Attention of the rows from `first` among what the cache holds before `last`."""
        q, k, v = (self.heads(part) for part in block.attention.qkv(block.norm(x)).chunk(3, -1))
        rows = slice(first, first + x.shape[1]) if isinstance(first, int) else first
        keys[:, :, rows], values[:, :, rows] = k, v
        y = functional.scaled_dot_product_attention(
            q, keys[:, :, :last], values[:, :, :last], attn_mask=mask,
            is_causal=mask is None and x.shape[1] > 1)
        return x + block.attention.output(y.transpose(1, 2).flatten(2))

    def rows(self, x, cache, first, last, mask=None):
        for block, (keys, values) in zip(self.blocks, cache):
            x = self.attend(block, x, keys, values, first, last, mask)
            x = x + block.ffn(block.norm2(x))
        return self.linear(self.norm(x[:, -1])).argmax(-1)

    def sliced(self, token, cache, place):
        """The next byte; reads only what the cache holds."""
        x = self.embedding(token).unsqueeze(1) + self.positions.weight[place]
        return self.rows(x, cache, place, place + 1)

    def whole(self, token, cache, place):
        """The next byte; reads the whole cache under a mask, so that sizes never change."""
        x = self.embedding(token).unsqueeze(1) + self.positions(place)
        mask = (torch.arange(LENGTH) <= place).view(1, 1, 1, LENGTH)
        return self.rows(x, cache, place, LENGTH, mask)

    def forward(self, prompt):
        shape = [len(prompt), HEADS, LENGTH, WIDTH // HEADS]
        cache = [(torch.zeros(shape), torch.zeros(shape)) for _ in range(DEPTH)]
        x = self.embedding(prompt) + self.positions.weight[:PROMPT]
        token = self.rows(x, cache, 0, PROMPT)
        written = [token]
        for place in range(PROMPT, LENGTH - 1):
            at = place if self.next == self.sliced else torch.tensor([place])
            token = self.next(token, cache, at)
            written.append(token)
        return torch.stack(written, 1)


class Decode(Inference):
    ways = ["cache", "cache compile"]

    def __init__(self, way, sequences=1):
        super().__init__(way)
        generator = torch.Generator().manual_seed(2)
        self.inputs = (torch.randint(0, VOCAB, [sequences, PROMPT], generator=generator),)
        # Every row once; the products with the vocabulary only where a byte is written.
        rows = sequences * (LENGTH - 1)
        self.dense_flops = DEPTH * block_flops(rows, WIDTH, HIDDEN) + linear_flops(
            sequences * COUNT, WIDTH, VOCAB)
        self.compiles = False  # only the step is
        model = Writer(way)
        self.prepare(model, model)

    @property
    def output(self):
        return super().output.int()
