"""Files of the published formats that are known and not needed, such as OneRoster's manifest.

One is known by its name and its columns together: another file of that name is asked about. What holds
people, classes, marks or work is not here, even where a format names it otherwise.
"""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from edu_pipeline.landing.tables.headers import normal

ONEROSTER, CLEVER, SDS = "OneRoster", "Clever", "Microsoft School Data Sync"
COMPANIONS: Mapping[str, Sequence[tuple[str, frozenset[str]]]] = {
    name: [(standard, frozenset(columns.split())) for standard, columns in of]
    for name, of in {
        "assessmentlineitems": [(ONEROSTER, "sourcedid title")],
        "assessmentresults": [(ONEROSTER, "sourcedid assessmentlineitemsourcedid")],
        "categories": [(ONEROSTER, "sourcedid title")],
        "classresources": [(ONEROSTER, "sourcedid classsourcedid resourcesourcedid")],
        "courseresources": [(ONEROSTER, "sourcedid coursesourcedid resourcesourcedid")],
        "courses": [(ONEROSTER, "sourcedid title"), (CLEVER, "courseid")],
        "demographics": [(ONEROSTER, "sourcedid birthdate"), (ONEROSTER, "sourcedid sex")],
        "manifest": [(ONEROSTER, "propertyname value")],
        "orgs": [(ONEROSTER, "sourcedid name type")],
        "relationships": [(SDS, "usersourcedid relationshipusersourcedid")],
        "resources": [(ONEROSTER, "sourcedid vendorresourceid"), (CLEVER, "resourceid")],
        # who is a student stands in enrollments, too, and who has neither counts nowhere
        "roles": [(ONEROSTER, "usersourcedid roletype role orgsourcedid")],
        "schools": [(CLEVER, "schoolid schoolname"), (ONEROSTER, "sourcedid name")],
        "school": [(SDS, "sisid name")],
        "scorescales": [(ONEROSTER, "sourcedid title type")],
        "terms": [(CLEVER, "termname"), (ONEROSTER, "sourcedid title startdate enddate")],
        "userprofiles": [(ONEROSTER, "sourcedid usersourcedid profiletype")],
        "userresources": [(ONEROSTER, "sourcedid usersourcedid resourcesourcedid")],
        "userflags": [(SDS, "usersourcedid flag")],
    }.items()
}
"""Name without case and punctuation → the standards that have such a file, and columns it has."""


def companion_of(series: str, header: Sequence[str]) -> str | None:
    """The standard that a file belongs to and in which nobody needs it; None where it is not known.

    Args:
        series: Its path without stamp and ending.
        header: Its columns.
    """
    columns = {normal(name) for name in header}
    name = normal(PurePosixPath(series).name)
    return next(
        (standard for standard, needed in COMPANIONS.get(name, ()) if needed <= columns), None
    )
