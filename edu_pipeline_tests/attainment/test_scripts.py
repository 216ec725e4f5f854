"""The modules of a page become one script, as the modules would have run."""

from pathlib import Path

import pytest

from edu_pipeline.attainment.scripts import joined
from edu_pipeline.ground.shipped import shipped
from edu_pipeline.ground.templates import TemplateError, environment

WORDS = "const twice = (text) => text + text;\nexport const loud = (text) => `${twice(text)}!`;\n"
MENU = 'import { loud } from "./words.js";\n\nexport function menu() {\n  return loud("a");\n}\n'
APP = """import { menu } from "./menu.js";
import { loud } from "./words.js";

const twice = 2;
say(menu(), loud("b"), twice);
"""


def modules(tmp_path: Path, **texts: str) -> str:
    folder = tmp_path / "site" / "attainment"
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / f"{name}.js").write_text(text, encoding="utf-8")
    return joined(environment([tmp_path, shipped("templates")]))


def test_a_module_is_above_those_that_use_it_and_stands_there_once(tmp_path: Path) -> None:
    # `twice` is another thing in two of them
    assert modules(tmp_path, words=WORDS, menu=MENU, app=APP) == (
        '"use strict";\n(() => {\n'
        f"const module_words = (() => {{\n{WORDS.replace('export ', '')}\nreturn {{ loud }};\n}})();\n"
        "const module_menu = (() => {\nconst { loud } = module_words;\n\n"
        'function menu() {\n  return loud("a");\n}\n\nreturn { menu };\n})();\n'
        "const module_app = (() => {\nconst { menu } = module_menu;\nconst { loud } = module_words;\n"
        '\nconst twice = 2;\nsay(menu(), loud("b"), twice);\n\nreturn {  };\n})();\n'
        "})();\n"
    )


def test_a_home_may_have_one_module_of_its_own(tmp_path: Path) -> None:
    script = modules(tmp_path, words="// our own words\nexport const plain = String;\n")
    assert "// our own words" in script
    assert "module_app" in script


def test_what_cannot_be_joined_is_said_and_not_left_to_the_browser(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="in a circle: app → menu → app"):
        modules(tmp_path / "circle", app=APP, menu='import { x } from "./app.js";\n')
    with pytest.raises(TemplateError, match=r"menu.js cannot be joined .*export default"):
        modules(tmp_path / "default", app=APP, menu="export default 3;\n")
