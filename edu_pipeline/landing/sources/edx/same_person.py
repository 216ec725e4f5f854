"""Which accounts are one person's: those that have, or had, one address, and names that share a word.

Two names that share no word may be two people with one mailbox, and an address of many accounts is an
office's: these stay apart. What people hold together is for `facts` to say.
"""

import unicodedata
from collections import Counter
from collections.abc import Mapping
from itertools import combinations

import duckdb
import polars as pl

from edu_pipeline.ground.warehouse import write_table
from edu_pipeline.landing.sources.edx.edx_reports import bare_id, said
from edu_pipeline.landing.sources.edx.lists import ADDRESSES
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.programmes import RETIRED, People

MOST_ACCOUNTS = 4
"""So many accounts with one address may be one person's."""
_ADDRESSES = f"""
{ADDRESSES}
union select {bare_id()}, lower({said("email")}) from raw_opt_ins where {bare_id()} is not null
"""
"""Every address that an account has, had before, or stands beside in an opt-in list."""


def stage_people(con: duckdb.DuckDBPyConnection) -> None:
    """Make `stg_people`: the accounts of everybody who has several.

    Args:
        con: The warehouse, with `stg_learners`, `stg_former_addresses` and `raw_opt_ins`.
    """
    shared: pl.DataFrame = con.sql(
        f"""
        with addresses as (
          select address, learner_id, name
          from ({_ADDRESSES}) join stg_learners using (learner_id)
          where address is not null and address not like '%{RETIRED}'
        )
        select address, learner_id, name from addresses
        where address in (
          select address from addresses group by address
          having count(*) between 2 and {MOST_ACCOUNTS}
        )
        order by address, length(learner_id), learner_id
        """
    ).pl()
    write_table(con, "stg_people", people(shared))


def people(shared: pl.DataFrame) -> pl.DataFrame:
    """The accounts that are one person's.

    Args:
        shared: `address`, `learner_id`, `name` of accounts that share an address with others.

    Returns:
        `People`.
    """
    names = dict(shared.select("learner_id", "name").iter_rows())
    one: dict[str, str] = {learner: learner for learner in names}
    for (_,), accounts in shared.group_by("address", maintain_order=True):
        for first, second in combinations(accounts["learner_id"], 2):
            if _words(names[first]) & _words(names[second]):
                _join(one, first, second)
    of = {learner: _first(one, learner) for learner in one}
    sizes = Counter(of.values())
    rows = [
        (learner, person) for learner, person in of.items() if 1 < sizes[person] <= MOST_ACCOUNTS
    ]
    return People.validate(
        pl.DataFrame(rows, schema=dtypes(People), orient="row").sort("learner_id")
    )


def _words(name: str | None) -> frozenset[str]:
    """The words of a name without accents and in small letters; no initials."""
    plain = unicodedata.normalize("NFKD", name or "").casefold()
    letters = "".join(
        each if each.isalpha() else " " for each in plain if not unicodedata.combining(each)
    )
    return frozenset(word for word in letters.split() if len(word) > 1)


def _first(one: Mapping[str, str], learner: str) -> str:
    while one[learner] != learner:
        learner = one[learner]
    return learner


def _join(one: dict[str, str], first: str, second: str) -> None:
    """The account with the lower number stands for both."""
    low, high = sorted((_first(one, first), _first(one, second)), key=lambda a: (len(a), a))
    one[high] = low
