"""Measures the float32 perplexity of hearth-mini's shipped weights on text it has not seen.

Writes into --out (../testdata/mini):
  heldout.json      about 200 KB of held-out documents, only with --corpus; else it is read
  perplexity.json   {"protocol", "model_sha256", "tokens", "perplexity", "bits_per_byte", "windows"}

Protocol. Each document of heldout.json is encoded without special tokens and cut into chunks of
255 tokens, the last as long as what is left; chunks under 16 tokens are dropped. A window is
<|bos|> and a chunk, computed on its own from position 0; every token of the chunk is scored, given
<|bos|> and the tokens of the chunk before it. Log-likelihoods are natural; the perplexity is
exp(-sum of all / tokens scored). windows holds [document, tokens, log-likelihood] for each.

Run:  python perplexity.py --model ../mini/source --out ../testdata/mini [--corpus FOLDER]
"""

import argparse
import hashlib
import json
import math
import os

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

CHUNK, LEAST = 255, 16
LIMIT = 205_000  # bytes of held-out text in all
SHARE = 13_000  # bytes of one document


def choose(corpus):
    """Held-out documents in turn from every source, each cut at the end of a paragraph or line."""
    sources = {}
    with open(os.path.join(corpus, "heldout.jsonl"), encoding="utf-8") as f:
        for line in f:
            document = json.loads(line)
            if "text" in document:
                sources.setdefault(document["name"].split("/")[0], []).append(document["text"])
    texts, size = [], 0
    for turn in range(max(map(len, sources.values()))):
        for name in sorted(sources):
            if turn < len(sources[name]) and size < LIMIT:
                text = sources[name][turn]
                if name == "sotu":  # an address has no paragraphs, and there are few of them
                    text = text[:3 * SHARE].rsplit(". ", 1)[0] + "."
                elif len(text) > SHARE:
                    text = text[:SHARE].rsplit("\n", 1)[0]
                texts.append(text)
                size += len(text.encode())
    return texts


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--corpus", help="choose the held-out documents anew from here")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    os.makedirs(args.out, exist_ok=True)
    path = os.path.join(args.out, "heldout.json")
    if args.corpus:
        with open(path, "w", encoding="utf-8") as f:
            f.write("[\n" + ",\n".join(json.dumps(t, ensure_ascii=False) for t in choose(args.corpus)) + "\n]\n")
    with open(path, encoding="utf-8") as f:
        texts = json.load(f)
    tokenizer = Tokenizer.from_file(os.path.join(args.model, "tokenizer.json"))
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32, attn_implementation="eager").eval()
    bos = tokenizer.token_to_id("<|bos|>")
    windows, tokens, size = [], 0, 0
    for number, text in enumerate(texts):
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        for at in range(0, len(ids), CHUNK):
            chunk = ids[at:at + CHUNK]
            if len(chunk) < LEAST:
                continue
            with torch.no_grad():
                logits = model(input_ids=torch.tensor([[bos, *chunk]]), use_cache=False).logits[0, :-1]
            logs = torch.log_softmax(logits.double(), -1)[torch.arange(len(chunk)), torch.tensor(chunk)]
            windows.append([number, len(chunk), round(float(logs.sum()), 4)])
            tokens += len(chunk)
            size += len(tokenizer.decode(chunk, skip_special_tokens=False).encode())
    total = sum(w[2] for w in windows)
    with open(os.path.join(args.model, "model.safetensors"), "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()
    result = {
        "protocol": "windows of <|bos|> and up to 255 tokens of one document, each on its own; every token after "
                    "<|bos|> is scored; chunks under 16 tokens are dropped; natural logarithms",
        "model_sha256": digest,
        "tokens": tokens,
        "perplexity": round(math.exp(-total / tokens), 5),
        "bits_per_byte": round(-total / math.log(2) / size, 4),
    }
    with open(os.path.join(args.out, "perplexity.json"), "w", encoding="utf-8") as f:
        head = json.dumps(result, indent=1)[:-2]
        f.write(head + ',\n "windows": [\n' + ",\n".join("  " + json.dumps(w) for w in windows) + "\n ]\n}\n")
    print(json.dumps({**result, "windows": len(windows), "documents": len(texts)}, indent=1))


if __name__ == "__main__":
    main()
