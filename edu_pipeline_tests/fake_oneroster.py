"""A small server of OneRoster's REST interface on loopback, over the CSV files of an example.

`python fake_oneroster.py FOLDER VERSION`: prints its port. Written from the specification, from the side of
the system: what the files have as ids it nests as the interface does. `POST /faults` says which of the
requests to come fail, and how: `{"2": "stops"}`.
"""

import base64
import csv
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

LOGIN = ("an-id", "a-secret")
MOST = 3
"""Objects that it gives at once, whatever is asked for."""
REFERENCES = {
    "parentSourcedId": "parent",
    "schoolYearSourcedId": "schoolYear",
    "orgSourcedId": "org",
    "courseSourcedId": "course",
    "schoolSourcedId": "school",
    "classSourcedId": "class",
    "userSourcedId": "user",
    "primaryOrgSourcedId": "primaryOrg",
    "lineItemSourcedId": "lineItem",
    "studentSourcedId": "student",
    "categorySourcedId": "category",
    "gradingPeriodSourcedId": "gradingPeriod",
    "academicSessionSourcedId": "academicSession",
    "userProfileSourcedId": "userProfile",
}
LISTS = {"orgSourcedIds": "orgs", "termSourcedIds": "terms", "agentSourcedIds": "agents"}
WORDS = {"grades", "subjects", "subjectCodes", "periods"}
RENAMED = {"preferredGivenName": "preferredFirstName", "preferredFamilyName": "preferredLastName"}


def nested(row: dict[str, str]) -> dict[str, Any]:
    """An object of the interface; what is empty in the file is not there."""
    made: dict[str, Any] = {}
    for column, cell in row.items():
        if not cell:
            continue
        if column in REFERENCES:
            made[REFERENCES[column]] = {"href": f"https://x.example/{cell}", "sourcedId": cell}
        elif column in LISTS:
            made[LISTS[column]] = [{"sourcedId": each, "type": "x"} for each in cell.split(",")]
        elif column in WORDS:
            made[column] = cell.split(",")
        elif column in {"dueDate", "assignDate"}:
            made[column] = f"{cell}T00:00:00.000Z"
        else:
            made[RENAMED.get(column, column)] = cell
    return made


def objects(folder: Path, name: str) -> list[dict[str, Any]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        found = [nested(row) for row in csv.DictReader(file)]
    roles = folder / "roles.csv"
    if name == "users" and roles.exists():
        of_users: dict[str, list[dict[str, Any]]] = {}
        with roles.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                role = {k: v for k, v in nested(row).items() if k not in {"sourcedId", "status"}}
                of_users.setdefault(role.pop("user")["sourcedId"], []).append(role)
        for user in found:
            user["roles"] = of_users.get(user["sourcedId"], [])
    return found


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: Path
    base: dict[str, str]
    faults: dict[str, str] = {}  # noqa: RUF012 - of the one server of a process
    asked = 0
    tokens = 0
    valid = ""
    log: list[str] = []  # noqa: RUF012

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/faults":
            Handler.faults, Handler.asked = json.loads(content), 0
            Handler.log = []
            return self.answer({})
        said = {key: values[0] for key, values in parse_qs(content.decode()).items()}
        login = "Basic " + base64.b64encode(":".join(LOGIN).encode()).decode()
        if self.headers["Authorization"] != login or said["grant_type"] != "client_credentials":
            return self.answer({"error": "invalid_client"}, 401)
        assert all(each.startswith("https://purl.imsglobal.org/") for each in said["scope"].split())
        Handler.tokens += 1
        Handler.valid = f"token-{Handler.tokens}"
        return self.answer({"access_token": self.valid, "token_type": "Bearer", "expires_in": 3600})

    def do_GET(self) -> None:
        place = urlparse(self.path)
        if place.path == "/log":
            return self.answer({"log": self.log, "tokens": self.tokens})
        Handler.asked += 1
        fault = self.faults.get(str(self.asked), self.faults.get("all", ""))
        if fault == "expired":
            Handler.valid = "another"
        if self.headers["Authorization"] != f"Bearer {self.valid}":
            return self.answer({"imsx_codeMajor": "failure"}, 401)
        if fault.isdecimal():
            return self.answer({}, int(fault), {"Retry-After": "7"} if fault == "429" else {})
        before, _, name = place.path.rpartition("/")
        if self.base.get(name) != before or fault == "absent":
            return self.answer({}, 404)
        Handler.log.append(place.path)
        found = objects(self.folder, name)
        asked = {key: int(values[0]) for key, values in parse_qs(place.query).items()}
        start = 0 if fault == "repeats" else asked.get("offset", 0)
        most = min(asked.get("limit", 100), MOST)
        total = len(found) + (5 if fault == "promises" else 0)
        headers = {} if fault == "bare" else {"X-Total-Count": str(total)}
        if start + most < len(found) and fault != "bare":
            url = f"{place.path}?limit={most}&offset={start + most}"
            if fault == "elsewhere":
                url = f"http://elsewhere.example{url}"
            headers["Link"] = f'<{url}>; rel="next"'
        return self.answer(
            {name: found[start : start + most]}, headers=headers, stops=fault == "stops"
        )

    def answer(
        self,
        said: dict[str, Any],
        status: int = 200,
        headers: dict[str, str] | None = None,
        *,
        stops: bool = False,
    ) -> None:
        content = json.dumps(said).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if stops else content)
        self.close_connection = stops


def main() -> None:
    Handler.folder = Path(sys.argv[1])
    root = "/ims/oneroster"
    roster = ["academicSessions", "orgs", "courses", "classes", "enrollments", "users"]
    grades = ["categories", "lineItems", "results"]
    old = sys.argv[2] == "1.1"
    Handler.base = dict.fromkeys(roster, f"{root}/v1p1" if old else f"{root}/rostering/v1p2")
    Handler.base |= dict.fromkeys(grades, f"{root}/v1p1" if old else f"{root}/gradebook/v1p2")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        print(server.server_port, flush=True)  # noqa: T201
        server.serve_forever()


if __name__ == "__main__":
    main()
