"""What Dagster loads, on one screen, and the one place that reads the environment."""

import os
from pathlib import Path

import dagster as dg

from edu_pipeline.automation import jobs, schedules, sensors
from edu_pipeline.facts.assets import ASSETS as FACTS
from edu_pipeline.landing.assets import ASSETS as LANDING
from edu_pipeline.landing.assets import CHECKS as LANDING_CHECKS
from edu_pipeline.landing.zone import Zone
from edu_pipeline.mail.assets import ASSETS as MAIL
from edu_pipeline.mail.assets import CHECKS as MAIL_CHECKS
from edu_pipeline.settings import Home, Settings, load_settings
from edu_pipeline.teachers.assets import ASSETS as TEACHERS
from edu_pipeline.warehouse import Warehouse

PROJECT = Path(__file__).resolve().parent.parent


def home_from_environment() -> Home:
    """The home that `EDU_PIPELINE_HOME` names, else the project's root."""
    return Home(Path(os.environ.get("EDU_PIPELINE_HOME") or PROJECT).resolve())


def build_definitions(home: Home, settings: Settings) -> dg.Definitions:
    """Everything that one home's code location holds."""
    warehouse = Warehouse(path=str(home.warehouse), lock_path=str(home.lock))
    return dg.Definitions(
        assets=[*LANDING, *FACTS, *TEACHERS, *MAIL],
        asset_checks=[*LANDING_CHECKS, *MAIL_CHECKS],
        jobs=jobs(),
        sensors=sensors(settings),
        schedules=schedules(settings),
        resources={
            "io_manager": warehouse,
            "warehouse": warehouse,
            "home": home,
            "settings": settings,
            "zone": Zone(home.landing_url(settings)),
        },
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The code location of the home that the environment names."""
    home = home_from_environment()
    return build_definitions(home, load_settings(home))
