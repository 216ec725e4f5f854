"""Vega-Lite specifications to PNG files, on all cores, and to SVG for pages.

Knows nothing about what a chart shows. A worker process imports this module, so it stays small.
"""

import io
import json
import multiprocessing
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import vl_convert
from PIL import Image

SCALE = 2
COLOURS = 64
"""Fewer, and pale areas turn grey."""
POOL_PAYS_FROM = 20
"""Charts per worker below which starting processes takes longer than it saves."""
_CHUNK = 8


def render_pngs(
    specs: Sequence[dict[str, Any]],
    *,
    workers: int | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> list[bytes]:
    """Draw charts at twice their size in CSS pixels, reduced to a palette.

    Args:
        specs: Complete Vega-Lite specifications with their data.
        workers: Processes at most; by default one per core. Few charts are drawn in this process.
        on_progress: Called with the number of charts done so far.

    Returns:
        One PNG per specification, in their order; the same bytes for the same specification.
    """
    jobs = [json.dumps(spec) for spec in specs]
    processes = min(workers or os.cpu_count() or 1, len(jobs) // POOL_PAYS_FROM)
    if processes <= 1:
        return _collect(map(_png, jobs), on_progress)
    # a forked child of a process that has drawn a chart waits for ever, so children start afresh
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        return _collect(pool.map(_png, jobs, chunksize=_CHUNK), on_progress)


def render_svg(spec: dict[str, Any]) -> str:
    """A chart as SVG, to stand in a page.

    Args:
        spec: A complete Vega-Lite specification with its data; colours may be variables of CSS.
    """
    return str(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))


def _collect(pngs: Iterable[bytes], on_progress: Callable[[int], None] | None) -> list[bytes]:
    done: list[bytes] = []
    for png in pngs:
        done.append(png)
        if on_progress:
            on_progress(len(done))
    return done


def _png(spec: str) -> bytes:
    drawn = vl_convert.vegalite_to_png(spec, scale=SCALE, allowed_base_urls=[])
    with Image.open(io.BytesIO(drawn)) as image:
        # of the methods the fastest that keeps white paper white
        small = image.convert("RGB").quantize(
            COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
        )
    out = io.BytesIO()
    small.save(out, "PNG")
    return out.getvalue()
