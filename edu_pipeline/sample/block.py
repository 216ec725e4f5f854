"""The made-up programme's part of a `pipeline.toml`: putting it in, and taking it out again."""

import re

_BEGIN = "# Made up, to the end of the file: `edu-pipeline sample --clear` takes it out again."
_END = "# The end of what is made up."
_BLOCK = re.compile(rf"\r?\n{re.escape(_BEGIN)}.*?{re.escape(_END)}(\r?\n)?", re.DOTALL)


def with_programme(settings: str, programme: str) -> str:
    """The settings with the made-up programme at their end, in the place of an earlier one.

    Args:
        settings: The text of a `pipeline.toml`.
        programme: `ProgrammeSample.settings`.
    """
    own = without_programme(settings)
    ended = own if own.endswith("\n") else f"{own}\n"
    return f"{ended}\n{_BEGIN}\n{programme.strip()}\n{_END}\n"


def without_programme(settings: str) -> str:
    """The settings without the made-up programme, and otherwise as they were."""
    return _BLOCK.sub("", settings)
