"""One feed-forward layer, forward: dense, big or small or skipped, or of experts."""

import torch

from common import FeedForward, Inference, ffn_flops, scope
from routed import Duo, Mixture

WIDTH, HIDDEN = 256, 1024


def preferences(count, taken, rows, skew, generator):
    """The paths that each row is to take, the first one most: [row, taken]."""
    if skew == "one":
        return torch.arange(taken).expand(rows, taken)
    chance = {
        "uniform": lambda: torch.ones(count),
        "zipf": lambda: torch.arange(1, count + 1) ** -1.2,
        "empty": lambda: (torch.arange(count) < max(taken, (count + 1) // 2)).float(),
    }[skew]()
    return torch.multinomial(chance.expand(rows, count), taken, generator=generator)


def skewed(rows, count, taken, skew):
    """(rows, a router's weight under which they go where the skew sends them)

    A row says by its first numbers which paths it prefers; the router reads only those.
    """
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(rows, WIDTH, generator=generator)
    x[:, :count] *= 0.1
    wanted = preferences(count, taken, rows, skew, generator)
    for place in range(taken):
        x.scatter_add_(1, wanted[:, place:place + 1], torch.full([rows, 1], 3.0 - place))
    weight = torch.zeros(count, WIDTH)
    weight[:, :count] = torch.eye(count)
    return x, weight


class Layer(Inference):
    """`rows` rows, which go where `skew` says: uniform, zipf (1.2), one (all the same way), empty
    (half of the paths, uniformly)."""

    def __init__(self, way, model, rows, paths=0, taken=1, skew="uniform"):
        super().__init__(way)
        if paths:
            # A single row takes the first path, so that it always is the same work.
            x, weight = skewed(rows, paths, taken, "one" if rows == 1 else skew)
            with torch.no_grad():
                model.route.router.linear.weight.copy_(weight)
        else:
            x = torch.randn(rows, WIDTH, generator=torch.Generator().manual_seed(2))
        self.inputs = (x,)
        self.prepare(model, model)


class Dense(Layer):
    ways = ["eager", "compile"]

    def __init__(self, way, rows=2048, skew=None):
        super().__init__(way, scope(ffn=FeedForward(WIDTH, HIDDEN)), rows)
        self.dense_flops = ffn_flops(rows, WIDTH, HIDDEN)

    def prepare(self, model, run):
        super().prepare(model, model.ffn)


class DuoLayer(Layer):
    ways = Duo.ways

    def __init__(self, way, rows=2048, skew="uniform"):
        super().__init__(way, Duo(WIDTH, HIDDEN), rows, 3, 1, skew)
        self.dense_flops = Duo.dense_flops(rows, WIDTH, HIDDEN)


class MixtureLayer(Layer):
    ways = Mixture.ways

    def __init__(self, way, rows=2048, experts=8, skew="uniform"):
        model = Mixture(WIDTH, HIDDEN, experts, 2, way)
        super().__init__(way, model, rows, experts, 2, skew)
        self.dense_flops = Mixture.dense_flops(rows, WIDTH, HIDDEN, experts)
        self.flops = Mixture.executed_flops(rows, WIDTH, HIDDEN, experts)
