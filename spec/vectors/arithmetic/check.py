#!/usr/bin/env python3
"""Holds the vectors of this folder against spec/arithmetic.md.

It is a second implementation: written from the page, it shares no line with the
program, and Python's whole numbers cannot overflow. Run it anywhere; it needs
nothing but Python 3.8. The numbers of sections are the page's.
"""

import json
import math
import pathlib
import struct
from decimal import Decimal, getcontext

L = 2**30 - 1
N = 2047


def within(a, b):
    return min(max(a, -b), b)


def shift_left(a, n):
    return a << n if n >= 0 else a >> -n


def bits(a):
    return a.bit_length()


# 2. Scales


def scale(m, e):
    if m == 0:
        return (0, 0)
    d = bits(m) - 32
    m, e = shift_left(m, -d), e + d
    if e > 4096:
        return (2**32 - 1, 4096)
    return (0, 0) if e < -4096 else (m, e)


def times(a, b):
    return scale(a[0] * b[0], a[1] + b[1])


def over(a, b):
    return scale((a[0] << 31) // b[0], a[1] - 31 - b[1]) if b[0] else (0, 0)


def to_the(a, n):
    return scale(a[0], a[1] + n) if a[0] else (0, 0)


def factor(a):
    h, s = a[0] >> 1, -(a[1] + 1)
    if a[0] == 0 or s > 92:
        return (0, 33)
    if s > 62:
        return (h >> (s - 62), 62)
    return (2**31 - 1, 5) if s < 5 else (h, s)


def root(total, n, eps):
    v = max(min(total // n, 2**63 - 1) + min(eps, 2**63 - 1), 1)
    z = 0
    while v << (z + 2) < 2**64:
        z += 2
    return (math.isqrt(v << z), -z // 2)


# 3 to 5. Products, to fixed point and back


def product(a, w):
    return [sum(x * y for x, y in zip(a, w[j : j + len(a)])) for j in range(0, len(w), len(a))]


def rescale(x, c, bias, m, shift):
    up, s = max(0, 33 - shift), max(33, shift)
    y = within(x, 2**28 >> up) << up
    u = (y * c + 2**27) >> 28
    result = ((u * m + 2 ** (s - 1)) >> s) + bias
    assert abs(u) < 2**31 and abs(result) <= L
    return result


def halved(x, m, shift):
    return (x * m + 2 ** (shift - 1)) >> shift


def quantise(x, d, limit):
    t = [halved(v, f, 30) for v, f in zip(x, d)] if d else x
    most = max(map(abs, t))
    if most == 0:
        return [0] * len(t), (0, 0)
    h = max(0, bits(most) - 15)
    v = (limit << 16) // (most >> h)
    a = [((y >> h) * v + 2**15) >> 16 for y in t]
    assert max(map(abs, a)) <= limit
    return a, over(scale(1, 16 + h), scale(v, 0))


# 7. Norms


def centre(x):
    mean = (sum(x) + len(x) // 2) // len(x)
    return [within(v - mean, L) for v in x]


def squares(x):
    s = max(0, bits(max(map(abs, x))) - 24)
    return sum((v >> s) ** 2 for v in x), s


# 8. Activation functions


def bend(x, table):
    w, down = table["width"], table["down"]
    u = abs(x)
    i, f = min(u >> w, 63), u % 2**w
    h = table["c1"][i] + ((table["c2"][i] * f) >> w)
    d = table["c0"][i] + ((h * f) >> w)
    return max(x, 0) - ((d + 2**down // 2) >> down)


# 9. Attention


def narrow(x):
    return within((x + 8) >> 4, N)


def rotate(x, cos, sin):
    half = len(x) // 2
    x = [within(v, 32767) for v in x]
    pairs = list(zip(x[:half], x[half:], cos, sin))
    return [(a * c - b * s + 2**13) >> 14 for a, b, c, s in pairs] + [(b * c + a * s + 2**13) >> 14 for a, b, c, s in pairs]


def power(z):
    n, f = z >> 15, z % 2**15
    if n >= 16:
        return 0
    v = 32767 - ((f * (22683 - ((f * (7646 - ((f * 1347) >> 15))) >> 15))) >> 15)
    return (v + 2**n // 2) >> n


def softmax(s, c, shift):
    e = [power(((max(s) - v) * c) >> shift) for v in s]
    j = max(0, bits(sum(e)) - 19)
    p = [(v + 2**j // 2) >> j for v in e]
    assert 32767 <= sum(p) < 2**20
    return p, sum(p)


# 12. Vectors


def unit(y):
    if not any(y):
        return y
    h = bits(max(map(abs, y))) - 25
    z = [shift_left(v, -h) for v in y]
    m, e = root(sum(v * v for v in z), 1, 0)
    assert -7 <= e <= 0
    sizes = [(abs(v) * 2 ** (30 - e) + m // 2) // m for v in z]
    return [size if v >= 0 else -size for size, v in zip(sizes, z)]


# 13. The choice of a token

getcontext().prec = 80
SERIES = [int(2**62 * Decimal(2).ln() ** j / math.factorial(j)) for j in range(6)]
PARTS = [int(Decimal(2) ** (Decimal(62) - Decimal(i) / 64)) for i in range(64)]


def weight(d, temperature):
    z = d * 6196328019 // temperature
    n, i, f = z >> 32, (z >> 26) % 64, z % 2**26
    if n > 42:
        return 0
    p = SERIES[5]
    for j in range(4, -1, -1):
        p = SERIES[j] - ((p * f) >> 32)
    return ((p * PARTS[i]) >> 64) >> (18 + n)


def log_sum(logits):
    most = max(logits)
    total = sum(weight(most - v, 2**16) for v in logits)
    b = bits(total) - 1
    x = total << (63 - b)
    for _ in range(26):
        y = x * x
        b, x = (2 * b + 1, y >> 64) if y >= 2**127 else (2 * b, y >> 63)
    return most + (((b - 42 * 2**26) * 2977044472 + 2**41) >> 42)


def blake3_of_one_block(data):
    """BLAKE3 of at most 64 bytes."""
    iv = [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19]
    order = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]
    lines = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
    m = list(struct.unpack("<16I", data.ljust(64, b"\0")))
    v = iv + iv[:4] + [0, 0, len(data), 1 | 2 | 8]  # start, end and root

    def turn(x, n):
        return ((x >> n) | (x << (32 - n))) % 2**32

    for _ in range(7):
        for k, (a, b, c, d) in enumerate(lines):
            for word, (right, left) in zip(m[2 * k : 2 * k + 2], [(16, 12), (8, 7)]):
                v[a] = (v[a] + v[b] + word) % 2**32
                v[d] = turn(v[d] ^ v[a], right)
                v[c] = (v[c] + v[d]) % 2**32
                v[b] = turn(v[b] ^ v[c], left)
        m = [m[i] for i in order]
    return struct.pack("<8I", *[v[i] ^ v[i + 8] for i in range(8)])


def choose(c):
    logits = list(c["logits"])
    if c["presence"] or c["frequency"]:
        for t in set(c["answer"]):
            logits[t] = within(logits[t] - c["presence"] - c["answer"].count(t) * c["frequency"], 2**30)
    order = sorted(range(len(logits)), key=lambda t: (-logits[t], t))
    if c["temperature"] == 0:
        return order[0]
    w = [weight(logits[order[0]] - v, c["temperature"]) for v in logits]
    kept = order[: c["top_k"]] if c["top_k"] else order
    if c["top_p"] not in (0, 2**16):
        total, n = sum(w[t] for t in kept), 1
        while sum(w[t] for t in kept[:n]) * 2**16 < c["top_p"] * total:
            n += 1
        kept = kept[:n]
    w = [v if t in kept else 0 for t, v in enumerate(w)]
    seed = b"hearth sampling 1" + bytes.fromhex(c["seed"]) + struct.pack("<Q", c["position"])
    u = (int.from_bytes(blake3_of_one_block(seed)[:8], "little") * sum(w)) >> 64
    return next(t for t in range(len(w)) if sum(w[: t + 1]) > u)


def check():
    """Yields what was computed and what a vector says, case by case."""
    folder = pathlib.Path(__file__).parent

    def load(name):
        return json.loads((folder / (name + ".json")).read_text(encoding="utf-8"))["cases"]

    def pair(s):
        return (s["m"], s["e"])

    for c in load("scales"):
        a, b = pair(c["a"]), pair(c["b"])
        yield times(a, b), pair(c["product"])
        yield over(a, b), pair(c["quotient"])
        yield to_the(a, 13), pair(c["a_times_2_to_the_13"])
    for c in load("factors"):
        s = scale(int(c["m"]), c["e"])
        yield (s, factor(s)), (pair(c["scale"]), (c["factor_m"], c["factor_shift"]))
    for c in load("roots"):
        yield root(int(c["sum"]), c["n"], int(c["eps"])), pair(c["root"])
    for c in load("product"):
        yield product(c["a"], c["w"]), c["sums"]
    for c in load("rescale"):
        bias = c.get("bias") or [0] * len(c["x"])
        y = [rescale(x, f, b, c["m"], c["shift"]) for x, f, b in zip(c["x"], c["c"], bias)]
        yield y, c["y"]
        yield [within(a + b, L) for a, b in zip(c["added_to"], y)], c["sum"]
    for c in load("times"):
        yield [halved(x, c["m"], c["shift"]) for x in c["x"]], c["y"]
    for c in load("embedding"):
        yield [halved(b, c["scale"], c["shift"]) for b in c["row"]], c["x"]
    for c in load("quantise"):
        a, s = quantise(c["x"], c.get("d"), c["limit"])
        yield ([v + 128 for v in a], s), (c["bytes"], pair(c["scale"]))
    for c in load("norms"):
        y = centre(c["x"])
        q, s = squares(y)
        yield (y, q, s, [v >> s for v in y]), (c["centred"], int(c["squares"]), c["shift"], c["shifted"])
    tables = {b["name"]: b for b in load("bends")}
    for c in load("gelu"):
        yield [bend(x, tables["gelu"]) for x in c["x"]], c["y"]
    for c in load("gate"):
        yield [within((bend(g, tables["silu"]) * u + 2**15) >> 16, L) for g, u in zip(c["g"], c["u"])], c["y"]
    for c in load("narrow"):
        yield [narrow(x) for x in c["x"]], c["y"]
    for c in load("rotate"):
        yield rotate(c["x"], c["cos"], c["sin"]), c["y"]
    for c in load("softmax"):
        p, total = softmax(c["s"][: c["n"]], c["c"], c["shift"])
        yield (p + [0] * (len(c["s"]) - c["n"]), total), (c["p"], c["sum"])
    for c in load("attention"):
        n, tokens = c["channels"], range(c["tokens"])
        s = [product(c["q"], c["k"][t * n : (t + 1) * n])[0] for t in tokens]
        p, total = softmax(s, c["c"], c["shift"])
        y = [sum(p[t] * c["v"][t * n + j] for t in tokens) for j in range(n)]
        found = [(v * (2**45 // total) + 2**36) >> 37 for v in y]
        yield (s, p, total, y, found), (c["scores"], c["p"], c["sum"], c["mixed"], c["average"])
    for c in load("units"):
        yield unit(c["x"]), c["unit"]
    for c in load("weights"):
        yield weight(c["d"], c["temperature"]), c["weight"]
    for c in load("choices"):
        t = choose(c)
        yield (t, max(c["logits"][t] - log_sum(c["logits"]), -(2**31))), (c["token"], c["log"])


def main():
    count = 0
    for got, want in check():
        count += 1
        if got != want:
            raise SystemExit(f"computed {got}\nthe vector says {want}")
    print(f"{count} vectors agree with spec/arithmetic.md")


if __name__ == "__main__":
    main()
