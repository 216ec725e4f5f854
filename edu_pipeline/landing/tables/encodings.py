"""The encoding of a text file: found, said by the settings, and turned into UTF-8.

UTF-8 and UTF-16 are recognised for certain. What is neither is cp1252, where letters beyond ASCII are
rare in every word; else what charset-normalizer takes it for. It is not asked of the others: of names
in Western languages it took one in two for cp1250.
"""

import codecs
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from charset_normalizer import from_bytes

CHUNK = 8 * 1024 * 1024
FIRST_BEYOND = 0x80
"""The first byte beyond ASCII."""
LONG = 3
"""Bytes of a word that says something of its language; a dash or a mark says nothing."""
SAMPLE = 5_000
"""Words that an encoding is judged by."""
UTF_8, WINDOWS = "utf-8", "cp1252"
MIXED = "utf-8 with cp1252 bytes"
"""UTF-8 but for single bytes; followed by the first line that has one."""
BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""First bytes of a file → its encoding."""
MANY_NULS = 0.3
"""Share of a file's even or odd bytes that are 0 in UTF-16 and in nothing else that is text."""
_WINDOWS_CHARACTERS = "".join(
    bytes([byte]).decode(WINDOWS, errors="ignore") or chr(byte) for byte in range(256)
)
"""What bytes mean in cp1252; the five that it leaves open mean what they do in Latin-1."""


_STRAY = {0xDC00 + byte: _WINDOWS_CHARACTERS[byte] for byte in range(0x80, 0x100)}
"""What `surrogateescape` makes of bytes that are no UTF-8 → what they mean in cp1252."""


class UnreadableFileError(Exception):
    """A file cannot be read as a table; the message says why or what to do.

    Attributes:
        setting: What to add to the export's section of `pipeline.toml`, where that helps.
    """

    def __init__(self, message: str, setting: str | None = None) -> None:
        super().__init__(message)
        self.setting = setting


class NotThisEncodingError(UnreadableFileError):
    """The bytes are not of the encoding."""


class _WindowsDecoder(codecs.IncrementalDecoder):
    """cp1252 as browsers read it: every byte is a character."""

    def decode(self, input: bytes, final: bool = False) -> str:  # type: ignore[override]  # noqa: A002, ARG002
        """Bytes as text."""
        return codecs.charmap_decode(input, "strict", _WINDOWS_CHARACTERS)[0]


class _MixedDecoder(codecs.IncrementalDecoder):
    """UTF-8, and cp1252 for the bytes that are none."""

    def __init__(self) -> None:
        super().__init__()
        self._utf_8 = codecs.getincrementaldecoder(UTF_8)("surrogateescape")

    def decode(self, input: bytes, final: bool = False) -> str:  # type: ignore[override]  # noqa: A002
        """Bytes as text."""
        return self._utf_8.decode(input, final).translate(_STRAY)


def likely_encoding(path: Path) -> str:
    """The encoding that a file's first bytes show; UTF-8 where they show none."""
    with path.open("rb") as file:
        start = file.read(4096)
    for bom, encoding in BOMS.items():
        if start.startswith(bom):
            return encoding
    for first, encoding in enumerate(("utf-16-be", "utf-16-le")):
        if start[first::2].count(0) > MANY_NULS * len(start) / 2 > start[1 - first :: 2].count(0):
            return encoding
    return UTF_8


def encoding_but_utf_8(path: Path) -> str:
    """The encoding of a file that is not UTF-8 throughout: UTF-8 with strange bytes, or another.

    In UTF-8 most characters beyond ASCII are right; in others hardly any sequence is.
    """
    decoder = codecs.getincrementaldecoder(UTF_8)("surrogateescape")
    beyond = stray = first = 0
    lines = 1
    sample: list[str] = []
    for chunk in chunks(path):
        text = decoder.decode(chunk)
        found = re.search("[\udc80-\udcff]", text)
        if found and not first:
            first = lines + text.count("\n", 0, found.start())
        lines += text.count("\n")
        beyond += len(re.findall(r"[^\x00-\x7f]", text))
        strange = re.findall("[\udc80-\udcff]", text)
        stray += len(strange)
        if strange and len(sample) < SAMPLE:
            sample += re.findall(r'[^\s,;|"]+', text)
    if beyond - stray > stray:
        return f"{MIXED}, first in line {first}"
    words = [word.encode(UTF_8, "surrogateescape") for word in sample[:SAMPLE]]
    return _of_words([word for word in words if not word.isascii()])


def _of_words(words: Sequence[bytes]) -> str:
    """The encoding of words with bytes beyond ASCII: cp1252 where these are few in each."""
    words = [word for word in words if len(word) >= LONG]
    if sum(byte >= FIRST_BEYOND for byte in b"".join(words)) <= sum(map(len, words)) / 2:
        return WINDOWS
    best = from_bytes(b" ".join(words)).best()
    return WINDOWS if best is None else best.encoding


@contextmanager
def as_utf8(path: Path, encoding: str) -> Iterator[Path]:
    """The file itself where it is UTF-8, else a copy of it in UTF-8.

    Raises:
        UnreadableFileError: It is no text, or its bytes are not of that encoding.
    """
    mixed = encoding.startswith(MIXED)
    try:
        codec = codecs.lookup(UTF_8 if mixed else encoding)
    except LookupError:
        raise UnreadableFileError(
            f"{encoding!r} is no known encoding. Try utf-8, cp1252, latin-1 or utf-16."
        ) from None
    found = likely_encoding(path)
    if found == "utf-16" and not codec.name.startswith("utf-16"):
        raise UnreadableFileError(f"not {encoding} but UTF-16", 'encoding = "utf-16"')
    if not mixed and (codec.name.startswith("utf-8") or found == "utf-8-sig"):
        yield path
        return
    if mixed:
        decoder: codecs.IncrementalDecoder = _MixedDecoder()
    else:
        decoder = _WindowsDecoder() if codec.name == WINDOWS else codec.incrementaldecoder()
    with TemporaryDirectory(prefix="edu-decode-") as scratch:
        copy = Path(scratch) / "utf8.csv"
        with copy.open("w", encoding="utf-8", newline="") as target:
            target.writelines(decoded(chunks(path), decoder, encoding))
        yield copy


def chunks(path: Path) -> Iterator[bytes]:
    """The file's bytes in pieces that fit in memory."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def decoded(
    pieces: Iterable[bytes], decoder: codecs.IncrementalDecoder, encoding: str
) -> Iterator[str]:
    """The pieces as text.

    Raises:
        NotThisEncodingError: They are not of that encoding.
    """
    line = 1
    try:
        for piece in pieces:
            text = decoder.decode(piece)
            line += text.count("\n")
            yield text
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        other = WINDOWS if encoding.replace("_", "-").lower().startswith("utf") else UTF_8
        raise NotThisEncodingError(
            f"not {encoding} (near line {line})", f'encoding = "{other}"'
        ) from error
