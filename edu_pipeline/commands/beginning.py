"""A home's first hour with programmes: exports of edX into the landing zone, and what they say of themselves."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from rich.text import Text

from edu_pipeline.commands.console import UserError, out
from edu_pipeline.ground.wording import counted
from edu_pipeline.settings.home import Home, command, load_settings
from edu_pipeline.settings.landing import PROGRAMMES_FOLDER
from edu_pipeline.settings.programmes import OPT_IN


@dataclass(frozen=True)
class Placed:
    """Files of a folder, and where they lie in a landing zone."""

    folder: Path
    targets: Mapping[Path, str]
    """File → its place below the landing zone."""
    left: int
    """Files that are none of edX's reports of learners, and no list of them."""


def placing(folder: Path) -> Placed:
    """Where the exports in a folder belong, one programme per folder of it that has some.

    Folders that share a run are parts of one programme, and so is what lies in the folder itself.

    Raises:
        UserError: It is no folder, or has no export of edX.
    """
    from edu_pipeline.landing.sources.edx.edx_names import EXAMPLE, parsed
    from edu_pipeline.landing.sources.edx.lists import OF_PACKAGES
    from edu_pipeline.landing.zone import NOBODYS

    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; nothing was changed.")
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not NOBODYS.search(path.relative_to(folder).as_posix())
    ]
    names = {path: parsed(path.name) for path in files}
    runs: dict[str, set[str]] = {}
    for path, name in names.items():
        if name is not None and name.kind is not None:
            top = path.relative_to(folder).parts[0] if path.parent != folder else ""
            runs.setdefault(top, set()).add(name.run.casefold())
    if not runs:
        raise UserError(
            f"{folder} has no student profile and no grade report of edX under the name that edX gave it, "
            f"such as {EXAMPLE}. Nothing was changed."
        )
    together = "" in runs or sum(map(len, runs.values())) > len(set[str]().union(*runs.values()))
    programme = {top: _id(folder.name if together else top) for top in runs}
    lists = (OPT_IN, *OF_PACKAGES.values())  # the first as settings have it by default
    targets = {}
    for path, name in names.items():
        below = path.relative_to(folder)
        top = below.parts[0] if path.parent != folder else ""
        if top not in programme or not (
            (name is not None and name.kind is not None)
            or any(fnmatchcase(path.name.casefold(), each) for each in lists)
        ):
            continue
        inner = below if together else PurePosixPath(*below.parts[1:])
        targets[path] = f"{PROGRAMMES_FOLDER}{programme[top]}/{inner.as_posix()}"
    return Placed(folder, targets, len(files) - len(targets))


def _id(name: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", name.casefold()).strip("-") or "programme"


def begin(home: Home, placed: Placed) -> None:
    """Copy exports into a new home, and write what they say into its `pipeline.toml`.

    Args:
        home: With the settings that every home begins with.
        placed: From `placing`.
    """
    from edu_pipeline.landing.inspection import inspect_zone
    from edu_pipeline.landing.settings_file import append_sections, write_lines
    from edu_pipeline.wiring.environment import landing_zone, mail_room

    landing = home.data / "landing"
    copied = 0
    for source, below in placed.targets.items():
        target = landing / below
        if source == target.resolve():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
        copied += 1
    zone = landing_zone(mail_room(home))
    seen = inspect_zone(zone, load_settings(home))
    write_lines(home, seen.lines)
    append_sections(home, seen.more_lines)
    home.config.with_name(f"{home.config.name}.bak").unlink(missing_ok=True)  # of the template
    settings = load_settings(home)
    out.print(f"A new home in [bold]{home.root}[/].")
    told = []
    if copied:
        told.append(
            f"{counted(copied, 'export')} of {placed.folder} copied into {landing / PROGRAMMES_FOLDER}: later "
            "ones belong there, too."
        )
    if placed.left:
        told.append(
            f"{counted(placed.left, 'other file')} there stayed where {'it is' if placed.left == 1 else 'they are'}."
        )
    told += [
        f"[[programmes]] {each.id}: {counted(len(each.courses), 'course')}, {counted(len(each.runs), 'run')}."
        for each in settings.programmes
    ]
    if "pass_mark = …" in seen.more_lines:
        told.append(
            "Of some courses no export gives reason for a pass mark: they are not read until you say it."
        )
    told += [
        f"  1. Open {home.config}: at its end stand the programmes as their exports show them. Correct the titles, "
        "the order of the courses and the pass marks, which are guesses; answer what begins with #; name "
        "the capstone. Further up, [school] has a name and a time zone: your institution's.",
        "  2. Fill in the dates of the runs that are under way or to come; letters need them, figures do not.",
        f"  3. {command(home, 'landing inspect')} says what each export is taken for, and what is missing.",
        f"  4. {command(home, 'run')}, then open {home.site / 'index.html'}.",
        f"  5. Letters come last: {command(home, 'docs programmes')}. Until then nobody is written to.",
    ]
    for line in told:
        out.print(Text(line), soft_wrap=True)
