"""Writes the files that file_test.go reads. Made with safetensors 0.8.0 and
numpy 2.4.6; run it in this folder: python golden.py"""

import json

import numpy as np
from safetensors.numpy import save_file

f = np.array([0.0, -0.0, 1.0, -2.5, 65504.0, 2.0**-24, np.inf, -np.inf, 1 / 3, 1e-7, 1e-40, 12345.678])
t = {
    "f64": f.reshape(3, 4),
    "f32": f.astype(np.float32).reshape(2, 6),
    "f16": f.astype(np.float16).reshape(12, 1),
    "i64": np.array([-(2**63), 2**63 - 1], np.int64),
    "i32": np.array([-(2**31), 2**31 - 1], np.int32),
    "i16": np.array([-(2**15), 2**15 - 1], np.int16),
    "i8": np.array([-128, 127, 5], np.int8),
    "u64": np.array([0, 2**63 - 1], np.uint64),
    "u32": np.array([0, 2**32 - 1], np.uint32),
    "u16": np.array([0, 2**16 - 1], np.uint16),
    "u8": np.array([0, 255], np.uint8),
    "bool": np.array([True, False, True]),
    "scalar": np.array(7, np.int32),
    "empty": np.zeros((0, 5), np.float32),
    "name with \"quotes\" and ü": np.array([1], np.int8),
}
save_file(t, "library.safetensors", {"format": "np", "of": "golden.py"})

values = {k: [x.hex() for x in t[k].astype(np.float32).flatten().tolist()] for k in ("f64", "f32", "f16")}
values |= {k: v.flatten().tolist() for k, v in t.items() if v.dtype.kind in "iub"}
with open("library.json", "w") as out:
    json.dump({"shape": {k: v.shape for k, v in t.items()}, "values": values}, out, indent=0)
    out.write("\n")
