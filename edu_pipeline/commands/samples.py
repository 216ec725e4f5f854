"""`edu-pipeline sample`: what it writes into the landing zone, and the settings that come with it."""

import json
from datetime import date
from pathlib import Path

from edu_pipeline.commands.console import UserError, out
from edu_pipeline.ground.wording import counted, listed
from edu_pipeline.settings.home import Home, command, load_settings, own_settings
from edu_pipeline.settings.landing import SAMPLE_MARKER

LEARNERS = 1200


def write_school(home: Home, landing: Path, students: int, through: date, seed: int) -> None:
    """Write a made-up school's exports, and what its codes mean and who it is.

    Args:
        home: Whose settings.
        landing: Its landing zone's folder.
        students: How many.
        through: The last day with data.
        seed: The same gives the same.
    """
    from edu_pipeline.sample.landing import write_sample
    from edu_pipeline.sample.school import make_school

    with out.status(f"Inventing a school of {students} students …"):
        written = write_sample(landing, make_school(students=students, through=through, seed=seed))
    out.print(
        f"Wrote a made-up school of {students} students: {len(written)} files in {landing}.",
        markup=False,
        soft_wrap=True,
    )
    bring_school(home)


def bring_school(home: Home) -> None:
    """The made-up school's settings, and which of them `pipeline.toml` has values of its own for."""
    from edu_pipeline.sample.brought import SCHOOL, bring, said_otherwise

    path = bring(home, "school", SCHOOL)
    load_settings(home)
    told = f"Its codes, name, sender and time zone: {path}."
    if own := said_otherwise(home, SCHOOL):
        told += f" What pipeline.toml says itself wins: {', '.join(own)}."
    out.print(told, markup=False, soft_wrap=True)


def has_school(home: Home, landing: Path) -> bool:
    """Whether a made-up school lies there whose settings are not in the home."""
    if (home.brought / "school.toml").is_file():
        return False
    try:
        files = json.loads((landing / SAMPLE_MARKER).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return any(str(path).startswith("school/") for path in files)


def write_programme(home: Home, landing: Path, through: date, seed: int) -> None:
    """Write a made-up programme's exports, and its `[[programmes]]`.

    Args:
        home: Whose settings.
        landing: Its landing zone's folder.
        through: The last day with exports; for four weeks after it runs are open.
        seed: The same gives the same.

    Raises:
        UserError: The settings have a programme of that id already.
    """
    from edu_pipeline.sample.brought import bring
    from edu_pipeline.sample.landing import write_files
    from edu_pipeline.sample.programme import FOLDER, PROGRAMME, make_programme

    if any(each.id == PROGRAMME for each in own_settings(home).programmes):
        raise UserError(
            f"{home.config} has a programme {PROGRAMME} of its own, so nothing was changed. Write the "
            "sample into another home: edu-pipeline init DIR"
        )
    sample = make_programme(through, learners=LEARNERS, seed=seed)
    written = write_files(landing, sample.files)
    path = bring(home, "programme", sample.settings)
    out.print(
        f"Wrote a made-up programme of {LEARNERS:,} learners: {len(written)} files in "
        f"{landing / FOLDER}, and its [[programmes]] in {path}.",
        markup=False,
        soft_wrap=True,
    )
    page = home.site / "programmes" / PROGRAMME / "index.html"
    out.print(f"See them: {command(home, 'run')}, then {page}", markup=False, soft_wrap=True)


def write_cohorts(landing: Path, through: date, seed: int, *, finished_only: bool = False) -> None:
    """Write made-up exam results of the cohort that left last and of the next.

    Args:
        landing: The landing zone's folder.
        through: The day from which it is told which these are.
        seed: The same gives the same.
        finished_only: Only of the one that has left.
    """
    from edu_pipeline.sample.cohort import FOLDER, make_cohorts
    from edu_pipeline.sample.landing import write_files

    cohorts = make_cohorts(through=through, seed=seed)[: 1 if finished_only else None]
    files = {path: content for each in cohorts for path, content in each.files.items()}
    written = write_files(landing, files)
    out.print(
        f"Wrote made-up exam results of {sum(each.students for each in cohorts)} students: "
        f"{len(written)} files in {landing / FOLDER}.",
        markup=False,
        soft_wrap=True,
    )


def clear(home: Home, landing: Path) -> None:
    """Take samples away, with all that was made of them, and say what stays and why."""
    from edu_pipeline.wiring.clearing import clear as clear_home
    from edu_pipeline.wiring.environment import mail_room

    cleared = clear_home(mail_room(home), landing)
    if cleared is None:
        out.print("There is no sample.")
        return
    letters = f", {counted(cleared.letters, 'letter')} to made-up people" if cleared.letters else ""
    out.print(
        f"Removed the sample: {counted(cleared.files, 'file')}{letters}, and the tables and pages made of it."
    )
    kept = [counted(number, word) for word, number in cleared.ledger.items()]
    kept += [f"{counted(cleared.exports, 'file')} in {landing}"] if cleared.exports else []
    if cleared.own:
        told = listed([*kept, "the history of runs"])
        out.print(
            f"Kept, because not all of it was made up: {told}. Tables and pages of your own come again with: "
            f"{command(home, 'run')}",
            markup=False,
            soft_wrap=True,
        )
