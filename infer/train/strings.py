"""The strings that tokenizers are compared on: plain, odd and nasty ones, a fixed list.

Imported by tokenizer_goldens.py and minilm_goldens.py; makes nothing itself.
"""

import random

WRITTEN = [
    "", " ", "  ", "   ", "\n", "\n\n", "\t", "\r\n", " \n ", "\n \n", "a", "A", " a", "a ", " a ", "  a", "a  b",
    "hello", "Hello", "HELLO", "Hello, world!", "hello world", " hello", "hello ", "Hello  world", "Hello\nworld",
    "Hello\tworld", "Hello\r\nworld", "hello\n", "\nhello", "hello   ", "   hello", "hello \n  world", "a\n\n\nb",
    "The quick brown fox jumps over the lazy dog.", "the house is heated with useful computation",
    "I'm", "you're", "we've", "they'll", "he'd", "don't", "it's", "I'M", "YOU'RE", "DON'T", "IT'S", "rock'n'roll",
    "'s", "'S", "''", "'tis", "o'clock", "the '90s", "'re're", "I\u2019m", "don\u2019t", "l\u2019eau", "it`s",
    "\u017fs '\u017f", "'\u017f", "K\u212a \u212b",
    "0", "1", "12", "123", "1234", "12345", "123456", "1234567", "12345678901234567890", "3.14159", "1,234,567.89",
    "-1", "+1", "1e10", "6.02e23", "0x1F600", "1st 2nd 3rd", "2024-02-29", "12:34:56", "$1.50", "\u20ac3,99", "50%",
    "\u00bd \u00b2 \u00b3 \u2460 \u2167 \u0663 \u0967", "\uff11\uff12\uff13", "10\u00b0C", "\u0661\u0662\u0663\u0664",
    "!", "!!", "!!!", "...", "\u2026", "?!", "-", "--", "---", "\u2014", "\u2013", "_", "__init__", "a_b_c", "#", "@", "&",
    "*", "**bold**", "/", "//", "\\", "\\n", "|", "||", "~", "^", "`", "```", "(", ")", "()", "[]", "{}", "<>", "<=>",
    ".,;:!?", "\"quoted\"", "'quoted'", "\u201cquoted\u201d", "\u00abquoted\u00bb", "\u201equoted\u201c", "(a)(b)", "a.b.c",
    "e.g.", "i.e.", "U.S.A.", "Mr. O'Neill-Smith", "well-known", "re-entrant", "state-of-the-art", "C++", "C#", "a+b=c",
    "http://example.com/path?q=1&r=2#frag", "https://www.example.org", "user@example.com", "192.168.0.1",
    "/usr/local/bin", "C:\\Windows\\System32", "file.tar.gz", "v1.2.3-rc.4", "key=value", "--flag=value",
    "func main() {\n\tfmt.Println(\"hi\")\n}\n", "def f(x):\n    return x ** 2\n", "if (a && b || !c) { return; }",
    "SELECT * FROM t WHERE a = 'b';", "<html><body class=\"x\">&amp;</body></html>", "{\"a\": [1, 2, null]}",
    "for (int i = 0; i < n; i++) sum += a[i];", "#include <stdio.h>", "\t\tindented", "        eight spaces",
    "x" * 10, "x" * 99, "x" * 100, "x" * 101, "x" * 200, "a b " * 30, "ab" * 60, "-" * 40, "=" * 80, "." * 20,
    "antidisestablishmentarianism", "pneumonoultramicroscopicsilicovolcanoconiosis", "supercalifragilistic",
    "camelCaseIdentifier", "PascalCaseIdentifier", "snake_case_identifier", "SCREAMING_CASE", "HTTPServer2",
    "caf\u00e9", "cafe\u0301", "na\u00efve", "nai\u0308ve", "r\u00e9sum\u00e9", "Z\u00fcrich", "stra\u00dfe", "STRASSE", "\u1e9e",
    "\u00c5ngstr\u00f6m", "A\u030angstro\u0308m", "\u00e6sthetic", "\u0153uvre", "\u00f1and\u00fa", "\u0141\u00f3d\u017a", "\u010cesk\u00fd", "\u0130stanbul", "\u0131spanak",
    "Ti\u1ebfng Vi\u1ec7t", "ti\u00ea\u0301ng", "\ufb01ne \ufb02ow", "\u01c5", "\u0149", "e\u0301\u0302\u0303", "\u0301", "a\u0300\u0316",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440!", "\u0439", "\u0438\u0306", "\u0401\u043b\u043a\u0430", "\u0395\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac", "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", "\u03a3\u03a3", "\u1f08\u03c1\u03b9\u03c3\u03c4\u03bf\u03c4\u03ad\u03bb\u03b7\u03c2",
    "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd", "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd", "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645", "\u0645\u064e\u0631\u0652\u062d\u064e\u0628\u064b\u0627", "\ufefb", "\u0628\u200c\u0647", "\u0646\u0645\u0633\u062a\u0647",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e", "\u0939\u093f\u0928\u094d\u0926\u0940", "\u0995\u09cd\u09b7", "\u0ba4\u0bae\u0bbf\u0bb4\u0bcd", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e0a\u0e32\u0e27\u0e42\u0e25\u0e01", "\u1019\u103c\u1014\u103a\u1019\u102c", "\u10d2\u10d0\u10db\u10d0\u10e0\u10ef\u10dd\u10d1\u10d0", "\u0531\u0580\u0565\u0582",
    "\u4f60\u597d\u4e16\u754c", "\u4f60\u597d\uff0c\u4e16\u754c\uff01", "\u6f22\u5b57\u3068\u304b\u306a\u3068\u30ab\u30ca", "\u3053\u3093\u306b\u3061\u306f\u3001\u4e16\u754c\u3002", "\u30ac\u30ae", "\u30ab\u3099\u30ad\u3099", "\uff76\uff9e\uff77\uff9e", "\u30c6\u30ec\u30d3\u30fc",
    "\uc548\ub155\ud558\uc138\uc694 \uc138\uacc4", "\u1112\u1161\u11ab", "\ud55c\uad6d\uc5b4", "\u5317\u4eacabc123", "abc\u4e2d\u6587def", "\u3400\u4dbf", "\U00020000\U0002a6df", "\uf900", "\u3007",
    "\uff21\uff22\uff23 \uff41\uff42\uff43", "\uff01\uff1f", "\u3000\u3000", "a\u3000b", "\u2488 \u3392", "\u2122 \u00a9 \u00ae", "\u2103 \u33a5", "\u00bc cup",
    "\U0001f600", "\U0001f600\U0001f601", "I \u2764\ufe0f you", "\U0001f44d\U0001f3fd", "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", "\U0001f1ec\U0001f1e7\U0001f1eb\U0001f1f7", "1\ufe0f\u20e3",
    "hot \U0001f525 house \U0001f3e0!", "\u2600\ufe0e \u2601", "\u2192 \u2190 \u21d2 \u2200x\u2208\u211d", "\u222b\u2211\u220f\u221a\u221e\u2260\u2264", "\U0001d54f\U0001d4d0", "\u2500\u2502\u250c\u2510", "\u2588\u2588\u2592\u2591", "\u266b\u266a",
    "\u00a0", "a\u00a0b", "\u200b", "a\u200bb", "\u200d", "\u200e\u200f", "\ufeff", "\ufeffhello", "\u2028", "a\u2028b", "\u2029", "a\u2003b", "a\u2009b",
    "\u00ad", "soft\u00adhyphen", "\u0000", "a\u0000b", "\u0001\u0002", "\u007f", "\u0080\u009f", "\u0085", "a\u0085b", "\x0b", "\x0c", "a\x0cb", "\x1b[31m",
    "\ufffd", "a\ufffdb", "\ue000", "\uffff", "\U0010ffff", "\U000e0041", "\ufdd0", "\u180e", "\u1680", "a\u1680b", "\u2060", "\u061c", "\u202e\u202c",
    "\u2581", "\u2581a", "a\u2581b", "\u2581\u2581", " \u2581 ", "##", "##ing", "a##b", "\u0120", "\u0120hello", "\u010a", "<0x0A>", "<0x41>",
    "[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]", "hello [MASK] world", "[mask]", "[CLS] a [SEP] b [SEP]", "a[SEP]b", "[[CLS]]",
    "<s>", "</s>", "<unk>", "<pad>", "<mask>", "a</s>b", " <mask> ", "a <mask> b", "a<mask>b", "<s> a </s>", "<S>",
    "<|bos|>", "<|eos|>", "<|user|>hi<|assistant|>", " <|eos|> ", "<|endoftext|>", "<|im_start|>user\nhi<|im_end|>\n",
    "<|im_start|>", "<|begin_of_text|>", "<|eot_id|>", "a<|eot_id|>b", "<|eos|", "<|eos|><|eos|>", "<tool_call>", " <tool_call> ",
    "'sa", "a's b's", "'Ll", "we'LLama", "\n\n  \n a", " \t x", "x \t ", "1\n2", "a1b2c3", "1a2b", "$a", " $ 1", " ,", ", ,", "!a", " !a", "\n!a",
    "a!\n", "a!\n\n b", "a \n", "a  \n\n  b", "!\n", " !\r\n ", "\u00e9\u00e9 \u00e9", "\u4e2d a \u6587", "abc\u0301d", "\u0301abc",
    "Call me Ishmael. Some years ago -- never mind how long precisely -- having little or no money in my purse.",
    "It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of a wife.",
    "We the People of the United States, in Order to form a more perfect Union, establish Justice.",
    "In 1790 the revenue was $4,399,473.09; by 1800, $10,848,749.", "query: how warm is the house?", "passage: Paris is the capital of France.",
]


