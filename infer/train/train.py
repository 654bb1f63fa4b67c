"""Trains hearth-mini, a small Llama, on the documents of corpus.py, for a stated time.

Writes config.json and model.safetensors (BF16) into --model, and a checkpoint every few
minutes into --work. Tokenizer first: tokenizer.py.

Run:  python train.py --corpus FOLDER --model ../mini/source --work FOLDER --minutes 55
The learning rate follows the clock (warm-up, then a cosine to a fiftieth), so training ends on
time on any machine; the seed fixes the first weights and the order of the text, but a faster
machine takes more steps, so two runs are alike and not equal.
"""

import argparse
import json
import math
import os
import random
import time

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

CONTEXT = 512
SEED = 20240229
BOS, EOS, USER, ASSISTANT = 0, 1, 2, 3


def configuration():
    return LlamaConfig(
        vocab_size=4096, hidden_size=256, intermediate_size=768, num_hidden_layers=7,
        num_attention_heads=8, num_key_value_heads=4, head_dim=32, max_position_embeddings=CONTEXT,
        rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=True, attention_bias=False,
        mlp_bias=False, hidden_act="silu", initializer_range=0.02,
        bos_token_id=BOS, eos_token_id=EOS)


def encode(tokenizer, document):
    if "turns" in document:
        question, answer = (ids.ids for ids in tokenizer.encode_batch(document["turns"]))
        return [BOS, USER, *question, ASSISTANT, *answer, EOS]
    return [BOS, *tokenizer.encode(document["text"]).ids, EOS]


def stream(path, tokenizer):
    with open(path, encoding="utf-8") as f:
        return [np.array(encode(tokenizer, json.loads(line)), dtype=np.int32) for line in f]


def epochs(documents, batch, seed):
    """Endless batches (tokens, targets) of shuffled documents laid end to end in rows of CONTEXT."""
    order, epoch = random.Random(seed), 0
    while True:
        turn = list(range(len(documents)))
        order.shuffle(turn)
        flat = np.concatenate([documents[i] for i in turn])[epoch % 97 * 5:]
        rows = (len(flat) - 1) // CONTEXT
        starts = list(range(rows))
        order.shuffle(starts)
        for at in range(0, rows - batch + 1, batch):
            picked = [flat[s * CONTEXT:s * CONTEXT + CONTEXT + 1] for s in starts[at:at + batch]]
            block = torch.from_numpy(np.stack(picked).astype(np.int64))
            yield epoch + at / rows, block[:, :-1], block[:, 1:]
        epoch += 1


def loss_of(model, tokens, targets):
    logits = model(input_ids=tokens, use_cache=False).logits
    return torch.nn.functional.cross_entropy(logits.float().view(-1, logits.shape[-1]), targets.reshape(-1))


