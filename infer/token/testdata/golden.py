"""Writes what the tests of this package hold to the Hugging Face library.

  parts.json   normalizers, pre-tokenizers and decoders, one at a time
  whole.json   small tokenizers with features that few published ones have

Made with tokenizers 0.23.3; run it in this folder: python golden.py"""

import json
import random

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
pool = [" ", "  ", "\n", "\r\n", "\t", "\v", "\x85", "\x00", "\x1b", "a", "b", "B", "x", "the", "ing", "'s", "'S",
        "'ſ", "é", "e\u0301", "\u0301\u0327", "中", "㐀", "\U0002b820", "한", "\u1100", "\u1161", "\u11a8", "각",
        "\u200d", "©", "👍", "👩\u200d💻", "🇩🇪", "1", "23", "▁", ".", "!?", "$", "ﬁ", "İ", "Σ", "ß", "\u3000",
        "\xa0", "\u0600", "\u0e33", "क", "\u0903", "\u094d", "ष", "Ａ", "½", "²", "_", "\u200b", "\ufeff", "\xad", "Ⅷ"]
r = random.Random(1)
texts = ["", "a", " ", "'", "don't", "a\u0301" * 3]
texts += ["".join(r.choice(pool) for _ in range(r.randint(1, 12))) for _ in range(120)]
texts += ["a" + "\u0301" * n + "\u0327" * n + "b" + "\u0344" * 3 for n in (3, 8, 29, 31, 40)]


def whole(**parts):
    t = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
         "pre_tokenizer": None, "post_processor": None, "decoder": None,
         "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}}
    return t | parts


def library(t):
    return Tokenizer.from_str(json.dumps(t))


