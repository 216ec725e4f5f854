"""Programmes as edX's exports have them: files, learners, what they have in each run."""

import dataframely as dy
import polars as pl

KINDS = ("profile", "grades", "grade_errors")
LISTS = ("opt_ins", "programme_certificates", "course_certificates", "course_enrolments")
DOWNLOADABLE, UNVERIFIED = "downloadable", "unverified"
TAKEN_BACK = ("deleted", "deleting", "invalidated")
STATUSES = (
    *(DOWNLOADABLE, UNVERIFIED, *TAKEN_BACK),
    *(
        "notpassing",
        "audit_passing",
        "audit_notpassing",
        "honor_passing",
        "auditing",
        "unavailable",
    ),
    *("generating", "regenerating", "requesting", "restricted", "error"),
)
"""Of certificates in edX's own table. `unavailable` may be one that was invalidated, or never was."""
RETIRED = "@retired.invalid"
"""What edX puts in the place of the address of an account that was deleted."""
FINAL = pl.coalesce("certificates_available", "ends")
"""Of a run the day from which exports show who has a certificate; empty: nobody said."""


def outdated(by: pl.Expr) -> pl.Expr:
    """Whether an export, of `stamp`, is from before its run's certificates, once there are some.

    Args:
        by: The day by which there are.
    """
    return ((by >= FINAL) & (pl.col("stamp").dt.date() < FINAL)).fill_null(value=False)


class EdxExports(dy.Schema):
    """One export of edX that lies in a programme's folder of the landing zone."""

    path = dy.String(primary_key=True, description="Path below the landing zone's root")
    programme_id = dy.String(description="The programme whose folder it is in")
    course_id = dy.String(nullable=True, description="The course; empty: no course claims it")
    run = dy.String(description="The run's whole key, such as UQx_BUSLEAD1x_1T2027")
    kind = dy.String(
        check=lambda c: c.is_in(KINDS),
        description=(
            "profile (student_profile_info), grades (grade_report) or grade_errors "
            "(grade_report_err)"
        ),
    )
    stamp = dy.Datetime(description="When edX made it, from the file's name, UTC")
    size = dy.Int64(description="Bytes")
    current = dy.Bool(
        description=(
            "Whether it counts: the newest of its run and kind that can be read and has not lost "
            "what the one before had, errors only if no grade report is newer"
        )
    )
    rows = dy.Int64(nullable=True, min=0, description="Rows of learners; empty: it was not read")
    sha256 = dy.String(nullable=True, description="Digest of the content; empty: it was not read")
    error = dy.String(nullable=True, description="Why it cannot be read")
    doubt = dy.String(
        nullable=True,
        description="What a newest report lost of the one before, until it is released",
    )


class Learners(dy.Schema):
    """One learner of any programme, as the newest exports know them.

    Every column has what the newest export says that has anything to say; of exports of one minute
    the profile counts before the grade report.
    """

    learner_id = dy.String(
        primary_key=True,
        description="edX's user id; `u:` and the username where no export has an id",
    )
    username = dy.String(nullable=True, description="Username")
    email = dy.String(nullable=True, description="E-mail address as received")
    name = dy.String(nullable=True, description="Full name as received")
    country = dy.String(nullable=True, description="Country, as a code of two letters")
    language = dy.String(nullable=True, description="Language that the profile names, as received")
    stamp = dy.Datetime(description="Of the newest export that has the learner, UTC")


class FormerAddresses(dy.Schema):
    """An address that an export which counts has of a learner, and that is not their newest one.

    So that who unsubscribed under it, or was told something there, is known again.
    """

    learner_id = dy.String(primary_key=True, description="edX's user id")
    address = dy.String(primary_key=True, description="In small letters")


class People(dy.Schema):
    """The accounts of people who have several, by an address in common and a word of their names."""

    learner_id = dy.String(primary_key=True, description="One account")
    person_id = dy.String(description="The account of theirs with the lowest id")


