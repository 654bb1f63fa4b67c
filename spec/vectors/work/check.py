#!/usr/bin/env python3
"""Holds the vectors of this folder against spec/work.md.

It is a second implementation: written from the page, it shares no line with the
program. It needs Python 3.8 and the package blake3 (pip install blake3).
Signatures are held to RFC 8032 with whole numbers alone, as slowly as that is. The
numbers of sections are the page's.
"""

import base64
import hashlib
import json
import pathlib
import struct

from blake3 import blake3


def derive_key(context, material, n=32):
    return blake3(material, derive_key_context=context).digest(length=n)


def keyed(key, message, n=32):
    return blake3(message, key=key).digest(length=n)


def hash_of(message, n=32):
    return blake3(message).digest(length=n)


def u32(v):
    return struct.pack("<I", v)


def i32s(values):
    return struct.pack("<%di" % len(values), *values)


def rotl(x, n):
    return (x << n | x >> (32 - n)) & 0xFFFFFFFF


# Ed25519, as RFC 8032 defines it

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(a, b):
    (x1, y1, z1), (x2, y2, z2) = a, b
    z = z1 * z2 % P
    s = z * z % P
    c, d = x1 * x2 % P, y1 * y2 % P
    e = D * c * d % P
    f, g = s - e, s + e
    return (z * f * ((x1 + y1) * (x2 + y2) - c - d) % P, z * g * (d + c) % P, f * g % P)


def multiple(n, a):
    total = (0, 1, 1)
    while n:
        if n & 1:
            total = add(total, a)
        a, n = add(a, a), n >> 1
    return total


def x_of(y, odd):
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and odd):
        raise ValueError("no point")
    return P - x if x & 1 != odd else x


def point(b):
    v = int.from_bytes(b, "little")
    y, odd = v & (2**255 - 1), v >> 255
    return (x_of(y, odd), y, 1)


