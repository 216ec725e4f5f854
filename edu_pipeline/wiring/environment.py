"""The one place that reads the environment: which home, and its secrets."""

import os
import re
from pathlib import Path

from edu_pipeline.landing.stores import ACCESS
from edu_pipeline.landing.zone import Zone
from edu_pipeline.mail.room import MailRoom
from edu_pipeline.settings.home import Home, Secrets, home_around, load_settings

_OF_SOURCES = re.compile(r"EDU_PIPELINE_[A-Z0-9_]+_(ID|SECRET)")


def home_from_environment() -> Home:
    """The home that `EDU_PIPELINE_HOME` names, else the one around the current folder."""
    named = os.environ.get("EDU_PIPELINE_HOME")
    return Home(Path(named).resolve()) if named else home_around(Path.cwd())


def secrets_from_environment() -> Secrets:
    """Keys and passwords; an empty variable is none."""
    return Secrets(
        sendgrid_key=os.environ.get("SENDGRID_API_KEY") or None,
        smtp_password=os.environ.get("EDU_PIPELINE_SMTP_PASSWORD") or None,
        ledger_url=os.environ.get("EDU_PIPELINE_LEDGER_URL") or None,
        landing={
            name: value
            for name, value in os.environ.items()
            if value and (name in ACCESS or _OF_SOURCES.fullmatch(name))
        },
    )


def mail_room(home: Home) -> MailRoom:
    """A home's mail room, with its settings and secrets.

    Raises:
        SettingsError: `pipeline.toml` cannot be used.
    """
    return MailRoom(home, load_settings(home), secrets_from_environment())


def landing_zone(room: MailRoom) -> Zone:
    """Where a home's exports land."""
    home, settings = room.home, room.settings
    url = home.landing_url(settings)
    return Zone(url, settings.landing, access=room.secrets.landing, kept=home.fetched)