class RunResults(dy.Schema):
    """A learner in a run, by the newest grade report, error file and profile export of the run.

    Learners whom only the grade report has are here, and those whom only the profile has: they have
    no grade. The track is the grade report's, else the profile's. Who had a certificate or a pass on a
    paid track by an older report, and is in the newest no more, is here without either (`missing`).
    """

    programme_id = dy.String(primary_key=True, description="The programme")
    course_id = dy.String(description="The course")
    run = dy.String(primary_key=True, description="The run's whole key")
    learner_id = dy.String(primary_key=True, description="The learner")
    grade = dy.Float64(nullable=True, min=0, max=1, description="Grade; empty: none")
    track = dy.String(nullable=True, description="Enrolment track, such as audit or verified")
    paid = dy.Bool(
        nullable=True,
        description="Whether the track's certificates count (`paid_tracks`); empty: not known",
    )
    verification = dy.String(
        nullable=True, description="N/A, ID Verified or Not ID Verified, or what a profile says"
    )
    certificate_eligible = dy.Bool(
        nullable=True,
        description="As edX says: of old reports any pass, of newer ones a pass on a paid track",
    )
    certificate_delivered = dy.Bool(nullable=True, description="Whether a certificate exists")
    certificate_type = dy.String(nullable=True, description="Its track, or N/A")
    certificate_paid = dy.Bool(nullable=True, description="The same of that track as paid")
    enrolled = dy.Bool(
        nullable=True,
        description=(
            "Whether they are still in the run; reports without that column, and profiles, list "
            "nobody else"
        ),
    )
    stamp = dy.Datetime(description="Of the export that the row is from, UTC")
    has_error = dy.Bool(
        description="edX could not grade them: no grade then, and that is not a fail"
    )
    missing = dy.Bool(
        description=(
            "An older grade report has them with a certificate or a pass on a paid track, and the one "
            "that counts has no row of theirs"
        )
    )
    file = dy.String(
        nullable=True,
        description="File of the row that counts, below the landing zone's root; empty: in none",
    )
    line = dy.Int64(nullable=True, description="Line where that row starts")


class Tracks(dy.Schema):
    """Whether a certificate of an enrolment track counts, by the settings of each programme."""

    programme_id = dy.String(primary_key=True, description="The programme")
    track = dy.String(primary_key=True, description="Enrolment track, in small letters")
    paid = dy.Bool(description="One of `paid_tracks`; else one of `free_tracks`")


class ReportVersions(dy.Schema):
    """A grade report that was read for what it said at the time, be it still in the folder or not."""

    path = dy.String(primary_key=True, description="Path below the landing zone's root")
    programme_id = dy.String(description="The programme")
    run = dy.String(description="The run's whole key")
    stamp = dy.Datetime(description="When edX made it, UTC")
    size = dy.Int64(description="Bytes; another size is another report")
    learners = dy.Int64(min=0, description="Learners in it")
    doubt = dy.String(
        nullable=True,
        description="What it lost of the one before, where it does therefore not count; empty: nothing",
    )


class ReportHistory(dy.Schema):
    """What a grade report said of a learner, where that was another thing than the one before said.

    The first report that has the learner, and each that changed something; `there` is false where
    a report has the learner no more.
    """

    programme_id = dy.String(primary_key=True, description="The programme")
    run = dy.String(primary_key=True, description="The run's whole key")
    learner_id = dy.String(primary_key=True, description="The learner")
    stamp = dy.Datetime(primary_key=True, description="When edX made the report, UTC")
    there = dy.Bool(description="Whether it has the learner")
    grade = dy.Float64(nullable=True, description="As in `stg_run_results`, like the others")
    track = dy.String(nullable=True, description="Enrolment track")
    verification = dy.String(nullable=True, description="Verification")
    certificate_eligible = dy.Bool(nullable=True, description="Whether edX says so")
    certificate_delivered = dy.Bool(nullable=True, description="Whether a certificate exists")
    certificate_type = dy.String(nullable=True, description="Its track, or N/A")
    enrolled = dy.Bool(nullable=True, description="Whether they are still in the run")


class EdxLists(dy.Schema):
    """A list of e-mail preferences or of programme certificates, for each programme that it counts for."""

    programme_id = dy.String(primary_key=True, description="The programme")
    path = dy.String(primary_key=True, description="Path below the landing zone's root")
    kind = dy.String(
        check=lambda c: c.is_in(LISTS),
        description=(
            "opt_ins (who wants e-mail), programme_certificates (what edX issued); of edX's data "
            "packages course_certificates and course_enrolments"
        ),
    )
    version = dy.Datetime(description="Stamp in the file's name, else when it last changed, UTC")
    rows = dy.Int64(nullable=True, min=0, description="Its rows; empty: it cannot be read")
    sha256 = dy.String(description="Digest of the content")
    error = dy.String(nullable=True, description="Why it cannot be read")


