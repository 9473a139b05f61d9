"""Rules that stored notebooks obey, checked without a kernel.

nbval runs the notebooks, but it passes pictures that are garbage, cells that never ran and states
that no reader can open. Each rule here takes a `Notebook` and yields one sentence per offence.
"""

from __future__ import annotations

import ast
import base64
import binascii
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
from PIL import Image

from resample_viz.exercises.checking import judges

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
MAX_BYTES = 1_000_000
MAX_CELLS = 44
MAX_LINES = 20  # an operation written from scratch
RAISES = {"raises-exception", "nbval-raises-exception"}
SECTIONS = ("Predict", "Play", "Explain", "Pitfalls", "Exercises", "In short")
SHORT_SECTIONS = ("Play", "Exercises", "In short")  # of lesson 00
KERNEL_FREE_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
HISTORY = re.compile(r"In|Out|exit|quit|_+|_\d+|_i+|_i\d+|_[iod]h")
BANNED_CALLS = {
    "interact": "nbval does not emulate interact",
    "interactive": "nbval does not emulate interactive",
    "interactive_output": "nbval does not emulate interactive_output",
    "interact_manual": "nbval does not emulate interact_manual",
    "Output": "nbval does not emulate the Output widget",
    "clear_output": "nbval cannot follow clear_output",
    "update_display": "nbval cannot follow display updates",
}
YES = re.compile(r"(?<![=\w])(True|False)\b")
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)")  # also the link around a picture
LINK_TARGET = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)", re.MULTILINE)
HTML_LINK = re.compile(r"""(?:href|src)\s*=\s*["']([^"']+)["']""")


@dataclass(frozen=True)
class Notebook:
    """A notebook as it is stored."""

    path: Path
    raw: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Notebook:
        """Reads without converting: what is wrong in the file must stay wrong here."""
        return cls(path, nbformat.reader.reads(path.read_text(encoding="utf-8")))

    @property
    def lesson(self) -> str:
        """ "01" for 01-upsampling.ipynb."""
        return self.path.name[:2]

    @property
    def cells(self) -> list[dict[str, Any]]:
        """All cells."""
        return self.raw["cells"]

    @property
    def code(self) -> list[tuple[str, dict[str, Any]]]:
        """The code cells, each with a name for messages."""
        return [
            (f"cell {place} ({cell.get('id', '?')})", cell)
            for place, cell in enumerate(self.cells)
            if cell["cell_type"] == "code"
        ]

    @cached_property
    def markdown(self) -> str:
        """All text, without the code in it."""
        text = "\n\n".join(source(c) for c in self.cells if c["cell_type"] == "markdown")
        text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
        return re.sub(r"`[^`\n]*`", "", text)


Rule = Callable[[Notebook], Iterator[str]]
RULES: list[Rule] = []


def rule(function: Rule) -> Rule:
    """Registers a rule."""
    RULES.append(function)
    return function


def source(cell: dict[str, Any]) -> str:
    """The text of a cell, which may be stored as a list of lines."""
    return _joined(cell["source"])


def offences(notebook: Notebook) -> list[str]:
    """Everything that is wrong, as "rule: sentence"."""
    return [f"{check.__name__}: {problem}" for check in RULES for problem in check(notebook)]


def solutions(notebook: Notebook) -> dict[str, str]:
    """The code in the folded solutions, by exercise number."""
    found = {}
    for cell in notebook.cells:
        for number, body in re.findall(
            r"<details><summary>Solution of (\d\d\.\d)</summary>(.*?)</details>",
            source(cell),
            flags=re.DOTALL,
        ):
            found[number] = "\n".join(re.findall(r"```python\n(.*?)```", body, flags=re.DOTALL))
    return found


def exercise_cells(notebook: Notebook) -> dict[str, dict[str, Any]]:
    """The cells that call check, by exercise number."""
    found = {}
    for _, cell in notebook.code:
        for number in re.findall(r"\bcheck\(\s*[\"'](\d\d\.\d)[\"']", source(cell)):
            found[number] = cell
    return found


# ---------------------------------------------------------------- the file


