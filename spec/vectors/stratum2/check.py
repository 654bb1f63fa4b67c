#!/usr/bin/env python3
"""Holds the vectors of this folder against the specification of Stratum V2.

It is a second implementation of the handshake and of the messages: written from
sections 3 to 5 of the specification (August 2026), its extensions 1 and 2, BIP 324,
BIP 340 and RFC 8439, it shares no line with the program. It needs Python 3.8 and
nothing else, and takes its time.

ellswift-*.csv are BIP 324's own vectors. handshake.json and messages.json are ours.
"""

import csv
import hashlib
import hmac
import json
import pathlib
import struct

HERE = pathlib.Path(__file__).parent


def sha(b):
    return hashlib.sha256(b).digest()


def tagged(tag, b):
    t = sha(tag.encode())
    return sha(t + t + b)


# The curve of Bitcoin

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)


def inverse(a):
    return pow(a, P - 2, P)


def root(a):
    """A square root, or None."""
    r = pow(a, (P + 1) // 4, P)
    return r if r * r % P == a % P else None


def add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = 3 * a[0] * a[0] * inverse(2 * a[1])
    else:
        slope = (b[1] - a[1]) * inverse(b[0] - a[0])
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def multiple(n, p):
    total = None
    while n:
        if n & 1:
            total = add(total, p)
        p, n = add(p, p), n >> 1
    return total


def on_curve(x):
    return root(x**3 + 7) is not None


def lift(x):
    y = root(x**3 + 7)
    if y is None:
        raise ValueError("no such point")
    return x, y if y % 2 == 0 else P - y


def big(n):
    return n.to_bytes(32, "big")


def number(b):
    return int.from_bytes(b, "big")


# BIP 324: ElligatorSwift

C = root(-3)
if C % 2:  # the BIP names the even one
    C = P - C
assert C == 0x0A2D2BA93507F1DF233770C2A797962CC61F6D15DA14ECD47D8D27AE1CD5F852


def decode(b):
    """The x coordinate that 64 bytes stand for."""
    u = number(b[:32]) % P or 1
    t = number(b[32:]) % P or 1
    if (u**3 + t * t + 7) % P == 0:
        t = 2 * t % P
    x = (u**3 + 7 - t * t) * inverse(2 * t) % P
    y = (x + t) * inverse(u * C) % P
    half = inverse(2)
    for found in (u + 4 * y * y, (-x * inverse(y) - u) * half, (x * inverse(y) - u) * half):
        if on_curve(found % P):
            return found % P
    raise AssertionError("no point behind an encoding")


def encode(u, x, case):
    """The t with which u stands for x in one of eight ways, or None."""
    if case & 2 == 0:
        if on_curve((-x - u) % P):
            return None
        v = x
        s = -(u**3 + 7) * inverse(u * u + u * v + v * v) % P
    else:
        s = (x - u) % P
        if s == 0:
            return None
        r = root(-s * (4 * (u**3 + 7) + 3 * s * u * u))
        if r is None or (case & 1 and r == 0):
            return None
        v = (r * inverse(s) - u) * inverse(2) % P
    w = root(s)
    if w is None:
        return None
    # Which of two roots is w matters: libsecp256k1, the BIP's vectors and we all
    # take the power (p+1)/4.
    sign = -1 if case & 5 in (0, 5) else 1
    factor = (1 + C if case & 1 else 1 - C) * inverse(2)
    return sign * w * (u * factor + v) % P


def ecdh(secret, ours, theirs, initiating):
    x = big(multiple(secret, lift(decode(theirs)))[0])
    first, second = (ours, theirs) if initiating else (theirs, ours)
    return x, tagged("bip324_ellswift_xonly_ecdh", first + second + x)


# BIP 340: signatures


def sign(secret, message, aux):
    p = multiple(secret, G)
    d = secret if p[1] % 2 == 0 else N - secret
    t = bytes(a ^ b for a, b in zip(big(d), tagged("BIP0340/aux", aux)))
    k = number(tagged("BIP0340/nonce", t + big(p[0]) + message)) % N
    r = multiple(k, G)
    k = k if r[1] % 2 == 0 else N - k
    e = number(tagged("BIP0340/challenge", big(r[0]) + big(p[0]) + message)) % N
    return big(r[0]) + big((k + e * d) % N)


def verify(x, message, signature):
    p = lift(number(x))
    e = number(tagged("BIP0340/challenge", signature[:32] + x + message)) % N
    r = add(multiple(number(signature[32:]), G), multiple(N - e, p))
    return r is not None and r[1] % 2 == 0 and big(r[0]) == signature[:32]


# RFC 8439: ChaCha20 and Poly1305


def chacha_block(key, counter, nonce):
    state = list(struct.unpack("<4I", b"expand 32-byte k") + struct.unpack("<8I", key) + (counter,) + struct.unpack("<3I", nonce))
    x = state[:]

    def turn(v, n):
        return (v << n | v >> (32 - n)) & 0xFFFFFFFF

    def quarter(a, b, c, d):
        x[a] = (x[a] + x[b]) & 0xFFFFFFFF
        x[d] = turn(x[d] ^ x[a], 16)
        x[c] = (x[c] + x[d]) & 0xFFFFFFFF
        x[b] = turn(x[b] ^ x[c], 12)
        x[a] = (x[a] + x[b]) & 0xFFFFFFFF
        x[d] = turn(x[d] ^ x[a], 8)
        x[c] = (x[c] + x[d]) & 0xFFFFFFFF
        x[b] = turn(x[b] ^ x[c], 7)

    for _ in range(10):
        for a, b, c, d in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            quarter(a, b, c, d)
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(x, state)))


