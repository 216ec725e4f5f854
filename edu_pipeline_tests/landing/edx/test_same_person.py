"""Which accounts are taken for one person's."""

import polars as pl
import pytest

from edu_pipeline.landing.sources.edx.same_person import people
from edu_pipeline_tests.landing.edx.conftest import Land
from edu_pipeline_tests.landing.edx.test_traps import GRADES, PEOPLE, PROFILE, report
from edu_pipeline_tests.landing.edx.test_versions import learner

ADA = "ada@x.example"


def sharing(*rows: tuple[str, str, str | None]) -> list[tuple[str, str]]:
    """Account and person, of addresses, accounts and names."""
    shared = pl.DataFrame(
        rows,
        schema={"address": pl.String, "learner_id": pl.String, "name": pl.String},
        orient="row",
    )
    return people(shared).rows()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ada Lovelace", "ada king", True),
        ("José García", "GARCIA, Jose", True),
        ("Ada Lovelace", "Ben Lovelace", True),
        ("Ada Lovelace", "Ben Miller", False),
        ("A. Miller", "A. Byron", False),
        ("Ada", None, False),
        ("李雷", "李雷", True),
    ],
)
def test_accounts_with_one_address_are_one_persons_if_their_names_share_a_word(
    one: str, other: str | None, *, same: bool
) -> None:
    found = sharing((ADA, "9", one), (ADA, "10", other))
    assert found == ([("10", "9"), ("9", "9")] if same else [])


def test_accounts_are_joined_over_several_addresses() -> None:
    found = sharing((ADA, "1", "Ada"), (ADA, "2", "Ada"), ("b@x", "2", "Ada"), ("b@x", "3", "Ada"))
    assert found == [("1", "1"), ("2", "1"), ("3", "1")]


def test_more_than_four_accounts_are_nobodys() -> None:
    chain = [(f"{n}@x", str(each), "Ada") for n in range(1, 5) for each in (n, n + 1)]
    assert sharing(*chain) == []


def test_an_address_now_or_before_or_in_an_opt_in_list_joins_two_accounts(land_files: Land) -> None:
    newer = PROFILE.replace("2024-08-01", "2024-09-01")
    listed = "user_id,username,email,is_opted_in_for_email,preference_set_datetime\n"
    landed = land_files(
        {
            GRADES: report(*(learner(n) for n in (1, 2, 3, 4))),
            PROFILE: f"{PEOPLE}1,u1,Ada Byron,old@x.example,AU\n",
            newer.replace("1x", "5x"): f"{PEOPLE}1,u1,Ada Byron,u1@x.example,AU\n"
            "2,u2,Ada King,OLD@x.example,AU\n3,u3,Ada Byron,u3@x.example,AU\n"
            "4,u4,Office,u4@x.example,AU\n",
            "email_opt_in.csv": f"{listed}3,u3,u1@x.example,Y,2024-01-01\n",
        }
    )
    assert landed.table("stg_people").rows() == [("1", "1"), ("2", "1"), ("3", "1")]
    (problem,) = landed.problems.filter(kind="several_accounts").rows(named=True)
    assert problem["holds"] is None
    assert "1 and 2 and 3" in problem["message"]