@rule
def is_valid(notebook: Notebook) -> Iterator[str]:
    """The file follows the notebook format, with an id for every cell."""
    if (notebook.raw["nbformat"], notebook.raw["nbformat_minor"]) != (4, 5):
        yield "the format must be 4.5, which gives every cell an id"
        return
    ids = [cell.get("id") for cell in notebook.cells]
    if len(set(ids)) < len(ids):
        yield "two cells have the same id"
        return  # validate would give one of them another id
    try:
        nbformat.validate(nbformat.from_dict(notebook.raw))
    except nbformat.ValidationError as error:
        yield str(error).splitlines()[0]


@rule
def is_small(notebook: Notebook) -> Iterator[str]:
    """Under 1 MB."""
    size = notebook.path.stat().st_size
    if size >= MAX_BYTES:
        yield f"{size} bytes, the limit is {MAX_BYTES}"


@rule
def has_clean_metadata(notebook: Notebook) -> Iterator[str]:
    """No widget state, no editor's settings, no versions that change from machine to machine."""
    for key in notebook.raw["metadata"].keys() - KERNEL_FREE_METADATA.keys():
        yield f"metadata {key!r} does not belong in a stored notebook"
    for key, wanted in KERNEL_FREE_METADATA.items():
        if notebook.raw["metadata"].get(key) != wanted:
            yield f"metadata {key!r} must be {wanted}: run tools/notebooks.py"
    for place, cell in enumerate(notebook.cells):
        for key in cell["metadata"].keys() - {"tags"}:
            yield f"cell {place}: metadata {key!r} does not belong in a stored notebook"


# ---------------------------------------------------------------- the code


@rule
def ran_in_order(notebook: Notebook) -> Iterator[str]:
    """Every code cell was executed, from top to bottom, in one fresh kernel."""
    for expected, (name, cell) in enumerate(notebook.code, start=1):
        if cell["execution_count"] != expected:
            yield f"{name} has execution count {cell['execution_count']}, not {expected}"


@rule
def code_is_plain_python(notebook: Notebook) -> Iterator[str]:
    """No magics, no shell lines, no empty cells."""
    for name, cell in notebook.code:
        if not source(cell).strip():
            yield f"{name} is empty"
        elif _tree(cell) is None:
            yield f"{name} is not plain Python (a magic, a shell line, or an error)"


@rule
def no_trailing_semicolon(notebook: Notebook) -> Iterator[str]:
    """nbval cannot see that a `;` hides an output: assign to `_` instead."""
    for name, cell in notebook.code:
        if _tree(cell) is None:
            continue
        tokens = tokenize.generate_tokens(io.StringIO(source(cell)).readline)
        written = [t.string for t in tokens if t.type != tokenize.COMMENT and t.string.strip()]
        if written and written[-1] == ";":
            yield f"{name} ends with a semicolon"


@rule
def no_output_history(notebook: Notebook) -> Iterator[str]:
    """`Out[3]` and `_` depend on what was run before."""
    for name, cell in notebook.code:
        for node in _nodes(cell, ast.Name):
            if isinstance(node.ctx, ast.Load) and HISTORY.fullmatch(node.id):
                yield f"{name} reads {node.id!r}"


@rule
def no_untestable_display(notebook: Notebook) -> Iterator[str]:
    """Nothing that draws outside the normal outputs of its cell."""
    for name, cell in notebook.code:
        used = {node.id for node in _nodes(cell, ast.Name)}
        used |= {node.attr for node in _nodes(cell, ast.Attribute)}
        used |= {alias.name for node in _nodes(cell, ast.ImportFrom) for alias in node.names}
        for banned in sorted(used & BANNED_CALLS.keys()):
            yield f"{name} uses {banned}: {BANNED_CALLS[banned]}"
        for node in _nodes(cell, ast.Call):
            if any(keyword.arg == "display_id" for keyword in node.keywords):
                yield f"{name} asks for a display_id: nbval cannot follow display updates"


# ---------------------------------------------------------------- the outputs


