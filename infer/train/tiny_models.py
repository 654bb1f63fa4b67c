"""Makes tiny random models of each architecture as Hugging Face folders, with what PyTorch computes.

Writes into --out (../testdata):
  tiny-bert/          BertModel, mean pooling, WordPiece (as MiniLM)
  tiny-bge/           BertModel, CLS pooling, WordPiece (as BGE)
  tiny-e5/            BertModel, mean pooling, Unigram (as multilingual E5)
  tiny-llama/         LlamaForCausalLM, grouped queries, tied
  tiny-llama-untied/  LlamaForCausalLM, grouped queries, own head, two shards and an index
  tiny-qwen2/         Qwen2ForCausalLM, biases on queries, keys and values, tied
  tiny-qwen3/         Qwen3ForCausalLM, norms on queries and keys, head_dim of its own, tied
  tiny-qwen3-untied/  the same with its own head
Each holds config.json, the weights, tokenizer.json and golden.json. The golden values are
float32, computed from the rounded weights that the folder holds, with eager attention, one
sequence at a time, to 6 significant digits:
  encoder  {"texts", "ids", "embeddings" (pooled, of length 1), "tokens" (last hidden states of the first text)}
  decoder  {"prompts": [ids], "argmax": [of each position], "last": [logits of the last position],
            "first": [logits of every position of the first prompt],
            "greedy": [24 tokens that follow the first prompt, ties to the lower]}

Run:  python tiny_models.py --corpus FOLDER --out ../testdata
"""

import argparse
import json
import os
import shutil

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import normalizers
from transformers import (AutoModel, AutoModelForCausalLM, BertConfig, BertModel, LlamaConfig, LlamaForCausalLM,
                          Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM)

import strings
from tokenizer_goldens import LLAMA3, QWEN2, bpe, sample, unigram_xlmr, wordpiece


def fill(model, seed):
    """Weights with a spread that keeps activations and logits alive, some channels wider than others."""
    random = np.random.default_rng(seed)
    with torch.no_grad():
        for name, value in sorted(model.named_parameters()):
            shape = tuple(value.shape)
            if value.dim() == 1:
                norm = name.endswith("weight")
                w = random.normal(1.0 if norm else 0.0, 0.15 if norm else 0.1, shape)
                if name.endswith(("q_proj.bias", "k_proj.bias")):
                    w *= 5
            elif "embed" in name or "lm_head" in name:
                w = random.normal(0.0, 0.12, shape)
            else:
                w = random.normal(0.0, 1.1 / np.sqrt(shape[1]), shape)
                w *= np.exp(random.normal(0.0, 0.3, (shape[0], 1)))
            value.copy_(torch.from_numpy(w.astype(np.float32)))


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, indent=2)
        f.write("\n")


