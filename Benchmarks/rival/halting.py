"""Computation that ends when each unit is done: ACT, PonderNet, early exits."""

import torch
from torch import nn
from torch.nn import functional

from common import Block, Inference, Training, block_flops, linear_flops, scope

SIZE, CLASSES, STATE, LIMIT = 64, 2, 128, 20


def parity_batch(count):
    """Vectors of which some numbers are 1 or -1 and the others 0; is the number of ones odd?"""
    generator = torch.Generator().manual_seed(2)
    used = torch.randint(1, SIZE + 1, [count, 1], generator=generator)
    order = torch.rand(count, SIZE, generator=generator).argsort(-1)
    signs = torch.randint(0, 2, [count, SIZE], generator=generator) * 2 - 1
    x = torch.where(order < used, signs, 0).float()
    return x, (x == 1).sum(-1) % 2


# ACT (Graves 2016)


class ACTNet(nn.Module):
    ponder, epsilon, start = 0.001, 0.01, -1.5

    def __init__(self, way):
        super().__init__()
        self.input = nn.Linear(SIZE, STATE)
        self.loop = scope(
            recurrent=nn.Linear(STATE, STATE, bias=False),
            halt=scope(router=scope(linear=nn.Linear(STATE, 1))))
        self.linear = nn.Linear(STATE, CLASSES)
        # Wider than it would start, so that samples differ in how long they take.
        nn.init.normal_(self.loop.halt.router.linear.weight, std=2 * STATE ** -0.5)
        self.think = getattr(self, way.removesuffix(" compile"))

    def forward(self, x, target):
        seen = self.input(x)
        mixed, cost = self.think(seen, torch.tanh(seen))
        entropy = functional.cross_entropy(self.linear(mixed), target)
        return entropy + self.ponder * cost / len(x), entropy, None

    def score(self, state):
        return torch.sigmoid(self.loop.halt.router.linear(state).squeeze(-1) + self.start)

    def masked(self, seen, state):
        """All samples take every round, until the last one is done."""
        total, cost = torch.zeros(len(seen)), 0
        running, mixed = torch.ones(len(seen), dtype=torch.bool), torch.zeros_like(seen)
        for number in range(LIMIT):
            state = torch.tanh(seen + self.loop.recurrent(state))
            if number == LIMIT - 1:
                weight, stops = 1 - total, running
            else:
                score = self.score(state)
                stops = running & (total + score > 1 - self.epsilon)
                weight = torch.where(stops, 1 - total, score)
                total = total + score
            mixed = mixed + (weight * running).unsqueeze(-1) * state
            cost = cost + (weight * stops).sum() + running.sum()
            running = running & ~stops
            if not running.any():
                break
        return mixed, cost

    def compacting(self, seen, state):
        """A round is computed for those who still think."""
        here = torch.arange(len(seen))
        total, cost, mixed = torch.zeros(len(seen)), 0, torch.zeros_like(seen)
        for number in range(LIMIT):
            state = torch.tanh(seen + self.loop.recurrent(state))
            if number == LIMIT - 1:
                weight, stops = 1 - total, torch.ones_like(total, dtype=torch.bool)
            else:
                score = self.score(state)
                stops = total + score > 1 - self.epsilon
                weight = torch.where(stops, 1 - total, score)
                total = total + score
            mixed = mixed.index_add(0, here, weight.unsqueeze(-1) * state)
            cost = cost + (weight * stops).sum() + len(here)
            on = (~stops).nonzero().squeeze(-1)
            if not len(on):
                break
            here, seen, state, total = (t.index_select(0, on) for t in (here, seen, state, total))
        return mixed, cost


class ACT(Training):
    ways = ["masked", "compacting", "masked compile"]

    def __init__(self, way):
        super().__init__(way)
        self.inputs = parity_batch(128)
        rounds = LIMIT * linear_flops(128, STATE, STATE) + (LIMIT - 1) * linear_flops(128, STATE, 1)
        self.dense_flops = 3 * (
            linear_flops(128, SIZE, STATE) + rounds + linear_flops(128, STATE, CLASSES))
        self.prepare(ACTNet(way), decay=0)


# PonderNet (Banino et al. 2021), halting at the median


class PonderGRU(nn.Module):
    quantile, start = 0.5, -2

    def __init__(self, way):
        super().__init__()
        self.linear = nn.Linear(SIZE, 3 * STATE)
        self.loop = scope(
            cell=scope(linear=nn.Linear(STATE, 3 * STATE)),
            halt=scope(router=scope(linear=nn.Linear(STATE, 1))))
        self.linear2 = nn.Linear(STATE, CLASSES)
        nn.init.normal_(self.loop.halt.router.linear.weight, std=4 * STATE ** -0.5)
        self.think = getattr(self, way.removesuffix(" compile"))

    def forward(self, x):
        return self.linear2(self.think(self.linear(x), x.new_zeros(len(x), STATE)))

    def cell(self, fed, state):
        past = self.loop.cell.linear(state)
        gates = torch.sigmoid(fed[:, :2 * STATE] + past[:, :2 * STATE])
        reset, update = gates.chunk(2, -1)
        new = torch.tanh(fed[:, 2 * STATE:] + reset * past[:, 2 * STATE:])
        return new + update * (state - new)

    def score(self, state):
        return torch.sigmoid(self.loop.halt.router.linear(state).squeeze(-1) + self.start)

    def masked(self, fed, state):
        survival = torch.ones(len(fed))
        running, result = torch.ones(len(fed), dtype=torch.bool), state
        for number in range(LIMIT):
            state = self.cell(fed, state)
            result = torch.where(running.unsqueeze(-1), state, result)
            if number == LIMIT - 1:
                break
            survival = survival * (1 - self.score(state))
            running = running & (1 - survival <= self.quantile)
            if not running.any():
                break
        return result

    def compacting(self, fed, state):
        survival, here = torch.ones(len(fed)), torch.arange(len(fed))
        result = torch.zeros_like(state)
        for number in range(LIMIT):
            state = self.cell(fed, state)
            if number == LIMIT - 1:
                result.index_copy_(0, here, state)
                break
            survival = survival * (1 - self.score(state))
            stops = 1 - survival > self.quantile
            gone, on = stops.nonzero().squeeze(-1), (~stops).nonzero().squeeze(-1)
            if len(gone):
                result.index_copy_(0, here.index_select(0, gone), state.index_select(0, gone))
                if not len(on):
                    break
                fed, state, survival, here = (
                    t.index_select(0, on) for t in (fed, state, survival, here))
        return result