@rule
def no_widget_views(notebook: Notebook) -> Iterator[str]:
    """A stored view without its kernel shows "Error displaying widget" instead of the picture."""
    for name, output in _outputs(notebook):
        if WIDGET_VIEW in output.get("data", {}):
            yield f"{name} stores a widget view: run tools/notebooks.py"


@rule
def no_stderr(notebook: Notebook) -> Iterator[str]:
    """No warnings."""
    for name, output in _outputs(notebook):
        if output["output_type"] == "stream" and output["name"] != "stdout":
            yield f"{name} wrote to {output['name']}: {_joined(output['text'])[:80]!r}"


@rule
def errors_are_meant(notebook: Notebook) -> Iterator[str]:
    """A cell fails if and only if it is tagged so."""
    for name, cell in notebook.code:
        meant = bool(RAISES & set(cell["metadata"].get("tags", ())))
        failed = any(output["output_type"] == "error" for output in cell["outputs"])
        if failed and not meant:
            yield f"{name} failed"
        if meant and not failed:
            yield f"{name} is tagged raises-exception and raised nothing"


@rule
def words_are_stable(notebook: Notebook) -> Iterator[str]:
    """No memory addresses and no paths of one machine in what nbval compares."""
    for name, output in _outputs(notebook):
        words = _joined(output.get("text", "")) + _joined(output.get("data", {}).get("text/plain"))
        for found in re.findall(r"\bat 0x[0-9a-f]+|/(?:home|root|tmp|Users|work)/\S*", words):
            yield f"{name} stores {found!r}, which is different on every machine"


@rule
def a_yes_has_its_number(notebook: Notebook) -> Iterator[str]:
    """A printed True or False says how close it was: in the same line stands a number."""
    for name, output in _outputs(notebook):
        for line in _joined(output.get("text", "")).splitlines():
            if YES.search(line) and not re.search(r"\d", line):
                yield f"{name} prints {line!r} without a number: use rv.allclose, or print the value"


@rule
def pictures_are_pictures(notebook: Notebook) -> Iterator[str]:
    """Every stored PNG can be decoded, shows something, and is told in words."""
    for name, output in _outputs(notebook):
        data = output.get("data", {})
        if "image/png" not in data:
            continue
        problem = _look_at(_joined(data["image/png"]))
        if problem:
            yield f"{name}: the stored picture {problem}"
        if not _joined(data.get("text/plain")).strip():
            yield f"{name}: the stored picture has no text/plain beside it"


@rule
def labs_have_a_static_face(notebook: Notebook) -> Iterator[str]:
    """A cell that ends in a lab stores its picture and its words."""
    for name, cell in notebook.code:
        made = {n for node in _nodes(cell, ast.Call) if (n := _called(node)).endswith("Lab")}
        shown = [o.get("data", {}) for o in cell["outputs"] if o["output_type"] == "execute_result"]
        if not made or not _ends_in_a_lab(cell):
            continue
        words = [_joined(data.get("text/plain")) for data in shown]
        if not any(text.startswith(f"{lab} on ") for text in words for lab in made):
            yield f"{name} makes {', '.join(made)} and does not store its words"
        if not any("image/png" in data for data in shown):
            yield f"{name} makes {', '.join(made)} and does not store its picture"


# ---------------------------------------------------------------- the lesson


@rule
def opens_with_a_question(notebook: Notebook) -> Iterator[str]:
    """Title as a question, the time it takes, what one can do afterwards."""
    first = notebook.cells[0]
    text = source(first) if first["cell_type"] == "markdown" else ""
    title = text.partition("\n")[0]
    if not (title.startswith("# ") and title.rstrip().endswith("?")):
        yield "the first line must be a title, '# ...?'"
    if not re.search(r"\b\d+ minutes\b", text):
        yield "the first cell must say how many minutes the lesson takes"
    if "you can" not in text.lower():
        yield "the first cell must say what 'you can' do afterwards"


@rule
def has_its_sections(notebook: Notebook) -> Iterator[str]:
    """The sections of the template, in its order."""
    wanted = SHORT_SECTIONS if notebook.lesson == "00" else SECTIONS
    found = re.findall(r"^## (.+?)\s*$", notebook.markdown, re.MULTILINE)
    present = [heading for heading in found if heading in wanted]
    if present != list(wanted):
        yield f"sections must be {', '.join(wanted)}, in this order, but are {', '.join(present)}"


