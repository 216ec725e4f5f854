"""`programmes why`, `audience` and `summary`, after a refresh of a programme of six learners.

7 passed a run on audit and can still upgrade, and has a certificate; 8 passed it too and has opted
out; 9 passed a run without an upgrade deadline; 10 has passed nothing;
11 completed the programme and 12 must verify who they are, but neither has an address.
"""

import csv
import re
import shutil
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import Result

from edu_pipeline.commands.console import UserError
from edu_pipeline.commands.programmes import AUDIENCE
from edu_pipeline.facts.nudges import courses_of
from edu_pipeline.facts.run_results import build_person_completion
from edu_pipeline.ground.warehouse import open_warehouse, read_table, write_table
from edu_pipeline.ground.weeks import week_name
from edu_pipeline.mail.lists import read_history
from edu_pipeline.settings.home import Home, load_settings
from edu_pipeline_tests.programmes.conftest import Row, certified, result, run_of
from edu_pipeline_tests.programmes.test_assets import refresh

Command = Callable[..., Result]
TODAY = datetime.now(UTC).date()
SOON, LATER = TODAY + timedelta(days=20), TODAY + timedelta(days=40)
CONFIG = """
[[programmes]]
id = "lead"
title = "Leadership"
staff = ["tutor"]
[[programmes.courses]]
id = "a"
title = "UQx_A"
pass_mark = 0.65
[[programmes.courses]]
id = "b"
title = "Second"
key = "UQx_B"
pass_mark = 0.65
link = "https://example.org/b"
[[programmes]]
id = "other"
title = "Another"
[[programmes.courses]]
id = "o"
title = "UQx_O"
pass_mark = 0.65
"""


def passed(learner: str, course: str, **cells: object) -> Row:
    return result(learner, course, "3T2026", **{"grade": 0.7, **cells})


LANDED: dict[str, list[Row]] = {
    "stg_run_results": [
        passed("7", "b"),
        certified("7", "a", "1T2025"),
        passed("8", "b"),
        passed("9", "a"),
        passed("10", "b", grade=None),
        *(certified("11", course, "1T2025") for course in "ab"),
        certified("12", "a", "2T2026", verification="Not ID Verified", certificate_delivered=False),
        passed("12", "b"),
    ],
    "stg_learners": [
        {
            "learner_id": "7",
            "username": "ana",
            "email": "Ana.O'Hara@example.org",
            "name": "=Ana O'Hara",
        },
        {"learner_id": "8", "username": "9", "email": "bo@example.org", "name": "Bo"},
        {"learner_id": "9", "username": "cy", "email": "both@example.org", "name": "Cy"},
        {"learner_id": "10", "username": "di", "email": "both@example.org", "name": "Di"},
        {"learner_id": "11", "username": "el", "email": None, "name": "El"},
        {"learner_id": "12", "username": "flo", "email": None, "name": "Flo"},
    ],
    "stg_opt_ins": [
        {
            "programme_id": "lead",
            "learner_id": "8",
            "opted_in": False,
            "set_at": datetime(2026, 1, 1),  # noqa: DTZ001 - UTC, as staging has it
        }
    ],
    "told_before": [
        {"campaign": "nudges.lead", "period": "3T2020", "email": "somebody@else.example"}
    ],
    "course_runs": [
        run_of("a", "1T2025"),
        run_of("b", "1T2025"),
        run_of("a", "2T2026", verification_deadline=LATER),
        run_of("a", "3T2026", starts=TODAY, ends=LATER),
        run_of("b", "3T2026", starts=TODAY, upgrade_deadline=SOON, ends=LATER),
    ],
}
NAMES = re.compile("Ana|Hara|Bo|Cy|Di|example.org")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("programmes"))
    home.config.write_text(CONFIG, encoding="utf-8")
    return refresh(home.root, LANDED, load_settings(home).programmes)


@pytest.fixture
def home(made: Home, tmp_path: Path) -> Home:
    shutil.copytree(made.root, tmp_path, dirs_exist_ok=True)
    return Home(tmp_path)


