"""An institution's lists: files of edX about learners of many runs, told by the patterns of their names.

Which lists there are, whose each is, and their rows as received; what a list says is for its own module.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from types import MappingProxyType

import duckdb
import polars as pl

from edu_pipeline.ground.warehouse import read_earlier
from edu_pipeline.landing.archives import DamagedFileError
from edu_pipeline.landing.sources.edx.edx_names import parsed
from edu_pipeline.landing.sources.edx.edx_reports import (
    CERTIFICATES,
    ENROLMENTS,
    ISSUED,
    OPT_INS,
    Landed,
    List,
    Source,
    forgotten_rows,
    load,
)
from edu_pipeline.landing.tables.encodings import UnreadableFileError
from edu_pipeline.landing.versions import version_of
from edu_pipeline.landing.zone import Zone
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.programmes import EdxLists
from edu_pipeline.settings.landing import PROGRAMMES_FOLDER
from edu_pipeline.settings.programmes import Programme

LANDED_LISTS = "edx_lists"
CALLED: Mapping[List, str] = {
    OPT_INS: "e-mail opt-in list",
    CERTIFICATES: "list of programme certificates",
    ISSUED: "edX's table of certificates",
    ENROLMENTS: "edX's table of enrolments",
}
OF_PACKAGES: Mapping[List, str] = {
    ISSUED: "*-certificates_generatedcertificate-*",
    ENROLMENTS: "*-student_courseenrollment-*",
}
"""Tables of edX's data packages → the pattern of their names."""
SETTING: Mapping[List, str] = {OPT_INS: "opt_in", CERTIFICATES: "program_certificates"}
"""Where `[[programmes]]` has the patterns of the names of the others."""
ADDRESSES = """
select learner_id, lower(trim(email)) as address from stg_learners
union select learner_id, address from stg_former_addresses
"""
"""SQL of every address that a learner has or had before."""
WHOSE = f"""
named as (
  select username as name, any_value(learner_id) as named_id
  from stg_learners group by username having count(*) = 1
),
addressed as (
  select address, count(*) as sharing, any_value(learner_id) as addressed_id
  from ({ADDRESSES}) group by address
)
"""
"""SQL of two parts of a `with`: the learner of a username that only one has, and of an address, with how many
share that."""


def _patterns(programme: Programme, kind: List) -> Sequence[str]:
    if kind in OF_PACKAGES:
        return (OF_PACKAGES[kind],)
    return (programme.opt_in,) if kind == OPT_INS else programme.program_certificates


def lists_of(path: str, programmes: Iterable[Programme]) -> tuple[List | None, tuple[str, ...]]:
    """What list a file is, and the ids of the programmes whose it is; none, and nobody's.

    One in a programme's folder is that programme's; one in `micromasters/` itself is everybody's.
    """
    if not path.startswith(PROGRAMMES_FOLDER) or parsed(path) is not None:
        return None, ()
    folder, _, below = path.removeprefix(PROGRAMMES_FOLDER).partition("/")
    name = PurePosixPath(path).name.casefold()
    whose = [each for each in programmes if not below or folder == each.id]
    for kind in (*OF_PACKAGES, *SETTING):
        of = [
            each.id
            for each in whose
            if any(fnmatchcase(name, text.casefold()) for text in _patterns(each, kind))
        ]
        if of:
            return kind, tuple(of)
    return None, ()


def land_lists(
    con: duckdb.DuckDBPyConnection,
    zone: Zone,
    programmes: Sequence[Programme],
    forgotten: pl.DataFrame,
    columns: Mapping[str, str] = MappingProxyType({}),
) -> pl.DataFrame:
    """Add every list to the raw table of its kind.

    A data package's table that says nothing of its date and is, byte for byte, one of the refresh before is
    of the date that it had then, however often it was saved since.

    Args:
        con: The warehouse, after `exports.land`, with the `edx_lists` of the refresh before, if any.
        zone: Where the files lie.
        programmes: As `pipeline.toml` has them.
        forgotten: Tombstones; rows of who was forgotten do not come in.
        columns: `[landing.edx.columns]`.

    Returns:
        `EdxLists`.

    Raises:
        LandingError: The zone cannot be listed, or a file is not there any more.
    """
    earlier = read_earlier(con, LANDED_LISTS, EdxLists.create_empty())
    before = dict(earlier.group_by("sha256").agg(pl.col("version").min()).iter_rows())
    con.register("tombstones", forgotten)
    rows: list[dict[str, object]] = []
    for file in zone.ours():
        kind, of = lists_of(file.path, programmes)
        if kind is None:
            continue
        version, sha256 = version_of(file), zone.content(file.path)
        at = version.at
        if kind in OF_PACKAGES and not version.dated:
            at = min(at, before.get(sha256, at))
        found: dict[str, object] = {
            "path": file.path,
            "kind": kind,
            "version": at,
            "sha256": sha256,
        }
        landed = Landed(file.path, file.landed_at, at)
        kept_out = forgotten_rows(kind, forgotten)
        try:
            with zone.unpacked(file.path) as path, as_csv(path, kind) as table:
                found["rows"] = load(con, kind, table, landed, kept_out, columns)
        except (UnreadableFileError, DamagedFileError) as error:
            found["error"] = f"{error}."
        rows += [{"programme_id": programme_id, **found} for programme_id in of]
    con.unregister("tombstones")
    frame = pl.DataFrame(rows, schema=dtypes(EdxLists), orient="row")
    return EdxLists.validate(frame.sort("programme_id", "path"))


@contextmanager
def as_csv(path: Path, kind: Source) -> Iterator[Path]:
    """A list as it is; of a data package's table a copy without quotation marks, which are letters there.

    Nothing that is read of these tables has any.
    """
    if kind not in OF_PACKAGES:
        yield path
        return
    with TemporaryDirectory(prefix="edu-package-") as scratch:
        copy = Path(scratch) / path.name
        with path.open("rb") as file, copy.open("wb") as target:
            target.writelines(line.replace(b'"', b"") for line in file)
        yield copy
