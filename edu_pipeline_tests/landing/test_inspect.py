"""What is said of exports that nobody has configured, and the lines that are suggested for them."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import cache, partial
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from edu_pipeline.cli import app
from edu_pipeline.landing.report import blocks, markdown
from edu_pipeline.landing.sources.school.school_described import (
    ExportSeen,
    SchoolSeen,
    evidence,
    inspect_school,
)
from edu_pipeline.landing.sources.school.suggestions import Line, toml_lines
from edu_pipeline.landing.tables.date_order import date_orders
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings.home import Settings
from edu_pipeline_tests.landing.conftest import SCHOOL

System = Callable[[str], SchoolSeen]
Look = Callable[..., SchoolSeen]
"""Files (path → text) and `pipeline.toml` → what is seen."""
Lines = Callable[..., Sequence[Line]]
"""The same → what to add to `pipeline.toml`."""

NAMES = ("Ada", "Moss", "Carla", "Reed", "Zoë")
DAYS = [date(2026, 9, 7) + timedelta(weeks=week, days=day) for week in range(2) for day in range(5)]
STUDENTS = range(412, 442)


def us(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"


def uk(day: date) -> str:
    return f"{day:%d/%m/%Y}"


POWERSCHOOL = {
    # ids lost their zeros here; two lines stand above the header
    "Export_Schüler.csv": "Riverside;;;\nStand 20.11.;;;\n[1]Student_Number;First_Name;Last_Name;Home_Room\n"
    + "".join(f"{i};Ada{i};Moss;{7 + i % 2}A\n" for i in STUDENTS),
    "Lehrer.csv": "TeacherNumber,First_Name,Last_Name,Email_Addr\nT1,Carla,Reed,c@riverside.example\n",
    "rooms.csv": "Section_ID,Section_Number,Teacher Number\n7A,7A,T1\n8A,8A,T1\n",
    "att_2026-11-13.csv": "Student_Number,Att_Date,Att_Code\n000412,9/7/2026,A\n",
    "att_2026-11-20.csv": "Student_Number,Att_Date,Att_Code\n"
    + "".join(f"000{412 + n},{us(day)},{'AT'[n % 2]}\n" for n, day in enumerate(DAYS)),
    # two ways of writing dates, and of one only the other exports tell the order
    "days.csv": "Date,InSession\n"
    + "".join(f"{us(day) if day.day <= 12 else day},1\n" for day in DAYS),
}
SIMS = {
    "pupils.csv": "UPN,Surname,Forename,Year.Group,Reg\n"
    + "".join(f"A{i},Moss,Ada{i},7,7A\n" for i in STUDENTS),
    "staff list.csv": "Employee ID,Surname,Forename,Email Address\nS1,Reed,Carla,c@riverside.example\n",
    "marks.csv": "UPN,Surname,Date,Session,Session.Mark\n"
    + "".join(
        f"A{i},Moss,{uk(day)},{session},{mark}\n"
        for i in STUDENTS
        for day in DAYS
        for session, mark in (("AM", "/"), ("PM", "\\"))
    ),
}
CLEVER = {
    "students.csv": "School_id,Student_id,Last_name,First_name\n"
    + "".join(f"1,{i},Moss,Ada{i}\n" for i in STUDENTS),
    "teachers.csv": "School_id,Teacher_id,Teacher_email\n1,T1,c@riverside.example\n",
    "sections.csv": "School_id,Section_id,Teacher_id,Name\n1,S1,T1,7A\n1,S2,T1,7B\n",
    "enrollments.csv": "School_id,Section_id,Student_id\n"
    + "".join(f"1,S{1 + i % 2},{i}\n" for i in STUDENTS),
    "attendance.csv": "Student_id,Section_id,Attendance_date,Attendance_type,Attendance_status\n"
    + "".join(
        f"{i},,{day},daily,present\n{i},S1,{day},section,ISS\n" for i in STUDENTS for day in DAYS
    )
    + "412,,2026-09-21,daily,ISS\n",
}


SYSTEMS = {"powerschool": POWERSCHOOL, "sims": SIMS, "clever": CLEVER}


def zone_of(folder: Path, files: Mapping[str, str | bytes]) -> Zone:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Zone(folder.as_uri())


def inspected(folder: Path, files: Mapping[str, str | bytes], toml: str = "") -> SchoolSeen:
    settings = Settings.model_validate(tomllib.loads(toml))
    seen = inspect_school(zone_of(folder, files), settings)
    told = repr(blocks(seen)) + toml_lines(seen.lines, settings)
    assert not [name for name in NAMES if name in told]
    return seen


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """Called again, it looks at what lies there by then."""
    return partial(inspected, tmp_path / "exports")


@pytest.fixture
def lines(tmp_path: Path) -> Lines:
    """Called again, it looks at what lies there by then."""

    def found(files: Mapping[str, str | bytes], toml: str = "") -> Sequence[Line]:
        zone = zone_of(tmp_path / "exports", files)
        with duckdb.connect() as con:
            return evidence(con, zone, Settings.model_validate(tomllib.loads(toml)))[1]

    return found


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> System:
    """Exports of a system → what is seen of them, where nobody has configured anything."""

    @cache
    def seen(name: str) -> SchoolSeen:
        return inspected(tmp_path_factory.mktemp(name), SYSTEMS[name])

    return seen


def suggested(lines: Sequence[Line]) -> Mapping[str, object]:
    """The certain lines, as pasted."""
    return tomllib.loads(toml_lines(lines, Settings()))


def asked(lines: Sequence[Line]) -> list[str]:
    """What only a person can know."""
    return [line.toml() for line in lines if not line.certain]


def told(seen: SchoolSeen) -> list[str]:
    return seen.problems["message"].unique(maintain_order=True).to_list()


def export_of(seen: SchoolSeen, table: str) -> ExportSeen:
    return next(export for export in seen.exports if export.table == table)


def words(seen: SchoolSeen, table: str) -> list[tuple[str, int, str | None]]:
    (column,) = export_of(seen, table).words
    return [(word.text, word.rows, word.meaning) for word in column.words]


def test_powerschool_like_exports_are_understood(system: System) -> None:
    seen = system("powerschool")
    assert suggested(seen.lines) == {
        "landing": {
            "students": {"files": ["Export_Schüler.csv"], "width": {"student_id": 6}},
            "staff": {"files": ["Lehrer.csv"], "columns": {"email": "Email_Addr"}},
            "classes": {"files": ["rooms.csv"], "constants": {"class_type": "homeroom"}},
            "attendance": {
                "files": ["att_*.csv"],
                "date_formats": ["%m/%d/%Y"],
                "shape": "exceptions",
            },
            "calendar": {"files": ["days.csv"], "date_formats": ["%m/%d/%Y"]},
        },
        "attendance": {"codes": {}},
    }
    assert asked(seen.lines) == [
        '# A = "…"  # 5 rows, 2026-09-07 to 2026-09-17: say what it means',
        '# T = "…"  # 5 rows, 2026-09-08 to 2026-09-18: say what it means',
    ]
    assert seen.unplaced == {}
    assert told(seen) == []


def test_sims_like_exports_are_understood(system: System) -> None:
    seen = system("sims")
    assert suggested(seen.lines) == {
        "landing": {
            "students": {"files": ["pupils.csv"]},
            "staff": {"files": ["staff list.csv"]},
            "attendance": {
                "files": ["marks.csv"],
                "date_formats": ["%d/%m/%Y"],
            },
        },
        "attendance": {},
    }
    assert asked(seen.lines) == [
        "# code_set = \"dfe-2024\"  # 2 codes are among DfE's register codes of August 2024: '/' and '\\' "
        "present; say so, or else what each means at this school in [attendance.codes]"
    ]


def test_clever_like_exports_are_understood(system: System) -> None:
    seen = system("clever")
    assert suggested(seen.lines) == {
        "landing": {
            "students": {"files": ["students.csv"]},
            "staff": {"files": ["teachers.csv"]},
            "classes": {"files": ["sections.csv"], "constants": {"class_type": "homeroom"}},
            "enrollments": {"files": ["enrollments.csv"], "constants": {"role": "student"}},
            "attendance": {"files": ["attendance.csv"]},
        },
        "attendance": {"codes": {}},
    }
    assert asked(seen.lines) == [
        '# ISS = "…"  # 301 rows, 2026-09-07 to 2026-09-21: say what it means'
    ]


@pytest.mark.parametrize("name", ["powerschool", "sims", "clever"])
def test_what_is_suggested_works_when_pasted_and_leaves_only_questions_for_people(
    look: Look, lines: Lines, system: System, name: str
) -> None:
    first = system(name)
    pasted = toml_lines(first.lines, Settings())
    second = lines(SYSTEMS[name], pasted)
    assert asked(second) == asked(first.lines)
    assert [line for line in second if line.certain] == []
    answered = pasted.replace("# A =", "A =").replace("# T =", "T =").replace("# ISS =", "ISS =")
    answered = answered.replace("# code_set =", "code_set =").replace('"…"', '"absent"')
    third = look({}, answered)
    assert (third.lines, told(third), third.unplaced) == ((), [], {})


def test_every_file_says_what_it_is_taken_for_and_how_it_is_read(system: System) -> None:
    seen = system("powerschool")
    (students,) = export_of(seen, "students").files
    assert students.why == (
        "likely students: its columns look like it (student_id, given_name, family_name, homeroom_id)"
    )
    assert (students.encoding, students.delimiter, students.header_line) == ("utf-8", ";", 3)
    assert next((c.ours, c.header, c.how) for c in students.columns) == (
        "student_id",
        "[1]Student_Number",
        "alias",
    )
    assert [(f.path, f.current) for f in export_of(seen, "attendance").files] == [
        ("att_2026-11-13.csv", False),
        ("att_2026-11-20.csv", True),
    ]
    assert seen.absent == ("enrollments", "homework", "terms")


def test_dates_codes_and_ids_are_told_as_they_will_be_read(system: System) -> None:
    attendance = export_of(system("powerschool"), "attendance")
    (dates,) = attendance.dates
    assert (dates.first, dates.last) == (date(2026, 9, 7), date(2026, 9, 18))
    assert [(form.text, form.cells) for form in dates.forms] == [("%m/%d/%Y", 10)]
    (link,) = attendance.links
    assert (link.column, link.ids, link.found) == ("student_id", 10, 10)
    assert words(system("clever"), "attendance") == [
        ("ISS", 301, None),
        ("present", 300, "present"),
    ]


def test_an_unknown_code_is_never_given_a_meaning(lines: Lines) -> None:
    found = lines(CLEVER | {"attendance.csv": "Student_id,date,code\n412,2026-09-07,Absnt\n"})
    assert asked(found) == ['# Absnt = "…"  # 1 row, 2026-09-07: say what it means']
    assert "absent" not in str(suggested(found))


def test_a_set_of_codes_is_certain_only_where_a_column_says_of_each_what_it_means(
    lines: Lines,
) -> None:
    header = SIMS["marks.csv"].splitlines()[0]

    def marks(late: str) -> dict[str, str]:
        told = {"/": "Present", "\\": "Present (PM)", "L": late}
        rows = [
            f"A{i},Moss,14/09/2026,{'PM' if mark == chr(92) else 'AM'},{mark},{text}"
            for i, (mark, text) in enumerate(told.items(), start=412)
        ]
        return {**SIMS, "marks.csv": "\n".join([f"{header},Session.Label", *rows])}

    assert suggested(lines(marks("Late before registers closed")))["attendance"] == {
        "code_set": "dfe-2024"
    }
    assert suggested(lines(marks("Lunch")))["attendance"] == {}


def test_the_session_beside_the_date_says_how_many_marks_a_day_has(lines: Lines) -> None:
    marks = "UPN,Date,Mark\n" + "".join(
        f"A{i},{day} Sep 2026 {half},present\n"
        for i in STUDENTS
        for day in (14, 15)
        for half in ("AM", "PM")
    )
    assert suggested(lines({**SIMS, "marks.csv": marks}))["landing"]["attendance"] == {  # type: ignore[index]
        "files": ["marks.csv"],
        "sessions_per_day": 2,
    }


def _grid(header: str, *sessions: str, without: int = 0) -> dict[str, str]:
    """Marks of every pupil on two days, in each of these sessions; the first ones are `without` the last."""
    rows = [
        f"A{i},{day}/09/2026,{session},present"
        for n, i in enumerate(STUDENTS)
        for day in (14, 15)
        for session in (sessions[:-1] if n < without else sessions)
    ]
    return {**SIMS, "marks.csv": "\n".join([f"UPN,Date,{header},Mark", *rows, ""])}


@pytest.mark.parametrize(
    ("header", "sessions", "found"),
    [
        ("Half", ("Morning", "Afternoon"), {"session": "Half"}),
        ("Expression", ("1", "2", "3", "4", "5", "6"), {"session": "Expression"}),
        ("Lesson no", ("P1", "P2", "P3"), {"session": "Lesson no"}),
        ("Blk", ("A", "B", "C", "D"), {"session": "Blk"}),
        # two kinds of marks, two systems, some numbers
        ("Blk", ("S", "C"), None),
        ("Mark Type", ("1", "2", "3"), None),
        ("Source", ("1", "2", "3"), None),
        ("Room", ("7", "9", "12"), None),
        ("Half", ("AM", "PM", "ALL"), None),
    ],
)
def test_a_session_in_a_column_of_another_name_is_found_by_its_cells(
    lines: Lines, header: str, sessions: tuple[str, ...], found: dict[str, str] | None
) -> None:
    seen = suggested(lines(_grid(header, *sessions)))["landing"]["attendance"]  # type: ignore[index]
    assert seen.get("columns") == found
    per_day = len(sessions) if header == "Blk" and found else None
    assert seen.get("sessions_per_day") == per_day


def test_a_session_that_a_tenth_of_the_marks_lack_or_that_has_a_rival_is_left_to_a_person(
    lines: Lines,
) -> None:
    def columns(files: Mapping[str, str]) -> object:
        return suggested(lines(files))["landing"]["attendance"].get("columns")  # type: ignore[index]

    # of 30 pupils, 8 without the third session: 164 of 180 marks; 10: 160
    assert columns(_grid("Unit", "1", "2", "3", without=8)) == {"session": "Unit"}
    assert columns(_grid("Unit", "1", "2", "3", without=10)) is None
    two = _grid("Unit", "1", "2", "3")
    head, *rows = two["marks.csv"].splitlines()
    rival = "\n".join([f"{head},Room", *(f"{row},{row.split(',')[2]}" for row in rows)])
    assert columns({**two, "marks.csv": rival}) is None


def test_names_in_the_place_of_codes_are_not_shown(look: Look) -> None:
    """The `look` fixture asserts that no name is told."""
    marks = "".join(f"412,2026-09-07,Ada{i} Moss\n" for i in range(30))
    seen = look({"attendance.csv": f"student_id,date,code\n{marks}"})
    (codes,) = export_of(seen, "attendance").words
    assert (codes.words, codes.hidden) == ((), 30)
    assert told(seen)


def test_files_that_are_no_export_of_their_own_are_told_and_stand_in_nobodys_way(
    look: Look,
) -> None:
    """One without a header, of which nothing is shown; one that is no table; a second of students."""
    strays = {
        "LISTE.txt": "Ada Moss\t7A\nZoë Reed\t7B\n",
        "more.csv": "Student_id,Last_name,Contact\n412,Moss,x\n",
        "notes.pdf": b"%PDF-1.4",
    }
    seen = look(CLEVER | strays)
    assert list(seen.unplaced) == ["LISTE.txt", "more.csv"]
    assert seen.unplaced["LISTE.txt"].startswith("Its columns are those of no export.")
    assert "It looks like students, of which there is another file" in seen.unplaced["more.csv"]
    assert seen.companions["notes.pdf"].startswith("Not read: the name of an export ends in .csv")


def test_one_file_of_students_and_teachers_is_told_apart_by_its_role(lines: Lines) -> None:
    users = "sourcedId,role,givenName,familyName,email\nu1,student,Ada,Moss,\nu2,Teacher,Carla,Reed,c@riverside.example\n"
    found = lines({"users.csv": users})
    assert suggested(found) == {
        "landing": {
            "students": {"files": ["users.csv"], "where": {"role": ["student"]}},
            "staff": {"files": ["users.csv"], "where": {"role": ["Teacher"]}},
        }
    }


def test_ids_that_stand_in_another_column_are_found(lines: Lines) -> None:
    students = "ID,Student_Number,Last_Name\n" + "".join(f"{i - 400},{i},Moss\n" for i in STUDENTS)
    found = lines(
        {
            "school/students.csv": students,
            "school/attendance.csv": "StudentUniqueId,date,code\n"
            + "".join(f"{i - 400},2026-09-07,present\n" for i in STUDENTS),
        }
    )
    assert suggested(found)["landing"] == {"students": {"columns": {"student_id": "ID"}}}


def test_words_that_the_ids_explain_are_mapped_and_others_are_asked_for(lines: Lines) -> None:
    found = lines(
        CLEVER
        | {
            "enrollments.csv": "class_id,person_id,role\nS1,T1,TE\nS1,gone,XX\n"
            + "".join(f"S1,{i},ST\n" for i in STUDENTS)
        }
    )
    landing = suggested(found)["landing"]
    assert isinstance(landing, dict)
    assert landing["enrollments"]["values"] == {"role": {"ST": "student", "TE": "teacher"}}
    assert [line for line in asked(found) if "XX" in line] == [
        "# XX = \"…\"  # 1 row, 0 % of the ids are students', 0 % staff's: say which, student or "
        "teacher"
    ]


def test_classes_in_which_students_are_several_times_are_left_to_a_person(lines: Lines) -> None:
    twice = "".join(f"S1,{i}\nS2,{i}\n" for i in STUDENTS)
    found = lines(CLEVER | {"enrollments.csv": f"Section_id,Student_id\n{twice}"})
    assert asked(found)[0] == (
        '# class_type = "…"  # students are in several of them: say which, homeroom or scheduled'
    )


@pytest.mark.parametrize(
    ("texts", "formats"),
    [
        (["9/7/2026", "9/13/2026"], ("%m/%d/%Y",)),
        (["7/9/2026", "13/9/2026"], ("%d/%m/%Y",)),
        (["9/7/2026"], ("%m/%d/%Y", "%d/%m/%Y")),
        (["13/9/2026", "9/13/2026"], ()),
        (["7.9.2026"], ("%d.%m.%Y",)),
        (["13-9-26"], ("%d-%m-%y",)),
    ],
)
def test_only_a_number_above_12_decides_between_day_and_month(
    texts: list[str], formats: tuple[str, ...]
) -> None:
    (order,) = date_orders(dict.fromkeys(texts, 1))
    assert order.formats == formats


def test_dates_of_either_order_are_asked_for(lines: Lines) -> None:
    found = lines({"school/calendar.csv": "date,in_session\n9/7/2026,1\n9/8/2026,1\n"})
    assert asked(found) == [
        '# date_formats = ["…"]  # 2 rows, no number is above 12, so either can be: say which, '
        '"%m/%d/%Y" or "%d/%m/%Y"'
    ]


def test_attendance_of_one_year_group_is_not_taken_for_exceptions(lines: Lines) -> None:
    few = "".join(f"{i},{day},X\n" for i in (412, 413) for day in DAYS)
    found = lines(CLEVER | {"attendance.csv": f"Student_id,date,code\n{few}"})
    assert "shape" not in str(suggested(found))


MAPPED = '[attendance.codes]\nA = "absent"\nT = "tardy"\nP = "present"\n'


def of_days(days: int, codes: str) -> Mapping[str, str]:
    """Clever's school, where all students have these codes, in turn, on so many days."""
    marks = [
        f"{student},{day},{codes[n % len(codes)]}\n"
        for n, (day, student) in enumerate((day, each) for day in DAYS[:days] for each in STUDENTS)
    ]
    return CLEVER | {"attendance.csv": f"Student_id,date,code\n{''.join(marks)}"}


