"""What Dagster loads, on one screen, and the one place that reads the environment."""

import os
from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from edu_pipeline.automation import (
    REFRESH,
    SEND,
    landing_sensor,
    letter_weeks,
    send_after_refresh,
    send_weekly,
)
from edu_pipeline.facts import assets as facts
from edu_pipeline.landing import assets as landing
from edu_pipeline.landing.zone import Zone
from edu_pipeline.mail import assets as mail
from edu_pipeline.settings import Home, Settings, load_settings
from edu_pipeline.shipped import PROJECT
from edu_pipeline.teachers import assets as teachers
from edu_pipeline.teachers.edition import CAMPAIGN
from edu_pipeline.warehouse import Warehouse


def home_from_environment() -> Home:
    """The home that `EDU_PIPELINE_HOME` names, else the project's root."""
    return Home(Path(os.environ.get("EDU_PIPELINE_HOME") or PROJECT).resolve())


def build_definitions(
    home: Home, settings: Settings, loggers: Mapping[str, dg.LoggerDefinition] | None = None
) -> dg.Definitions:
    """Everything that one home's code location holds; `loggers` only for runs from the shell."""
    warehouse = Warehouse(path=str(home.warehouse), lock_path=str(home.lock))
    weeks = letter_weeks(settings)
    return dg.Definitions(
        assets=[
            *landing.ASSETS,
            *facts.ASSETS,
            *teachers.ASSETS,
            *teachers.weekly_assets(weeks),
            mail.recorded_periods(CAMPAIGN, "teacher_periods"),
            *mail.weekly_assets(weeks, CAMPAIGN, "teacher_letters"),
            *mail.ASSETS,
        ],
        asset_checks=[*landing.CHECKS, *mail.CHECKS],
        jobs=[REFRESH, SEND],
        sensors=[landing_sensor, send_after_refresh(settings)],
        schedules=[send_weekly(settings)],
        resources={
            "io_manager": warehouse,
            "warehouse": warehouse,
            "home": home,
            "settings": settings,
            "zone": Zone(home.landing_url(settings)),
        },
        executor=dg.in_process_executor,
        loggers=loggers,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The code location of the home that the environment names."""
    home = home_from_environment()
    return build_definitions(home, load_settings(home))
