"""Trains hearth-mini's tokenizer: byte-level BPE, 4096 tokens, split like GPT-2.

Writes tokenizer.json and tokenizer_config.json into --model.

Run:  python tokenizer.py --corpus FOLDER --model ../mini/source
FOLDER is what corpus.py filled.
"""

import argparse
import json
import os

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

SPECIAL = ["<|bos|>", "<|eos|>", "<|user|>", "<|assistant|>"]

# One turn is its marker, then its words; an answer ends with <|eos|>. A system message is read as
# a user's, for the model has seen none.
TEMPLATE = (
    "{{ '<|bos|>' }}{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}{{ '<|assistant|>' + message['content'] + '<|eos|>' }}"
    "{% else %}{{ '<|user|>' + message['content'] }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def documents(path):
    with open(path, encoding="utf-8") as f:
        for line in f:
            document = json.loads(line)
            yield document.get("text") or "\n".join(document["turns"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--model", required=True)
    args = parser.parse_args()

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=4096, min_frequency=2, show_progress=False,
        special_tokens=[AddedToken(token, special=True, normalized=False) for token in SPECIAL],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator(documents(os.path.join(args.corpus, "documents.jsonl")), trainer)
    os.makedirs(args.model, exist_ok=True)
    tokenizer.save(os.path.join(args.model, "tokenizer.json"))
    with open(os.path.join(args.model, "tokenizer_config.json"), "w", encoding="utf-8") as f:
        json.dump({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": 512,
            "bos_token": "<|bos|>",
            "eos_token": "<|eos|>",
            "clean_up_tokenization_spaces": False,
            "chat_template": TEMPLATE,
        }, f, indent=2)
        f.write("\n")


if __name__ == "__main__":
    main()
