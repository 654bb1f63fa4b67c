"""Times all-MiniLM-L6-v2 in onnxruntime, float32 and dynamic int8, and prints JSON.

The model is exported from PyTorch, fused by onnxruntime's own transformers optimiser (attention,
GELU and norms become one operator each: its fastest form), and quantised with onnxruntime's own
quantize_dynamic (weights int8 per channel, reduce_range off). What is timed is token numbers in, the pooled
and normalised embedding out: the tokenizer is left out. Each figure is the fastest call of many.

Run:  python onnx_compare.py --minilm FOLDER [--cache FOLDER] [--threads 1,2] [--tokens 32,128,256] [--batch 1,16]
Prints {"runtime", "results": [{"model", "tokens", "batch", "threads", "embeddings_per_second"}],
"cosine_int8_to_float": {"mean", "least"} of 16 random sequences}.
A benchmark or test that wants it names a Python that has torch, transformers, onnx and
onnxruntime in an environment variable of its own, and skips without.
"""

import argparse
import json
import os
import tempfile
import time

import numpy as np


def export(folder, path):
    """Writes the encoder with mean pooling and normalisation as one ONNX graph."""
    import torch
    from transformers import AutoModel

    class Embedder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.bert = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager",
                                                  add_pooling_layer=False)

        def forward(self, input_ids, attention_mask):
            states = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            weights = attention_mask.unsqueeze(-1).to(states.dtype)
            pooled = (states * weights).sum(1) / weights.sum(1)
            return torch.nn.functional.normalize(pooled, dim=-1)

    ids = torch.randint(1000, 30000, (2, 16))
    torch.onnx.export(Embedder().eval(), (ids, torch.ones_like(ids)), path, input_names=["input_ids", "attention_mask"],
                      output_names=["embedding"], opset_version=17, dynamo=False,
                      dynamic_axes={"input_ids": {0: "batch", 1: "tokens"}, "attention_mask": {0: "batch", 1: "tokens"},
                                    "embedding": {0: "batch"}})


def session(path, threads):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def inputs(batch, tokens, seed=1):
    ids = np.random.default_rng(seed).integers(1000, 30000, (batch, tokens), dtype=np.int64)
    ids[:, 0], ids[:, -1] = 101, 102
    return {"input_ids": ids, "attention_mask": np.ones_like(ids)}


def best(run, feed, rounds, seconds=0.4):
    """The fastest single call, in seconds: other work on the machine can only make calls slower."""
    run.run(None, feed)
    fastest, end = float("inf"), time.perf_counter() + rounds * seconds
    while time.perf_counter() < end:
        begin = time.perf_counter()
        run.run(None, feed)
        fastest = min(fastest, time.perf_counter() - begin)
    return fastest


def numbers(text):
    return [int(part) for part in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minilm", required=True)
    parser.add_argument("--cache", help="folder that keeps the two ONNX files between runs")
    parser.add_argument("--threads", type=numbers, default=[1, 2])
    parser.add_argument("--tokens", type=numbers, default=[32, 128, 256])
    parser.add_argument("--batch", type=numbers, default=[1, 16])
    parser.add_argument("--rounds", type=int, default=5, help="rounds of 0.4 s for each figure")
    args = parser.parse_args()
    import onnxruntime

    with tempfile.TemporaryDirectory() as scratch:
        folder = args.cache or scratch
        os.makedirs(folder, exist_ok=True)
        paths = {"float32": os.path.join(folder, "minilm.onnx"), "int8": os.path.join(folder, "minilm-int8.onnx")}
        if not os.path.exists(paths["float32"]):
            plain = os.path.join(scratch, "plain.onnx")
            export(args.minilm, plain)
            from onnxruntime.transformers import optimizer
            fused = optimizer.optimize_model(plain, model_type="bert", num_heads=12, hidden_size=384, opt_level=1)
            if fused.get_fused_operator_statistics()["Attention"] != 6:
                raise SystemExit("onnxruntime's optimiser did not fuse the six layers of attention")
            fused.save_model_to_file(paths["float32"])
        if not os.path.exists(paths["int8"]):
            from onnx import TensorProto
            from onnxruntime.quantization import QuantType, quantize_dynamic
            quantize_dynamic(paths["float32"], paths["int8"], weight_type=QuantType.QInt8, per_channel=True,
                             reduce_range=False, extra_options={"DefaultTensorType": TensorProto.FLOAT})
        results = []
        for threads in args.threads:
            for model, path in paths.items():
                run = session(path, threads)
                for tokens in args.tokens:
                    for batch in args.batch:
                        took = best(run, inputs(batch, tokens), args.rounds)
                        results.append({"model": model, "tokens": tokens, "batch": batch, "threads": threads,
                                        "embeddings_per_second": round(batch / took, 1)})
        feed = inputs(16, 64, seed=2)
        exact, coarse = (session(path, 1).run(None, feed)[0] for path in paths.values())
        cosines = (exact * coarse).sum(1)
    print(json.dumps({"runtime": f"onnxruntime {onnxruntime.__version__}", "results": results,
                      "cosine_int8_to_float": {"mean": round(float(cosines.mean()), 5),
                                               "least": round(float(cosines.min()), 5)}}, indent=1))


if __name__ == "__main__":
    main()
