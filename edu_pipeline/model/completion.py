"""What the programmes job computes from edX exports: runs, courses, progress and what a team reads.

Shares are from 0 to 1. A learner is the platform's user id; names stand in `stg_learners` only.
"""

import dataframely as dy

DELIVERED, REVOKED, NOT_VERIFIED, EXPECTED, DUE, LEFT, PASSED_FREE, PASSED_UNKNOWN, ENROLLED = (
    STATES
) = (
    *("delivered", "revoked", "not_verified", "expected", "due"),
    *("left", "passed_free", "passed_unknown", "enrolled"),
)
"""How a learner stands in a run, see `RunStates`."""
NEEDED_KINDS = ("profile", "grades")
"""The exports that every run should have."""


def _learners(description: str) -> dy.Int64:
    return dy.Int64(min=0, description=description)


def _share(description: str) -> dy.Float64:
    return dy.Float64(nullable=True, min=0, max=1, description=description)


def _programme() -> dy.String:
    return dy.String(primary_key=True, description="The programme")


def _course() -> dy.String:
    return dy.String(primary_key=True, description="The course")


def _run(description: str = "The run") -> dy.String:
    return dy.String(primary_key=True, description=description)


def _day(description: str) -> dy.Date:
    return dy.Date(nullable=True, description=description)


def _some_run(description: str) -> dy.String:
    return dy.String(nullable=True, description=description)


class ProgrammeRuns(dy.Schema):
    """One run of a course, listed or found in the exports, with what follows from its dates."""

    programme_id = _programme()
    course_id = _course()
    run = _run("The run's whole key")
    run_name = dy.String(description="The key without its course, such as 1T2027")
    position = dy.Int64(min=1, description="The course's place in the sequence")
    pass_mark = dy.Float64(min=0, max=1, description="Grade from which the course is passed")
    listed = dy.Bool(description="Whether the settings list it")
    number = dy.Int64(
        min=1,
        description=(
            "Its place among the programme's runs by when they were held: the start, else the end, "
            "else the year in its name, else last"
        ),
    )
    starts = _day("First day")
    ends = _day("Last day")
    upgrade_deadline = _day("Last day on which an audit learner can upgrade")
    certificates_available = _day("Day from which certificates can be had")
    verification_deadline = _day("Last day on which a paying learner can verify who they are")
    enrolment_closes = _day("Last day on which somebody can join")
    self_paced = dy.Bool(description="Whether learners can begin at any time")
    certified_on = _day(
        "The day that its certificates are dated to: the end, else the first that they can be had, once "
        "it has come"
    )
    period = dy.Int64(
        nullable=True, description="Year of that day, else of the start, else in its name"
    )
    under_way = dy.Bool(description="Not over yet, on the day of the refresh")
    verifiable = dy.Bool(
        description="Whether an identity can still be verified in it, on that day, or nobody says"
    )
    joined_until = _day(
        "Last day on which it can be joined for its certificate and finished: enrolment or the "
        "upgrade closes, it ends, or two weeks after its start unless it is self-paced; empty: never"
    )
    joinable = dy.Bool(description="Listed, and that day has not passed on the day of the refresh")


class RunStates(dy.Schema):
    """How one learner stands in one run, by all versions of its grade reports."""

    programme_id = _programme()
    course_id = dy.String(description="The course")
    run = _run("The run's whole key")
    learner_id = dy.String(primary_key=True, description="The platform's user id")
    state = dy.String(
        check=lambda c: c.is_in(STATES),
        description=(
            "`delivered`: has a certificate of a paid track; `revoked`: had one; `expected`: passed on "
            "a paid track, certificates are not out yet; `due`: they are out, and none was delivered; "
            "`not_verified`: passed on a paid track, identity not verified; `left`: left the run or was "
            "refunded; `passed_free`, `passed_unknown`: passed on a free track, on one that is in no "
            "setting; `enrolled`: none of these"
        ),
    )
    since = dy.Date(
        description="Day of the first report in a row that says so, UTC; of `due` not before they are out"
    )
    missing = dy.Bool(description="As in `stg_run_results`")


