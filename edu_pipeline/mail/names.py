"""Whether a letter shows the name of somebody whom it must not name.

Which names those are is the business of the job that writes the letter. Only full names are searched
for: a given name alone, or initials, may be anybody's.
"""

import functools
import re
import unicodedata
from collections.abc import Iterable
from html.parser import HTMLParser
from urllib.parse import unquote

from edu_pipeline.mail.letter import Letter

_INLINE = frozenset(
    (
        *("a", "abbr", "b", "bdi", "bdo", "em", "font", "i", "mark", "s", "small", "span"),
        *("strong", "sub", "sup", "u", "wbr"),
    )
)
_READ = frozenset(("alt", "aria-label", "href", "title"))
"""Attributes that people may read. In others are words such as `en` and `top`, and people so called
would be found in every letter."""
_CELL, _BLOCK, _ROW = "\x01", "\x02", "\x03"

_WORD = re.compile("((?:[^\\W_]|[\u2600-\u27bf\U0001f000-\U0001faff])+)")  # emoji may be names
_SPACE = re.compile(r"\s+|[.'’‘`\-‐]*|[.'’‘`]\s+")
_COMMA = re.compile(r"\s*,\s*")
_CELLS = re.compile(rf"[\s{_BLOCK}]*(?:{_CELL}[\s{_BLOCK}]*)+")


class _Folded(dict[int, str]):
    """Characters as they are compared: without case, accents, width, and what cannot be seen."""

    def __missing__(self, code: int) -> str:
        folded = "".join(
            char
            for char in unicodedata.normalize("NFKD", chr(code))
            if unicodedata.category(char) not in {"Mn", "Me", "Cf"}
        ).casefold()
        self[code] = folded
        return folded


_FOLDED = _Folded(dict.fromkeys(map(ord, "ʹʻʼʽ"), "'"))  # to Unicode these apostrophes are letters


class Names:
    """Full names, prepared once to be found in many letters.

    A name is found as `Given Family` and as `Family, Given`, in any case, with or without its
    accents, and spread over two cells of a table. Its hyphens, apostrophes and full stops count as
    spaces. A name of one word is found where it stands alone.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._keys: dict[str, str] = {}
        """As it may stand in a letter → what it is counted as."""
        self._longest: dict[str, int] = {}
        """First word → words of the longest name that begins with it."""
        for name in names:
            words = _Words(name)
            if words.words:
                known, plain = words.joined(0, len(words.words)), words.words
                self._add(known, known, words)
                for turn in range(1, len(plain)):
                    turned = f"{' '.join(plain[turn:])},{' '.join(plain[:turn])}"
                    self._add(turned, known, words, turn)

    def _add(self, key: str, known: str, words: "_Words", first: int = 0) -> None:
        self._keys.setdefault(key, known)
        word = words.words[first]
        self._longest[word] = max(self._longest.get(word, 0), len(words.words))

    def in_text(self, text: str) -> bool:
        """Whether a text shows one of them."""
        return bool(self.spans(_Words(text)))

    @property
    def nobody(self) -> bool:
        """Whether there is no name at all."""
        return not self._keys

    def in_html(self, html: str) -> bool:
        """Whether HTML shows one of them, in its text or in what `foreign_names` reads of it."""
        return any(self.in_text(text) for text in _texts(html))

    def spans(self, text: "_Words") -> list[tuple[int, int, str]]:
        """Where in a text names begin and end, and which they are; they may overlap."""
        longest, keys = self._longest, self._keys
        found = []
        for start in [at for at, word in enumerate(text.words) if word in longest]:
            word = text.words[start]
            if word in keys and text.stands_alone(start):
                found.append((start, start + 1, keys[word]))
            for end in range(start + 2, min(start + longest[word], len(text.words)) + 1):
                spellings = {text.joined(start, end), text.joined(start, end, cells=",")}
                found += [(start, end, keys[key]) for key in spellings if key in keys]
        return found


def foreign_names(letter: Letter, known: Names) -> int:
    """How many different people a letter names beyond those whom it may name.

    Read are the subject, the text and the HTML with its comments, alternative texts, labels, titles
    and links. What overlaps an allowed name, or the letter's own addresses, is not somebody else's: in
    `Ben Carter, Dora Moss` nobody is called `Carter, Dora`. A longer name around an allowed one is.

    Args:
        letter: `names` are those that it may show, besides its sender's and recipient's.
        known: Everybody whose name must not be shown to just anyone.
    """
    if known.nobody:  # reading a letter takes long
        return 0
    addresses = (letter.recipient, letter.sender)
    allowed = Names(
        [
            *letter.names,
            *(part for address in addresses for part in (address.name, address.email)),
            letter.reply_to,
        ]
    )
    found: set[str] = set()
    for text in (letter.subject, letter.text, *_texts(letter.html)):
        words = _Words(text)
        foreign = known.spans(words)
        if foreign:
            own = allowed.spans(words)
            found.update(
                name
                for start, end, name in foreign
                if not any(
                    first < end and start < last and not _within((first, last), (start, end))
                    for first, last, _ in own
                )
            )
    return len(found)


def _within(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    return inner != outer and outer[0] <= inner[0] and inner[1] <= outer[1]


class _Words:
    """A text as folded words, and what is between them.

    Between two words is a space, a comma, `_CELL`, or `_BLOCK` for all that no name has inside.
    """

    def __init__(self, text: str) -> None:
        parts = _WORD.split(text.translate(_FOLDED))
        self.words = parts[1::2]
        self.gaps = [_BLOCK, *map(_gap, parts[2:-1:2]), _BLOCK]
        """Before each word, and after the last."""

    def joined(self, start: int, end: int, *, cells: str = " ") -> str:
        """Some of the words as one text, with the border of cells as this."""
        others = zip(self.gaps[start + 1 : end], self.words[start + 1 : end], strict=True)
        return self.words[start] + "".join(
            f"{cells if gap == _CELL else gap}{word}" for gap, word in others
        )

    def stands_alone(self, at: int) -> bool:
        """Whether a word has none beside it."""
        return {self.gaps[at], self.gaps[at + 1]} <= {_CELL, _BLOCK}


@functools.lru_cache(maxsize=10_000)
def _gap(between: str) -> str:
    if between.count("\n") > 1:
        return _BLOCK
    if _SPACE.fullmatch(between):
        return " "
    if _COMMA.fullmatch(between):
        return ","
    return _CELL if _CELLS.fullmatch(between) else _BLOCK


def _texts(html: str) -> list[str]:
    """What a letter's HTML says: its text, then each comment and attribute by itself."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return ["".join(reader.text), *reader.asides]


class _Reader(HTMLParser):
    """Gathers what people, their mail clients and screen readers may read."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.asides: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.asides += [
            unquote(value) if name == "href" else value
            for name, value in attrs
            if value and name in _READ
        ]
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self.text.append(_CELL)
        elif tag == "br":
            self.text.append("\n")
        elif tag in {"tr", "table"}:
            self.text.append(_ROW)
        elif tag not in _INLINE:
            self.text.append(_BLOCK)

    def handle_data(self, data: str) -> None:
        self.text.append(data.replace("\n", " "))

    def handle_comment(self, data: str) -> None:
        self.asides += _texts(data.replace("<!--", " "))  # some clients read some comments
