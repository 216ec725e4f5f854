"""The fonts that charts are drawn with: the renderer's own, and the machine's where those lack a letter.

The machine's would win where they are named alike: a picture would depend on the machine, and the renderer
opens their files again for each text, which takes longer than all the drawing.
"""

import functools
import os
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import vl_convert

_OTHER = re.compile(r"[^\s!-~\u00a0-\u017f\u0391-\u03a1\u03a3-\u03ce\u0400-\u045f–—…‘’“”▲▼●−×≤≥€]")
"""Letters that the renderer's own font may lack."""
_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")
_WHERE = "FONTCONFIG_FILE"
_NOTHING = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'


def fonts_for(text: str) -> None:
    """Have the fonts at hand that a text needs, before anything is drawn with it.

    On Linux fonts are looked for where fontconfig says, once; elsewhere the renderer asks the system.
    """
    if sys.platform != "linux":
        return
    _own()
    if _OTHER.search(text):
        _of_the_machine()


@functools.cache
def _own() -> None:
    environ = os.environ  # noqa: TID251 - there is no other way to tell the renderer
    before = environ.get(_WHERE)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "fonts.conf"
        file.write_text(f"<fontconfig><dir>{folder}</dir></fontconfig>", encoding="utf-8")
        environ[_WHERE] = str(file)
        try:
            vl_convert.svg_to_png(_NOTHING)
        finally:
            del environ[_WHERE]
            if before is not None:  # browsers that this process starts need it
                environ[_WHERE] = before


@functools.cache
def _of_the_machine() -> None:
    for folder in _FOLDERS:
        if (path := Path(folder).expanduser()).is_dir():
            vl_convert.register_font_directory(str(path))
