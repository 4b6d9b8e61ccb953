"""The graph of a byte language model of 100 transformer blocks, as a Python library would build it.

Layers are objects with a shape known when they are applied; a graph of typed nodes checks every op's
shapes as it is added and registers parameters by name, each once. Prints the numbers in all
parameters; with `--graph`, the graph itself, as `adapt graph --after trace` prints it.
"""

import sys
from math import prod


class ShapeError(Exception):
    """An op does not take values of these shapes."""


class Type:
    __slots__ = ("dims", "rows", "element")

    def __init__(self, dims, rows=None, element="f32"):
        self.dims = dims  # behind the row axis
        self.rows = rows
        self.element = element

    def __str__(self):
        axes = ([self.rows] if self.rows else []) + [str(size) for size in self.dims]
        return f"[{', '.join(axes)}]" + ("" if self.element == "f32" else f" {self.element}")


class Node:
    __slots__ = ("op", "attributes", "inputs", "outputs", "scope")

    def __init__(self, op, attributes, inputs, outputs, scope):
        self.op = op
        self.attributes = attributes
        self.inputs = inputs
        self.outputs = outputs
        self.scope = scope

    def text(self):
        outputs = ", ".join(f"%{value.index}" for value in self.outputs)
        inputs = ", ".join(f"%{value.index}" for value in self.inputs)
        attributes = f"[{', '.join(map(str, self.attributes))}]" if self.attributes else ""
        types = ", ".join(str(value.type) for value in self.outputs)
        return f"{outputs} = {self.op}{attributes}({inputs}) : {types}  // {self.scope}"


class Value:
    __slots__ = ("index", "type", "node")

    def __init__(self, index, type):
        self.index = index
        self.type = type
        self.node = None


# What each op gives, from its attributes and the types of its inputs.


def infer_matmul(_, a, b):
    if len(b.dims) != 2 or not a.dims or a.dims[-1] != b.dims[0]:
        raise ShapeError(f"matmul of {a} and {b}")
    return [Type(a.dims[:-1] + (b.dims[1],), a.rows)]


def infer_binary(_, a, b):
    if a.rows and b.rows and a.rows != b.rows:
        raise ShapeError(f"{a} and {b} have different rows")
    long, short = (a, b) if len(a.dims) >= len(b.dims) else (b, a)
    if short.dims and long.dims[-len(short.dims):] != short.dims:
        raise ShapeError(f"{a} and {b} do not broadcast")
    return [Type(long.dims, a.rows or b.rows)]


def infer_normalize(_, x):
    if not x.dims:
        raise ShapeError(f"normalize of {x}")
    return [x, Type(x.dims[:-1] + (1,), x.rows)]


def infer_gather(_, table, index):
    if index.element != "i32" or not table.dims:
        raise ShapeError(f"gather from {table} by {index}")
    return [Type(table.dims[1:], index.rows)]


def infer_attention(attributes, query, key, value):
    heads = int(attributes[0].split()[1])
    if not query.dims == key.dims == value.dims or query.dims[-1] % heads:
        raise ShapeError(f"attention of {query}, {key}, {value} in {heads} heads")
    return [value, Type((heads,), query.rows)]


INFER = {
    "matmul": infer_matmul,
    "add": infer_binary,
    "multiply": infer_binary,
    "normalize": infer_normalize,
    "gather": infer_gather,
    "gelu": lambda _, x: [x],
    "positions": lambda _, x: [Type((), x.rows, "i32")],
    "attention": infer_attention,
}