def encoding(a):
    x, y, z = a
    inverse = pow(z, P - 2, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = (x_of(BASE_Y, 0), BASE_Y, 1)


def is_executor(key):  # section 4
    y = int.from_bytes(key, "little") & (2**255 - 1)
    return y < P and encoding(multiple(8, point(key))) != encoding((0, 1, 1))


def signed(key, message, signature):  # section 4
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    k = int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % L
    x, y, z = multiple(k, point(key))
    return is_executor(key) and s < L and encoding(add(multiple(s, BASE), (-x % P, y, z))) == r


# 3. Jobs


def job_of(b):
    if not b.startswith(b"hearth job 1\n"):
        raise ValueError("no job")
    at = 13

    def take(n):
        nonlocal at
        at += n
        return b[at - n : at]

    job = {"model": take(32), "public": take(1)[0], "salt": take(32)}
    job["most"], job["temperature"], job["top_k"], job["top_p"], job["presence"], job["frequency"] = struct.unpack("<4I2i", take(24))
    job["seed"] = take(32)
    job["stop"] = list(struct.unpack("<%dI" % (n := struct.unpack("<H", take(2))[0]), take(4 * n)))
    job["prompt"] = list(struct.unpack("<%dI" % (n := struct.unpack("<I", take(4))[0]), take(4 * n)))
    if at != len(b):
        raise ValueError("bytes left over")
    return job


def job_id(b):
    return derive_key("hearth work 1 job", b)


# 5. Seeds, noise, permutation


def permutation(root, k, r):
    p = derive_key("hearth work 1 permutation", root)
    out = []
    for s in range(k // r):
        # As many blocks as are ever needed, asked for one after the other.
        stream = (b for c in range(64) for b in keyed(p, u32(s) + u32(c), 64))
        places = list(range(r))
        for i in range(r - 1, 0, -1):
            b = next(stream)
            while b >= 256 - 256 % (i + 1):
                b = next(stream)
            places[i], places[b % (i + 1)] = places[b % (i + 1)], places[i]
        signs = [next(stream) for _ in range(r // 8)]
        out += [(e, signs[j // 8] >> j % 8 & 1) for j, e in enumerate(places)]
    return out


# 6. Transcript and ticket


def transcript(m0, tile, noisy, weights, k, r):
    m = list(struct.unpack("<16I", m0))
    m[0] = (m[0] + tile) % 2**32
    sums = [0] * 128
    for at in range(0, k, r):
        part = noisy[at : at + r]
        for c in range(128):
            begin = (128 * tile + c) * k + at
            sums[c] += sum(u * w for u, w in zip(part, weights[begin : begin + r]))
        for l in range(16):
            m[l] = rotl(m[l], 13)
            for q in (0, 2, 4, 6):
                m[l] = (m[l] + sums[16 * q + l]) % 2**32 ^ sums[16 * (q + 1) + l] % 2**32
    return m


def stored(n, k):
    """The weights of the vectors, as values from -127 to 127."""
    return [b % 255 - 127 for b in hash_of(b"weights %dx%d" % (n, k), n * k)]


def as_bytes(weights):
    return bytes(w & 255 for w in weights)


def check_tickets(f):
    beacon, executor, job = (bytes.fromhex(f[name]) for name in ("beacon", "executor", "job"))
    fields = job_of(job)
    same(job_id(job).hex(), f["job_id"], "job id")
    claim = derive_key("hearth work 1 claim", beacon + executor + job_id(job) + u32(f["prefix"]))
    same(claim.hex(), f["claim_id"], "claim id")
    for v in f["operations"]:
        n, k, t, b = v["n"], v["k"], v["position"], v["tile"]
        what = "ticket of %dx%d: " % (n, k)
        r = 32 if k < 2048 else 64
        weights, row = stored(n, k), bytes.fromhex(v["row"])
        root = hash_of(as_bytes(weights))
        key = derive_key(
            "hearth work 1 operation",
            beacon + executor + job_id(job) + root + u32(v["layer"]) + bytes([v["kind"]]) + u32(n) + u32(k),
        )
        seed = keyed(key, u32(t) + hash_of(row))
        e = [(x & 63) - 32 for x in keyed(seed, b"e", r)]
        m0 = keyed(seed, b"M0", 64)
        perm = permutation(root, k, r)
        noisy = [a - e[p] if minus else a + e[p] for a, (p, minus) in zip(row, perm)]
        m = transcript(m0, b, noisy, weights, k, r)
        ticket = keyed(seed, struct.pack("<16I", *m))

        same(root.hex(), v["weight_root"], what + "weight root")
        same(key.hex(), v["operation_key"], what + "operation key")
        same(hash_of(row).hex(), v["row_hash"], what + "hash of the row")
        same(seed.hex(), v["seed"], what + "seed")
        same(e, v["noise"], what + "noise")
        same(m0.hex(), v["m0"], what + "M0")
        same(bytes(p | minus << 7 for p, minus in perm).hex(), v["permutation"], what + "permutation")
        same(bytes(noisy).hex(), v["noisy_row"], what + "row with noise")
        same(m, v["transcript"], what + "transcript")
        same(ticket.hex(), v["ticket"], what + "ticket")

        # 7. The message
        encoded = bytes.fromhex(v["encoded"])
        w = max(0, t + 1 - len(fields["prompt"]))
        place = claim + struct.pack("<HBII", v["layer"], v["kind"], t, b)
        begin = b"hearth ticket 1\n" + place + struct.pack("<H", k) + row + struct.pack("<H", w)
        same(encoded[: len(begin)].hex(), begin.hex(), what + "message")
        same(len(encoded), len(begin) + 4 * w + 64, what + "length of the message")
        content, signature = encoded[:-64], encoded[-64:]
        same(signed(executor, b"hearth ticket signature 1\n" + hash_of(content), signature), True, what + "signature")
        same(signed(executor, b"hearth ticket signature 1\n" + hash_of(content + b"."), signature), False, what + "another message's signature")
        same(derive_key("hearth work 1 nullifier", place).hex(), v["nullifier"], what + "nullifier")

        # The noise comes out again: a·B = a'·B - e·Q.
        column = weights[128 * b * k : (128 * b + 1) * k]
        q = [0] * r
        for x, (p, minus) in zip(column, perm):
            q[p] += -x if minus else x
        clean = sum((a - 128) * x for a, x in zip(row, column))
        same(sum((u - 128) * x for u, x in zip(noisy, column)) - sum(x * y for x, y in zip(e, q)), clean, what + "product without noise")


def check_targets(f):
    for v in f["targets"]:
        limit = int.from_bytes(bytes.fromhex(v["target"]), "little") * v["work"]
        same(limit < 2**256, True, "limit")
        same(int.from_bytes(bytes.fromhex(v["ticket"]), "little") <= limit, v["wins"], "win")


# 7. Openings. BLAKE3 as its specification has it: the package gives no values of
# inner nodes.

IV = [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19]
ORDER = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]
CHUNK_START, CHUNK_END, PARENT, ROOT = 1, 2, 4, 8


def compress(value, block, counter, flags):
    v = list(value) + IV[:4] + [counter, 0, 64, flags]
    m = list(struct.unpack("<16I", block))

    def mix(a, b, c, d, x, y):
        v[a] = (v[a] + v[b] + x) & 0xFFFFFFFF
        v[d] = rotl(v[d] ^ v[a], 16)
        v[c] = (v[c] + v[d]) & 0xFFFFFFFF
        v[b] = rotl(v[b] ^ v[c], 20)
        v[a] = (v[a] + v[b] + y) & 0xFFFFFFFF
        v[d] = rotl(v[d] ^ v[a], 24)
        v[c] = (v[c] + v[d]) & 0xFFFFFFFF
        v[b] = rotl(v[b] ^ v[c], 25)

    for _ in range(7):
        for i, (a, b, c, d) in enumerate(
            ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))
        ):
            mix(a, b, c, d, m[2 * i], m[2 * i + 1])
        m = [m[i] for i in ORDER]
    return [v[i] ^ v[i + 8] for i in range(8)]


def leaf(data, number):
    value = IV
    for at in range(0, 1024, 64):
        flags = (CHUNK_START if at == 0 else 0) | (CHUNK_END if at == 960 else 0)
        value = compress(value, data[at : at + 64], number, flags)
    return struct.pack("<8I", *value)


def node(left, right, root):
    return struct.pack("<8I", *compress(IV, left + right, 0, PARENT | (ROOT if root else 0)))


def check_openings(f):
    for v in f["openings"]:
        n, k, tile = v["n"], v["k"], v["tile"]
        what = "opening of %dx%d, tile %d: " % (n, k, tile)
        data = as_bytes(stored(n, k))
        first, behind, leaves = tile * k // 8, (tile + 1) * k // 8, n * k // 1024
        outside = []

        def value(begin, end, shown):
            """Of the subtree over leaves; shown is whether one above it is in the opening."""
            if begin >= behind or end <= first:
                if not shown:
                    outside.append(value(begin, end, True))
                    return outside[-1]
            if end - begin == 1:
                return leaf(data[1024 * begin : 1024 * end], begin)
            half = 1
            while 2 * half < end - begin:
                half *= 2
            left, right = value(begin, begin + half, shown), value(begin + half, end, shown)
            return node(left, right, end - begin == leaves)

        same(value(0, leaves, False).hex(), v["root"], what + "root")
        same(hash_of(data).hex(), v["root"], what + "hash")
        same(b"".join(outside).hex(), v["outside"], what + "values outside")
        same(hash_of(data[1024 * first : 1024 * behind]).hex(), v["rows_blake3"], what + "rows")


# 11 and 12. Trace, receipts


def trace(job, encoded, executor, positions):
    keys = [derive_key("hearth work 1 trace " + c, job["salt"] + job_id(encoded) + executor) for c in ("leaf", "node", "root")]
    level = []
    for layer in range(2):
        for kind, k in enumerate((256, 256, 256, 384)):
            row = bytes(33 + b % 191 for b in hash_of(b"row %d" % k, k))
            level += [keyed(keys[0], u32(layer) + u32(kind) + u32(p) + hash_of(row)) for p in range(positions)]
    count = len(level)
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        level = [keyed(keys[1], level[i] + level[i + 1]) for i in range(0, len(level) - 1, 2)] + odd
    return keyed(keys[2], struct.pack("<Q", count) + level[0])


def work(positions, drawn):
    """Of the model of the vectors: a decoder of 2 layers."""
    width, heads, kv_heads, head_size, inner, vocab = 256, 4, 2, 64, 384, 120
    each = width * (heads + 2 * kv_heads) * head_size + heads * head_size * width + width * 2 * inner + inner * width
    return 2 * (positions * each + 2 * heads * head_size * positions * (positions + 1) // 2) + drawn * width * vocab


def check_receipts(f):
    for v in f["receipts"]:
        encoded, output, r = bytes.fromhex(v["job"]), v["output"], json.loads(v["receipt"])
        job, executor = job_of(encoded), bytes.fromhex(r["executor"])
        what = "public receipt: " if job["public"] else "private receipt: "
        positions = len(job["prompt"]) + max(0, len(output) - 1)
        want = {
            "executor": executor.hex(),
            "format": 1,
            "job": job_id(encoded).hex(),
            "model": job["model"].hex(),
            "output": derive_key("hearth work 1 output", job["salt"] + job_id(encoded) + u32(len(output)) + i32s(output)).hex(),
            "public": job["public"] == 1,
            "signature": r["signature"],
            "trace": trace(job, encoded, executor, positions).hex(),
            "work": work(positions, len(output)),
        }
        if job["public"]:
            want["disclosed"] = {"job": base64.b64encode(encoded).decode(), "output": output}
        compact = {"sort_keys": True, "separators": (",", ":")}
        same(v["receipt"], json.dumps(want, **compact), what + "encoding")
        unsigned = json.dumps({**want, "signature": "00" * 64}, **compact).encode()
        same(signed(executor, b"hearth receipt signature 1\n" + hash_of(unsigned), bytes.fromhex(r["signature"])), True, what + "signature")


CHECKS = {"tickets": check_tickets, "targets": check_targets, "openings": check_openings, "receipts": check_receipts}
checked = 0


def same(got, want, what):
    global checked
    if got != want:
        raise SystemExit("%s: %s by the page, %s in the vectors" % (what, got, want))
    checked += 1


if __name__ == "__main__":
    here = pathlib.Path(__file__).parent
    names = sorted(p.stem for p in here.glob("*.json"))
    if names != sorted(CHECKS):
        raise SystemExit("checks and files of vectors differ: %s, %s" % (sorted(CHECKS), names))
    for name in names:
        CHECKS[name](json.loads((here / (name + ".json")).read_text()))
    print("%d values of %d files agree with the page" % (checked, len(names)))
