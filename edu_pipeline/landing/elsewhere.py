"""Files beside the folders of the sources whose names say which source wrote them.

Not here: what lies in a source's own folder, which is that source's to say.
"""

from collections.abc import Iterable, Mapping

from edu_pipeline.landing.sources.edx.edx_names import parsed
from edu_pipeline.settings.landing import PROGRAMMES_FOLDER

_REPORT_OF_EDX = (
    f"By its name it is a report of edX: these lie in {PROGRAMMES_FOLDER}<programme>/, a folder for each "
    "programme. Move it there."
)


def lying_elsewhere(paths: Iterable[str]) -> Mapping[str, str]:
    """Path → where it belongs, for files that no school wrote although they lie among its exports."""
    return {
        path: _REPORT_OF_EDX
        for path in paths
        if not path.startswith(PROGRAMMES_FOLDER) and parsed(path)
    }
