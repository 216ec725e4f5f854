"""The jobs over tables: a refresh of everything and of each source, and sending and delivering.

When they run is for `automation` to say, and for whoever launches them.
"""

import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.execution.plan.resume_retry import ReexecutionStrategy
from dagster._core.storage.tags import RETRY_STRATEGY_TAG

from edu_pipeline.ground.one_run import SOURCE_TAG
from edu_pipeline.landing.files import FOLDERS
from edu_pipeline.mail.mailing import CARRIER, Mailing
from edu_pipeline.settings.attainment import ATTAINMENT_FOLDER
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.landing import EVENTS_FOLDER, PROGRAMMES_FOLDER
from edu_pipeline.wiring.mailings import NUDGES, TEACHERS

REFRESH = "refresh"
_job = functools.partial(
    dg.define_asset_job, run_tags={RETRY_STRATEGY_TAG: ReexecutionStrategy.ALL_STEPS.value}
)
"""A job whose steps belong together: where Dagster launches it again, it is all of them."""
_HOME_PAGE = dg.AssetSelection.assets("home_page")
_AFTER_MAIL = (
    dg.AssetSelection.assets("ledger_letters", "campaign_engagement", "letters_page") | _HOME_PAGE
)
"""How letters stand: looked at again by every job that may have changed it."""


@dataclass(frozen=True, eq=False)
class Source:
    """What lands from one kind of system, and what is computed anew when it has."""

    tag: str
    """`source` of the tables that are its own; tables without it are every source's."""
    refreshes: str
    """What its job is called after."""
    also: tuple[str, ...]
    """Tags of what is looked at with it."""
    folder: str | None
    """Of its files in the landing zone; None: whatever is in no other's."""
    about: str
    decides: Mapping[str, Any]
    """Which settings decide what becomes of its files: `include` of pydantic."""
    alone: bool = False
    """Whether what is every source's is left as it is."""
    mailing: Mailing | None = None
    """The letters that a refresh can make due."""

    @property
    def job(self) -> str:
        """The job that computes anew what rests on it."""
        return f"{REFRESH}_{self.refreshes}"

    @property
    def sensor(self) -> str:
        """The sensor that starts the job."""
        return f"{self.refreshes}_landed"

    def read_with(self, settings: Settings) -> str:
        """The settings that decide what becomes of its files, as text."""
        return settings.model_dump_json(include=self.decides)

    def claims(self, path: str) -> bool:
        """Whether a file of the landing zone is its."""
        if self.folder is None:
            return not path.startswith(tuple(FOLDERS))
        return path.startswith(self.folder)


SCHOOL = Source(
    tag=TEACHERS.source,
    refreshes="school",
    also=(CARRIER,),
    folder=None,
    about="a school's exports, the teachers' figures and the gate",
    decides={
        "school": True,
        "landing": True,
        "attendance": True,
        "homework": True,
        "mail": {"close_week", "on_problem"},
    },
    mailing=TEACHERS,
)
EDX = Source(
    tag=NUDGES.source,
    refreshes="programmes",
    also=(CARRIER,),
    folder=PROGRAMMES_FOLDER,
    about="edX's exports, completion, nudges and the programmes' pages",
    decides={"programmes": True},
    mailing=NUDGES,
)
RESULTS = Source(
    tag="results",
    refreshes="results",
    also=(),
    folder=ATTAINMENT_FOLDER,
    about="exam results, their figures and their pages",
    decides={"attainment": True, "school": {"name"}},
)
REPORTED = Source(
    tag=CARRIER,
    refreshes="letters",
    also=(),
    folder=EVENTS_FOLDER,
    about="what the carrier reported, and how letters stand",
    decides={},
    alone=True,
)


@dataclass(frozen=True)
class Jobs:
    """A home's jobs over tables, as Dagster defines them."""

    everything: Any
    of_sources: Mapping[Source, Any]
    send: Mapping[Mailing, Any]
    deliver: Mapping[Mailing, Any]

    def all(self) -> list[Any]:
        """One after the other."""
        sending = (
            job for mailing in self.send for job in (self.send[mailing], self.deliver[mailing])
        )
        return [self.everything, *self.of_sources.values(), *sending]


def sources_of(mailings: Collection[Mailing]) -> tuple[Source, ...]:
    """The sources that a home with these letters has."""
    return tuple(
        each for each in (SCHOOL, EDX, RESULTS, REPORTED) if each.mailing in {None, *mailings}
    )


@functools.cache
def jobs_of(mailings: tuple[Mailing, ...]) -> Jobs:
    """The jobs of a home that sends these letters."""
    sources = sources_of(mailings)
    written = [name for each in mailings for name in (*each.written, each.delivered)]
    refreshed = dg.AssetSelection.all() - dg.AssetSelection.assets(*written)
    return Jobs(
        everything=_job(
            REFRESH,
            selection=refreshed,
            description=(
                "Read whatever lies in the landing zone, what the carrier reported included, and "
                "compute every table again. Sends nothing."
            ),
        ),
        of_sources={
            source: _job(
                source.job,
                selection=_without_others(refreshed, source, sources),
                description=f"Read and compute again: {source.about}. Sends nothing.",
            )
            for source in sources
        },
        send={
            mailing: _job(
                mailing.send,
                selection=dg.AssetSelection.assets(*mailing.written, mailing.delivered)
                | _AFTER_MAIL,
                description=(
                    f"Write and queue one week's {mailing.noun}, then deliver those that need no "
                    "approval or have it, each at most once. Run it again when exports were "
                    "corrected: what has not changed stays approved."
                ),
            )
            for mailing in mailings
        },
        deliver={
            mailing: _job(
                mailing.deliver,
                selection=dg.AssetSelection.assets(mailing.delivered) | _AFTER_MAIL,
                description=(
                    f"Deliver one week's {mailing.noun} that are approved or still wait, as they "
                    "were frozen."
                ),
            )
            for mailing in mailings
        },
    )


def _without_others(
    refreshed: dg.AssetSelection, source: Source, sources: Collection[Source]
) -> dg.AssetSelection:
    """What is a source's own, or every source's."""
    if source.alone:
        return refreshed & dg.AssetSelection.tag(SOURCE_TAG, source.tag) | _HOME_PAGE
    for other in sources:
        if other.tag not in {source.tag, *source.also}:
            refreshed -= dg.AssetSelection.tag(SOURCE_TAG, other.tag)
    return refreshed