def write(model, folder):
    """Writes config.json and the weights, rounded to BF16, in one file."""
    from safetensors.torch import save_file
    os.makedirs(folder, exist_ok=True)
    tensors = {name: value.detach().to(torch.bfloat16).contiguous()
               for name, value in model.state_dict().items() if name != "lm_head.weight"}
    save_file(tensors, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
    config = model.config.to_dict()
    config["architectures"] = ["LlamaForCausalLM"]
    kept = ["architectures", "model_type", "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers",
            "num_attention_heads", "num_key_value_heads", "head_dim", "max_position_embeddings", "rms_norm_eps",
            "hidden_act", "attention_bias", "mlp_bias", "tie_word_embeddings", "bos_token_id", "eos_token_id"]
    out = {key: config[key] for key in kept}
    out["rope_theta"] = 10000.0
    out["torch_dtype"] = "bfloat16"
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as f:
        json.dump(out, f, indent=2)
        f.write("\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--work", required=True, help="folder for checkpoints and the log")
    parser.add_argument("--minutes", type=float, default=55)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8, help="rows of 512 tokens in a step")
    parser.add_argument("--rate", type=float, default=3e-3, help="learning rate of the embedding table and the norms")
    parser.add_argument("--start", help="folder with the weights to go on from, in place of random ones")
    parser.add_argument("--peak", type=float, default=1.0, help="share of the learning rates to begin with")
    parser.add_argument("--turn", type=int, default=0, help="changes the order of the text, for going on")
    parser.add_argument("--compile", action="store_true", help="compile the step: a minute first, then faster")
    parser.add_argument("--deadline", type=float, default=0,
                        help="time of day as Unix seconds at which to end, whatever --minutes says")
    args = parser.parse_args()

    begin = time.time()
    end = args.deadline or begin + 60 * args.minutes
    torch.manual_seed(SEED)
    torch.set_num_threads(args.threads)
    os.makedirs(args.work, exist_ok=True)
    tokenizer = Tokenizer.from_file(os.path.join(args.model, "tokenizer.json"))
    documents = stream(os.path.join(args.corpus, "documents.jsonl"), tokenizer)
    heldout = np.concatenate(stream(os.path.join(args.corpus, "heldout.jsonl"), tokenizer))
    print(f"tokens: train {sum(map(len, documents))}, held out {len(heldout)}", flush=True)

    model = LlamaForCausalLM(configuration())
    if args.start:
        from safetensors.torch import load_file
        model.load_state_dict(load_file(os.path.join(args.start, "model.safetensors")), strict=False)
        model.tie_weights()
    print(f"parameters: {sum(p.numel() for p in model.parameters())}", flush=True)
    # The matrices of the layers learn by Muon, which needs far fewer tokens than AdamW at this size;
    # the embedding table and the norms by AdamW.
    layers = [p for name, p in model.named_parameters() if p.dim() == 2 and "embed" not in name]
    others = [p for name, p in model.named_parameters() if p.dim() != 2 or "embed" in name]
    optimisers = [(torch.optim.Muon(layers, lr=0.02, momentum=0.95, weight_decay=0.1), 0.02),
                  (torch.optim.AdamW(others, lr=args.rate, betas=(0.9, 0.95), weight_decay=0.01, fused=True), args.rate)]
    step_loss = torch.compile(loss_of) if args.compile else loss_of

    def held_out_loss():
        model.eval()
        rows = min(64, (len(heldout) - 1) // CONTEXT)
        total = 0.0
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            for s in range(0, rows, 8):
                picked = [heldout[r * CONTEXT:r * CONTEXT + CONTEXT + 1] for r in range(s, min(s + 8, rows))]
                block = torch.from_numpy(np.stack(picked).astype(np.int64))
                total += loss_of(model, block[:, :-1], block[:, 1:]).item() * len(picked)
        model.train()
        return total / rows

    model.train()
    saved, mean, step = time.time(), None, 0
    for step, (epoch, tokens, targets) in enumerate(epochs(documents, args.batch, SEED + args.turn)):
        now = time.time()
        if now >= end:
            break
        done = (now - begin) / (end - begin)
        share = args.peak * min(1.0, (step + 1) / 50) * (0.02 + 0.49 * (1 + math.cos(math.pi * done)))
        for optimiser, rate in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate * share
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = step_loss(model, tokens, targets)
        model.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimiser, _ in optimisers:
            optimiser.step()
        mean = loss.item() if mean is None else 0.95 * mean + 0.05 * loss.item()
        if step % 50 == 0:
            print(f"step {step} epoch {epoch:.2f} loss {mean:.3f} share {share:.3f} "
                  f"minutes {(time.time() - begin) / 60:.1f}", flush=True)
        if time.time() - saved > 240:
            write(model, os.path.join(args.work, "checkpoint"))
            saved = time.time()
            print(f"checkpoint: step {step} held-out loss {held_out_loss():.4f}", flush=True)
    write(model, args.model)
    print(f"done: {step} steps, {step * args.batch * CONTEXT} tokens, held-out loss {held_out_loss():.4f}", flush=True)


if __name__ == "__main__":
    main()
