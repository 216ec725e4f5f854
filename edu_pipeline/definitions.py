"""What Dagster loads, on one screen."""

from collections.abc import Mapping

import dagster as dg

from edu_pipeline.automation import (
    DELIVER,
    REFRESH,
    SEND,
    landing_sensor,
    letter_weeks,
    mail_sensor,
    send_after_refresh,
    send_weekly,
    tell_operator,
)
from edu_pipeline.environment import home_from_environment, mail_room
from edu_pipeline.facts import assets as facts
from edu_pipeline.landing import assets as landing
from edu_pipeline.landing.edx import assets as edx
from edu_pipeline.landing.zone import Zone
from edu_pipeline.mail import assets as mail
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.render import environment
from edu_pipeline.mail.room import MailRoom
from edu_pipeline.programmes import assets as programmes
from edu_pipeline.shipped import shipped
from edu_pipeline.site import assets as site
from edu_pipeline.site.mail_page import write_mail_page
from edu_pipeline.teachers import assets as teachers
from edu_pipeline.teachers.edition import CAMPAIGN
from edu_pipeline.warehouse import Warehouse


def build_definitions(
    room: MailRoom, loggers: Mapping[str, dg.LoggerDefinition] | None = None
) -> dg.Definitions:
    """Everything that one home's code location holds; `loggers` only for runs from the shell."""
    home, settings = room.home, room.settings
    warehouse = Warehouse(path=str(home.warehouse), lock_path=str(home.lock))
    weeks = letter_weeks(settings)

    # a school without programmes need not wait for their tables
    of_programmes = [*edx.ASSETS, *programmes.ASSETS] if settings.programmes else []

    def write_page(ledger: Ledger) -> None:
        write_mail_page(home, settings, ledger, environment([home.templates, shipped("templates")]))

    return dg.Definitions(
        assets=[
            *landing.ASSETS,
            landing.rejected_rows(edx.REJECTED if settings.programmes else ()),
            *facts.ASSETS,
            *teachers.ASSETS,
            *of_programmes,
            *teachers.weekly_assets(weeks),
            mail.recorded_periods(CAMPAIGN, "teacher_periods"),
            *mail.weekly_assets(weeks, CAMPAIGN, "teacher_letters", "known_names", write_page),
            *mail.ASSETS,
            *site.ASSETS,
        ],
        asset_checks=[
            *landing.CHECKS,
            *(edx.CHECKS if settings.programmes else ()),
            *mail.CHECKS,
        ],
        jobs=[REFRESH, SEND, mail.approve_letters(weeks, CAMPAIGN, write_page), DELIVER],
        sensors=[
            landing_sensor,
            send_after_refresh(settings),
            mail_sensor(settings),
            tell_operator(settings),
        ],
        schedules=[send_weekly(settings)],
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
