"""Which kinds of letters a home sends: the names that tie the jobs to the mail room."""

from edu_pipeline.mail.mailing import Mailing
from edu_pipeline.settings.home import Settings

TEACHERS = Mailing(
    campaign="teachers",
    source="school",
    noun="letters",
    before=("students_of_week", "letter_charts", "letter_gaps", "said_before"),
    names="known_names",
    periods="teacher_periods",
    recorded="recorded_periods",
    schedule="send_weekly",
    again="run --week {period}",
)
NUDGES = Mailing(
    campaign="nudges",
    source="edx",
    noun="nudges",
    before=(),
    names=None,  # a nudge is written from one row, and programmes.letter writes only its own name
    periods="nudge_periods",
    recorded="recorded_nudge_periods",
    schedule="send_nudges_weekly",
    again="programmes nudge {of}",
)


def mailings_of(settings: Settings) -> tuple[Mailing, ...]:
    """The kinds of letters that a home sends."""
    return (TEACHERS, NUDGES) if settings.programmes else (TEACHERS,)


def campaigns_of(settings: Settings) -> frozenset[str]:
    """The campaigns of a home as it is set up now; its ledger may know of earlier ones."""
    programmes = (f"{NUDGES.campaign}.{programme.id}" for programme in settings.programmes)
    return frozenset({TEACHERS.campaign, *programmes})


def mailing_of(campaign: str) -> Mailing:
    """The kind of a campaign's letters."""
    return next(mailing for mailing in (TEACHERS, NUDGES) if mailing.owns(campaign))
