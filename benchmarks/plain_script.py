"""What a data manager would write instead: pandas, matplotlib and Jinja2, in an afternoon.

Honest and unhurried: it reads a made-up school's exports, sums them up by week and leaves a letter with
charts for each teacher. It checks nothing, keeps no ledger, and knows no export but these. It shares no
code with the project, which is measured against it.

.venv/bin/python benchmarks/plain_script.py data/landing/school letters
"""

import base64
import io
import sys
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import jinja2
import matplotlib as mpl
import pandas as pd

mpl.use("Agg")
import matplotlib.pyplot as plt

ATTENDED = {"P": 1.0, "T": 1.0, "A": 0.0, "E": 0.0, "H": 0.5}
OUTCOME = {"complete": 1.0, "late": 1.0, "missing": 0.0}
LETTER = jinja2.Environment(autoescape=True).from_string("""<!doctype html>
<html><head><style>
body { font: 16px Arial, sans-serif; color: #1b2733; max-width: 640px }
td, th { padding: 4px 12px 4px 0; text-align: left }
</style></head><body>
<p>Dear {{ name }},</p>
{% for part in parts %}
<h2>{{ part.title }}</h2>
<table>
<tr><th></th><th>this week</th><th>last week</th><th>start of the year</th></tr>
{% for line in part.lines %}
<tr><td>{{ line.name }}</td>
{% for share in line.shares %}<td>{{ "–" if share != share else "%.1f %%" | format(100 * share) }}</td>{% endfor %}
</tr>
{% endfor %}
</table>
<img src="data:image/png;base64,{{ part.chart }}" width="600" alt="{{ part.title }} by week">
{% endfor %}
</body></html>
""")


def read(folder: Path, table: str) -> pd.DataFrame:
    """An export as it is."""
    return pd.read_csv(folder / f"{table}.csv", dtype=str, keep_default_na=False)


def rate(rows: pd.DataFrame, by: list[str]) -> pd.Series:
    """Share of what was possible, per group and week."""
    sums = rows.groupby([*by, "week"])["share"].agg(["sum", "count"])
    return sums["sum"] / sums["count"]


def chart(title: str, lines: dict[str, pd.Series]) -> str:
    """A line a name, as a PNG in base64."""
    figure, axes = plt.subplots(figsize=(6, 2.4), dpi=200)
    for name, shares in lines.items():
        axes.plot(shares.index, 100 * shares.to_numpy(), label=name)
    axes.set_title(title, loc="left")
    axes.set_ylabel("%")
    axes.grid(axis="y")
    axes.legend(loc="lower left")
    figure.autofmt_xdate()
    out = io.BytesIO()
    figure.savefig(out, format="png")
    plt.close(figure)
    return base64.b64encode(out.getvalue()).decode()


def part(title: str, lines: dict[str, pd.Series], week: pd.Timestamp) -> dict[str, object]:
    """What a letter says of one rate."""
    weeks = (week, week - pd.Timedelta(days=7))
    return {
        "title": title,
        "chart": chart(title, lines),
        "lines": [
            {
                "name": name,
                "shares": [*(shares.get(day, float("nan")) for day in weeks), shares.iloc[0]],
            }
            for name, shares in lines.items()
        ],
    }


def rates_of(marks: pd.DataFrame, pieces: pd.DataFrame) -> dict[str, dict[str, pd.Series]]:
    """What was possible and done, by kind and group."""
    return {
        kind: {by: rate(rows, keys) for by, keys in groups.items()}
        for kind, rows, groups in (
            (
                "Attendance",
                marks,
                {"class": ["class_id"], "team": ["school_id", "grade"], "school": ["school_id"]},
            ),
            (
                "Homework",
                pieces,
                {
                    "class": ["class_id"],
                    "team": ["school_id", "grade"],
                    "school": ["school_id"],
                    "work": ["class_id_of_work"],
                },
            ),
        )
    }


