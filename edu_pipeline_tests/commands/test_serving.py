import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from edu_pipeline.commands.serving import Part, command_of, together
from edu_pipeline.settings.home import Home

WAITS = [sys.executable, "-c", "import time; time.sleep(600)"]
FAILS = [sys.executable, "-c", "print('The port is taken.'); raise SystemExit(3)"]


def test_where_one_process_ends_the_other_is_ended_and_its_last_words_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path)
    home.dagster.mkdir(parents=True)
    before = set(psutil.Process().children())
    assert together([WAITS, FAILS], home) == 3
    assert "The port is taken." in capsys.readouterr().err
    assert set(psutil.Process().children()) <= before


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_who_is_told_to_end_takes_the_processes_along(tmp_path: Path) -> None:
    (tmp_path / "data" / "dagster").mkdir(parents=True)
    program = (
        "from pathlib import Path; from edu_pipeline.settings.home import Home; "
        "from edu_pipeline.commands.serving import together; "
        f"together([{WAITS!r}], Home(Path({str(tmp_path)!r})))"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as parent:
        child = None
        while child is None and parent.poll() is None:
            child = next(iter(psutil.Process(parent.pid).children()), None)
        assert child
        os.kill(parent.pid, signal.SIGTERM)
        parent.wait(30)
        assert not child.is_running()


@pytest.mark.parametrize("part", Part)
def test_a_part_is_started_on_the_shipped_workspace(part: Part) -> None:
    command = command_of(part, "127.0.0.1", 3000)
    assert Path(command[command.index("-w") + 1]).is_file()
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