def lines(shown: Result) -> list[str]:
    assert shown.exit_code == 0, shown.output
    return [" ".join(line.split()) for line in shown.output.splitlines() if line.strip()]


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("called", ["7", "ANA", "ana.o'hara@EXAMPLE.org"])
def test_why_tells_the_standing_the_gates_the_decision_and_the_reason(
    command: Command, called: str
) -> None:
    shown = lines(command("programmes", "why", called))

    assert shown == [
        "Leadership (lead): 1 of 2 certificates",
        "a certificate 0.80 in 1T2025 (verified)",
        "b passed on audit, in progress 0.70 in 3T2026 (audit)",
        "Reasons for a letter, the strongest first:",
        f"verify passed b/3T2026 on audit; the upgrade is open until {SOON}",
        f"What a letter has to pass, as of {TODAY}:",
        "yes nudges have begun",
        "yes not on the programme's staff",
        "yes has an address",
        "yes the account is in use",
        "yes the address is valid",
        "yes did not unsubscribe, and no letter came back",
        "yes did not opt out at edX",
        "yes edX's opt-in list is not required",
        "yes what a congratulation is about is not in doubt",
        "yes not told this before",
        "yes no other letter this week",
        "yes fewer than 2 letters in the last 30 days",
        f"Decision: a letter, passed b/3T2026 on audit; the upgrade is open until {SOON}",
        "About: verify/UQx_B_3T2026",
    ]
    assert not NAMES.search("".join(shown))


@pytest.mark.usefixtures("home")
def test_why_says_which_gate_stops(command: Command) -> None:
    shown = lines(command("programmes", "why", "bo@example.org"))
    assert [line for line in shown if line.startswith("NO")] == ["NO opted out at edX"]
    assert "Decision: no letter, opted out at edX" in shown


@pytest.mark.usefixtures("home")
def test_why_says_what_is_missing_where_there_is_no_reason(command: Command) -> None:
    shown = lines(command("programmes", "why", "cy"))
    assert "Decision: no letter, a/3T2026 has no upgrade_deadline" in shown
    assert "b never begun" in shown
    assert not [line for line in shown if line.startswith("NO")]


@pytest.mark.usefixtures("home")
def test_why_tells_every_reason_that_there_is_and_the_state_of_every_course(
    command: Command,
) -> None:
    shown = lines(command("programmes", "why", "12"))
    assert shown[1:6] == [
        "a passed, identity not verified 0.80 in 2T2026 (verified)",
        "b passed on audit, in progress 0.70 in 3T2026 (audit)",
        "Reasons for a letter, the strongest first:",
        "identity passed a/2T2026 on a paid track; the identity is not verified, which can be done "
        f"until {LATER}",
        f"verify passed b/3T2026 on audit; the upgrade is open until {SOON}",
    ]
    assert shown[-1] == "About: identity/UQx_A_2T2026"

    complete = lines(command("programmes", "why", "11"))
    assert complete[0] == "Leadership (lead): 2 of 2 certificates, complete"
    assert "congratulation completed the programme" in complete
    assert complete[-1] == "About: congratulation/lead/programme"


def test_what_a_person_holds_by_all_accounts_is_told_with_the_account_that_has_it(
    home: Home,
) -> None:
    people = pl.DataFrame({"learner_id": ["9", "10"], "person_id": ["9", "9"]})
    with open_warehouse(home.warehouse) as con:
        write_table(con, "stg_people", people)
        build_person_completion(con)
        held = [
            courses_of(con, each).sort("course_id")["course_id", "grade", "account"].rows()
            for each in ("9", "10", "7")
        ]

    assert held == [
        [("a", 0.7, None), ("b", None, "10")],
        [("a", 0.7, "9"), ("b", None, None)],
        [("a", 0.8, None), ("b", 0.7, None)],
    ]


@pytest.mark.usefixtures("home")
def test_an_id_is_meant_before_a_username(command: Command) -> None:
    assert "a/3T2026 has no upgrade_deadline" in command("programmes", "why", "9").output


@pytest.mark.usefixtures("home")
def test_whom_nobody_knows_or_several_are_is_said_without_repeating_it(command: Command) -> None:
    with pytest.raises(UserError, match=r"^Several .* user id: 10, 9$"):
        command("programmes", "why", "both@example.org")
    with pytest.raises(UserError, match=r"^No learner is called so\.") as told:
        command("programmes", "why", "eve@example.org")
    assert "eve" not in str(told.value)


@pytest.mark.usefixtures("home")
def test_a_programme_that_is_not_configured_is_told_with_those_that_are(command: Command) -> None:
    with pytest.raises(UserError, match="There are: lead, other"):
        command("programmes", "summary", "--programme", "leed")
    with pytest.raises(UserError, match="No export of these programmes has that learner"):
        command("programmes", "why", "7", "--programme", "other")


