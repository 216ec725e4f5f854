"""The door: what a source has, as one archive in the landing zone, whole or as it was before."""

import csv
import io
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import tzinfo
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from edu_pipeline.ground.files import replaced
from edu_pipeline.landing.doors import oneroster_rest
from edu_pipeline.landing.doors.oneroster_rest import Rows
from edu_pipeline.landing.doors.rest import Rest
from edu_pipeline.landing.sources.school.manifest import SCHOOL_FOLDER
from edu_pipeline.landing.stores import LandingError
from edu_pipeline.landing.zone import digest
from edu_pipeline.settings.sources import Fetched


def fetch(
    source: Fetched,
    landing: Path,
    secrets: Mapping[str, str],
    zone: tzinfo | None,
    wait: Callable[[float], None] = time.sleep,
) -> Path | None:
    """Fetch all that a source has.

    Args:
        source: Of the settings.
        landing: The folder that exports land in.
        secrets: Of the environment.
        zone: The school's time zone, where somebody has said it.
        wait: Passes the seconds before a system is asked again.

    Returns:
        The archive, or None where it would be as it is.

    Raises:
        LandingError: The source does not give it whole; what had landed is as it was.
    """
    missing = [name for name in source.variables if not secrets.get(name)]
    if missing:
        raise LandingError(
            f"The source {source.name} cannot be logged in to: the environment does not say "
            f"{' and '.join(missing)}."
        )
    target = landing / SCHOOL_FOLDER / f"{source.name}.zip"
    login = (secrets[source.variables[0]], secrets[source.variables[1]])
    system = Rest(source.token_url, login, oneroster_rest.scope_of(source), wait)
    with closing(system), TemporaryDirectory(prefix="edu-fetch-") as scratch:
        made = Path(scratch) / target.name
        _pack(oneroster_rest.tables_of(system, source, zone), made)
        if target.is_file() and digest(target) == digest(made):
            return None
        with replaced(target) as draft:
            shutil.copyfile(made, draft)
    return target


def _pack(tables: Iterator[tuple[str, Rows]], target: Path) -> None:
    """Write tables as the CSV files of an archive, which is the same for the same rows."""
    with ZipFile(target, "w", ZIP_DEFLATED) as book:
        for name, rows in tables:
            info = ZipInfo(f"{name}.csv")
            info.compress_type = ZIP_DEFLATED
            with (
                book.open(info, "w", force_zip64=True) as member,
                io.TextIOWrapper(member, encoding="utf-8", newline="") as text,
            ):
                csv.writer(text, lineterminator="\r\n").writerows(rows)
