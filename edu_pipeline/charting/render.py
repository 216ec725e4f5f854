"""Vega-Lite specifications to PNG files, on all cores, and to SVG for pages.

Knows nothing about what a chart shows. A worker process imports this module, so it stays small.
"""

import functools
import hashlib
import io
import itertools
import json
import multiprocessing
import os
import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import vl_convert
from PIL import Image

from edu_pipeline.charting.fonts import fonts_for

_T = TypeVar("_T")
SCALE = 2
MOST_COLOURS = 256
"""That a palette holds."""
EDGE_STEPS = 3
"""Colours between two that meet; more make larger pictures that look the same."""
NEAREST = 8
POOL_PAYS_FROM = 40
"""Charts below which starting processes takes longer than it saves."""
MOST_WORKERS = 8
AHEAD = 8
"""Charts per worker that wait to be drawn."""
_TINY = '{"mark": "point", "data": {"values": []}}'
_DRAW = ("render.py", "fonts.py")
_RENDERERS = ("vl-convert-python", "pillow")


def drawn_from(spec: dict[str, Any]) -> str:
    """Digest of all that decides how a chart looks: its specification, the renderer, and this code."""
    return hashlib.sha256(f"{_renderer()}{json.dumps(spec)}".encode()).hexdigest()


@functools.cache
def _renderer() -> str:
    code = (Path(__file__).with_name(name).read_text(encoding="utf-8") for name in _DRAW)
    return "\n".join((*(f"{name} {version(name)}" for name in _RENDERERS), *code))


def render_pngs(specs: Iterable[dict[str, Any]], *, alone: bool = False) -> Iterator[bytes]:
    """Draw charts at twice their size in CSS pixels, reduced to a palette.

    Args:
        specs: Complete Vega-Lite specifications with their data; taken as they are drawn.
        alone: All in this process, as few charts are anyway.

    Returns:
        One PNG per specification, in their order; the same bytes for the same specification.
    """
    return _on_all_cores(_png, specs, alone=alone)


def render_pictures(specs: Iterable[dict[str, Any]]) -> Iterator[tuple[str, bytes]]:
    """As `render_pngs`, with the SVG that each PNG is made of."""
    return _on_all_cores(_picture, specs, alone=False)


def _on_all_cores(
    draw: Callable[[str], _T], specs: Iterable[dict[str, Any]], *, alone: bool
) -> Iterator[_T]:
    jobs = (json.dumps(spec, ensure_ascii=False) for spec in specs)
    few = [*itertools.islice(jobs, POOL_PAYS_FROM)]
    if alone or _cores() == 1 or len(few) < POOL_PAYS_FROM:
        yield from map(draw, itertools.chain(few, jobs))
        return
    ahead: deque[Future[_T]] = deque()
    with _warm.pop() if _warm else _pool() as pool:
        for job in itertools.chain(few, jobs):
            ahead.append(pool.submit(draw, job))
            if len(ahead) > AHEAD * _cores():
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def warm() -> None:
    """Have the processes start that draw many charts, while something else is done."""
    if _cores() > 1 and not _warm:
        pool = _pool()
        for _ in range(_cores()):
            pool.submit(_png, _TINY)
        _warm.append(pool)


_warm: list[ProcessPoolExecutor] = []


def _cores() -> int:
    return min(os.cpu_count() or 1, MOST_WORKERS)


def _pool() -> ProcessPoolExecutor:
    # a forked child of a process that has drawn a chart waits for ever, so children start afresh
    return ProcessPoolExecutor(_cores(), mp_context=multiprocessing.get_context("spawn"))


def render_svg(spec: dict[str, Any]) -> str:
    """A chart as SVG, to stand in a page.

    Args:
        spec: A complete Vega-Lite specification with its data; colours may be variables of CSS.
    """
    fonts_for(json.dumps(spec, ensure_ascii=False))
    return str(vl_convert.vega_to_svg(_vega(spec), allowed_base_urls=[]))


class Kept:
    """SVGs for a page; one that stands in the page as it was written last is not drawn again."""

    def __init__(self, page: Path) -> None:
        written = page.read_text(encoding="utf-8") if page.exists() else ""
        self._there = dict(_DRAWN.findall(written))

    def __call__(self, spec: dict[str, Any]) -> str:
        """As `render_svg`; before the SVG stands what it was drawn from."""
        source = drawn_from(spec)
        return f"<!--{source}-->{self._there.get(source) or render_svg(spec)}"


_DRAWN = re.compile("<!--([0-9a-f]{64})-->(<svg.*?</svg>)", re.DOTALL)


def _png(spec: str) -> bytes:
    return _picture(spec)[1]


def _picture(spec: str) -> tuple[str, bytes]:
    fonts_for(spec)
    svg = str(vl_convert.vega_to_svg(_vega(json.loads(spec)), allowed_base_urls=[]))
    drawn = vl_convert.svg_to_png(svg, scale=SCALE)
    palette = _palette(frozenset(re.findall("#[0-9a-f]{6}", svg.lower())))
    with Image.open(io.BytesIO(drawn)) as image:
        small = image.convert("RGB").quantize(palette=palette, dither=Image.Dither.NONE)
    out = io.BytesIO()
    small.save(out, "PNG")
    return svg, out.getvalue()


def _vega(spec: dict[str, Any]) -> dict[str, Any]:
    """A specification for Vega: what charts of one kind share is compiled once.

    Titles, parameters and named data are put in afterwards; compiling does not look at them.
    """
    title, params, datasets = (spec.get(name) for name in ("title", "params", "datasets"))
    if isinstance(title, str) or not datasets:
        compiled: dict[str, Any] = vl_convert.vegalite_to_vega(spec)
        return compiled
    values = {each["name"]: each["value"] for each in params or ()}
    kind = {
        **spec,
        **({"title": dict.fromkeys(title, "-")} if title else {}),
        "params": [{**each, "value": 0} for each in params or ()],
        "datasets": {name: [] for name in datasets},
    }
    vega = _compiled(json.dumps(kind))
    return {
        **vega,
        **({"title": {**vega["title"], **title}} if title else {}),
        "signals": [
            {**each, "value": values[each["name"]]} if each["name"] in values else each
            for each in vega.get("signals", ())
        ],
        "data": [
            {**each, "values": datasets[each["name"]]} if each["name"] in datasets else each
            for each in vega["data"]
        ],
    }


@functools.cache
def _compiled(kind: str) -> dict[str, Any]:
    compiled: dict[str, Any] = vl_convert.vegalite_to_vega(kind)
    return compiled


@functools.cache
def _palette(colours: Collection[str]) -> Image.Image:
    """The colours of a picture, and what stands between any two of them at an edge.

    Finding the commonest colours of each picture takes nearly as long as drawing it.
    """
    flat = sorted({(255, 255, 255), *(_channels(colour) for colour in colours)})[:MOST_COLOURS]
    pairs = list(itertools.combinations(flat, 2))
    steps = min(EDGE_STEPS, (MOST_COLOURS - len(flat)) // max(1, len(pairs)))
    between = [
        tuple(round(a + (b - a) * step / (steps + 1)) for a, b in zip(*pair, strict=True))
        for pair in pairs
        for step in range(1, steps + 1)
    ]
    # Pillow takes colours as near as that for one another, and paper must stay white
    apart = [one for one in between if all(_distance(one, other) >= NEAREST for other in flat)]
    palette = Image.new("P", (1, 1))
    palette.putpalette([channel for colour in (*flat, *apart) for channel in colour])
    return palette


def _distance(one: Sequence[int], other: Sequence[int]) -> int:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))