@pytest.mark.usefixtures("home")
def test_the_summary_counts_the_reasons_of_every_programme(command: Command) -> None:
    assert lines(command("programmes", "summary")) == [
        "Leadership (lead)",
        f"1 gets a letter: passed b/3T2026 on audit; the upgrade is open until {SOON}",
        "2 get no letter: no export has an e-mail address",
        "1 gets no letter: a/3T2026 has no upgrade_deadline",
        "1 gets no letter: no run passed",
        "1 gets no letter: opted out at edX",
        "Another (other)",
        "No export has a learner of it.",
    ]


@pytest.mark.usefixtures("home")
def test_an_audience_goes_out_and_comes_back_as_history(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "audience.csv"
    shown = lines(command("programmes", "audience", "lead", "-o", file))

    assert shown[0] == f"Wrote 1 lines to {file}."
    text = file.read_text(encoding="utf-8")
    (row,) = csv.DictReader(text.splitlines())
    assert tuple(row) == AUDIENCE
    assert row == {
        "campaign": "nudges.lead",
        "period": week_name(TODAY),
        "email": "Ana.O'Hara@example.org",
        "date": "",
        "about": "verify/UQx_B_3T2026",
        "name": "'=Ana O'Hara",
        "reason": "verify",
        "course": "Second",
        "run": "UQx_B_3T2026",
        "grade": "0.7",
        "next_course": "",
        "next_run": "",
        "until": str(SOON),
        "link": "https://example.org/b",
    }
    assert read_history(text.encode()).undated == 1
    sent = read_history(text.replace(",,verify", f",{TODAY},verify", 1).encode())
    assert [(line.email, line.about) for line in sent.rows] == [
        ("ana.o'hara@example.org", "verify/UQx_B_3T2026")
    ]
    with pytest.raises(UserError, match="is there already"):
        command("programmes", "audience", "lead", "-o", file)


def rewritten(home: Home, table: str, **cells: pl.Expr) -> None:
    with open_warehouse(home.warehouse) as con:
        write_table(con, table, read_table(con, table).with_columns(**cells))


@pytest.mark.usefixtures("home")
def test_an_audience_can_be_read_by_its_owner_only(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "audience.csv"
    command("programmes", "audience", "lead", "-o", file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_audience_of_an_earlier_week_is_not_written(
    home: Home, command: Command, tmp_path: Path
) -> None:
    week = week_name(TODAY - timedelta(days=7))
    rewritten(home, "nudge_periods", period=pl.lit(week))
    told = f"the last refresh is of {week}. Run: edu-pipeline --home {home.root} run"
    with pytest.raises(UserError, match=re.escape(told)):
        command("programmes", "audience", "lead", "-o", tmp_path / "audience.csv")
    assert not (tmp_path / "audience.csv").exists()


def test_a_course_that_was_renamed_after_the_refresh_is_told_with_what_to_do(
    home: Home, command: Command, tmp_path: Path
) -> None:
    text = home.config.read_text(encoding="utf-8")
    home.config.write_text(text.replace('id = "b"', 'id = "second"'), encoding="utf-8")
    told = (
        f"no course b in lead, which the last refresh named. Run: edu-pipeline --home {home.root}"
    )
    with pytest.raises(UserError, match=re.escape(told)):
        command("programmes", "audience", "lead", "-o", tmp_path / "audience.csv")


def test_an_audience_that_is_held_or_empty_is_not_written(
    home: Home, command: Command, tmp_path: Path
) -> None:
    file = tmp_path / "audience.csv"
    rewritten(home, "nudge_periods", held=pl.lit("It moved: edu-pipeline gate release 3f"))

    with pytest.raises(UserError, match=rf"It moved: edu-pipeline --home {home.root} gate release"):
        command("programmes", "audience", "lead", "-o", file)
    with pytest.raises(UserError, match=r"Nobody gets a letter, so nothing was written\. Why: "):
        command("programmes", "audience", "other", "-o", file)
    assert not file.exists()


def test_before_a_refresh_there_is_nothing_to_tell(tmp_path: Path, command: Command) -> None:
    (tmp_path / "pipeline.toml").write_text(CONFIG, encoding="utf-8")
    for arguments in (("summary",), ("why", "7"), ("audience", "lead", "-o", tmp_path / "x.csv")):
        with pytest.raises(UserError, match="No refresh has come to its end"):
            command("programmes", *arguments)


def test_without_programmes_it_is_said_how_to_add_one(tmp_path: Path, command: Command) -> None:
    (tmp_path / "pipeline.toml").write_text("", encoding="utf-8")
    with pytest.raises(UserError, match=r"There are no \[\[programmes\]\] in pipeline.toml"):
        command("programmes", "summary")
