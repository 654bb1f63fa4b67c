"""Chooses the calibration passages that the importer smooths activations with.

Writes ../model/calibration.txt: about 400 short passages, one a line, of varied length and
style, all from the training documents of corpus.py (public domain).

Run:  python calibration.py --corpus FOLDER --out ../model/calibration.txt
"""

import argparse
import json
import os
import random
import re

# How many passages each kind of document gives.
SHARES = {"sotu": 90, "moby": 50, "austen": 60, "factbook": 80, "jargon": 70, "devil": 50}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    pick = random.Random(7)
    found = {source: [] for source in SHARES}
    with open(os.path.join(args.corpus, "documents.jsonl"), encoding="utf-8") as f:
        for line in f:
            document = json.loads(line)
            source = document["name"].split("/")[0]
            if "turns" in document:
                found[source].append(pick.choice([document["turns"][0], " ".join(document["turns"])]))
                continue
            sentences = re.split(r"(?<=[.!?;]) +", re.sub(r"\s+", " ", document["text"]))
            for _ in range(6):
                start, count = pick.randrange(len(sentences)), pick.choice([1, 1, 1, 2, 2, 3, 4])
                found[source].append(" ".join(sentences[start:start + count]))
    chosen = []
    for source, share in SHARES.items():
        fitting = sorted({p for p in found[source] if 12 <= len(p) <= 420})
        chosen += pick.sample(fitting, share)
    pick.shuffle(chosen)
    with open(args.out, "w", encoding="utf-8") as f:
        f.write("\n".join(chosen) + "\n")


if __name__ == "__main__":
    main()
