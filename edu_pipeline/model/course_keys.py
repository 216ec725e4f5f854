"""Course and run keys of edX in their many spellings, and which course a run is of.

Pure. `course-v1:Org+Course+Run`, `Org/Course/Run`, `Org_Course_Run` and what file names make of them
are one key. Organisations, courses and runs have `_` in them, so a key is never taken apart at one:
a run is of the course whose key it begins with.
"""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

_KIND = re.compile(r"^(?:course|ccx)-v1[:_]", re.IGNORECASE)
_BETWEEN = re.compile(r"[\s/+@]+")
_NOT_IN_FILE_NAMES = re.compile(r"[^\w.-]")
"""What Django's `get_valid_filename` drops, and so edX from the names of its reports."""


def canonical(text: str) -> str:
    """A key of a course or a run as `Org_Course` or `Org_Course_Run`, in the case it has.

    Args:
        text: In any spelling, url-quoted as well. Two of one key differ in case at most.
    """
    plain = _KIND.sub("", unquote(text).strip())
    return _NOT_IN_FILE_NAMES.sub("", _BETWEEN.sub("_", plain))


def folded(text: str) -> str:
    """What is the same for all spellings of a key; to compare, not to show."""
    return canonical(text).casefold()


def course_of(run_key: str, courses: Mapping[str, str | Sequence[str]]) -> tuple[str, str] | None:
    """The course that a run is of, and the rest of its key.

    Args:
        run_key: In any spelling.
        courses: Course id → its key or keys, in any spelling. The longest that the run begins with
            counts.

    Returns:
        The course's id and the run, such as `("buslead1x", "1T2027")`; None where no key fits.
    """
    run = canonical(run_key)
    found = [
        (len(key), course, match[1])
        for course, keys in courses.items()
        for key in map(canonical, [keys] if isinstance(keys, str) else keys)
        if (match := re.fullmatch(rf"{re.escape(key)}_(.+)", run, re.IGNORECASE))
    ]
    return max(found)[1:] if found else None