class CourseCompletion(dy.Schema):
    """One learner in one course of a programme, over all its runs."""

    programme_id = _programme()
    learner_id = dy.String(primary_key=True, description="The platform's user id")
    course_id = _course()
    attempts = dy.Int64(min=1, description="Runs that the learner was enrolled in")
    best_grade = _share("The highest grade of any run; empty where no run has one")
    grade = _share("Grade of the run that counts")
    best_run = dy.String(
        description="The run that counts: with a certificate first, then by grade, then exported last"
    )
    state = dy.String(description="The learner's state in that run, see `run_states`")
    enrollment_track = dy.String(nullable=True, description="The learner's track in that run")
    verification = dy.String(nullable=True, description="The learner's verification in that run")
    passed = dy.Bool(description="A grade at or above the pass mark in some run, on any track")
    certificate = dy.Bool(description="Delivered on a paid track in some run")
    audit_passed = dy.Bool(description="Passed on a free track, and no certificate in any run")
    in_progress = dy.Bool(description="Enrolled in a run that is not over, and no certificate yet")
    awaited = dy.Bool(
        description=(
            "No certificate, but of some run one is expected, due, gone, or waits for an "
            "identity that can still be verified"
        )
    )
    eligible_any_track = dy.Bool(
        description="Called eligible in some run on any track: what the old rule counted"
    )
    first_run = dy.String(description="The first run that the learner was enrolled in")
    first_passed_run = _some_run("The first run passed; empty for none")
    first_certified_run = _some_run("The first run with a certificate; empty for none")
    last_run = dy.String(description="The last run that the learner was enrolled in")


class ProgrammeProgress(dy.Schema):
    """One learner in one programme: what is done and what comes next."""

    programme_id = _programme()
    learner_id = dy.String(primary_key=True, description="The platform's user id")
    courses = dy.Int64(min=1, description="Courses that the learner was ever enrolled in")
    attempts = dy.Int64(min=1, description="Runs of these")
    in_progress = dy.Int64(min=0, description="Courses in progress")
    core_certificates = dy.Int64(
        min=0,
        description="Certificates that count for the requirement; of a choice, no more than needed",
    )
    core_missing = dy.Int64(min=0, description="The fewest certificates that still complete it")
    core_complete = dy.Bool(description="Whether the requirement, without the capstone, is met")
    capstone = dy.Bool(description="Whether there is a certificate in the capstone")
    complete = dy.Bool(description="core_complete, and the capstone where the programme has one")
    completion_run = _some_run("The run whose certificate made it complete")
    completed_on = _day("The day that run's certificates are dated to; empty: not known")
    completion_period = dy.String(nullable=True, description="Its year; empty: not known")
    completion_days = dy.Int64(
        nullable=True, description="Days from the start of the learner's first run to completed_on"
    )
    no_certificate_eligible = dy.Int64(
        min=0, description="Courses with a certificate, the capstone included"
    )
    no_audited_passed = dy.Int64(
        min=0,
        description="Courses passed on a free track and without a certificate, the capstone included",
    )
    eligible_any_track = dy.Int64(
        min=0,
        description="Courses called eligible on any track, the capstone counted: the old rule",
    )
    days_between_courses = dy.Float64(
        nullable=True,
        min=0,
        description="Mean days from one course's certificate to the next; empty with fewer than two",
    )
    next_course = dy.String(
        nullable=True,
        description=(
            "First course in sequence that is still needed even with every certificate that is "
            "awaited, not in progress, and has a run that can be joined; empty: none"
        ),
    )
    next_run = _some_run(
        "Of these runs the one that begins next; where none does, the one that began, else a "
        "self-paced one"
    )
    other_run = _some_run(
        "One of that course that can be begun at once beside it: it has just begun, or is self-paced"
    )
    last_course = dy.String(description="Course of the last run that the learner was enrolled in")
    last_run = dy.String(description="That run")
    as_of = dy.Date(description="The day for which runs are over or can be joined")


class PersonCompletion(CourseCompletion):
    """As `course_completion`, of people with several accounts: what all of these have in a course.

    `learner_id` is the account with the lowest id, `person_id` of `stg_people`.
    """


class PersonProgress(ProgrammeProgress):
    """As `programme_progress`, of people with several accounts: what all of these hold together.

    `learner_id` is the account with the lowest id, `person_id` of `stg_people`.
    """


class CertificatesIssued(dy.Schema):
    """A learner whom edX issued a programme's certificate, or who completed it: the two side by side.

    Of programmes with a list of issued certificates only.
    """

    programme_id = _programme()
    learner_id = dy.String(primary_key=True, description="The platform's user id")
    issued = dy.Bool(description="Whether edX issued it, by the newest list with the learner")
    issued_on = _day("The day; empty: none, or not known")
    complete = dy.Bool(description="Whether the learner is complete here (`programme_progress`)")
    completed_on = _day("The day of that; empty: not known")
    reason = dy.String(description="How the two go together, and why they may not")
    missing = dy.String(
        nullable=True,
        description=(
            "Of who was issued one and is not complete: the courses without a certificate, of a "
            "choice all; empty: of anybody else"
        ),
    )


