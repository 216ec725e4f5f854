"""What the landing zone holds, what went wrong with it, and whether mail may rest on it."""

import dataframely as dy

SOURCES = ("school", "edx", "results")
HELD = ("letters", "nudges", "page")
FATES = ("counted", "same", "superseded", "rejected", "outside", "not_read")
"""What became of a received row; see `LandingFates`."""


class LandingReport(dy.Schema):
    """How a school's exports were understood, line by line, in the order in which it is told."""

    title = dy.String(description="The export")
    label = dy.String(description="What the line is about: a file, a column, dates, words")
    text = dy.String(description="What was seen, and on what evidence")
    wrong = dy.Bool(description="Whether somebody should look at it")


class LandingFiles(dy.Schema):
    """One file of the landing zone.

    What is told of a school's only, is told of the others by `edx_exports` and `attainment_files`.
    """

    path = dy.String(primary_key=True, description="Path below the landing zone's root")
    source = dy.String(
        nullable=True,
        check=lambda c: c.is_in((*SOURCES, "mail")),
        description="school, edx, results or mail; empty: it is taken for nothing",
    )
    table = dy.String(
        primary_key=True, description="The export it is taken for; nothing where it is for none"
    )
    version = dy.Datetime(
        nullable=True,
        description="Stamp in the file's name, else when it last changed, UTC; of a school's",
    )
    landed_at = dy.Datetime(description="When the file last changed, UTC")
    stamped = dy.Bool(
        nullable=True, description="Whether the version comes from the file's name; of a school's"
    )
    series = dy.String(
        nullable=True,
        description=(
            "The path without its stamp: its files are versions of one another; of a school's"
        ),
    )
    size = dy.Int64(description="Bytes")
    sha256 = dy.String(
        nullable=True,
        description=(
            "Digest of the content; what the landing fingerprint is made of; of a school's"
        ),
    )
    current = dy.Bool(
        nullable=True, description="False for a snapshot that a newer one replaces; of a school's"
    )
    header = dy.List(
        dy.String(), nullable=True, description="Column names, made unique; of a school's"
    )
    encoding = dy.String(
        nullable=True,
        description="Encoding that it was read with; of a workbook utf-8; of a school's",
    )
    sheet = dy.String(nullable=True, description="Sheet that was read; empty: no workbook")
    dialect = dy.String(
        nullable=True,
        description=(
            "How cells are written: standard, backslashes (before quotation marks in them), or days "
            "since 1904 (a workbook); of a school's"
        ),
    )
    delimiter = dy.String(nullable=True, description="The character between cells; of a school's")
    lines = dy.Int64(
        nullable=True, description="Physical lines, without blank ones at the end; of a school's"
    )
    header_lines = dy.Int64(
        nullable=True, description="Of these, down to the header's last; of a school's"
    )
    preamble = dy.Int64(nullable=True, description="Of these, above the header; of a school's")
    error = dy.String(nullable=True, description="Why it cannot be read; of a school's")
    format = dy.String(
        nullable=True, description="The published format that it is a file of, such as OneRoster"
    )
    part = dy.String(
        nullable=True,
        description=(
            "How it is read where it differs from other files of its export, as its format or "
            "`[landing.<table>.parts]` says; JSON"
        ),
    )
    refresh = dy.String(description="The run that listed it: tables of one refresh fit together")
    listed_at = dy.Datetime(nullable=True, description="When that run did, UTC")


class RejectedRows(dy.Schema):
    """A received row that did not make it to staging. Kept, so that nothing is lost in silence."""

    source = dy.String(check=lambda c: c.is_in(SOURCES), description="school, edx or results")
    table = dy.String(description="The export, such as attendance")
    file = dy.String(description="Path below the landing zone's root")
    line = dy.Int64(description="Line where the row starts")
    heading = dy.String(
        description="Header of its cell, in a file with a column per day or assignment; else empty"
    )
    rule = dy.String(description="The rule that it broke")
    value = dy.String(nullable=True, description="The text that broke it")
    row = dy.String(description="The row as received, as JSON")


