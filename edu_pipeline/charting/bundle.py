"""The scripts that draw Vega-Lite charts in a browser, as one file that pages share."""

import functools
from importlib.metadata import version

import vl_convert

BUNDLE = "vega-bundle.js"


@functools.cache
def vega_bundle() -> str:
    """`vegaEmbed` for a page, 0.9 MB; making it takes a second or two.

    The first line says which renderer it was made by, so that a file that is there already can be
    kept: see `first_line`.
    """
    # within a script element, this ends it, also in a string
    made = str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")).replace(
        "</script", "<\\/script"
    )
    return f"{first_line()}\n{made}"


def first_line() -> str:
    """What the bundle of the installed renderer begins with."""
    return f"/* made by vl-convert {version('vl-convert-python')} */"
