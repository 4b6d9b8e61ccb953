"""What the makers of fixtures share: the file format, and the language's random numbers."""

import json
import math
import struct

import torch


def write_safetensors(path, tensors, metadata):
    """8 bytes little-endian header length, JSON header padded to 8 bytes, the data."""
    header, data = {"__metadata__": metadata}, b""
    for name, tensor in tensors.items():
        kind = "F32" if tensor.is_floating_point() else "I32"
        dtype = torch.float32 if kind == "F32" else torch.int32
        raw = tensor.detach().to(dtype).contiguous().numpy()
        raw = raw.astype(raw.dtype.newbyteorder("<")).tobytes()
        header[name] = {
            "dtype": kind, "shape": list(tensor.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    print(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size} bytes")


WORD = 0xFFFFFFFF


def philox(counter, key):
    """Four words (Salmon et al. 2011: Philox 4x32 with 10 rounds)."""
    (a, b, c, d), (j, k) = counter, key
    for _ in range(10):
        p, q = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (q >> 32) ^ b ^ j, q & WORD, (p >> 32) ^ d ^ k, p & WORD
        j, k = (j + 0x9E3779B9) & WORD, (k + 0xBB67AE85) & WORD
    return a, b, c, d


def fnv1a(text):
    """A name's number, 64 bits (Fowler, Noll, Vo)."""
    result = 0xCBF29CE484222325
    for byte in text.encode():
        result = (result ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return result


def noise(kind, place, shape, seed=0, step=0):
    """`noise(x, kind)` of the language, the first at a place, for rows that are those of the batch."""
    stream = fnv1a(f"noise {place} 1 {step}")

    def words(row, column):
        position = row << 32 | column << 1
        index = position // 4
        block = philox(
            (index & WORD, index >> 32, stream & WORD, stream >> 32), (seed & WORD, seed >> 32))
        return block[position % 4], block[position % 4 + 1]

    def number(row, column):
        a, b = words(row, column)
        if kind == "uniform":
            return (a >> 8) * 2.0 ** -24
        if kind == "gumbel":
            return -math.log(-math.log((a + 0.5) * 2.0 ** -32))
        radius = math.sqrt(-2 * math.log(a * 2.0 ** -32 + 2.0 ** -33))
        return radius * math.cos(b * 2.0 ** -31 * math.pi)

    rows, columns = shape
    numbers = [[number(row, column) for column in range(columns)] for row in range(rows)]
    # The language keeps them as Float.
    return torch.tensor(numbers, dtype=torch.float32).double()