class LandingProblems(dy.Schema):
    """Something about the exports of any source that a person must look at, with what to do.

    One row per problem and class concerned; `class_id` is empty where all classes are. `nudge_problems`
    has the same columns, of what is found later: an audience that moved.
    """

    id = dy.String(description="What a release names; a problem that changes gets another")
    source = dy.String(check=lambda c: c.is_in(SOURCES), description="school, edx or results")
    part = dy.String(
        nullable=True, description="The programme or cohort concerned; empty: all of the source"
    )
    holds = dy.String(
        nullable=True,
        check=lambda c: c.is_in(HELD),
        description=(
            "What waits until it is solved or released: letters, nudges or page; empty: nothing"
        ),
    )
    table = dy.String(description="The export, or the kind of file")
    kind = dy.String(description="Such as unmapped_code, missing_column, unreadable_file")
    subject = dy.String(description="The code, column or file")
    rows = dy.Int64(description="How many rows are concerned")
    first_date = dy.Date(nullable=True, description="First school day concerned; empty: all")
    last_date = dy.Date(nullable=True, description="Last school day concerned; empty: all")
    class_id = dy.String(nullable=True, description="A class concerned; empty: every class")
    message = dy.String(description="What is wrong and what to do, ready to paste")
    since = dy.Datetime(
        nullable=True,
        description="When a refresh found it first, or again after one that did not, UTC",
    )


class LandingChanges(dy.Schema):
    """One series of files of one export, against what was accepted of it last.

    Rows are compared by their natural key, as received. A series that never came before has
    nothing to compare with; it is held only where all exports are so although letters went out.
    """

    table = dy.String(primary_key=True, description="The export")
    series = dy.String(primary_key=True, description="The files' path without its stamp")
    rows = dy.Int64(min=0, description="Rows now")
    rows_before = dy.Int64(nullable=True, min=0, description="Rows accepted last")
    rows_most = dy.Int64(
        nullable=True,
        min=0,
        description="The most rows ever accepted, less those now in another series",
    )
    version_before = dy.Datetime(nullable=True, description="Version of the export accepted last")
    added = dy.Int64(min=0, description="Rows whose key is new")
    changed = dy.Int64(min=0, description="Rows whose key is known and whose content is not")
    gone = dy.Int64(min=0, description="Rows accepted last whose key is nowhere any more")
    weeks_lost = dy.List(
        dy.Date(), description="Mondays of the weeks of which more than half of the rows are gone"
    )
    last_date = dy.Date(nullable=True, description="Latest date of its rows; empty: none have one")
    share = dy.Float64(
        nullable=True, min=0, description="The larger of changed and gone ÷ rows_before"
    )
    held = dy.Bool(description="Whether so much changed that a person must look")
    digest = dy.String(description="Of which rows changed and went: other rows, another digest")


class MailGate(dy.Schema):
    """Whether a week's letters may go out: the fact that sending reads and obeys."""

    week_start = dy.Date(description="Monday of the week")
    class_id = dy.String(nullable=True, description="A class that is held; empty: the whole week")
    open = dy.Bool(description="True: may be mailed")
    reason = dy.String(nullable=True, description="Why not, with what to do")
    refresh = dy.String(description="The refresh that recorded it, as in landing_files")


class LandingFates(dy.Schema):
    """What became of the rows received: of every file, the fates add up to its rows.

    `counted`: it has an effect on figures. `same`: another row says the same. `superseded`: a later
    row or file replaces it. `rejected`: it is in `rejected_rows`. `outside`: it is right and counts
    nowhere, such as a mark on a closed day. `not_read`: it is sent elsewhere by the settings, or about
    the other rows, such as a total.
    """

    source = dy.String(primary_key=True, check=lambda c: c.is_in(SOURCES), description="Source")
    table = dy.String(primary_key=True, description="The export, or the kind of file")
    file = dy.String(primary_key=True, description="Path below the landing zone's root")
    fate = dy.String(
        primary_key=True, check=lambda c: c.is_in(FATES), description="What became of them"
    )
    rule = dy.String(primary_key=True, description="Why; nothing where they are counted")
    rows = dy.Int64(min=1, description="How many")
