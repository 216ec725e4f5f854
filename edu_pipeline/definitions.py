"""What Dagster loads, on one screen."""

import functools
from collections.abc import Mapping, Sequence

import dagster as dg

from edu_pipeline.attainment import assets as attainment
from edu_pipeline.facts import assets as facts
from edu_pipeline.ground.resources import Warehouse
from edu_pipeline.ground.steps import Table, step, thinned
from edu_pipeline.landing import assets as landing
from edu_pipeline.landing.sources.edx import assets as edx
from edu_pipeline.landing.sources.results import assets as results
from edu_pipeline.mail import assets as mail
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.mailing import Mailing
from edu_pipeline.mail.room import MailRoom
from edu_pipeline.programmes import assets as programmes
from edu_pipeline.site import assets as site
from edu_pipeline.site.home_page import write_front_pages
from edu_pipeline.site.mail_page import write_mail_pages
from edu_pipeline.teachers import assets as teachers
from edu_pipeline.teachers.edition import CAMPAIGN
from edu_pipeline.wiring.approval import approval_jobs
from edu_pipeline.wiring.automation import (
    landing_sensor,
    letter_weeks,
    mail_sensor,
    nudge_partitions,
    send_after_refresh,
    send_weekly,
    tell_operator,
)
from edu_pipeline.wiring.environment import home_from_environment, landing_zone, mail_room
from edu_pipeline.wiring.fetching import fetching
from edu_pipeline.wiring.heartbeat import heartbeat
from edu_pipeline.wiring.jobs import jobs_of
from edu_pipeline.wiring.mailings import NUDGES, TEACHERS, mailings_of


def build_definitions(
    room: MailRoom, loggers: Mapping[str, dg.LoggerDefinition] | None = None
) -> dg.Definitions:
    """Everything that one home's code location holds; `loggers` only for runs from the shell."""
    home, settings = room.home, room.settings
    zone = landing_zone(room)
    warehouse = Warehouse(
        path=str(home.warehouse), lock_path=str(home.lock), exports=str(zone.here)
    )
    mailings, weeks = mailings_of(settings), letter_weeks(room)
    jobs = jobs_of(mailings)
    partitions: Mapping[Mailing, dg.PartitionsDefinition[str]] = {
        mailing: weeks if mailing is TEACHERS else nudge_partitions(settings, weeks)
        for mailing in mailings
    }

    def write_pages(ledger: Ledger, campaign: str, period: str) -> None:
        write_mail_pages(home, settings, ledger, (campaign, period))

    def sent(
        mailing: Mailing, write: mail.Writes, rests_on: Sequence[str], *made: Table
    ) -> Sequence[dg.AssetsDefinition]:
        """What writes a mailing's letters, and what delivers them."""
        of, delivered = partitions[mailing], mail.delivered(mailing, write_pages)
        queued = mail.queued(mailing, write, rests_on)
        return [
            step(f"write_{mailing.noun}", [*made, queued], partitions=of),
            step(mailing.delivered, [delivered], partitions=of),
        ]

    def computed(
        name: str, mailing: Mailing, made: Sequence[Table], periods: Table
    ) -> dg.AssetsDefinition:
        """A job's tables, and the periods that its letters can be about."""
        held = mail.newest_is_not_held(mailing)
        return step(name, [*made, periods], checks=[held], apart=elsewhere, threads=False)

    elsewhere = [key.path[-1] for made in (*results.ASSETS, *edx.ASSETS) for key in made.keys]
    looked_at = ["attainment_notes", *(["stg_run_results"] if settings.programmes else [])]

    # a school without programmes need not wait for their tables
    of_programmes = (
        [
            *edx.ASSETS,
            step("read_ledger_of_nudges", mail.memory(NUDGES)),
            computed(
                "compute_programmes",
                NUDGES,
                programmes.COMPUTED,
                mail.recorded_periods(NUDGES, programmes.addressees, programmes.ADDRESSEES_OF),
            ),
            step("publish_programmes", [site.programme_pages]),
            *sent(NUDGES, programmes.write_nudges, programmes.WRITTEN_FROM),
        ]
        if settings.programmes
        else []
    )
    return dg.Definitions(
        assets=thinned(
            [
                step("read_ledger", mail.LEDGER),
                step("list_files", [landing.landing_files]),
                step("land_school", landing.LANDED, together=False),
                step("stage_school", landing.STAGING, together=False),
                *results.ASSETS,
                step(
                    "judge_landing",
                    landing.judged(looked_at),
                    checks=landing.CHECKS,
                ),
                step("compute_facts", facts.TABLES),
                computed(
                    "compute_teachers",
                    TEACHERS,
                    teachers.TABLES,
                    mail.recorded_periods(TEACHERS),
                ),
                step("publish_school", [site.school_page]),
                *attainment.ASSETS,
                step("publish_attainment", [site.attainment_pages]),
                *sent(
                    *(TEACHERS, teachers.write_letters, teachers.WRITTEN_FROM),
                    *(mail.said_before(CAMPAIGN), *teachers.OF_A_WEEK),
                ),
                *of_programmes,
                step("ask_carrier", mail.OF_CARRIER),
                step(
                    "look_at_letters",
                    [
                        *(mail.ledger_letters(mailings), mail.campaign_engagement),
                        *(site.letters_page, site.home_page(settings)),
                    ],
                    checks=mail.OF_LETTERS,
                ),
            ]
        ),
        jobs=[
            *jobs.all(),
            *approval_jobs(partitions, write_pages),
        ],
        sensors=[
            *map(landing_sensor, jobs.of_sources),
            send_after_refresh(settings),
            mail_sensor(settings),
            tell_operator(settings),
            heartbeat(functools.partial(write_front_pages, home, settings)),
        ],
        schedules=[
            *(send_weekly(settings, mailing) for mailing in mailings),
            *fetching(settings),
        ],
        resources={
            "warehouse": warehouse,
            "home": home,
            "mail_room": room,
            "settings": settings,
            "zone": zone,
        },
        executor=dg.in_process_executor,
        loggers=loggers,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The code location of the home that the environment names."""
    return build_definitions(mail_room(home_from_environment()))