def save(folder, model, config, dtype, shards=1, skip=()):
    """Writes config.json and the weights in dtype, in one file or in shards with an index."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    tensors = {name: value.detach().to(dtype).contiguous() for name, value in model.state_dict().items()
               if name not in skip and not name.endswith("position_ids")}
    write_json(os.path.join(folder, "config.json"), config)
    if shards == 1:
        save_file(tensors, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
        return
    names, where = sorted(tensors), {}
    for s in range(shards):
        file = f"model-{s + 1:05d}-of-{shards:05d}.safetensors"
        part = names[s * len(names) // shards:(s + 1) * len(names) // shards]
        save_file({n: tensors[n] for n in part}, os.path.join(folder, file), metadata={"format": "pt"})
        where.update({n: file for n in part})
    total = sum(t.numel() * t.element_size() for t in tensors.values())
    write_json(os.path.join(folder, "model.safetensors.index.json"),
               {"metadata": {"total_size": total}, "weight_map": where})


def save_tokenizer(folder, tokenizer, names):
    with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as f:
        json.dump(json.loads(tokenizer.to_str()), f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")
    write_json(os.path.join(folder, "tokenizer_config.json"), names)


def digits(array):
    return [digits(row) if isinstance(row, (list, np.ndarray)) else float(f"{row:.6g}") for row in array]


def rows(values):
    return "[\n" + ",\n".join("  " + json.dumps(row, separators=(",", ":")) for row in values) + "\n ]"


def golden(folder, parts):
    with open(os.path.join(folder, "golden.json"), "w", encoding="utf-8") as f:
        f.write("{\n" + ",\n".join(f' "{key}": {rows(value)}' for key, value in parts.items()) + "\n}\n")


TEXTS = ["The harpooneer lit the lamp.", "warm", "query: how warm is the house?",
         "passage: The stove in the kitchen heats the whole house in winter.", "", "42 + 17 = 59",
         "It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want "
         "of a wife. However little known the feelings or views of such a man may be on his first entering a "
         "neighbourhood, this truth is so well fixed in the minds of the surrounding families.",
         "na\u00efve caf\u00e9 \u4f60\u597d \U0001f600", "Call me Ishmael.", "def f(x): return x * x", "cold cold cold cold",
         "The revenue of the United States was sufficient."]


def encoder(out, name, seed, dtype, tokenizer, names, pooling, hidden, heads, inter, positions, act="gelu"):
    folder = os.path.join(out, name)
    config = dict(architectures=["BertModel"], model_type="bert", vocab_size=tokenizer.get_vocab_size(),
                  hidden_size=hidden, num_hidden_layers=2, num_attention_heads=heads, intermediate_size=inter,
                  hidden_act=act, max_position_embeddings=positions, type_vocab_size=2, layer_norm_eps=1e-12,
                  pad_token_id=tokenizer.token_to_id(names["pad_token"]), position_embedding_type="absolute")
    model = BertModel(BertConfig(**config), add_pooling_layer=False)
    fill(model, seed)
    with torch.no_grad():
        save(folder, model, config, dtype)
    save_tokenizer(folder, tokenizer, names)
    write_json(os.path.join(folder, "modules.json"), [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}])
    write_json(os.path.join(folder, "sentence_bert_config.json"), {"max_seq_length": positions, "do_lower_case": False})
    os.makedirs(os.path.join(folder, "1_Pooling"))
    write_json(os.path.join(folder, "1_Pooling", "config.json"), {
        "word_embedding_dimension": hidden, "pooling_mode_cls_token": pooling == "cls",
        "pooling_mode_mean_tokens": pooling == "mean", "pooling_mode_max_tokens": False,
        "pooling_mode_mean_sqrt_len_tokens": False})

    model = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager",
                                      add_pooling_layer=False).eval()
    ids, embeddings, tokens = [], [], None
    for text in TEXTS:
        tokenizer.enable_truncation(positions)
        ids.append(tokenizer.encode(text).ids)
        with torch.no_grad():
            hidden_states = model(input_ids=torch.tensor([ids[-1]])).last_hidden_state[0]
        tokens = hidden_states if tokens is None else tokens
        pooled = hidden_states[0] if pooling == "cls" else hidden_states.mean(0)
        embeddings.append((pooled / pooled.norm()).numpy())
    golden(folder, {"texts": TEXTS, "ids": ids, "embeddings": digits(embeddings), "tokens": digits(tokens.numpy())})
    report(folder)


def decoder(out, name, seed, dtype, tokenizer, names, kind, shards=1, **config):
    config_class, model_class, architecture, model_type = {
        "llama": (LlamaConfig, LlamaForCausalLM, "LlamaForCausalLM", "llama"),
        "qwen2": (Qwen2Config, Qwen2ForCausalLM, "Qwen2ForCausalLM", "qwen2"),
        "qwen3": (Qwen3Config, Qwen3ForCausalLM, "Qwen3ForCausalLM", "qwen3")}[kind]
    folder = os.path.join(out, name)
    vocab = tokenizer.get_vocab_size()
    theta = config.pop("rope_theta")
    config = dict(architectures=[architecture], model_type=model_type, vocab_size=vocab, num_hidden_layers=2,
                  max_position_embeddings=256, hidden_act="silu",
                  eos_token_id=tokenizer.token_to_id(names["eos_token"]), **config)
    if names.get("bos_token"):
        config["bos_token_id"] = tokenizer.token_to_id(names["bos_token"])
    model = model_class(config_class(**config, rope_parameters={"rope_type": "default", "rope_theta": theta}))
    fill(model, seed)
    config["rope_theta"] = theta
    save(folder, model, config, dtype, shards, skip=("lm_head.weight",) if config["tie_word_embeddings"] else ())
    save_tokenizer(folder, tokenizer, names)

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    got = model.config.rope_parameters["rope_theta"]
    if got != theta:
        raise SystemExit(f"{name}: the library read rope_theta {got}, not {theta}")
    random = np.random.default_rng(seed + 1)
    prompts = [tokenizer.encode("The quick brown fox").ids[:12]]
    prompts += [tokenizer.encode("Call me Ishmael. Some years ago -- never mind how long precisely -- having little "
                                 "or no money in my purse").ids, [5]]
    prompts += [random.integers(0, vocab, n).tolist() for n in (33, 100, 200)]
    argmax, last, first = [], [], None
    for prompt in prompts:
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([prompt]), use_cache=False).logits[0]
        first = logits if first is None else first
        argmax.append(logits.argmax(-1).tolist())
        last.append(logits[-1].numpy())
    greedy = list(prompts[0])
    for _ in range(24):
        with torch.no_grad():
            greedy.append(int(model(input_ids=torch.tensor([greedy]), use_cache=False).logits[0, -1].argmax()))
    golden(folder, {"prompts": prompts, "argmax": argmax, "last": digits(last), "first": digits(first.numpy()),
                    "greedy": [greedy[len(prompts[0]):]]})
    print(f"{name}: logits spread {float(first.std()):.2f}", end=" ")
    report(folder)


def report(folder):
    size = sum(os.path.getsize(os.path.join(at, f)) for at, _, files in os.walk(folder) for f in files)
    weights = sum(os.path.getsize(os.path.join(folder, f)) for f in os.listdir(folder) if f.endswith(".safetensors"))
    print(os.path.basename(folder), "bytes", size, "of weights", weights)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    english = sample(os.path.join(args.corpus, "documents.jsonl"), 100)
    texts = english + strings.all_strings()
    bert = {"tokenizer_class": "BertTokenizer", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]",
            "unk_token": "[UNK]", "mask_token": "[MASK]", "do_lower_case": True, "model_max_length": 128}
    xlmr = {"tokenizer_class": "XLMRobertaTokenizer", "pad_token": "<pad>", "cls_token": "<s>", "sep_token": "</s>",
            "unk_token": "<unk>", "mask_token": "<mask>", "bos_token": "<s>", "eos_token": "</s>",
            "model_max_length": 128}
    llama3 = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|begin_of_text|>",
              "eos_token": "<|eot_id|>", "model_max_length": 256}
    qwen = {"tokenizer_class": "Qwen2Tokenizer", "bos_token": None, "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>", "model_max_length": 256}

    def llama_bpe():
        return bpe(texts, LLAMA3, 318, ["<|begin_of_text|>", "<|eot_id|>"], post="<|begin_of_text|>",
                   ignore_merges=True)

    def qwen_bpe():
        return bpe(texts, QWEN2, 317, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], normalizer=normalizers.NFC())

    encoder(args.out, "tiny-bert", 101, torch.float32, wordpiece(texts, 380), bert, "mean", 64, 4, 128, 96)
    encoder(args.out, "tiny-bge", 102, torch.float16, wordpiece(texts, 500), bert, "cls", 64, 2, 256, 128)
    encoder(args.out, "tiny-e5", 103, torch.bfloat16, unigram_xlmr(english, 600, charsmap=False), xlmr, "mean", 64, 1, 192, 128)
    decoder(args.out, "tiny-llama", 104, torch.bfloat16, llama_bpe(), llama3, "llama", hidden_size=128,
            num_attention_heads=4, num_key_value_heads=1, head_dim=32, intermediate_size=64, rms_norm_eps=1e-5,
            rope_theta=10000.0, tie_word_embeddings=True, attention_bias=False, mlp_bias=False)
    decoder(args.out, "tiny-llama-untied", 105, torch.float16, llama_bpe(), llama3, "llama", shards=2, hidden_size=64,
            num_attention_heads=4, num_key_value_heads=2, head_dim=16, intermediate_size=192, rms_norm_eps=1e-6,
            rope_theta=500000.0, tie_word_embeddings=False, attention_bias=False, mlp_bias=False)
    decoder(args.out, "tiny-qwen2", 106, torch.bfloat16, qwen_bpe(), qwen, "qwen2", hidden_size=64,
            num_attention_heads=4, num_key_value_heads=2, intermediate_size=192, rms_norm_eps=1e-6,
            rope_theta=1000000.0, tie_word_embeddings=True, use_sliding_window=False)
    decoder(args.out, "tiny-qwen3", 107, torch.bfloat16, qwen_bpe(), qwen, "qwen3", hidden_size=128,
            num_attention_heads=4, num_key_value_heads=2, head_dim=16, intermediate_size=128, rms_norm_eps=1e-6,
            rope_theta=1000000.0, tie_word_embeddings=True, attention_bias=False, use_sliding_window=False)
    decoder(args.out, "tiny-qwen3-untied", 108, torch.float16, qwen_bpe(), qwen, "qwen3", hidden_size=64,
            num_attention_heads=2, num_key_value_heads=1, head_dim=64, intermediate_size=192, rms_norm_eps=1e-6,
            rope_theta=1000000.0, tie_word_embeddings=False, attention_bias=False, use_sliding_window=False)


if __name__ == "__main__":
    main()