def mixed(count, seed):
    """Random joins of characters from many blocks, seeded, so that the list never changes."""
    pick = random.Random(seed)
    blocks = [(0x20, 0x7E), (0x20, 0x7E), (0x61, 0x7A), (0x61, 0x7A), (0x30, 0x39), (0xA0, 0x17F), (0x300, 0x33F), (0x370, 0x3FF),
              (0x400, 0x45F), (0x5D0, 0x5EA), (0x621, 0x64A), (0x905, 0x94D), (0xE01, 0xE3A), (0x1E00, 0x1EFF), (0x2000, 0x206F),
              (0x20A0, 0x20BF), (0x2150, 0x218B), (0x2190, 0x21FF), (0x2460, 0x24FF), (0x3041, 0x30FF), (0x4E00, 0x4FFF), (0xAC00, 0xACFF),
              (0xFF01, 0xFFBE), (0x1F600, 0x1F64F)]
    strings = []
    for _ in range(count):
        parts = []
        for _ in range(pick.randrange(1, 9)):
            low, high = pick.choice(blocks)
            run = "".join(chr(pick.randint(low, high)) for _ in range(pick.randrange(1, 6)))
            parts.append(run + pick.choice(["", "", " ", " ", "  ", "\n", "\t", "'s", ".", ", "]))
        strings.append("".join(parts))
    return strings


def all_strings():
    """Every string once, in a fixed order; none holds a code point that Unicode has not assigned by 15.0."""
    import unicodedata
    seen, out = set(), []
    for text in WRITTEN + mixed(160, 11):
        odd = any(unicodedata.category(c) == "Cn" and c not in "\uffff\U0010ffff\ufdd0" for c in text)
        if text not in seen and not odd:
            seen.add(text)
            out.append(text)
    return out