norms = [{"type": n} for n in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt", "ByteLevel")]
norms += [
    {"type": "Strip", "strip_left": True, "strip_right": False},
    {"type": "Strip", "strip_left": False, "strip_right": True},
    {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
    {"type": "BertNormalizer", "clean_text": False, "handle_chinese_chars": True, "strip_accents": True, "lowercase": False},
    {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": False, "strip_accents": False, "lowercase": True},
    {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"},
    {"type": "Replace", "pattern": {"String": "a"}, "content": ""},
    {"type": "Prepend", "prepend": "▁"},
    {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"}]},
]
pres = [{"type": n} for n in ("BertPreTokenizer", "Whitespace", "WhitespaceSplit")]
pres += [{"type": "Digits", "individual_digits": b} for b in (True, False)]
behaviors = ("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous")
pres += [{"type": "Punctuation", "behavior": b} for b in behaviors]
pres += [{"type": "Split", "pattern": {"Regex": r"\s+|b"}, "behavior": b, "invert": i} for b in behaviors for i in (False, True)]
pres += [{"type": "Metaspace", "replacement": "▁", "prepend_scheme": s, "split": b}
         for s in ("always", "first", "never") for b in (True, False)]
pres += [{"type": "ByteLevel", "add_prefix_space": a, "trim_offsets": True, "use_regex": b}
         for a in (True, False) for b in (True, False)]
pres += [
    {"type": "CharDelimiterSplit", "delimiter": "x"},
    {"type": "Split", "pattern": {"String": "b"}, "behavior": "Removed", "invert": False},
    {"type": "Split", "pattern": {"Regex": LLAMA3}, "behavior": "Isolated", "invert": False},
    {"type": "Sequence", "pretokenizers": [
        {"type": "WhitespaceSplit"}, {"type": "Punctuation", "behavior": "Isolated"},
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}]},
]
words = ["▁a", "▁", "a▁b", "##b", "b##", "a</w>", "<0x41>", "<0xE2>", "<0x82>", "<0xAC>", "<0xFF>", "<0xzz>", "Ġa", "Ã©",
         "Ã", "é", ".", " do not", " 's", "n't", "x x", " ", "", "xx", "中"]
tokens = [[], ["▁a"], ["x"]] + [[r.choice(words) for _ in range(r.randint(1, 8))] for _ in range(120)]
decs = [
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
    {"type": "WordPiece", "prefix": "##", "cleanup": True}, {"type": "WordPiece", "prefix": "##", "cleanup": False},
    {"type": "BPEDecoder", "suffix": "</w>"}, {"type": "Fuse"}, {"type": "ByteFallback"},
    {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
    {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"},
                                      {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
    {"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "Strip", "content": "x", "start": 2, "stop": 0}]},
]
decs += [{"type": "Metaspace", "replacement": "▁", "prepend_scheme": s, "split": True} for s in ("always", "first", "never")]

parts = {"texts": texts, "tokens": tokens, "normalizers": [], "pre_tokenizers": [], "decoders": []}
for n in norms:
    c = library(whole(normalizer=n)).normalizer
    parts["normalizers"].append({"part": n, "want": [c.normalize_str(s) for s in texts]})
for p in pres:
    c = library(whole(pre_tokenizer=p)).pre_tokenizer
    parts["pre_tokenizers"].append({"part": p, "want": [[x for x, _ in c.pre_tokenize_str(s)] for s in texts]})
for d in decs:
    c = library(whole(decoder=d)).decoder
    parts["decoders"].append({"part": d, "want": [c.decode(list(t)) if t else "" for t in tokens]})


def dump(name, v):
    with open(name, "w") as out:
        json.dump(v, out, ensure_ascii=True, separators=(",", ":"))
        out.write("\n")


dump("parts.json", parts)

corpus = ["the house is warm and the heat is the work", "working on the heating of houses in the winter",
          "a warm house works with the heat of thinking", "nothing is lost, all is heat", "b ab abb x the ing é e"] * 3


def train(pre, **options):
    t = Tokenizer(models.BPE(unk_token=options.get("unk_token")))
    t.pre_tokenizer = pre
    t.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=120, show_progress=False, **{k: v for k, v in options.items() if k != "unk_token"}))
    return json.loads(t.to_str())


def added(i, content, **flags):
    return {"id": i, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
            "special": False} | flags


cases = {}
# As Llama 2: no pre-tokenizer, spaces as a character, bytes for what is unknown.
t = train(pre_tokenizers.Metaspace(), special_tokens=["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)],
          unk_token="<unk>")
t["model"] |= {"byte_fallback": True, "fuse_unk": True}
t |= {"pre_tokenizer": None, "added_tokens": [added(i, s, special=True) for i, s in enumerate(("<unk>", "<s>", "</s>"))],
      "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
                                                         {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
      "decoder": decs[7],
      "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                                                                  {"Sequence": {"id": "A", "type_id": 0}}],
                         "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
                         "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}}
cases["bytes for the unknown"] = t
# The same with only some bytes in the vocabulary, so that others stay unknown.
u = json.loads(json.dumps(t))
for b in (0xC3, 0xF0):
    u["model"]["vocab"][f"gone{b}"] = u["model"]["vocab"].pop(f"<0x{b:02X}>")
cases["some bytes for the unknown"] = u
v = json.loads(json.dumps(u))
v["model"]["fuse_unk"] = False
cases["every unknown by itself"] = v
# As CLIP: an end of word.
t = train(pre_tokenizers.Whitespace(), special_tokens=["<unk>"], end_of_word_suffix="</w>", unk_token="<unk>")
t |= {"normalizer": {"type": "Lowercase"}, "decoder": {"type": "BPEDecoder", "suffix": "</w>"}, "added_tokens": []}
t["model"]["end_of_word_suffix"] = "</w>"
cases["end of word"] = t
# A prefix on what goes on a word.
t = train(pre_tokenizers.Whitespace(), special_tokens=["<unk>"], continuing_subword_prefix="##", unk_token="<unk>")
t |= {"decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True}, "added_tokens": []}
cases["prefix inside words"] = t
# As RoBERTa, with added tokens of every kind; merges as texts.
t = train(pre_tokenizers.ByteLevel(add_prefix_space=True), special_tokens=["<s>", "</s>"],
          initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
n = len(t["model"]["vocab"])
t["model"]["merges"] = [" ".join(m) for m in t["model"]["merges"]]
t |= {"normalizer": {"type": "NFC"},
      "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", 1], "cls": ["<s>", 0], "trim_offsets": True,
                         "add_prefix_space": True},
      "decoder": decs[0],
      "added_tokens": [added(0, "<s>", special=True), added(1, "</s>", special=True),
                       added(n, "<mask>", special=True, lstrip=True), added(n + 1, "<end>", special=True, rstrip=True),
                       added(n + 2, "word", single_word=True), added(n + 3, "n\u00e9", normalized=True),
                       added(n + 4, "<both>", lstrip=True, rstrip=True), added(n + 5, "<bo"), added(n + 6, "<bot>", special=True)]}
cases["added tokens"] = t
# A WordPiece whose special tokens could come out of words.
cases["special tokens in the vocabulary"] = whole(
    pre_tokenizer={"type": "WhitespaceSplit"},
    added_tokens=[added(0, "[U]", special=True), added(1, "[C]", special=True)],
    post_processor={"type": "BertProcessing", "sep": ["[U]", 0], "cls": ["[C]", 1]},
    model={"type": "WordPiece", "unk_token": "[U]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 6,
           "vocab": {s: i for i, s in enumerate(["[U]", "[C]", "a", "##a", "b", "##b", "ab", "##ab", "é", "the", "x", "xx"])}})
odd = ["<s>", "a<mask>b", "a  <mask>  b", "a <end>  b", "word", "a word, sword words word", "word<mask>word", "né ne\u0301e",
       "nénéé", " <both> <both> ", "<bot><both><bo>", "<boa", "<mask> <end> <s></s>", "the house <unk> the", "</s>", "[C]", "[C] a [U]",
       "aab aba", "aaaaaaa", "aaaaaa", "the the", "thinking about heat", "ééé", "中中", "the中é中the", "\U0001f525the"]
whole_texts = odd + texts[:60]
out = {"texts": whole_texts, "cases": []}
for name, t in cases.items():
    k = library(t)
    got = {"name": name, "tokenizer": t, "ids": [k.encode(s).ids for s in whole_texts]}
    got["text"] = [k.decode(i, skip_special_tokens=True) for i in got["ids"]]
    k.encode_special_tokens = True
    got["barred"] = [k.encode(s, add_special_tokens=False).ids for s in whole_texts]
    out["cases"].append(got)
dump("whole.json", out)