def letter(
    person: Any,  # noqa: ANN401 - a row
    parts: list[dict[str, object]],
    week: pd.Timestamp,
) -> bytes:
    """A mail to a member of staff."""
    mail = EmailMessage()
    mail["From"], mail["To"] = "data@riverside.example", person.email
    mail["Subject"] = f"Your week from {week:%d %B}"
    mail.set_content("This letter is best read as HTML.")
    name = f"{person.given_name} {person.family_name}"
    mail.add_alternative(LETTER.render(name=name, parts=parts), "html")
    return mail.as_bytes()


def main() -> None:
    """A letter to everybody who teaches."""
    exports, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    staff, classes = read(exports, "staff"), read(exports, "classes")
    enrollments, calendar = read(exports, "enrollments"), read(exports, "calendar")
    attendance, homework = read(exports, "attendance"), read(exports, "homework")

    enrollments["begin"] = pd.to_datetime(enrollments["begin_date"])
    enrollments["end"] = pd.to_datetime(enrollments["end_date"].replace("", "2200-01-01"))
    homerooms = classes[classes["class_type"] == "homeroom"]
    members = enrollments[enrollments["role"] == "student"].merge(homerooms, on="class_id")
    school_days = calendar.loc[calendar["in_session"] == "Y", ["school_id", "date"]]

    attendance["share"] = attendance["code"].map(ATTENDED)
    attendance["day"] = pd.to_datetime(attendance["date"], errors="coerce")
    attendance = attendance.dropna(subset=["share", "day"])
    attendance = attendance.drop_duplicates(["student_id", "date"], keep="last")
    marks = attendance.merge(members, left_on="student_id", right_on="person_id")
    marks = marks[(marks["day"] >= marks["begin"]) & (marks["day"] < marks["end"])]
    marks = marks.merge(school_days, on=["school_id", "date"])

    homework["share"] = homework["status"].map(OUTCOME)
    homework["day"] = pd.to_datetime(homework["due_date"], errors="coerce")
    homework = homework.dropna(subset=["share", "day"])
    homework = homework.drop_duplicates(["assignment_id", "student_id"], keep="last")
    pieces = homework.merge(
        members[["person_id", "class_id", "grade", "school_id", "begin", "end"]],
        left_on="student_id",
        right_on="person_id",
        suffixes=("_of_work", ""),
    )
    pieces = pieces[(pieces["day"] >= pieces["begin"]) & (pieces["day"] < pieces["end"])]

    for rows in (marks, pieces):
        rows["week"] = rows["day"] - pd.to_timedelta(rows["day"].dt.day_of_week, unit="D")
    week = marks["week"].max()
    rates = rates_of(marks, pieces)

    of_homeroom = homerooms.set_index("class_id")
    teaching = enrollments[(enrollments["role"] == "teacher") & (enrollments["end"] > week)]
    taught = teaching.groupby("person_id")["class_id"].agg(list)
    names = classes.set_index("class_id")["class_name"]
    for person in staff.itertuples():
        parts = []
        for key in taught.get(person.staff_id, []):
            if key in of_homeroom.index:
                room = of_homeroom.loc[key]
                for kind in ("Attendance", "Homework"):
                    found = rates[kind]
                    if key in found["class"].index:
                        lines = {
                            room["class_name"]: found["class"][key],
                            room["team"]: found["team"][room["school_id"], room["grade"]],
                            "School": found["school"][room["school_id"]],
                        }
                        parts.append(part(f"{kind} of {room['class_name']}", lines, week))
        works = [key for key in taught.get(person.staff_id, []) if key not in of_homeroom.index]
        found = rates["Homework"]["work"]
        lines = {names[key]: found[key] for key in works if key in found.index}
        if lines:
            parts.append(part("Homework in my classes", lines, week))
        if not parts:
            continue
        (out / f"{person.staff_id}.eml").write_bytes(letter(person, parts, week))


if __name__ == "__main__":
    main()
