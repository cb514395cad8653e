"""Seeds, and what damage makes of them."""

import random
from collections.abc import Sequence
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"

MOST_CHANGES = 6
MOST_BYTES = 2**16

# What parsers stumble over: numbers that are none or too large, other ends of lines, names that
# lead elsewhere, brackets without end, and bytes that are no text.
TOKENS = (
    *(b"nan", b"NaN", b"inf", b"-inf", b"1e999", b"-1", b"0", b"1_0", b"0x10", b"9" * 400),
    *(b"9" * 5000, b"1e-320", b"-0.0", "\u0663".encode(), b"true", b"null", b"{}", b"[]"),
    *(b"\r\n", b"\r", b"\n", b"\t", b"\0", b" ", b",", b";", b'"', b"'", b"\x0c", b"\x1c"),
    *("\u2028".encode(), b"\xef\xbb\xbf", b"\xff\xfe", b"\x80", b"\xed\xa0\x80"),
    *(b"../", b"..", b"/etc/passwd", b"..\\..\\x", b"C:\\x", b"a" * 300, b"~", b"$HOME", b"*"),
    *(b"[" * 3000, b"{" * 3000, b"(" * 3000, b"<a>" * 1000, b"]", b"}", b")", b">", b"]]>"),
    *(b"<!ENTITY x 'y'>", b"&x;", b"<?xml version='1.0' encoding='x'?>", b"%s", b"@", b":", b"="),
    *(b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0", b"PK\x01\x02", b"PK\x05\x06"),
)


def seeds(target: str) -> list[bytes]:
    """The corpus of a target, by file name."""
    return [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]


def mutant(corpus: Sequence[bytes], chance: random.Random) -> bytes:
    """A seed with up to `MOST_CHANGES` changes."""
    content = bytearray(chance.choice(corpus))
    # few more often than many: what is damaged in one place is read further
    for _ in range(min(chance.randint(1, MOST_CHANGES) for _ in range(2))):
        chance.choice(_CHANGES)(content, corpus, chance)
    return bytes(content[:MOST_BYTES])


def _place(content: bytearray, chance: random.Random) -> int:
    return chance.randint(0, len(content))


def _flip(content: bytearray, corpus: Sequence[bytes], chance: random.Random) -> None:
    if content:
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def _replace(content: bytearray, corpus: Sequence[bytes], chance: random.Random) -> None:
    if content:
        content[chance.randrange(len(content))] = chance.randrange(256)


def _insert(content: bytearray, corpus: Sequence[bytes], chance: random.Random) -> None:
    place = _place(content, chance)
    content[place:place] = chance.choice(TOKENS)


def _overwrite(content: bytearray, corpus: Sequence[bytes], chance: random.Random) -> None:
    place, token = _place(content, chance), chance.choice(TOKENS)
    content[place : place + len(token)] = token


def _delete(content: bytearray, corpus: Sequence[bytes], chance: random.Random) -> None:
    place = _place(content, chance)
    del content[place : place + chance.randint(1, 30)]


def _cut(content: bytearray, corpus: Sequence[bytes], chance: random.Random) -> None:
    del content[_place(content, chance) :]


def _repeat(content: bytearray, corpus: Sequence[bytes], chance: random.Random) -> None:
    place = _place(content, chance)
    content[place:place] = content[place : place + chance.randint(1, 30)] * chance.randint(1, 4)


def _splice(content: bytearray, corpus: Sequence[bytes], chance: random.Random) -> None:
    other = chance.choice(corpus)
    content[_place(content, chance) :] = other[_place(bytearray(other), chance) :]


_CHANGES = (_flip, _replace, _insert, _overwrite, _delete, _cut, _repeat, _splice)
