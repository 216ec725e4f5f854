"""Certificates of whole programmes that edX issued, from lists of it or of a partner.

Such as edX's programme report (`program_learner_report`: a row per learner and run, with the day on which
the programme's certificate was awarded), or any table with a learner and a day or a status. A day that
cannot be read as one is no day, but the certificate is there.
"""

from collections.abc import Sequence

import duckdb
import polars as pl

from edu_pipeline.ground.sql import literal, literals
from edu_pipeline.landing.rules import TOO_MANY_CELLS
from edu_pipeline.landing.sources.edx.edx_reports import CERTIFICATES, bare_id, said
from edu_pipeline.landing.sources.edx.lists import WHOSE
from edu_pipeline.landing.tables.csvfile import OVERFLOW
from edu_pipeline.settings.programmes import Programme

YES = ("awarded", "issued", "active", "earned", "y", "yes", "true", "1")
NO = ("revoked", "invalidated", "expired", "not earned", "none", "n", "no", "false", "0")
ANOTHER = "another_programme"
"""Rows that name a programme which none of those with the list is."""
_CELLS = f"""
  select _file, _line, _version, {OVERFLOW}, {bare_id()} as id, {said("username")} as name,
         lower({said("email")}) as address, lower({said("program")}) as title,
         lower({said("program_uuid")}) as uuid, {said("issued_at")} as issued_at,
         lower({said("status")}) as status
  from raw_programme_certificates
"""
_DAY = (
    "coalesce(try_cast(issued_at as timestamp), "
    "make_timestamp(epoch_us(try_cast(issued_at as timestamptz))))::date"
)


def stage_programme_certificates(
    con: duckdb.DuckDBPyConnection, lists: pl.DataFrame, programmes: Sequence[Programme]
) -> None:
    """Make `stg_programme_certificates`, `rejected_…` and `outside_programme_certificates`.

    Of a learner the newest list counts. A list that names one programme is of the programme whose
    folder it is in, whatever the name is.

    Args:
        con: The warehouse, with the raw table and `stg_learners`.
        lists: `EdxLists`.
        programmes: As `pipeline.toml` has them.
    """
    con.register(
        "lists",
        lists.filter(kind=CERTIFICATES).select("programme_id", "path"),
    )
    con.register(
        "called",
        pl.DataFrame(
            [(each.id, (each.program or each.title).strip().casefold()) for each in programmes],
            schema={"programme_id": pl.String, "program": pl.String},
            orient="row",
        ),
    )
    con.execute(
        f"""
        create or replace temp table judged_certificates as
        with cells as ({_CELLS}),
        {WHOSE}
        select cells.*, {_DAY} as issued_on,
               coalesce(id, named_id, 'u:' || name, if(sharing = 1, addressed_id, null)) as learner_id,
               count(distinct coalesce(uuid, title)) over (partition by _file) as programmes,
               case when {OVERFLOW} is not null then {literal(TOO_MANY_CELLS)}
                    when coalesce(id, name, address) is null then 'missing_learner'
                    when not regexp_full_match(id, '[0-9]+') then 'id_is_no_number'
                    when status not in {literals((*YES, *NO))} then 'unknown_status' end as rule,
               case rule when 'id_is_no_number' then id when 'unknown_status' then status end as value
        from cells
        left join named using (name)
        left join addressed using (address)
        """
    )
    con.execute(
        """
        create or replace table rejected_programme_certificates as
        select 'programme_certificates' as "table", _file as file, _line as line, rule, value
        from judged_certificates where rule is not null
        """
    )
    con.execute(
        """
        create or replace temp table placed_certificates as
        select programme_id, judged.* from judged_certificates as judged
        join lists on lists.path = judged._file join called using (programme_id)
        where rule is null and learner_id is not null
          and (coalesce(title, uuid) is null or program in (title, uuid)
               or (programmes = 1 and contains(_file, '/' || programme_id || '/')))
        """
    )
    con.execute(
        f"""
        create or replace table outside_programme_certificates as
        select _file as file, if(learner_id is null, 'no_learner_of_ours', {literal(ANOTHER)}) as rule,
               count(*)::bigint as rows
        from judged_certificates as judged
        anti join placed_certificates as placed
          on placed._file = judged._file and placed._line = judged._line
        where rule is null group by all
        """
    )
    con.execute(
        f"""
        create or replace table stg_programme_certificates as
        select programme_id, learner_id,
               coalesce(bool_or(coalesce(status in {literals(YES)}, issued_at is not null)), false)
                 as issued,
               min(issued_on) as issued_on, any_value(_version)::date as listed_on,
               any_value(_file) as file, min(_line) as line
        from (
          select * from placed_certificates
          qualify dense_rank() over (
            partition by programme_id, learner_id order by _version desc, _file desc) = 1
        )
        group by programme_id, learner_id
        order by programme_id, learner_id
        """
    )
    con.unregister("lists")
    con.unregister("called")
    con.execute("drop table judged_certificates")
    con.execute("drop table placed_certificates")
