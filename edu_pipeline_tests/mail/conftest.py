"""Made-up letters and a ledger for the tests of the mail room, on SQLite and on PostgreSQL."""

from collections.abc import Callable

import pytest

from edu_pipeline.mail.letter import Letter
from edu_pipeline_tests.mail.letters import letter

LetterMaker = Callable[..., Letter]


@pytest.fixture
def make_letter() -> LetterMaker:
    return letter
