"""What CONTRIBUTING.md shows is code that works."""

from __future__ import annotations

import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F

from resample_viz.labs import Lab
from resample_viz.operations import OperationError

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """The two modules of the walk-through, by the names that they would have in the package."""
    modules = {}
    blocks = re.findall(r"`(resample_viz/\w+/crop\.py)`:\n\n```python\n(.*?)```\n", TEXT, re.DOTALL)
    for path, code in blocks:
        name = path.removesuffix(".py").replace("/", ".")
        file = tmp_path / f"{name}.py"
        file.write_text(code)
        spec = spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None
        modules[name] = module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, modules[name])
        spec.loader.exec_module(modules[name])
    return modules


def test_the_layer_is_the_one_of_pytorch(example: dict[str, ModuleType]) -> None:
    crop = example["resample_viz.operations.crop"].Crop(2)
    x = torch.rand(1, 3, 8, 9)
    assert torch.equal(crop(x), F.pad(x, [-2] * 4))
    assert tuple(crop(x).shape) == crop.output_shape(x.shape)
    rows, columns = (axis.matrix for axis in crop.footprint(x.shape).axes)
    torch.testing.assert_close(rows @ x @ columns.T, crop(x))
    (way,) = crop.undo(x.shape)
    assert torch.equal(crop(way(crop(x))), crop(x))
    with pytest.raises(OperationError, match="nothing of a height of 4: use at most 1"):
        crop(x[:, :, :4])


def test_the_lab_shows_it(example: dict[str, ModuleType]) -> None:
    kind: type[Lab] = example["resample_viz.labs.crop"].CropLab
    lab = kind(preset="only the middle")
    assert tuple(lab.output.shape) == (1, 1, 2, 2)
    assert torch.equal(lab.output, lab.input[..., 2:-2, 2:-2])
    lab.close()


def test_the_files_that_it_names_exist() -> None:
    to_be_made = ("crop.py", "lesson_13.py", "13-your-lesson.ipynb")
    named = set(re.findall(r"`((?:resample_viz|tests|notebooks|benchmarks|tools)/[\w/.-]+)`", TEXT))
    assert len(named) > 5
    for path in named:
        assert path.endswith(to_be_made) or (ROOT / path).exists(), path
