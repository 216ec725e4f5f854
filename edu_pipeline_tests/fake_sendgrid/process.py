"""The fake SendGrid as a process of its own, for tests and the demo."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import httpx

from edu_pipeline_tests.fake_sendgrid.faults import Fault
from edu_pipeline_tests.fake_sendgrid.store import Accepted, Request, Store

PROJECT = Path(__file__).parents[2]
KEY = "SG.fake-key-of-the-tests.not-a-secret"


class FakeSendGrid:
    """Starts the process, says what it accepted, and sets what goes wrong.

    It ends with the process that started it. What it accepted stays in the file `db`.
    """

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        self.db = folder / "sendgrid.db"
        self.key = KEY
        self.url = ""
        self._port = port

    def __enter__(self) -> Self:
        self.db.parent.mkdir(parents=True, exist_ok=True)
        module = "edu_pipeline_tests.fake_sendgrid"
        options = ["--db", str(self.db), "--key", self.key, "--port", str(self._port)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *options, "--with-parent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=PROJECT,
        )
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "The fake SendGrid did not start; its error is above."
        self.url = json.loads(line)["url"]
        self._store = Store(self.db)
        self._client = httpx.Client(base_url=self.url, trust_env=False, timeout=30)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._store.__exit__()
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()
        self._process.wait()

    def accepted(self) -> list[Accepted]:
        """Every mail that it took, oldest first, whatever it answered."""
        return self._store.accepted()

    def counts(self) -> Counter[str]:
        """How often it took each letter, by the letter's key; rehearsals have none."""
        return Counter(mail.letter for mail in self.accepted() if mail.letter)

    def requests(self) -> list[Request]:
        """Every request but those to `/_fake/`, oldest first."""
        return self._store.requests()

    def erased(self) -> list[str]:
        """Addresses whose erasure was asked for."""
        return self._store.erased()

    def faults(
        self,
        *script: Fault | None,
        by_address: Mapping[str, Sequence[Fault | None]] | None = None,
        reads: Sequence[Fault | None] = (),
        probability: float = 0,
        kinds: Sequence[Fault] | None = None,
        seed: int = 0,
        elsewhere: str = "",
        reset_after_seconds: int = 30,
    ) -> None:
        """Set what goes wrong from now on: the script for the next mails first, then by chance."""
        settings = {
            "script": script,
            "by_address": by_address or {},
            "reads": reads,
            "probability": probability,
            "seed": seed,
            "elsewhere": elsewhere,
            "reset_after_seconds": reset_after_seconds,
        }
        self._tell("faults", settings | ({"kinds": kinds} if kinds else {}))

    def set(
        self, *, log_delay: float = 0, clock: datetime | None = None, most_logs: int = 1000
    ) -> None:
        """Seconds until a mail is in the logs, what time it is there, rows that a search gives.

        Takes the faults back.
        """
        now = clock.isoformat() if clock else None
        self._tell("settings", {"log_delay": log_delay, "clock": now, "most_logs": most_logs})

    def suppress(self, name: str, email: str, at: datetime | None = None) -> None:
        """Put an address on one of the lists, such as `bounces`."""
        moment = at.timestamp() if at else None
        self._tell("suppress", {"name": name, "email": email, "at": moment})

    def events(
        self,
        *,
        plan: Mapping[str, Sequence[str]] | None = None,
        chances: Mapping[str, float] | None = None,
        duplicates: float = 0,
        reissued: float = 0,
        shuffle: bool = False,
        batch: int = 100,
        seed: int = 0,
        folder: Path | None = None,
        url: str | None = None,
    ) -> dict[str, Any]:
        """Make events for all mails accepted so far, as JSON files and/or signed POSTs to a URL.

        `plan` says what happens, by letter key or address: processed, deferred, delivered, bounce,
        blocked, dropped, open, machine_open, click, spamreport, unsubscribe; without one, `chances`
        and the seed do. `duplicates` and `reissued` (the same event under another id) are shares.
        With neither folder nor URL the signed requests are in the answer.
        """
        return self._tell(
            "events",
            {
                "plan": plan,
                "chances": chances,
                "duplicates": duplicates,
                "reissued": reissued,
                "shuffle": shuffle,
                "batch": batch,
                "seed": seed,
                "folder": str(folder) if folder else None,
                "url": url,
            },
        )

    def public_key(self) -> str:
        """The key of its signed webhooks, as SendGrid shows it."""
        answer = self._client.get(
            "/v3/user/webhooks/event/settings/signed",
            headers={"Authorization": f"Bearer {self.key}"},
        )
        return str(answer.raise_for_status().json()["public_key"])

    def reset(self) -> None:
        """As if it had just started."""
        self._tell("reset", {})

    def _tell(self, what: str, content: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._client.post(f"/_fake/{what}", json=content).raise_for_status()
        told: dict[str, Any] = answer.json()
        return told
