"""edX's lists of who wants an institution's e-mail: `{org}-email_opt_in-{site}-analytics.csv`.

A list has a row per learner and course run of the institution, and the same preference in all rows of
a learner: the one that they set last, or edX's default `True` of 1 December 2014. Lists before 2017
have no user ids. A preference that cannot be read is rejected, and nobody is written to because of
it: until the list is corrected, it counts as a no.
"""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from types import MappingProxyType

import duckdb
import polars as pl

from edu_pipeline.ground.sql import literal, literals
from edu_pipeline.landing.archives import DamagedFileError
from edu_pipeline.landing.rules import TOO_MANY_CELLS, UNPARSEABLE
from edu_pipeline.landing.sources.edx.edx_reports import Landed, bare_id, forgotten_rows, load, said
from edu_pipeline.landing.tables.csvfile import OVERFLOW
from edu_pipeline.landing.tables.encodings import UnreadableFileError
from edu_pipeline.landing.versions import version_of
from edu_pipeline.landing.zone import Zone
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.programmes import OptInLists
from edu_pipeline.settings.landing import PROGRAMMES_FOLDER
from edu_pipeline.settings.programmes import Programme

YES = ("true", "t", "yes", "y", "1")
NO = ("false", "f", "no", "n", "0")


def lists_of(path: str, programmes: Iterable[Programme]) -> tuple[str, ...]:
    """Ids of the programmes whose opt-in list a file is.

    One in a programme's folder is that programme's; one in `micromasters/` itself is everybody's.
    """
    if not path.startswith(PROGRAMMES_FOLDER):
        return ()
    folder, _, below = path.removeprefix(PROGRAMMES_FOLDER).partition("/")
    name = PurePosixPath(path).name.casefold()
    return tuple(
        programme.id
        for programme in programmes
        if fnmatchcase(name, programme.opt_in.casefold()) and (not below or folder == programme.id)
    )


def land_opt_ins(
    con: duckdb.DuckDBPyConnection,
    zone: Zone,
    programmes: Sequence[Programme],
    forgotten: pl.DataFrame,
    columns: Mapping[str, str] = MappingProxyType({}),
) -> pl.DataFrame:
    """Add every list to `raw_opt_ins`.

    Args:
        con: The warehouse, after `exports.land`.
        zone: Where the files lie.
        programmes: As `pipeline.toml` has them.
        forgotten: Tombstones; rows of who was forgotten do not come in.
        columns: `[landing.edx.columns]`.

    Returns:
        `OptInLists`.

    Raises:
        LandingError: The zone cannot be listed, or a file is not there any more.
    """
    con.register("tombstones", forgotten)
    kept_out = forgotten_rows("opt_ins", forgotten)
    rows: list[dict[str, object]] = []
    for file in zone.ours():
        if not (of := lists_of(file.path, programmes)):
            continue
        at = version_of(file).at
        found: dict[str, object] = {"path": file.path, "version": at}
        landed = Landed(file.path, file.landed_at, at)
        found["sha256"] = zone.content(file.path)
        try:
            with zone.unpacked(file.path) as path:
                found["rows"] = load(con, "opt_ins", path, landed, kept_out, columns)
        except (UnreadableFileError, DamagedFileError) as error:
            found["error"] = f"{error}."
        rows += [{"programme_id": programme_id, **found} for programme_id in of]
    con.unregister("tombstones")
    frame = pl.DataFrame(rows, schema=dtypes(OptInLists), orient="row")
    return OptInLists.validate(frame.sort("programme_id", "path"))


def stage_opt_ins(con: duckdb.DuckDBPyConnection, lists: pl.DataFrame) -> None:
    """Make `stg_opt_ins` and `rejected_opt_ins`.

    Of each learner the preference that was set last counts, whichever list has it; of contradictions
    of one moment the no. What a list does not say when, was said when the list was made.

    Args:
        con: The warehouse, with `raw_opt_ins`, `stg_learners` and `stg_former_addresses`.
        lists: `OptInLists`.
    """
    con.execute(f"create or replace temp table preferences as {_PREFERENCES}")
    con.execute(
        """
        create or replace table rejected_opt_ins as
        select 'opt_ins' as "table", _file as file, _line as line, rule, value
        from preferences where rule is not null
        """
    )
    con.register("lists", lists.select("programme_id", "path").with_row_index("list"))
    con.execute(f"create or replace table stg_opt_ins as {_NEWEST}")
    con.unregister("lists")
    con.execute("drop table preferences")


_SET_AT = (
    # what has an offset from UTC must be a time with one, or the offset would be dropped
    r"if(regexp_matches(set_at, ':\d\d(\.\d+)? ?[+-]\d\d(:?\d\d)?$'), "
    "make_timestamp(epoch_us(try_cast(set_at as timestamptz))), try_cast(trim(set_at) as timestamp))"
)
_PREFERENCES = f"""
with cells as (
  select _file, _line, _version, {OVERFLOW}, opted_in, {said("set_at")} as set_at,
         {bare_id()} as id, {said("username")} as name, lower({said("email")}) as address,
         case when lower(trim(opted_in)) in {literals(YES)} then true
              when lower(trim(opted_in)) in {literals(NO)} then false end as yes
  from raw_opt_ins
)
select _file, _line, _version, id, name, address, yes,
       {_SET_AT} as moment,
       case when {OVERFLOW} is not null then {literal(TOO_MANY_CELLS)}
            when coalesce(id, name, address) is null then 'missing_learner'
            when not regexp_full_match(id, '[0-9]+') then 'id_is_no_number'
            when yes is null then '{UNPARSEABLE}opted_in'
            when set_at is not null and moment is null then '{UNPARSEABLE}set_at' end as rule,
       case rule when 'id_is_no_number' then id
            when '{UNPARSEABLE}opted_in' then opted_in
            when '{UNPARSEABLE}set_at' then set_at end as value
from cells
"""
"""What a list's rows say: of rejected ones too."""
_NEWEST = f"""
with people as (
  select learner_id, username, lower(trim(email)) as address from stg_learners
),
named as (
  select username as name, any_value(learner_id) as named_id
  from people group by username having count(*) = 1
),
addressed as (
  select address, count(*) as sharing, any_value(learner_id) as addressed_id
  from (select learner_id, address from people union from stg_former_addresses) group by address
),
known as (
  select list, _line, _version, moment, coalesce(rule is null and yes, false) as opted_in,
         coalesce(people.learner_id, named_id, if(sharing = 1, addressed_id, null)) as learner_id,
         if(sharing > 1 and named_id is null, preferences.address, null) as email
  from preferences
  join lists on lists.path = preferences._file
  left join people on people.learner_id = preferences.id
  left join named using (name)
  left join addressed
    on addressed.address = if(coalesce(id, name) is null, preferences.address, null)
  -- of a yes at a time that cannot be read nobody knows whether a no came after it
  where not (coalesce(yes, false) and rule is not distinct from '{UNPARSEABLE}set_at')
),
newest as (
  select programme_id, learner_id, email,
         max({{moment: coalesce(moment, _version), no: not opted_in, version: _version,
               list: known.list, line: _line}}) as row
  from known join lists using (list)
  where coalesce(learner_id, email) is not null
  group by programme_id, learner_id, email
)
select newest.programme_id, learner_id, email, not row.no as opted_in, row.moment as set_at,
       lists.path as file, row.line as line
from newest join lists on lists.list = row.list
order by newest.programme_id, learner_id, email
"""
"""Preferences of learners whom an export has, a row per programme and learner or shared address."""