class OptIns(dy.Schema):
    """Whether a learner wants e-mail, by what they said last in any opt-in list of the programme.

    Of learners whom a list does not mention there is no row, and no row of people who are no
    learners of ours. One row per programme and learner, or address.
    """

    programme_id = dy.String(description="The programme")
    learner_id = dy.String(
        nullable=True, description="The learner; empty: an old list has only an address of several"
    )
    email = dy.String(
        nullable=True, description="That address, in lower case; empty where the learner is known"
    )
    opted_in = dy.Bool(description="False: no e-mail, or what they said cannot be read")
    set_at = dy.Datetime(description="When they said so, UTC; else when the list was made")
    file = dy.String(description="The list, below the landing zone's root")
    line = dy.Int64(description="Line where its row starts")


class ProgrammeCertificates(dy.Schema):
    """What the newest list of programme certificates that mentions a learner says of them."""

    programme_id = dy.String(primary_key=True, description="The programme")
    learner_id = dy.String(
        primary_key=True, description="The learner, also one whom no export of a run has"
    )
    issued = dy.Bool(description="Whether edX issued a certificate of the programme")
    issued_on = dy.Date(nullable=True, description="The day; empty: none, or it cannot be read")
    listed_on = dy.Date(description="The day of the list, UTC")
    file = dy.String(description="The list, below the landing zone's root")
    line = dy.Int64(description="Line where the learner's first row starts")


class DataPackages(dy.Schema):
    """A learner in a run by edX's own tables: what it issued, and whether they are enrolled."""

    programme_id = dy.String(primary_key=True, description="The programme")
    course_id = dy.String(description="The course")
    run = dy.String(primary_key=True, description="The run's whole key")
    learner_id = dy.String(primary_key=True, description="edX's user id")
    track = dy.String(nullable=True, description="Of the enrolment, in small letters")
    enrolled = dy.Bool(nullable=True, description="Whether it is active; empty: not in that table")
    status = dy.String(
        nullable=True,
        check=lambda c: c.is_in(STATUSES),
        description="Of the certificate; empty: not in that table",
    )
    certificate_track = dy.String(nullable=True, description="Of the certificate")
    certificate_paid = dy.Bool(nullable=True, description="Whether such certificates count")
    grade = dy.Float64(nullable=True, min=0, max=1, description="When the certificate was decided")
    issued_on = dy.Date(
        nullable=True, description="The day on which the certificate's row was made"
    )
    issued_listed_at = dy.Datetime(
        nullable=True,
        description="Of the table of certificates, by its name, else its last change, UTC",
    )
    listed_at = dy.Datetime(description="The same of the newer of the two")
    file = dy.String(description="The table, below the landing zone's root")
    line = dy.Int64(description="Line where the row starts")


class CourseRuns(dy.Schema):
    """A run of a course: listed in `pipeline.toml`, or found in the exports."""

    programme_id = dy.String(primary_key=True, description="The programme")
    course_id = dy.String(description="The course")
    position = dy.Int64(min=1, description="Place of the course in its programme's sequence")
    run_position = dy.Int64(
        nullable=True, min=1, description="Place among the listed runs of its programme"
    )
    run = dy.String(primary_key=True, description="The run's whole key")
    pass_mark = dy.Float64(min=0, max=1, description="Grade from which the course is passed")
    starts = dy.Date(nullable=True, description="First day")
    ends = dy.Date(nullable=True, description="Last day")
    upgrade_deadline = dy.Date(nullable=True, description="Last day to upgrade from audit")
    certificates_available = dy.Date(nullable=True, description="Day from which there are any")
    verification_deadline = dy.Date(nullable=True, description="Last day to verify one's identity")
    enrolment_closes = dy.Date(nullable=True, description="Last day to join")
    self_paced = dy.Bool(description="Whether learners can begin at any time")
    listed = dy.Bool(description="Whether pipeline.toml lists it")
    unknown = dy.Bool(
        description="Whether it is listed and no export knows it, though it has begun or another run is "
        "called like it: nobody is invited to it"
    )
