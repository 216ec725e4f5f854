"""Letters put straight into a home's ledger, and what a refresh would have recorded of their week."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from edu_pipeline.mail.due import Period
from edu_pipeline.mail.ledger.store import Ledger, Queueing
from edu_pipeline.mail.letter import Address, Figure, Letter
from edu_pipeline.mail.states import State
from edu_pipeline.settings.home import Home
from edu_pipeline.wiring.environment import mail_room
from edu_pipeline_tests.mail.letters import claimed
from edu_pipeline_tests.mail.letters import recorded as record_outcome

WEEK = "2026-W40"
WHO = '[letters]\nfrom_email = "reports@lake.example"\n'
LIVE = f"""
{WHO}
[mail]
transport = "sendgrid"
allowed = ["riverside.example"]
"""
"""Letters leave the machine; what must be approved is."""
NAMES = {"t_1": "Ada Moss", "t_2": "Ben Ito", "t_3": "Cai Roe"}


def home_with(root: Path, config: str = "") -> Home:
    home = Home(root)
    home.config.write_text(f'[school]\ntime_zone = "America/New_York"\n{config}', encoding="utf-8")
    return home


def letter(
    recipient: str,
    share: float = 0.921,
    *,
    hold: str | None = None,
    period: str = WEEK,
    not_after: datetime | None = None,
) -> Letter:
    return Letter(
        campaign="teachers",
        period=period,
        recipient_key=recipient,
        recipient=Address(f"{recipient}@riverside.example", NAMES.get(recipient, "Dee Low")),
        sender=Address("reports@lake.example", "Lake School"),
        reply_to="office@riverside.example",
        subject="Your week in 7B",
        html=f"<html><body><p>{share:.1%}</p></body></html>",
        text=f"{share:.1%}\n",
        images=(),
        not_after=not_after or datetime.now(UTC) + timedelta(days=3),
        names=frozenset(),
        figures=(Figure("c_1/attendance_rate", "7B attendance", share * 1000, 1000),),
        hold=hold,
    )


def queue(ledger: Ledger, letters: Iterable[Letter], **rules: object) -> None:
    """Queue a batch, which is all that its week has."""
    batch = list(letters)
    ledger.queue(batch, now=datetime.now(UTC), by="run", rules=Queueing(**rules))  # type: ignore[arg-type]


def queued(home: Home, *letters: Letter, held: str | None = None) -> None:
    """What a run leaves behind: letters as the home's settings say, and their weeks."""
    room = mail_room(home)
    with room.open_ledger() as ledger:
        mail = room.settings.mail
        queue(ledger, letters, approval=mail.leaves, leaves=mail.leaves)
        recorded(ledger, held=held, periods={each.period for each in letters})


def recorded(ledger: Ledger, *, held: str | None = None, periods: Iterable[str] = (WEEK,)) -> None:
    ledger.record_periods(
        "teachers",
        [
            Period(
                campaign="teachers",
                period=period,
                partition=date.fromisocalendar(int(period[:4]), int(period[-2:]), 1).isoformat(),
                last_day=date.fromisocalendar(int(period[:4]), int(period[-2:]), 5),
                complete=True,
                held=held,
            )
            for period in sorted(periods)
        ],
    )


def states(home: Home, period: str = WEEK) -> dict[str, State]:
    """Key without campaign and week → where the letter stands."""
    with mail_room(home).open_ledger() as ledger:
        return {
            entry.key.split(":", 2)[2]: entry.state for entry in ledger.entries("teachers", period)
        }


def went(home: Home, recipient: str, outcome: State, *, transport: str = "sendgrid") -> None:
    """An attempt at a pending letter, as a delivery would have noted it."""
    key = f"teachers:{WEEK}:{recipient}"
    now = datetime.now(UTC)
    with mail_room(home).open_ledger() as ledger:
        ledger.release_approved("teachers", WEEK, now=now, by="test")
        assert claimed(ledger, key, owner="test", transport=transport, now=now)
        record_outcome(ledger, key, outcome, now=now, detail="The line broke.", transport_id="x1")