def test_too_few_days_to_tell_exceptions_by_are_left_to_a_person(look: Look) -> None:
    seen = look(of_days(1, "AAT"), MAPPED)
    assert asked(seen.lines) == [
        '# shape = "exceptions"  # 0 of 30 marks are present: say so if nobody present has a row'
    ]
    (problem,) = told(seen)
    assert problem.startswith("Only 0 of 30 attendance marks are present")


@pytest.mark.parametrize(
    ("codes", "toml"),
    [("AAAAAAAAAP", MAPPED), ("A", ""), ("A", f'{MAPPED}[landing.attendance]\nshape = "daily"\n')],
    ids=["one in ten present", "unmapped", "said"],
)
def test_the_shape_is_not_asked_for_where_the_codes_leave_no_doubt_or_it_is_said(
    lines: Lines, codes: str, toml: str
) -> None:
    assert not [line for line in asked(lines(of_days(2, codes), toml)) if "shape" in line]


def test_a_few_presences_among_exceptions_do_not_hide_that_they_are(look: Look) -> None:
    marks = "".join(f"{412 + n},{day},{'AP'[n == 0]}\n" for n, day in enumerate(DAYS * 2))
    few = CLEVER | {"attendance.csv": f"Student_id,date,code\n{marks}"}
    seen = look(few, MAPPED)
    landing = suggested(seen.lines)["landing"]
    assert isinstance(landing, dict)
    assert landing["attendance"]["shape"] == "exceptions"
    assert [problem.split(".")[0] for problem in told(seen)] == ["No calendar export has landed"]


