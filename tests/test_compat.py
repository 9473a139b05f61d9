"""What differs between installations: torchvision without its operators, torch without lanczos."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from resample_viz import compat
from resample_viz.analysis import super_resolution, upscale
from resample_viz.analysis.resizing import methods
from resample_viz.analysis.resizing.libraries import installed_methods, resize_method
from resample_viz.compat import has_lanczos, import_torchvision
from resample_viz.operations import Upsample, upsample

PLAIN = "import torchvision"
OURS = "from resample_viz.compat import import_torchvision; import_torchvision()"
USE = (
    "; import torch, torchvision; from torchvision.transforms import v2; "
    "from torchvision.models import resnet18; resnet18(weights=None); "
    "print(tuple(v2.Resize((4, 5))(torch.rand(3, 8, 8)).shape))"
)
DECLARED = "; from resample_viz import compat; print(len(compat._declared))"


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_transforms_and_models_work_after_it() -> None:
    done = run(OURS + USE)
    assert done.stdout == "(3, 4, 5)\n", done.stderr


def test_nothing_is_declared_where_torchvision_loads_by_itself() -> None:
    alone = run(PLAIN)
    assert alone.returncode == 0 or compat.MISSING in alone.stderr
    declared = int(run(OURS + DECLARED).stdout)
    assert declared == (alone.returncode != 0)


def test_a_second_call_declares_nothing_more() -> None:
    import_torchvision()
    before = len(compat._declared)
    assert import_torchvision() is sys.modules["torchvision"]
    assert len(compat._declared) == before


def test_what_needs_the_compiled_operators_still_says_so() -> None:
    done = run(
        OURS + "; import torch; from torchvision.ops import nms; "
        "print(nms(torch.zeros(1, 4), torch.zeros(1), 0.5))"
    )
    works_alone = run(PLAIN).returncode == 0
    assert (done.returncode == 0) == works_alone
    if not works_alone:
        assert "Error" in done.stderr.splitlines()[-1]


class Import:
    """Fails as told the first time, and works the second time."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.calls = 0

    def __call__(self, name: str) -> ModuleType:
        self.calls += 1
        if self.calls == 1:
            raise self.error
        return import_module("math")


@pytest.fixture
def declarations(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    made: list[Any] = []
    monkeypatch.setattr(compat, "_declare", lambda: made.append(True))
    return made


def test_only_the_missing_operators_lead_to_a_second_try(
    monkeypatch: pytest.MonkeyPatch, declarations: list[Any]
) -> None:
    found = Import(RuntimeError(compat.MISSING))
    monkeypatch.setattr(compat, "import_module", found)
    import_torchvision()
    assert (found.calls, len(declarations)) == (2, 1)


@pytest.mark.parametrize("error", [RuntimeError("out of memory"), ImportError("no torchvision")])
def test_other_errors_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, declarations: list[Any], error: Exception
) -> None:
    monkeypatch.setattr(compat, "import_module", Import(error))
    with pytest.raises(type(error), match=str(error)):
        import_torchvision()
    assert declarations == []


def test_the_schemas_are_those_of_torchvision() -> None:
    """Declared in a namespace of their own, so that they are read wherever the tests run."""
    library = torch.library.Library("rv_schema_test", "DEF")
    for schema in compat.SCHEMAS:
        library.define(schema)
    assert str(torch.ops.rv_schema_test.nms.default._schema).startswith(
        "rv_schema_test::nms(Tensor"
    )


# An older torch


@pytest.fixture
def old_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (upsample, methods, super_resolution):
        monkeypatch.setattr(module, "has_lanczos", lambda: False)


def test_lanczos_is_there_where_torch_computes_it() -> None:
    def lanczos() -> torch.Tensor:
        return F.interpolate(torch.rand(1, 1, 8, 8), size=4, mode="lanczos", antialias=True)

    if has_lanczos():
        assert lanczos().shape == (1, 1, 4, 4)
    else:
        with pytest.raises((ValueError, NotImplementedError)):
            lanczos()


@pytest.mark.usefixtures("old_torch")
def test_without_lanczos_one_sentence_says_what_to_use() -> None:
    x = torch.rand(1, 1, 8, 8)
    attempts: list[Callable[[], object]] = [
        lambda: Upsample(mode="lanczos", antialias=True),
        lambda: resize_method("torch lanczos antialias").resize(x, (4, 4)),
        lambda: resize_method("torchvision v2 tensor LANCZOS uint8").resize(x, (4, 4)),
        lambda: upscale(x, 2, "Lanczos"),
    ]
    for attempt in attempts:
        with pytest.raises(ValueError, match=r"no mode 'lanczos'.*'bicubic' with antialias=True"):
            attempt()
    assert Upsample(mode="bicubic", antialias=True)(x).shape == (1, 1, 16, 16)


@pytest.mark.usefixtures("old_torch")
def test_without_lanczos_on_tensors_the_others_are_compared() -> None:
    names = [one.name for one in installed_methods("float32") if "LANCZOS" in one.name.upper()]
    assert names[:1] == ["Pillow LANCZOS"]
    assert not [name for name in names if name.startswith("torch ") or "tensor" in name]
