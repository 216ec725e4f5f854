import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from edu_pipeline.charting import render
from edu_pipeline.charting.render import POOL_PAYS_FROM, drawn_from, render_pngs


def square(colour: str) -> dict[str, Any]:
    return {
        "data": {"values": [{"x": 1}]},
        "mark": {"type": "circle", "color": colour, "size": 400, "opacity": 1},
        "encoding": {"x": {"value": 20}, "y": {"value": 10}},
        "width": 40,
        "height": 20,
        "padding": 5,
        "autosize": "none",
        "config": {"background": "#ffffff", "view": {"stroke": None}},
    }


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))


def test_a_chart_is_drawn_at_twice_its_size_with_a_palette_on_white() -> None:
    image = opened(next(render_pngs([square("#0072B2")])))

    assert image.size == (100, 60)
    assert image.mode == "P"
    assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert image.convert("RGB").getpixel((50, 30)) == (0, 0x72, 0xB2)


def test_charts_of_one_kind_keep_their_own_titles_parameters_and_data() -> None:
    def bars(title: str, most: int, values: list[int], *, named: bool) -> dict[str, Any]:
        rows = [{"x": n, "y": value} for n, value in enumerate(values)]
        return {
            "data": {"name": "rows"} if named else {"values": rows},
            **({"datasets": {"rows": rows}} if named else {}),
            "title": {"text": title, "subtitle": f"up to {most}"},
            "params": [{"name": "most", "value": most}],
            "mark": "bar",
            "encoding": {
                "x": {"field": "x", "type": "ordinal"},
                "y": {
                    "field": "y",
                    "type": "quantitative",
                    "scale": {"domainMax": {"expr": "most"}},
                },
            },
            "config": {"background": "#ffffff"},
        }

    kinds = [("Mondays", 10, [1, 2, 3]), ("Tuesdays", 40, [30, 20])]
    together = [*render_pngs([bars(*kind, named=True) for kind in kinds])]

    assert together == [*render_pngs([bars(*kind, named=False) for kind in kinds])]
    assert together[0] != together[1]


def test_worker_processes_draw_the_same_bytes_in_the_same_order() -> None:
    specs = [square(f"#{n:02x}4080") for n in range(POOL_PAYS_FROM)]

    alone = [*render_pngs(specs, alone=True)]
    together = [*render_pngs(specs)]

    assert together == alone
    assert len(set(together)) == len(specs)


def test_no_charts_are_no_work() -> None:
    assert [*render_pngs([])] == []


def test_a_picture_depends_on_no_font_of_the_machine_unless_its_own_font_lacks_a_letter() -> None:
    script = """
import hashlib, os, sys
from edu_pipeline.charting import render
from edu_pipeline.charting.render import render_pngs
words = sys.argv[1:]
def text(word):
    return {"data": {"values": [{}]}, "mark": {"type": "text", "text": word, "fontSize": 20,
            "font": "Liberation Sans"}, "width": 200, "height": 40,
            "config": {"background": "#ffffff"}}
for word in words:
    print(hashlib.sha256(next(render_pngs([text(word)]))).hexdigest())
print(os.environ.get("FONTCONFIG_FILE"))
"""

    def drawn(*words: str, fonts: str) -> list[str]:
        made = subprocess.run(
            [sys.executable, "-c", script, *words],
            env={**os.environ, "FONTCONFIG_FILE": fonts},
            capture_output=True,
            text=True,
            check=True,
        )
        return made.stdout.split()

    plain, _, again, environment = drawn(
        "Zoë ▲ Ωж", "हि", "Zoë ▲ Ωж", fonts="/etc/fonts/fonts.conf"
    )

    assert plain == again
    assert drawn("Zoë ▲ Ωж", fonts="/nowhere")[0] == plain
    assert environment == "/etc/fonts/fonts.conf"


def test_a_picture_counts_as_made_from_something_else_where_chart_renderer_or_code_is_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def made_from(spec: dict[str, Any]) -> str:
        render._renderer.cache_clear()
        return drawn_from(spec)

    before = made_from(square("#0072B2"))
    assert made_from(square("#0072B2")) == before != made_from(square("#0072B3"))

    monkeypatch.setattr(render, "version", lambda name: f"{name} of tomorrow")
    assert made_from(square("#0072B2")) != before
    monkeypatch.undo()

    for name in ("render.py", "fonts.py"):
        code = Path(render.__file__).with_name(name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(code, encoding="utf-8")
    monkeypatch.setattr(render, "__file__", str(tmp_path / "render.py"))
    assert made_from(square("#0072B2")) == before
    (tmp_path / "fonts.py").write_text("# changed", encoding="utf-8")
    assert made_from(square("#0072B2")) != before
    monkeypatch.undo()
    render._renderer.cache_clear()