def test_the_patterns_that_are_suggested_match_nothing_else(lines: Lines) -> None:
    marks = "student_id,date,code\n412,2026-09-07,present\n"
    found = lines({"a_2026-09-07.csv": marks, "a_x.csv": "Section_ID,title\n7A,7A\n"})
    landing = suggested(found)["landing"]
    assert isinstance(landing, dict)
    assert landing["attendance"]["files"] == ["a_2026-09-07.csv"]


def test_a_section_that_is_there_already_is_said_to_be() -> None:
    settings = Settings.model_validate({"attendance": {"codes": {"P": "present"}}})
    lines = toml_lines([Line(("attendance", "codes"), "Q", "absent", "why")], settings)
    assert lines.startswith("# pipeline.toml has this section: add the lines to it")


def test_the_report_reads_the_same_on_the_screen_and_in_the_ui(system: System) -> None:
    text = markdown(blocks(system("sims")))
    assert "### attendance: 600 rows" in text
    assert "| code | ⚠ / = ? (300), \\\\ = ? (300) |" in text


def run(*arguments: str | Path) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [*map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "somewhere"
    folder.mkdir()
    for name, text in SIMS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_folder_anywhere_can_be_looked_at_before_there_is_a_home(
    folder: Path, tmp_path: Path
) -> None:
    code, shown, _ = run("--home", tmp_path / "none", "landing", "inspect", folder)
    assert code == 3
    assert "marks.csv: likely attendance" in " ".join(shown.split())
    assert not (tmp_path / "none").exists()
    assert sorted(path.name for path in folder.iterdir()) == sorted(SIMS)


def test_suggest_prints_toml_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    code, shown, _ = run("--home", tmp_path / "none", "landing", "inspect", folder, "--suggest")
    assert code == 3
    assert set(tomllib.loads(shown)["landing"]) == {"students", "staff", "attendance"}


def test_a_home_that_is_ready_says_so(tmp_path: Path) -> None:
    school = tmp_path / "data" / "landing" / "school"
    school.mkdir(parents=True)
    for name, text in {
        "students.csv": "student_id,homeroom\n1,7A\n",
        "staff.csv": "staff_id,email\nT1,c@riverside.example\n",
        "attendance.csv": "student_id,date,code\n1,2026-09-07,present\n",
    }.items():
        (school / name).write_text(text, encoding="utf-8")
    (tmp_path / "pipeline.toml").write_text("", encoding="utf-8")
    code, shown, _ = run("--home", tmp_path, "landing", "inspect")
    assert (code, shown.splitlines()[-1]) == (
        0,
        f"Nothing stands in the way of: edu-pipeline --home {tmp_path} run",
    )
    assert not (tmp_path / "data" / "warehouse.duckdb").exists()


def test_a_file_that_may_be_something_else_is_asked_about_and_not_written(lines: Lines) -> None:
    found = lines(
        {
            "a.csv": "sourcedId,status,name,type\n1,active,Hill,school\n",
            "b.csv": "sourcedId,status,title,grades\nC1,,Maths,07\n",
        }
    )
    assert not [line for line in found if line.key == "files" and line.certain]
    tie, id_of_every_kind = (line for line in asked(found) if "files" in line)
    assert "as well like classes" in tie
    assert "its ids may be anything's" in id_of_every_kind


def in_school(files: Mapping[str, str]) -> Mapping[str, str]:
    """The tiny school's exports with others in place of them."""
    return {f"school/{name}": text for name, text in {**SCHOOL, **files}.items()}


def test_marks_by_another_number_of_the_student_are_joined_and_nothing_else_changes(
    look: Look, lines: Lines
) -> None:
    numbered = {
        "students.csv": "id,number,given_name,family_name,grade\n"
        "a7,007,Ada,Moss,7\nb8,008,Benedict,Oakley,7\n",
        "enrollments.csv": "class_id,person_id,role\nHR-7A,a7,student\nHR-7A,b8,student\nHR-7A,T1,teacher\n",
        "attendance.csv": "student_id,date,code\n007,2026-09-07,present\n008,2026-09-07,absent\n",
    }
    first = look(in_school(numbered))
    part = ("landing", "attendance", "parts", "school/attendance*")
    join = (*part, "join", "students")
    assert {(line.section, line.key, line.value) for line in first.lines if line.certain} == {
        (join, "files", ("school/students.csv",)),
        (join, "on", "student_id"),
        (join, "key", "number"),
        ((*part, "columns"), "student_id", "students.id"),
    }
    assert "unknown_student_id" not in " ".join(first.problems["subject"])
    assert "student_id" not in export_of(first, "attendance").files[0].unused
    again = lines(in_school(numbered), toml_lines(first.lines, Settings()))
    assert [line for line in again if line.certain] == []


@pytest.mark.parametrize("known", [2, 1])
def test_a_format_s_file_with_ids_of_its_own_is_joined_under_its_own_name(
    look: Look, lines: Lines, known: int
) -> None:
    """Also where a student has none: what the join does not find is not looked for again."""
    ids = {"007": "g7", "008": "g8" if known > 1 else ""}
    rows = [f"{student},{google},Ada,Moss,7\n" for student, google in ids.items()]
    files = {
        "students.csv": f"student_id,google_id,given_name,family_name,grade\n{''.join(rows)}",
        "courseWork.csv": "courseId,id,title,state,dueDate\nc,w1,Sums,PUBLISHED,2026-09-08\n",
        "studentSubmissions.csv": "courseId,courseWorkId,id,userId,state,late\n"
        "c,w1,s1,g7,TURNED_IN,\nc,w1,s2,g8,TURNED_IN,\n",
    }
    first = look(in_school(files))
    part = ("landing", "homework", "parts", "school/studentSubmissions.csv")
    assert {(line.section, line.key, line.value) for line in first.lines if line.certain} == {
        ((*part, "join", "students"), "files", ("school/students.csv",)),
        ((*part, "join", "students"), "on", "userId"),
        ((*part, "join", "students"), "key", "google_id"),
        ((*part, "columns"), "student_id", "students.student_id"),
    }
    assert first.problems["subject"].to_list() == ["missing_student_id"] * (known < len(ids))
    again = lines(in_school(files), toml_lines(first.lines, Settings()))
    assert [line for line in again if line.certain] == []


def test_what_a_format_says_and_systems_do_otherwise_is_asked_before_any_run(look: Look) -> None:
    folder = Path(__file__).parents[2] / "docs" / "exports" / "oneroster-1.1"
    files = {f"school/{path.name}": path.read_text("utf-8") for path in folder.glob("*.csv")}
    assert look(files).problems.is_empty()
    terms = "school/academicSessions.csv"
    files[terms] = files[terms].replace("2026-12-18", "2026-09-11")
    assert look(files).problems["kind"].unique().to_list() == ["end_in_school"]
    said = '[landing.terms]\nend_date = "inclusive"\n'
    assert look(files, said).problems.is_empty()


def test_a_set_s_file_that_nobody_needs_is_no_other_export_by_its_columns(look: Look) -> None:
    """As somebody published it: `userprofiles.csv` with the columns of `roles.csv`."""
    folder = Path(__file__).parents[2] / "docs" / "exports" / "oneroster-1.2"
    files = {f"school/{path.name}": path.read_text("utf-8") for path in folder.glob("*.csv")}
    del files["school/attendance.csv"]
    seen = look({**files, "school/userprofiles.csv": files["school/roles.csv"]})
    assert "school/userprofiles.csv" in seen.companions
    assert "attendance" in seen.absent


def test_marks_whose_ids_are_two_columns_of_students_are_a_question(look: Look) -> None:
    twice = {
        "students.csv": "id,number,locker,given_name,family_name,grade\n"
        "a7,007,008,Ada,Moss,7\nb8,008,007,Benedict,Oakley,7\n",
        "enrollments.csv": "class_id,person_id,role\nHR-7A,a7,student\nHR-7A,b8,student\nHR-7A,T1,teacher\n",
    }
    seen = look(in_school(twice))
    assert [
        (line.key, line.value, line.certain)
        for line in seen.lines
        if line.section[1] in ("students", "attendance") and "columns" in line.section
    ] == [("student_id", "…", False)]


@pytest.mark.parametrize("folder", ["school", "from the district"])
def test_marks_of_a_format_by_another_number_are_joined_wherever_it_lies(
    look: Look, folder: str
) -> None:
    files = {}
    for path in (Path(__file__).parents[2] / "docs" / "exports" / "clever").glob("*.csv"):
        text = path.read_text(encoding="utf-8")
        if path.name == "attendance.csv":
            text = re.sub(r",s(\d),", lambda found: f",{10000 + int(found[1])},", text)
        files[f"{folder}/{path.name}"] = text
    seen = look(files)
    assert any(line.section[2:3] == ("parts",) for line in seen.lines)
    assert "unknown_student_id" not in " ".join(seen.problems["subject"])
