"""`edu-pipeline sample --programme` and `--cohort`: what they write into landing zone and settings."""

from datetime import date
from pathlib import Path

from edu_pipeline.commands.console import UserError, command, out
from edu_pipeline.settings.home import Home, SettingsError, load_settings

LEARNERS = 1200


def write_programme(home: Home, landing: Path, through: date, seed: int) -> None:
    """Write a made-up programme's exports, and its `[[programmes]]` into `pipeline.toml`.

    Args:
        home: Whose settings.
        landing: Its landing zone's folder.
        through: The last day with exports; for four weeks after it runs are open.
        seed: The same gives the same.

    Raises:
        UserError: The settings have a programme of that id already.
    """
    from edu_pipeline.sample.block import with_programme
    from edu_pipeline.sample.landing import write_files
    from edu_pipeline.sample.programme import FOLDER, PROGRAMME, make_programme

    sample = make_programme(through, learners=LEARNERS, seed=seed)
    before = home.config.read_bytes()
    home.config.write_bytes(with_programme(before.decode(), sample.settings).encode())
    try:
        load_settings(home)
        written = write_files(landing, sample.files)
    except SettingsError:
        home.config.write_bytes(before)
        raise UserError(
            f"{home.config} has a programme {PROGRAMME} of its own, so nothing was changed. Write the "
            "sample into another home: edu-pipeline init DIR"
        ) from None
    except Exception:
        home.config.write_bytes(before)
        raise
    out.print(
        f"Wrote a made-up programme of {LEARNERS:,} learners: {len(written)} files in "
        f"{landing / FOLDER}, and its [[programmes]] at the end of {home.config}.",
        markup=False,
        soft_wrap=True,
    )
    page = home.site / "programmes" / PROGRAMME / "index.html"
    out.print(f"See them: {command(home, 'run')}, then {page}", markup=False, soft_wrap=True)


def write_cohorts(landing: Path, through: date, seed: int) -> None:
    """Write made-up exam results of the cohort that left last and of the next.

    Args:
        landing: The landing zone's folder.
        through: The day from which it is told which these are.
        seed: The same gives the same.
    """
    from edu_pipeline.sample.cohort import FOLDER, make_cohorts
    from edu_pipeline.sample.landing import write_files

    cohorts = make_cohorts(through=through, seed=seed)
    files = {path: content for each in cohorts for path, content in each.files.items()}
    written = write_files(landing, files)
    out.print(
        f"Wrote made-up exam results of {sum(each.students for each in cohorts)} students: "
        f"{len(written)} files in {landing / FOLDER}.",
        markup=False,
        soft_wrap=True,
    )


def take_programme_out(home: Home) -> None:
    """Take the made-up programme out of `pipeline.toml`, where it is in it."""
    from edu_pipeline.sample.block import without_programme

    before = home.config.read_bytes()
    after = without_programme(before.decode()).encode()
    if after != before:
        home.config.write_bytes(after)
