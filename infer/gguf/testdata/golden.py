"""Writes the files that file_test.go reads. Made with gguf 0.19.0 and numpy
2.4.6; run it in this folder: python golden.py

The blocks are random bytes with scales of a reasonable size, so that every bit
of every field matters; gguf's own dequantize, in numpy, says what they mean."""

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import GGUFWriter
from gguf.constants import GGML_QUANT_SIZES
from gguf.quants import dequantize

rng = np.random.default_rng(7)
scales = {T.Q8_0: [0], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208]}
w = GGUFWriter("library.gguf", "test")
w.add_custom_alignment(64)
w.add_uint8("u8", 255)
w.add_int8("i8", -128)
w.add_uint16("u16", 65535)
w.add_int16("i16", -32768)
w.add_uint32("u32", 2**32 - 1)
w.add_int32("i32", -(2**31))
w.add_uint64("u64", 2**64 - 1)
w.add_key_value("i64", -(2**63), __import__("gguf").GGUFValueType.INT64)
w.add_float32("f32", 0.5)
w.add_float64("f64", 1 / 3)
w.add_bool("yes", True)
w.add_string("text", "zwölf")
w.add_array("texts", ["a", "", "ü"])
w.add_array("numbers", [1, -2, 3])
w.add_array("scores", [0.5, -1.0])

want = []
for kind, at in scales.items():
    block, size = GGML_QUANT_SIZES[kind]
    rows, cols = 3, 1024 // block
    raw = rng.integers(0, 256, (rows, cols, size), dtype=np.uint8)
    for o in at:
        d = rng.normal(0, 0.05, (rows, cols)).astype(np.float16)
        raw[:, :, o : o + 2] = d[:, :, None].view(np.uint8).reshape(rows, cols, 2)
    raw = raw.reshape(rows, cols * size)
    w.add_tensor(kind.name, raw, raw_dtype=kind)
    want.append((kind.name, dequantize(raw, kind)))
x = rng.normal(0, 1, (2, 5)).astype(np.float32)
w.add_tensor("F32", x)
want.append(("F32", x))
w.add_tensor("F16", x.astype(np.float16))
want.append(("F16", x.astype(np.float16).astype(np.float32)))
bf = (x.view(np.uint32) >> 16).astype(np.uint16)
w.add_tensor("BF16", bf.view(np.uint8).reshape(2, 10), raw_dtype=T.BF16)
want.append(("BF16", (bf.astype(np.uint32) << 16).view(np.float32)))
w.write_header_to_file()
w.write_kv_data_to_file()
w.write_tensors_to_file()
w.close()
with open("library.f32", "wb") as out:  # all tensors by name
    for _, v in sorted(want, key=lambda p: p[0]):
        out.write(v.astype("<f4").tobytes())
