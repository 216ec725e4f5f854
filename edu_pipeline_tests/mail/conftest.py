"""Made-up letters and a ledger on disk for the tests of the mail room."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edu_pipeline.mail.ledger import Ledger
from edu_pipeline.mail.letter import Address, Image, Letter

LetterMaker = Callable[..., Letter]

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c02"
    "0000000b4944415478da6364f80f00010501012718e3660000000049454e44ae426082"
)


@pytest.fixture
def make_letter() -> LetterMaker:
    def letter(
        recipient_key: str = "t_1",
        *,
        subject: str = "Your week",
        name: str = "Ada Moss",
        email: str | None = None,
        period: str = "2026-W40",
        **other: object,
    ) -> Letter:
        fields: dict[str, object] = {
            "sender": Address("reports@riverside.example", "Riverside School"),
            "reply_to": "office@riverside.example",
            "html": '<p>Hello</p><img src="cid:attendance" alt="chart">',
            "text": "Hello\n",
            "images": (Image("attendance", PNG),),
            "not_after": datetime(2026, 10, 7, 18, tzinfo=UTC),
            "names": frozenset({name}),
        }
        return Letter(
            campaign="teachers",
            period=period,
            recipient_key=recipient_key,
            recipient=Address(email or f"{recipient_key}@riverside.example", name),
            subject=subject,
            **(fields | other),  # type: ignore[arg-type]
        )

    return letter


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger(url) as opened:
        yield opened
