"""Qualifications by their numbers in Ofqual's register, of which exports have the number alone.

The register is public and has tens of thousands; here are those of exam boards' own specifications that are
taken by most. Others are named in `[attainment.subjects]` and `[attainment.qualifications]`.
"""

import re

_NUMBERS = """
60142923 gcse English Language
60148366 gcse English Language
60144476 gcse English Literature
60146084 gcse Mathematics
60147003 gcse Mathematics
6018758X gcse Combined Science
60187529 gcse Biology
60187578 gcse Chemistry
60187517 gcse Physics
60185065 gcse Biology
60186057 gcse Chemistry
60186859 gcse Physics
6018355X gcse Computer Science
60184103 gcse Geography
60311642 a_level Mathematics
60149589 a_level Art and Design
60172186 level_3 Sport
"""
_KNOWN = {
    number: (kind, title)
    for line in _NUMBERS.strip().splitlines()
    for number, kind, title in [line.split(" ", 2)]
}


def _number_in(text: str) -> str | None:
    """The qualification number that a text is, without obliques: `601/4608/4`, `60146084`."""
    found = re.fullmatch(r"(\d{3})/?(\d{4})/?([\dX])", text.strip().upper())
    return "".join(found.groups()) if found else None


def title_of_number(text: str) -> str | None:
    """The subject of a qualification number; None: it is none, or none that is known here."""
    number = _number_in(text)
    return _KNOWN[number][1] if number in _KNOWN else None


def kind_of_number(text: str) -> str | None:
    """The key of `grades.SCALES` of a qualification number; None as above."""
    number = _number_in(text)
    return _KNOWN[number][0] if number in _KNOWN else None