class Ponder(Inference):
    ways = ["masked", "compacting", "masked compile"]

    def __init__(self, way, samples=128):
        super().__init__(way)
        self.inputs = (parity_batch(samples)[0],)
        rounds = LIMIT * linear_flops(samples, STATE, 3 * STATE)
        rounds += (LIMIT - 1) * linear_flops(samples, STATE, 1)
        self.dense_flops = (
            linear_flops(samples, SIZE, 3 * STATE) + rounds
            + linear_flops(samples, STATE, CLASSES))
        model = PonderGRU(way)
        self.prepare(model, model)


# Exits for whole sequences

SEQUENCES, LENGTH, VOCAB, WIDTH, HEADS, HIDDEN, DEPTH = 32, 64, 256, 256, 8, 1024, 6
SURVIVING = 0.7


class Exits(nn.Module):
    def __init__(self, way):
        super().__init__()
        number = lambda index: "" if index == 0 else str(index + 1)
        self.blocks_ = [Block(WIDTH, HEADS, HIDDEN, causal=False) for _ in range(DEPTH)]
        self.routers_ = [nn.Linear(WIDTH, 1) for _ in range(DEPTH - 1)]
        self.head_ = [nn.LayerNorm(WIDTH), nn.Linear(WIDTH, VOCAB)]
        for index, block in enumerate(self.blocks_):
            self.add_module(f"block{number(index)}", block)
        for index, router in enumerate(self.routers_):
            self.add_module(f"exit{number(index)}", scope(router=scope(linear=router)))
        self.exit.add_module("head", scope(norm=self.head_[0], linear=self.head_[1]))
        self.forward = getattr(self, way.removesuffix(" compile"))

    def head(self, x):
        return self.head_[1](self.head_[0](x))

    @torch.no_grad()
    def calibrate(self, x):
        """Sets each exit's bias so that just the wanted share of those who reach it go on."""
        for block, router in zip(self.blocks_, self.routers_):
            x = block(x)
            score = router(x).mean((1, 2))
            staying = max(1, round(SURVIVING * len(x)))
            border = score.sort().values[staying - 1:staying + 1].mean()
            router.bias -= border
            x = x[score <= border]

    def all(self, x):
        """Every block and every head for all; each sequence takes the answer of its exit."""
        running, answer = None, None
        for index, block in enumerate(self.blocks_):
            x = block(x)
            given = self.head(x)
            answer = given if answer is None else torch.where(running, given, answer)
            if index < DEPTH - 1:
                stays = self.routers_[index](x).mean(1, keepdim=True) <= 0
                running = stays if running is None else running & stays
        return answer

    def masked(self, x):
        """Whoever has left keeps its state; one head for all at the end."""
        running = None
        for index, block in enumerate(self.blocks_):
            next_ = block(x)
            x = next_ if running is None else torch.where(running, next_, x)
            if index < DEPTH - 1:
                stays = self.routers_[index](x).mean(1, keepdim=True) <= 0
                running = stays if running is None else running & stays
        return self.head(x)

    def compacting(self, x):
        """A block is computed for the sequences that are still there; one head at the end."""
        result, here = torch.empty_like(x), torch.arange(len(x))
        for index, block in enumerate(self.blocks_):
            x = block(x)
            if index == DEPTH - 1:
                result.index_copy_(0, here, x)
                break
            leaves = self.routers_[index](x).mean((1, 2)) > 0
            gone, on = leaves.nonzero().squeeze(-1), (~leaves).nonzero().squeeze(-1)
            result.index_copy_(0, here.index_select(0, gone), x.index_select(0, gone))
            if not len(on):
                break
            x, here = x.index_select(0, on), here.index_select(0, on)
        return self.head(result)


class EarlyExit(Inference):
    ways = ["all", "masked", "compacting", "all compile", "masked compile"]

    def __init__(self, way):
        super().__init__(way)
        x = torch.randn(SEQUENCES, LENGTH, WIDTH, generator=torch.Generator().manual_seed(2))
        self.inputs = (x,)
        rows = SEQUENCES * LENGTH
        self.dense_flops = (
            DEPTH * block_flops(rows, WIDTH, HIDDEN) + linear_flops(rows, WIDTH, VOCAB)
            + (DEPTH - 1) * linear_flops(rows, WIDTH, 1))
        model = Exits(way)
        model.calibrate(x)
        self.prepare(model, model)