@rule
def cells_are_short(notebook: Notebook) -> Iterator[str]:
    """Bright readers in a hurry."""
    if len(notebook.cells) > MAX_CELLS:
        yield f"{len(notebook.cells)} cells, the limit is {MAX_CELLS}"
    for name, cell in notebook.code:
        lines = [line for line in source(cell).splitlines() if line.strip()]
        if len(lines) > MAX_LINES:
            yield f"{name} has {len(lines)} lines, the limit is {MAX_LINES}"


@rule
def exercises_are_complete(notebook: Notebook) -> Iterator[str]:
    """Each has a check that is not passed yet, a stored verdict, and a folded solution."""
    cells, folded = exercise_cells(notebook), solutions(notebook)
    registered = {number for number in judges() if number.startswith(notebook.lesson)}
    for number in sorted(registered ^ cells.keys()):
        missing = "exercise" if number in registered else "judge"
        yield f"{number} has no {missing}"
    for number, cell in cells.items():
        said = "".join(_joined(output.get("text", "")) for output in cell["outputs"])
        if f"Exercise {number}: not yet." not in said:
            yield f"{number} must be stored unsolved, with the verdict 'not yet'"
        if not folded.get(number):
            yield f"{number} has no folded solution with code"


@rule
def links_lead_somewhere(notebook: Notebook) -> Iterator[str]:
    """Relative links and pictures exist, links to headings have one, the others are https."""
    kinds = (LINK, LINK_TARGET, HTML_LINK)
    for target in [found for kind in kinds for found in kind.findall(notebook.markdown)]:
        if target.startswith("#"):
            if target[1:] not in _anchors(notebook):
                yield f"no heading for the link {target!r}"
        elif re.match(r"[a-z][a-z0-9+.-]*:", target, re.IGNORECASE):
            if not target.startswith("https://"):
                yield f"the link {target!r} must be https"
        elif not (notebook.path.parent / target.partition("#")[0]).exists():
            yield f"the link {target!r} leads nowhere"


# ---------------------------------------------------------------- helpers


def _joined(text: Any) -> str:
    return text or "" if isinstance(text, str | None) else "".join(text)


def _outputs(notebook: Notebook) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, cell in notebook.code:
        for output in cell["outputs"]:
            yield name, output


def _tree(cell: dict[str, Any]) -> ast.Module | None:
    try:
        return ast.parse(source(cell))
    except SyntaxError:
        return None


def _nodes(cell: dict[str, Any], kind: type) -> list[Any]:
    tree = _tree(cell)
    return [node for node in ast.walk(tree) if isinstance(node, kind)] if tree else []


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _ends_in_a_lab(cell: dict[str, Any]) -> bool:
    """Whether the last line shows a lab: `rv.SomeLab(...)`, or a name that was given to one."""
    tree = _tree(cell)
    last = tree.body[-1] if tree else None
    if not isinstance(last, ast.Expr):
        return False
    if isinstance(last.value, ast.Call):
        return _called(last.value).endswith("Lab")
    return isinstance(last.value, ast.Name)


def _anchors(notebook: Notebook) -> set[str]:
    """JupyterLab's anchors: the heading with hyphens for spaces."""
    headings = re.findall(r"^#+ (.+?)\s*$", notebook.markdown, re.MULTILINE)
    return {heading.replace(" ", "-") for heading in headings}


def _look_at(encoded: str) -> str:
    """What is wrong with a PNG, or nothing."""
    try:
        picture = Image.open(io.BytesIO(base64.b64decode(encoded, validate=False)))
        picture.load()
    except (OSError, SyntaxError, ValueError, binascii.Error):
        return "cannot be decoded"
    if picture.format != "PNG":
        return f"is {picture.format}, not PNG"
    levels = picture.convert("RGB").getextrema()
    return "is blank" if all(low == high for low, high in levels) else ""