class Graph:
    def __init__(self):
        self.nodes = []
        self.values = []
        self.parameters = {}
        self.scope = ""
        self.taken = {"": {}}

    def add(self, op, *inputs, attributes=()):
        types = INFER[op](attributes, *[value.type for value in inputs])
        return self.append(op, attributes, inputs, types)

    def append(self, op, attributes, inputs, types):
        values = self.values
        outputs = []
        for type in types:
            value = Value(len(values), type)
            values.append(value)
            outputs.append(value)
        node = Node(op, attributes, inputs, outputs, self.scope)
        for value in outputs:
            value.node = node
        self.nodes.append(node)
        return outputs[0]

    def input(self, name, rows, element):
        return self.append("input", (name,), (), [Type((), rows, element)])

    def parameter(self, name, *shape):
        name = f"{self.scope}.{name}" if self.scope else name
        known = self.parameters.get(name)
        if known is not None:
            if known.type.dims != shape:
                raise ShapeError(f"parameter {name} is {known.type} and was asked for as {shape}")
            return known
        value = self.append("param", (name,), (), [Type(shape)])
        self.parameters[name] = value
        return value

    def enter(self, name):
        """Makes a scope in the current one, numbered when there is one of that name already."""
        outer = self.scope
        counts = self.taken[outer]
        counts[name] = count = counts.get(name, 0) + 1
        name = name if count == 1 else f"{name}{count}"
        self.scope = f"{outer}.{name}" if outer else name
        self.taken[self.scope] = {}

    def text(self, name, output):
        lines = [f"model {name}", "rows token in sequence"]
        lines += [f"param {key} {value.type}" for key, value in self.parameters.items()]
        lines += [node.text() for node in self.nodes]
        return "\n".join(lines + [f"return %{output.index}"])


# Layers: made with their settings, applied to a value of a graph.


class Layer:
    name = ""

    def __call__(self, graph, x):
        outer = graph.scope
        graph.enter(self.name)
        try:
            return self.apply(graph, x)
        finally:
            graph.scope = outer


class Linear(Layer):
    def __init__(self, width, name="linear"):
        self.width = width
        self.name = name

    def apply(self, graph, x):
        weight = graph.parameter("weight", x.type.dims[-1], self.width)
        product = graph.add("matmul", x, weight)
        return graph.add("add", product, graph.parameter("bias", self.width))


class Embedding(Layer):
    name = "embedding"

    def __init__(self, count, width):
        self.count = count
        self.width = width

    def apply(self, graph, _):
        table = graph.parameter("table", self.count, self.width)
        return graph.add("gather", table, graph.input("input", "token", "i32"))


class Positions(Layer):
    name = "positions"

    def __init__(self, limit):
        self.limit = limit

    def apply(self, graph, x):
        table = graph.parameter("table", self.limit, x.type.dims[-1])
        places = graph.add("positions", x)
        return graph.add("add", x, graph.add("gather", table, places))


class Norm(Layer):
    name = "norm"

    def apply(self, graph, x):
        width = x.type.dims[-1]
        gain = graph.parameter("gain", width)
        scaled = graph.add("normalize", x, attributes=("layer", 1e-5))
        scaled = graph.add("multiply", scaled, gain)
        return graph.add("add", scaled, graph.parameter("shift", width))


class Attention(Layer):
    name = "attention"

    def __init__(self, heads):
        self.heads = heads

    def apply(self, graph, x):
        width = x.type.dims[-1]
        query, key, value = (Linear(width, name)(graph, x) for name in ("query", "key", "value"))
        attributes = (f"heads {self.heads}", "causal")
        mixed = graph.add("attention", query, key, value, attributes=attributes)
        return Linear(width, "output")(graph, mixed)


class FFN(Layer):
    name = "ffn"

    def __init__(self, hidden):
        self.hidden = hidden

    def apply(self, graph, x):
        hidden = graph.add("gelu", Linear(self.hidden, "up")(graph, x))
        return Linear(x.type.dims[-1], "down")(graph, hidden)


class Block(Layer):
    def __init__(self, name, heads, hidden):
        self.name = name
        self.branches = [(Norm(), Attention(heads)), (Norm(), FFN(hidden))]

    def apply(self, graph, x):
        for norm, layer in self.branches:
            x = graph.add("add", x, layer(graph, norm(graph, x)))
        return x


def byte_lm(vocab=256, width=256, depth=100, heads=8):
    """The graph and its output."""
    graph = Graph()
    layers = [Embedding(vocab, width), Positions(128)]
    layers += [Block(f"blocks[{i}]", heads, 4 * width) for i in range(depth)]
    layers += [Norm(), Linear(vocab)]
    x = None
    for layer in layers:
        x = layer(graph, x)
    return graph, x


def main():
    graph, output = byte_lm()
    if sys.argv[1:] == ["--graph"]:
        print(graph.text("lm", output))
    else:
        print(sum(prod(value.type.dims) for value in graph.parameters.values()))


main()
