"""Training steps of a byte language model: dense, big or small or skipped, of experts, of depths."""

import torch
from torch import nn
from torch.nn import functional

from common import (
    Block, Training, block_flops, ffn_flops, linear_flops, scope)
from routed import Duo, Mixture

VOCAB, WIDTH, DEPTH, HEADS, HIDDEN = 256, 256, 6, 8, 1024
BATCH, LENGTH = 16, 128
ROWS = BATCH * LENGTH
BALANCE, COST, AUXILIARY, CAPACITY = 0.01, 0.05, 0.01, 16


def fixed_flops():
    """Forward, outside the feed-forward layers."""
    return DEPTH * 4 * linear_flops(ROWS, WIDTH, WIDTH) + linear_flops(ROWS, WIDTH, VOCAB)


class ByteLM(nn.Module):
    """`Dense` by itself; others say what a block is and what it adds to the loss."""

    def __init__(self, blocks, name="blocks"):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, WIDTH)
        self.positions = nn.Embedding(LENGTH, WIDTH)
        self.add_module(name, nn.ModuleList(blocks))
        self.norm = nn.LayerNorm(WIDTH)
        self.linear = nn.Linear(WIDTH, VOCAB)

    def forward(self, tokens, targets):
        x = self.embedding(tokens) + self.positions.weight
        x, extra, shares = self.through(x)
        logits = self.linear(self.norm(x))
        entropy = functional.cross_entropy(logits.view(ROWS, VOCAB), targets.view(ROWS))
        return entropy + extra, entropy, shares

    def through(self, x):
        """(x behind all blocks, what they add to the loss, shares of paths)"""
        for block in self.blocks:
            x = block(x)
        return x, 0, None


class RoutedLM(ByteLM):
    """Every feed-forward layer is `layer`, under the name `inner`."""

    def __init__(self, inner, layer):
        super().__init__(Block(WIDTH, HEADS, HIDDEN, True, inner, layer()) for _ in range(DEPTH))

    def through(self, x):
        extra, shares = 0, []
        for block in self.blocks:
            x = block.attend(x)
            y, mean, share = getattr(block, block.inner).routed(block.norm2(x))
            extra = extra + self.loss(mean, share)
            shares.append(share)
            x = x + y
        return x, extra + self.fixed_loss(), torch.stack(shares).detach()

    def fixed_loss(self):
        return 0


class DuoLM(RoutedLM):
    full = fixed_flops() + DEPTH * Duo.dense_flops(ROWS, WIDTH, HIDDEN)

    def loss(self, mean, share):
        balance = 3 * (mean * share).sum()
        cost = mean[0] * ffn_flops(ROWS, WIDTH, HIDDEN) + mean[1] * ffn_flops(ROWS, WIDTH, HIDDEN // 16)
        return BALANCE * balance + COST * cost / self.full

    def fixed_loss(self):
        return COST * fixed_flops() / self.full


class MixtureLM(RoutedLM):
    def loss(self, mean, share):
        return BALANCE * len(mean) * (mean * share).sum() / 2


class DepthsPair(nn.Module):
    """A block for all tokens, and one for the best of each sequence, weighted by their scores."""

    def __init__(self):
        super().__init__()
        block = lambda: Block(WIDTH, HEADS, HIDDEN)
        self.block = block()
        self.keep = scope(
            router=scope(linear=nn.Linear(WIDTH, 1)), kept=scope(update=scope(block=block())))

    def forward(self, x):
        x = self.block(x)
        score = self.keep.router.linear(x).squeeze(-1)  # [sequence, token]
        taken = score.topk(CAPACITY, dim=-1, sorted=False).indices.sort(-1).values
        index = taken.unsqueeze(-1).expand(-1, -1, WIDTH)
        part = x.gather(1, index)
        change = (self.keep.kept.update.block(part) - part) * score.gather(1, taken).unsqueeze(-1)
        chosen = torch.zeros_like(score).scatter(1, taken, 1.0)
        loss = functional.binary_cross_entropy_with_logits(score, chosen)
        return x.scatter_add(1, index, change), loss


class DepthsLM(ByteLM):
    def __init__(self):
        super().__init__((DepthsPair() for _ in range(DEPTH // 2)), name="pairs")

    def through(self, x):
        extra = 0
        for pair in self.pairs:
            x, loss = pair(x)
            extra = extra + AUXILIARY * loss
        return x, extra, None


def batch():
    generator = torch.Generator().manual_seed(2)
    text = torch.randint(0, VOCAB, [BATCH, LENGTH + 1], generator=generator)
    return text[:, :-1].contiguous(), text[:, 1:].contiguous()


class LanguageModel(Training):
    ways = ["eager", "compile"]

    def __init__(self, way, model, dense):
        super().__init__(way)
        if self.compiles:
            torch._dynamo.config.capture_dynamic_output_shape_ops = True
            torch._dynamo.config.capture_scalar_outputs = True
        self.inputs = batch()
        self.dense_flops = 3 * dense
        self.prepare(model)


class Dense(LanguageModel):
    def __init__(self, way):
        model = ByteLM(Block(WIDTH, HEADS, HIDDEN) for _ in range(DEPTH))
        super().__init__(way, model, fixed_flops() + DEPTH * ffn_flops(ROWS, WIDTH, HIDDEN))


class DuoModel(LanguageModel):
    ways = Duo.ways

    def __init__(self, way):
        super().__init__(way, DuoLM("duo", lambda: Duo(WIDTH, HIDDEN)), DuoLM.full)


class MixtureModel(LanguageModel):
    ways = Mixture.ways

    def __init__(self, way):
        layer = lambda: Mixture(WIDTH, HIDDEN, 8, 2, way)
        dense = fixed_flops() + DEPTH * Mixture.dense_flops(ROWS, WIDTH, HIDDEN)
        super().__init__(way, MixtureLM("experts", layer), dense)
        self.flops = fixed_flops() + DEPTH * Mixture.executed_flops(ROWS, WIDTH, HIDDEN)


class DepthsModel(LanguageModel):
    def __init__(self, way):
        score = linear_flops(ROWS, WIDTH, 1)
        dense = DEPTH * block_flops(ROWS, WIDTH, HIDDEN) + linear_flops(ROWS, WIDTH, VOCAB)
        super().__init__(way, DepthsLM(), dense + DEPTH // 2 * score)
