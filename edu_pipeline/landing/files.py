"""Every file of the landing zone, whosever it is; what one is taken for, its source says."""

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from edu_pipeline.landing.sources.edx.edx_names import parsed
from edu_pipeline.landing.sources.edx.lists import lists_of
from edu_pipeline.landing.sources.school.manifest import survey
from edu_pipeline.landing.stores import LandedFile
from edu_pipeline.landing.zone import Zone, is_like
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.quality import LandingFiles
from edu_pipeline.settings.attainment import ATTAINMENT_FOLDER
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.landing import EVENTS_FOLDER, PROGRAMMES_FOLDER, SAMPLE_MARKER
from edu_pipeline.settings.programmes import Programme

FOLDERS: Mapping[str, str] = {
    PROGRAMMES_FOLDER: "edx",
    ATTAINMENT_FOLDER: "results",
    EVENTS_FOLDER: "mail",
}
"""Folder → the source of everything in it that is no export of a school."""
_WITHIN = "#!/"
"""What stands between a file and a part of it."""


def files_of_all(
    zone: Zone, settings: Settings, refresh: str = "", school: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Every file once for each export that it is taken for.

    Args:
        zone: Where exports land.
        settings: How they are read.
        refresh: The run that asks.
        school: The school's, as a run before listed them and where this one does not read them.

    Returns:
        `LandingFiles`: the school's as `survey` has them, then the others by path.

    Raises:
        LandingError: The zone cannot be listed, or real exports lie beside invented ones.
    """
    school = survey(zone, settings.landing, refresh) if school is None else school
    taken = {whole for path in school["path"] for whole in _wholes(path)}
    rows = [
        _row(file, settings, refresh)
        for file in zone.list()
        if file.path != SAMPLE_MARKER and file.path not in taken
    ]
    others = pl.DataFrame(rows, schema=dtypes(LandingFiles), orient="row")
    return LandingFiles.validate(pl.concat([school, others]))


def _wholes(path: str) -> Iterator[str]:
    """A path, and the files that it may be a part of."""
    yield path
    yield from (path[:at] for at, letter in enumerate(path) if letter in _WITHIN)


def _row(file: LandedFile, settings: Settings, refresh: str) -> dict[str, object]:
    source = next((of for folder, of in FOLDERS.items() if file.path.startswith(folder)), None)
    return {
        "path": file.path,
        "source": source,
        "table": ""
        if is_like(file.path, settings.landing.ignore)
        else _table(file.path, source, settings.programmes),
        "landed_at": file.landed_at,
        "size": file.size,
        "refresh": refresh,
    }


def _table(path: str, source: str | None, programmes: Sequence[Programme]) -> str:
    if source == "edx":
        name = parsed(path)
        return lists_of(path, programmes)[0] or (name and name.kind) or ""
    return {"results": "results", "mail": "events"}.get(source or "", "")