def stream(key, nonce, b):
    out = bytearray()
    for i in range(0, len(b), 64):
        block = chacha_block(key, 1 + i // 64, nonce)
        out += bytes(p ^ k for p, k in zip(b[i : i + 64], block))
    return bytes(out)


def poly1305(key, b):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for i in range(0, len(b), 16):
        total = (total + int.from_bytes(b[i : i + 16] + b"\1", "little")) * r % (2**130 - 5)
    return ((total + int.from_bytes(key[16:], "little")) % 2**128).to_bytes(16, "little")


def pad(b):
    return b + bytes(-len(b) % 16)


def tag(key, nonce, ad, text):
    once = chacha_block(key, 0, nonce)[:32]
    return poly1305(once, pad(ad) + pad(text) + struct.pack("<QQ", len(ad), len(text)))


class Cipher:
    def __init__(self, key):
        self.key, self.n = key, 0

    def nonce(self):
        self.n += 1
        return struct.pack("<IQ", 0, self.n - 1)

    def seal(self, ad, text):
        nonce = self.nonce()
        out = stream(self.key, nonce, text)
        return out + tag(self.key, nonce, ad, out)

    def open(self, ad, sealed):
        nonce = self.nonce()
        assert sealed[-16:] == tag(self.key, nonce, ad, sealed[:-16]), "forged"
        return stream(self.key, nonce, sealed[:-16])


# Noise, sections 4.4 and 4.5


def hkdf(salt, secret):
    key = hmac.new(salt, secret, "sha256").digest()
    a = hmac.new(key, b"\1", "sha256").digest()
    return a, hmac.new(key, a + b"\2", "sha256").digest()


class Transcript:
    def __init__(self):
        self.ck = sha(b"Noise_NX_Secp256k1+EllSwift_ChaChaPoly_SHA256")
        self.h = sha(self.ck)

    def mix(self, b):
        self.h = sha(self.h + b)

    def mix_key(self, secret):
        self.ck, key = hkdf(self.ck, secret)
        self.cipher = Cipher(key)

    def seal(self, b):
        out = self.cipher.seal(self.h, b)
        self.mix(out)
        return out

    def open(self, b):
        out = self.cipher.open(self.h, b)
        self.mix(b)
        return out

    def split(self):
        return [Cipher(k) for k in hkdf(self.ck, b"")]


ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base58check(b):
    b += sha(sha(b))[:4]
    n, out = number(b), ""
    while n:
        n, digit = divmod(n, 58)
        out = ALPHABET[digit] + out
    return "1" * (len(b) - len(b.lstrip(b"\0"))) + out


def check_curve():
    n = 0
    for row in csv.DictReader(open(HERE / "ellswift-decode.csv")):
        assert big(decode(bytes.fromhex(row["ellswift"]))).hex() == row["x"], row
        n += 1
    for row in csv.DictReader(open(HERE / "ellswift-inverse.csv")):
        u, x = int(row["u"], 16), int(row["x"], 16)
        for case in range(8):
            t = encode(u, x, case)
            assert ("" if t is None else big(t).hex()) == row["t%d" % case], (row, case)
            if t is not None:
                assert decode(big(u) + big(t)) == x
            n += 1
    for row in csv.DictReader(open(HERE / "ellswift-ecdh.csv")):
        x, shared = ecdh(int(row["secret"], 16), bytes.fromhex(row["ours"]), bytes.fromhex(row["theirs"]), row["initiating"] == "1")
        assert (x.hex(), shared.hex()) == (row["x"], row["shared"]), row
        n += 1
    return n


def check_key():
    raw = bytes([118, 99, 112, 0, 151, 156, 28, 17, 175, 12, 48, 11, 205, 140, 127, 228, 134, 16, 252, 233, 185, 193, 30, 61, 174, 227, 90, 224, 176, 138, 116, 85])
    assert base58check(b"\1\0" + raw) == "9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh"
    return 1


def check_handshake():
    v = json.load(open(HERE / "handshake.json"))
    hexed = bytes.fromhex
    secrets, encodings = {}, {}
    for who in ("Initiator", "Responder", "Static"):
        k = v[who]
        secrets[who], encodings[who] = int(k["Secret"], 16), hexed(k["Encoding"])
        x = multiple(secrets[who], G)[0]
        assert big(x).hex() == k["X"] and decode(encodings[who]) == x, who
    e, re, s = (encodings[k] for k in ("Initiator", "Responder", "Static"))

    # the certificate
    authority = int(v["Authority"], 16)
    public = big(multiple(authority, G)[0])
    assert base58check(b"\1\0" + public) == v["AuthorityText"]
    terms = struct.pack("<HII", 0, v["ValidFrom"], v["NotValidAfter"])
    message = sha(terms + hexed(v["Static"]["X"]))
    signature = sign(authority, message, hexed(v["SignatureAux"]))
    assert signature.hex() == v["Signature"] and verify(public, message, signature)

    # the responder's side, byte for byte
    assert hexed(v["Hello"]) == e
    t = Transcript()
    assert t.ck.hex() == "2eb47881208e9eee1f669f67c66ee70ea9ea88090d503fe830dc4bc83e29bf10"
    t.mix(e)
    t.mix(b"")
    t.mix(re)
    t.mix_key(ecdh(secrets["Responder"], re, e, False)[1])
    answer = re + t.seal(s)
    t.mix_key(ecdh(secrets["Static"], s, e, False)[1])
    answer += t.seal(terms + signature)
    assert answer.hex() == v["Answer"] and len(answer) == 234
    theirs = t.split()

    # the initiator's side
    t = Transcript()
    t.mix(e)
    t.mix(b"")
    t.mix(answer[:64])
    t.mix_key(ecdh(secrets["Initiator"], e, answer[:64], True)[1])
    static = t.open(answer[64:144])
    t.mix_key(ecdh(secrets["Initiator"], e, static, True)[1])
    assert t.open(answer[144:]) == terms + signature and static == s
    ours = t.split()

    for text in v["Texts"]:
        way = 0 if text["Initiator"] else 1
        plain, sealed = hexed(text["Plain"]), hexed(text["Sealed"])
        assert theirs[way].seal(b"", plain) == sealed
        assert ours[way].open(b"", sealed) == plain
    return 2 + len(v["Texts"])


# Messages, sections 3 and 5: extension with its channel bit, type, and fields

NO, CHANNEL, NEGOTIATION = 0x0000, 0x8000, 0x0001
OPEN = "Request:u32 User:str HashRate:f32 MaxTarget:u256"
SHARE = "Channel:u32 Sequence:u32 Job:u32 Nonce:u32 Time:u32 Version:u32"
TABLE = {
    "SetupConnection": (NO, 0x00, "Protocol:u8 MinVersion:u16 MaxVersion:u16 Flags:u32 Host:str Port:u16 Vendor:str Hardware:str Firmware:str Device:str"),
    "SetupConnection.Success": (NO, 0x01, "Version:u16 Flags:u32"),
    "SetupConnection.Error": (NO, 0x02, "Flags:u32 Code:str"),
    "ChannelEndpointChanged": (CHANNEL, 0x03, "Channel:u32"),
    "Reconnect": (NO, 0x04, "Host:str Port:u16"),
    "OpenStandardMiningChannel": (NO, 0x10, OPEN),
    "OpenStandardMiningChannel.Success": (NO, 0x11, "Request:u32 Channel:u32 Target:u256 ExtranoncePrefix:b1 Group:u32"),
    "OpenMiningChannel.Error": (NO, 0x12, "Request:u32 Code:str"),
    "OpenExtendedMiningChannel": (NO, 0x13, OPEN + " MinExtranonce:u16"),
    "OpenExtendedMiningChannel.Success": (NO, 0x14, "Request:u32 Channel:u32 Target:u256 Extranonce:u16 ExtranoncePrefix:b1 Group:u32"),
    "NewMiningJob": (CHANNEL, 0x15, "Channel:u32 Job:u32 MinTime:option Version:u32 Root:u256"),
    "UpdateChannel": (CHANNEL, 0x16, "Channel:u32 HashRate:f32 MaxTarget:u256"),
    "UpdateChannel.Error": (CHANNEL, 0x17, "Channel:u32 Code:str"),
    "CloseChannel": (CHANNEL, 0x18, "Channel:u32 Reason:str"),
    "SetExtranoncePrefix": (CHANNEL, 0x19, "Channel:u32 ExtranoncePrefix:b1"),
    "SubmitSharesStandard": (CHANNEL, 0x1A, SHARE),
    "SubmitSharesExtended": (CHANNEL, 0x1B, SHARE + " Extranonce:b1"),
    "SubmitShares.Success": (CHANNEL, 0x1C, "Channel:u32 Sequence:u32 Count:u32 Sum:u64"),
    "SubmitShares.Error": (CHANNEL, 0x1D, "Channel:u32 Sequence:u32 Code:str"),
    "NewExtendedMiningJob": (CHANNEL, 0x1F, "Channel:u32 Job:u32 MinTime:option Version:u32 VersionRolling:bool Path:u256s Prefix:b2 Suffix:b2"),
    "SetNewPrevHash": (CHANNEL, 0x20, "Channel:u32 Job:u32 Prev:u256 MinTime:u32 Bits:u32"),
    "SetTarget": (CHANNEL, 0x21, "Channel:u32 Target:u256"),
    "SetCustomMiningJob": (
        CHANNEL,
        0x22,
        "Channel:u32 Request:u32 Token:b1 Version:u32 Prev:u256 MinTime:u32 Bits:u32 CoinbaseVersion:u32 CoinbasePrefix:b1 "
        "CoinbaseSequence:u32 CoinbaseOutputs:b2 CoinbaseLockTime:u32 Path:u256s",
    ),
    "SetCustomMiningJob.Success": (CHANNEL, 0x23, "Channel:u32 Request:u32 Job:u32"),
    "SetCustomMiningJob.Error": (CHANNEL, 0x24, "Channel:u32 Request:u32 Code:str"),
    "SetGroupChannel": (NO, 0x25, "Group:u32 Channels:u32s"),
    "RequestExtensions": (NEGOTIATION, 0x00, "Request:u16 Extensions:u16s"),
    "RequestExtensions.Success": (NEGOTIATION, 0x01, "Request:u16 Extensions:u16s"),
    "RequestExtensions.Error": (NEGOTIATION, 0x02, "Request:u16 Unsupported:u16s Required:u16s"),
}
WRITE = {
    "u8": lambda v: struct.pack("<B", v),
    "u16": lambda v: struct.pack("<H", v),
    "u32": lambda v: struct.pack("<I", v),
    "u64": lambda v: struct.pack("<Q", v),
    "f32": lambda v: struct.pack("<f", v),
    "bool": lambda v: struct.pack("<?", v),
    "u256": bytes.fromhex,
    "str": lambda v: struct.pack("<B", len(v)) + v.encode(),
    "b1": lambda v: struct.pack("<B", len(v) // 2) + bytes.fromhex(v),
    "b2": lambda v: struct.pack("<H", len(v) // 2) + bytes.fromhex(v),
    "u256s": lambda v: struct.pack("<B", len(v)) + bytes.fromhex("".join(v)),
    "u32s": lambda v: struct.pack("<H%dI" % len(v), len(v), *v),
    "u16s": lambda v: struct.pack("<H%dH" % len(v), len(v), *v),
}


def check_messages():
    vectors, seen = json.load(open(HERE / "messages.json")), set()
    for v in vectors:
        extension, kind, spec = TABLE[v["Name"]]
        payload = b""
        for name, how in (f.split(":") for f in spec.split()):
            value = v["Fields"].pop(name)
            if how == "option":
                there = v["Fields"].pop("Active")
                payload += struct.pack("<BI", 1, value) if there else b"\0"
            else:
                payload += WRITE[how](value)
        assert not v["Fields"], v
        frame = struct.pack("<HB", extension, kind) + struct.pack("<I", len(payload))[:3] + payload
        assert frame.hex() == v["Frame"], v["Name"]
        seen.add(v["Name"])
    assert seen == set(TABLE), set(TABLE) - seen
    return len(vectors)


for check in (check_key, check_messages, check_handshake, check_curve):
    print("%-16s %d vectors hold" % (check.__name__[6:], check()))