class CourseCertificatesIssued(dy.Schema):
    """A learner with a certificate of a run, by edX's own table of certificates or by grade reports.

    Of runs that such a table is of only.
    """

    programme_id = _programme()
    course_id = dy.String(description="The course")
    run = _run("The run's whole key")
    learner_id = dy.String(primary_key=True, description="The platform's user id")
    status = dy.String(nullable=True, description="In edX's table; empty: not there")
    issued_on = _day("The day on which the row there was made")
    state = dy.String(check=lambda c: c.is_in(STATES), description="As in `run_states`")
    reason = dy.String(description="How the two go together, and why they may not")


class ProgrammeFunnel(dy.Schema):
    """One stage of a course or of a whole programme: how many learners reached it."""

    programme_id = _programme()
    position = dy.Int64(
        primary_key=True, min=1, description="Order: courses in sequence, then the programme"
    )
    course_id = dy.String(nullable=True, description="The course; empty: the whole programme")
    stage = dy.String(
        primary_key=True,
        description="enrolled, passed, certificate; of the programme also core_complete, complete",
    )
    learners = _learners("Learners")
    share = _share("Of those enrolled")


class ProgrammeWeeks(dy.Schema):
    """How a programme stood at the end of a week, by what the reports said then, week by week.

    Weeks in which no report was made are left out. Accounts are counted, as reports have them.
    """

    programme_id = _programme()
    week = dy.Date(primary_key=True, description="Its Monday")
    complete = _learners("Learners who had completed the programme")
    core_complete = _learners("Learners who had met the requirement, without the capstone")
    certificates = _learners("Courses with a certificate, of all learners")
    passes = _learners("Courses passed on any track, of all learners")
    verified = _learners("Learners on a paid track in some run")


class CourseRetention(dy.Schema):
    """Learners who passed a course, and how many of them ever began the next in sequence."""

    programme_id = _programme()
    course_id = _course()
    to_course = dy.String(description="The next in sequence")
    passed = _learners("Learners who passed the course, on any track")
    went_on = _learners("Of these, ever enrolled in the next")
    share = _share("went_on ÷ passed")
    share_low = _share("Low end of the 95 % Wilson interval")
    share_high = _share("High end")


class TimeToNextCourse(dy.Schema):
    """How many of those who passed a course have begun any other so many days after it ended."""

    programme_id = _programme()
    course_id = _course()
    days = dy.Int64(primary_key=True, min=0, description="Days after the end of the run passed")
    at_risk = _learners("Learners followed for so long who had not begun another before")
    went_on = _learners("Of these, began another on this day")
    share = _share("Kaplan–Meier estimate of the share that has begun another by this day")
    share_low = _share("Low end of its 95 % interval (Greenwood, log-log)")
    share_high = _share("High end")


class ProgrammeCompletions(dy.Schema):
    """Learners who completed a programme, by year and country, with small numbers left out."""

    programme_id = _programme()
    period = dy.String(primary_key=True, description="Year of completion, `unknown`, or `all`")
    country = dy.String(primary_key=True, description="ISO code, `unknown`, or `all`")
    learners = dy.Int64(
        nullable=True, min=0, description="Learners; empty: too few, or would give others away"
    )


class ProgrammeBridge(dy.Schema):
    """From the old rule's count of learners who finished the core to the new one's."""

    programme_id = _programme()
    position = dy.Int64(primary_key=True, min=1, description="Order of the lines")
    line = dy.String(description="Such as old rule, audit passes, new rule")
    learners = dy.Int64(description="Learners; what the new rule takes away is negative")


class CertificateReconciliation(dy.Schema):
    """Results of one run for which certificates due and delivered agree, or why they do not."""

    programme_id = _programme()
    course_id = _course()
    run = _run()
    reason = dy.String(primary_key=True, description="agree, or in words why not")
    learners = _learners("Learners")


class CertificateDifferences(dy.Schema):
    """One result for which certificates due and delivered do not agree."""

    programme_id = _programme()
    course_id = _course()
    run = _run()
    learner_id = dy.String(primary_key=True, description="The platform's user id")
    reason = dy.String(description="In words")


class ExportInventory(dy.Schema):
    """One kind of export of one run: when it was made, and what is missing."""

    programme_id = _programme()
    course_id = _course()
    run = _run("The run's whole key")
    run_name = dy.String(description="The key without its course, such as 1T2027")
    kind = dy.String(
        primary_key=True, check=lambda c: c.is_in(NEEDED_KINDS), description="profile or grades"
    )
    stamp = dy.Datetime(nullable=True, description="When edX made it, UTC; empty: there is none")
    age_days = dy.Int64(nullable=True, description="Days from then to as_of")
    listed = dy.Bool(description="Whether the settings list the run")
    needed = dy.Bool(description="Missing, or older than what it should show")
    sentence = dy.String(description="The same in words")
    as_of = dy.Date(description="The day of the refresh")
