"""What Dagster loads, on one screen."""

from collections.abc import Mapping

import dagster as dg

from edu_pipeline.attainment import assets as attainment
from edu_pipeline.facts import assets as facts
from edu_pipeline.ground.shipped import shipped
from edu_pipeline.ground.steps import step
from edu_pipeline.ground.templates import environment
from edu_pipeline.ground.warehouse import Warehouse
from edu_pipeline.landing import assets as landing
from edu_pipeline.landing.sources.edx import assets as edx
from edu_pipeline.landing.sources.results import assets as results
from edu_pipeline.landing.zone import Zone
from edu_pipeline.mail import assets as mail
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.mailing import Mailing
from edu_pipeline.mail.room import MailRoom
from edu_pipeline.programmes import assets as programmes
from edu_pipeline.site import assets as site
from edu_pipeline.site.mail_page import write_mail_page
from edu_pipeline.teachers import assets as teachers
from edu_pipeline.teachers.edition import CAMPAIGN
from edu_pipeline.wiring.automation import (
    deliver_job,
    landing_sensor,
    letter_weeks,
    mail_sensor,
    nudge_partitions,
    refresh_job,
    send_after_refresh,
    send_job,
    send_weekly,
    tell_operator,
)
from edu_pipeline.wiring.environment import home_from_environment, mail_room
from edu_pipeline.wiring.mailings import NUDGES, TEACHERS, mailings_of


def build_definitions(
    room: MailRoom, loggers: Mapping[str, dg.LoggerDefinition] | None = None
) -> dg.Definitions:
    """Everything that one home's code location holds; `loggers` only for runs from the shell."""
    home, settings = room.home, room.settings
    warehouse = Warehouse(path=str(home.warehouse), lock_path=str(home.lock))
    mailings, weeks = mailings_of(settings), letter_weeks(settings)
    partitions: Mapping[Mailing, dg.PartitionsDefinition[str]] = {
        mailing: weeks if mailing is TEACHERS else nudge_partitions(settings)
        for mailing in mailings
    }

    # a school without programmes need not wait for their tables
    of_programmes = (
        [
            *edx.ASSETS,
            *programmes.ASSETS,
            *mail.memory(NUDGES.campaign),
            *(programmes.nudge_letters(of) for kind, of in partitions.items() if kind is NUDGES),
            *site.OF_PROGRAMMES,
        ]
        if settings.programmes
        else []
    )

    def write_page(ledger: Ledger) -> None:
        write_mail_page(home, settings, ledger, environment([home.templates, shipped("templates")]))

    return dg.Definitions(
        assets=[
            *landing.ASSETS,
            *results.ASSETS,
            landing.rejected_rows(
                [results.REJECTED, *(edx.REJECTED if settings.programmes else ())]
            ),
            landing.landing_problems(
                ["attainment_notes", *(("stg_run_results",) if settings.programmes else ())]
            ),
            *facts.ASSETS,
            *attainment.ASSETS,
            step("compute_teachers", teachers.TABLES),
            *of_programmes,
            step("write_letters", teachers.OF_A_WEEK, partitions=weeks),
            mail.said_before(weeks, CAMPAIGN),
            *(mail.recorded_periods(mailing) for mailing in mailings),
            *(
                asset
                for mailing, of in partitions.items()
                for asset in mail.partitioned_assets(mailing, of, write_page)
            ),
            mail.ledger_letters(mailings),
            *mail.ASSETS,
            *site.ASSETS,
        ],
        asset_checks=[
            *landing.CHECKS,
            *(mail.newest_is_not_held(mailing) for mailing in mailings),
            *mail.CHECKS,
        ],
        jobs=[
            refresh_job(mailings),
            *map(send_job, mailings),
            *mail.approval_jobs(partitions, write_page),
            *map(deliver_job, mailings),
        ],
        sensors=[
            landing_sensor,
            send_after_refresh(settings),
            mail_sensor(settings),
            tell_operator(settings),
        ],
        schedules=[send_weekly(settings, mailing) for mailing in mailings],
        resources={
            "io_manager": warehouse,
            "warehouse": warehouse,
            "home": home,
            "mail_room": room,
            "settings": settings,
            "zone": Zone(home.landing_url(settings)),
        },
        executor=dg.in_process_executor,
        loggers=loggers,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The code location of the home that the environment names."""
    return build_definitions(mail_room(home_from_environment()))
