"""Subjects: which texts are one, and which spellings of it are the same.

Spellings are looked up, never guessed by likeness; what is not here, `[attainment.subjects]` says.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from edu_pipeline.model.attainment import ALL

_SPELLINGS = """
mathematics: maths, math, ma, mat, mth, mathematics
english language: english language, english lang, eng lang, eng language, en lang, en language, language, \
enl, enla, enlg, eng la
english literature: english literature, english lit, eng lit, eng literature, en lit, en literature, \
literature, lit, enli, enlt, eng li
english: english, eng, en, english best, best english, english language and literature, english lang and lit
combined science: combined science, combined sci, comb science, comb sci, science combined, trilogy, \
combined science trilogy, comb sci trilogy, science trilogy, trilogy science, combined science synergy, \
comb sci synergy, synergy, double science, science double, double award science, science double award, \
dual award science, science dual award, dual science, combined
science: science, sci, sc
biology: biology, biol, bio, bi, biological science
chemistry: chemistry, chem, che, ch
physics: physics, phys, phy, ph
computer science: computer science, computer sci, comp science, comp sci, compsci, computing, cs, csc
information technology: information technology, information and communication technology, ict, it
creative imedia: creative imedia, imedia
geography: geography, geog, geo, gg
history: history, hist, his, hi, modern world history
ancient history: ancient history, anc history, anc hist
religious studies: religious studies, religious education, religious stds, religious st, rel studies, rel ed, \
religion, rs, re, religious studies full, philosophy and religion
philosophy and ethics: philosophy and ethics, philosophy ethics, philosophy
french: french, fren, fre, fr, frn
german: german, germ, ger, gm
spanish: spanish, span, spa, sp, spn
italian: italian, ital
mandarin: mandarin, chinese
latin: latin, lat
greek: greek, classical greek
classical civilisation: classical civilisation, classical civilization, class civ, classics, class civilisation
arabic: arabic
urdu: urdu
polish: polish
russian: russian
portuguese: portuguese
japanese: japanese
turkish: turkish
hebrew: hebrew, biblical hebrew
panjabi: panjabi, punjabi
bengali: bengali
gujarati: gujarati
persian: persian, farsi
dutch: dutch
welsh: welsh, cymraeg
irish: irish, gaeilge
art and design: art and design, art design, art des, art, fine art, ar, \
art and design fine art, art craft and design, art fine art
photography: photography, photo, phot, art photography, art and design photography
textiles: textiles, textile design, art textiles, art and design textiles, tx
graphics: graphics, graphic design, graphic communication, art graphics
drama: drama, dr, dra, dram, drama and theatre, drama and theatre studies, theatre studies
performing arts: performing arts, perf arts
dance: dance
music: music, mus, mu
music technology: music technology, music tech
physical education: physical education, physical ed, phys ed, pe, ped, gcse pe
sport: sport, sports, sport science, sports science, sport studies, sports studies, btec sport
design and technology: design and technology, design technology, des and tech, des tech, d and t, dt, d t, \
product design, resistant materials, d and t product design, design and technology product design
engineering: engineering, engin
electronics: electronics
construction: construction
food preparation and nutrition: food preparation and nutrition, food prep and nutrition, \
food prep and nut, food preparation nutrition, food and nutrition, food nutrition, food technology, food tech, \
food, fpn
hospitality and catering: hospitality and catering, hospitality, catering
business studies: business studies, business, bus studies, bus std, bus, bs, bu
enterprise: enterprise
economics: economics, econ, eco
accounting: accounting
media studies: media studies, media
film studies: film studies, film
psychology: psychology, psych, psy, psyc
sociology: sociology, socio, soc, socy
law: law
politics: politics, government and politics
citizenship: citizenship, citizenship studies, cit
health and social care: health and social care, health and social, health social care, hsc, h and sc
child development: child development, child dev, cd
travel and tourism: travel and tourism, travel tourism, travel
statistics: statistics, stats, stat
further mathematics: further mathematics, further maths, further mat, f maths, fmaths
core mathematics: core mathematics, core maths
additional mathematics: additional mathematics, additional maths, add maths
astronomy: astronomy
geology: geology
environmental science: environmental science
animal care: animal care
public services: public services
hair and beauty: hair and beauty
home economics: home economics
general studies: general studies
extended project: extended project, epq, hpq
"""
_KEYS: Mapping[str, str] = {
    spelling.strip(): key
    for line in _SPELLINGS.replace("\\\n", "").strip().splitlines()
    for key, _, spellings in [line.partition(": ")]
    for spelling in spellings.split(",")
}
_DROPPED = frozenset(
    [
        "gcse",
        "gcses",
        "igcse",
        "ial",
        "full",
        "short",
        "course",
        "aqa",
        "edexcel",
        "ocr",
        "wjec",
        "eduqas",
        "pearson",
        "ccea",
        "cie",
        "caie",
        "higher",
        "foundation",
        "tier",
    ]
)
"""Words that exports put beside a subject and that make no other of it."""
_OF_TITLES = frozenset(
    [
        *("a", "b", "c", "in", "linear", "modular", "spec", "specification", "new", "reformed"),
        *("legacy", "qualification"),
    ]
)
"""Words in the titles that boards give to specifications; not dropped from what else is a spelling."""
_TITLE = re.compile(
    r"\b(?:i?gcse|aqa|edexcel|pearson|ocr|wjec|eduqas|ccea|cie)\b|(?<![a-z])gcse", re.IGNORECASE
)
"""What only the title of a qualification has, so that a code in it is that of the specification."""
_BOTH_LEVELS = re.compile(r"\b(?:level|lev|l) ?1 ?(?:/|&|-| and ) ?(?:level|lev|l)? ?2\b")
"""As GCSEs and awards of both levels say it in their titles."""
_TIER = re.compile(r"\btier [hf]\b")
_IN_BRACKETS = re.compile(r"(.+?)\s*\(([^()]+)\)\s*")
_CODE = re.compile(r"(?=[a-z]*\d)[a-z0-9]{4,8}")
_ORDER = (
    *("english language", "english literature", "english", "mathematics", "further mathematics"),
    *("combined science", "science", "biology", "chemistry", "physics", "computer science"),
    *("geography", "history", "ancient history"),
    *(
        "french",
        "german",
        "spanish",
        "italian",
        "mandarin",
        "latin",
        "greek",
        "arabic",
        "urdu",
        "polish",
    ),
    *("russian", "portuguese", "japanese", "turkish", "hebrew", "panjabi", "bengali", "gujarati"),
    *("persian", "dutch", "welsh", "irish"),
)
"""English and maths, then the sciences, humanities and languages of the EBacc."""
_TELLING = frozenset(
    word
    for spelling in _KEYS
    for word in spelling.split()
    if len(word) >= 5  # noqa: PLR2004
) - frozenset(
    ["double", "award", "class", "studies", "general", "child", "public", "animal", "social"]
)
"""Words in a header that tell a subject that is not in the list, such as `Triple Chemistry`."""
_DOUBLE = re.compile(r"\b(sci|comb|trilogy|synergy|double|dual)", re.IGNORECASE)
_AWARDS = frozenset({"combined science", "science"})
_HALF = re.compile(r"(.+?)(?: award| grade)? (?:1|2|1st|2nd|first|second)(?: award| grade)?")
"""What tells the two grades of a double award from each other, where each has a name of its own."""


def telling_words(text: str) -> list[str]:
    """The words of a subject, but for those that exports put beside any."""
    spelt = re.sub(r"\b(\w)\.(?=\w\b)", r"\1", text.casefold().replace("&", " and "))
    spelt = re.sub(r"9\s*[-–to]+\s*1", " ", spelt)
    spelt = _BOTH_LEVELS.sub(" ", _TIER.sub(" ", spelt))
    return [word for word in re.findall(r"[^\W_]+", spelt) if word not in _DROPPED]


def subject_key(text: str) -> str:
    """What the spellings of one subject have in common: `Eng Lang`, `English Lang.` are one."""
    words = " ".join(telling_words(text)) or " ".join(re.findall(r"[^\W_]+", text.casefold()))
    return _KEYS.get(words) or _KEYS.get(_without_title(text)) or _award_of(text) or words


def _award_of(text: str) -> str | None:
    half = _HALF.fullmatch(" ".join(telling_words(text)))
    award = _KEYS.get(half[1]) if half else None
    return award if award in _AWARDS else None


def is_half(text: str) -> bool:
    """Whether a subject is one of the two grades of a double award, such as `Combined Science 2`."""
    return not is_known(text) and _award_of(text) is not None


def _without_title(text: str) -> str:
    """`AQA Level 1/Level 2 GCSE (9-1) in Mathematics (8300)` as `mathematics`."""
    if (both := _IN_BRACKETS.fullmatch(text)) and _says_again(both[1], both[2]):
        text = both[1]
    words = [word for word in telling_words(text) if word not in _OF_TITLES]
    if _TITLE.search(text):
        words = [word for word in words if not _CODE.fullmatch(word)]
    return " ".join(words)


def _says_again(subject: str, code: str) -> bool:
    """Whether what stands in brackets is a code of the subject: `Maths (8300)`, `Music (Mus)`."""
    key = _KEYS.get(" ".join(telling_words(code)))
    same = key is not None and key == _KEYS.get(" ".join(telling_words(subject)))
    return same or _CODE.fullmatch(code.strip().casefold()) is not None


def is_known(text: str) -> bool:
    """Whether a text is a spelling of a subject that is taught to many."""
    return " ".join(telling_words(text)) in _KEYS or _without_title(text) in _KEYS


def sounds_like_one(text: str) -> bool:
    """Whether a text is a known subject, or has a word that only subjects have."""
    return is_known(text) or bool(_TELLING.intersection(telling_words(text)))


def is_double(text: str) -> bool:
    """Whether a subject may be a double award, so that 54 is two grades."""
    return _DOUBLE.search(text) is not None or subject_key(text) in _AWARDS


def not_all(name: str) -> str:
    """A subject's or a column's name, told from the word that stands for all of them in tables."""
    return f"“{name}”" if name == ALL else name


def in_school_order(subjects: Iterable[str], order: Sequence[str] = ()) -> list[str]:
    """Subjects as a school lists them.

    Args:
        subjects: In any order, each once.
        order: The school's own, in any known spelling; what is not in it comes behind. Without one:
            English and maths, sciences, humanities, languages. All others by their name.
    """
    keys = [subject_key(subject) for subject in order] or list(_ORDER)
    place = {key: n for n, key in reversed(list(enumerate(keys)))}
    return sorted(
        subjects, key=lambda name: (place.get(subject_key(name), len(keys)), name.casefold(), name)
    )


def tidy(text: str) -> str:
    """A subject as received, without spaces that nobody sees."""
    return " ".join(text.split())
