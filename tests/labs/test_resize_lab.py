"""The resize lab: two methods, their difference, and all against all without holding up a move."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from resample_viz.analysis import installed_methods, resize_method
from resample_viz.analysis.resizing import libraries
from resample_viz.analysis.resizing import methods as methods_module
from resample_viz.labs import ResizeLab
from resample_viz.labs.resize_pair import grey_levels
from resample_viz.labs.resize_table import Table, compare_all
from resample_viz.operations import OperationError

NAMES = [one.name for one in installed_methods("float32")]


@pytest.fixture
def lab() -> Iterator[ResizeLab]:
    made = ResizeLab(size=32, target=12)
    yield made
    made.close()


def frames(lab: ResizeLab) -> int:
    return lab.stage.frame["id"]


def alert(lab: ResizeLab) -> str:
    return lab.stage.frame["alert"]


def shown(lab: ResizeLab) -> dict[str, Any]:
    return {panel.name: panel for panel in lab.shown.panels}


# The Python door


def test_a_lab_shows_what_both_libraries_make(lab: ResizeLab) -> None:
    lab.set(a="torch bicubic", b="OpenCV INTER_AREA uint8", target=(9, 14))
    levels = (lab.input * 255).round()
    for name, one in (("a", "torch bicubic"), ("b", "cv2 INTER_AREA uint8")):
        expected = resize_method(one).resize(levels, (9, 14))
        assert torch.equal(shown(lab)[name].tensor, expected[0])
    assert torch.equal(lab.output, lab.outputs[0])
    difference = (lab.outputs[0] - lab.outputs[1])[0].abs().amax(0, keepdim=True)
    assert torch.equal(shown(lab)["difference"].tensor, difference)
    assert lab.shown.merits[0].value == f"{float(difference.max()):.1f}"


def test_a_way_may_be_given_with_its_dtype_and_the_dtype_alone_too(lab: ResizeLab) -> None:
    lab.set(a="Pillow BOX uint8")
    assert lab.operation.a == resize_method("Pillow BOX uint8")
    lab.set(dtype_a="float32", b=resize_method("cv2 INTER_CUBIC uint8"))
    assert lab.operation.a == resize_method("Pillow BOX")
    assert lab.operation.b == resize_method("OpenCV INTER_CUBIC uint8")
    lab.set(b="torch bilinear")
    assert lab.operation.b == resize_method("torch bilinear uint8"), "no dtype named, none changed"


@pytest.mark.parametrize("channels", [1, 3])
def test_the_code_is_a_program_that_gives_both_results(channels: int) -> None:
    x = torch.rand(1, channels, 17, 22)
    lab = ResizeLab(image=x, target=(9, 7))
    pairs = [
        ("torch bilinear", "Pillow BILINEAR"),
        ("torchvision v1 PIL BICUBIC uint8", "torchvision v2 tensor BICUBIC uint8"),
        ("OpenCV INTER_AREA uint8", "OpenCV INTER_AREA"),
        ("scikit-image order=1 uint8", "torch area float32"),
        ("Pillow BOX float32", "scikit-image order=3 anti_aliasing"),
    ]
    for a, b in pairs:
        lab.set(a=a, b=b)
        exec(lab.code(), {})
        program = lab.code().replace(
            next(line for line in lab.code().splitlines() if line.startswith("levels = ")),
            "levels = given",
        )
        names: dict[str, Any] = {"given": grey_levels(lab.input)}
        exec(program, names)
        for letter, expected in zip("ab", lab.outputs):
            found = names[f"y_{letter}"]
            if isinstance(found, list):
                found = torch.stack([as_tensor(plane) for plane in found])
            elif not isinstance(found, torch.Tensor):
                found = as_tensor(found).reshape(9, 7, channels).permute(2, 0, 1)
            assert torch.equal(found.float().reshape(expected.shape), expected)
    lab.close()


def as_tensor(found: Any) -> torch.Tensor:
    import numpy as np

    return torch.from_numpy(np.array(found))


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"a": "torch cubic"}, OperationError, "there is no resize method called 'torch cubic'"),
    ({"a": ""}, OperationError, "there is no resize method called ''"),
    ({"b": 7}, OperationError, "there is no resize method called 7"),
    ({"dtype_a": "float64"}, OperationError, "dtype_a is one of float32, uint8, not 'float64'"),
    ({"target": 1}, OperationError, "from 2 to 512"),
    ({"target": 4096}, OperationError, "from 2 to 512"),
    ({"target": 2.5}, OperationError, "target is a whole number"),
    ({"target": (8, 9, 10)}, OperationError, "or .height, width."),
    ({"a": "torch area uint8"}, OperationError, "does not take uint8"),
    ({"mode": "bilinear"}, TypeError, "has no parameter 'mode'"),
]


@pytest.mark.parametrize(("moves", "kind", "words"), REFUSED, ids=str)
def test_what_cannot_be_is_refused_in_one_sentence_and_what_is_shown_stays(
    lab: ResizeLab, moves: dict[str, Any], kind: type[Exception], words: str
) -> None:
    before, count = repr(lab), frames(lab)
    with pytest.raises(kind, match=words) as caught:
        lab.set(**moves)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
    assert (repr(lab), frames(lab)) == (before, count)


def test_an_unfit_choice_dims_the_picture_and_the_next_one_clears_it(lab: ResizeLab) -> None:
    lab.set(a="torch area")
    lab.controls._single["dtype_a"].value = "uint8"
    assert "does not take uint8" in alert(lab)
    lab.controls._single["a"].value = "torch bilinear"
    assert alert(lab) == ""


def test_every_choice_of_the_lists_shows_something(lab: ResizeLab) -> None:
    for name in lab.controls._single["a"].widget.options:
        lab.controls._single["a"].value = name
        lab.controls._single["b"].value = name
        assert alert(lab) == ""
        assert lab.shown.merits[0].value == "0.0"


# Grey levels


def test_a_picture_is_taken_as_its_file_would_hold_it() -> None:
    x = torch.tensor([0.0, 0.1, 0.5, 1.0]).view(1, 1, 2, 2)
    assert grey_levels(x).flatten().tolist() == [0, 26, 128, 255]
    whole = torch.tensor([0.0, 3.0, 200.0, 255.0]).view(1, 1, 2, 2)
    assert grey_levels(whole, resize_method("torch area uint8")) is whole


@pytest.mark.parametrize("values", [[-0.5, 0.5], [0.0, 300.0], [0.5, 3.0]])
def test_numbers_that_are_no_levels_have_no_uint8(values: list[float]) -> None:
    x = torch.tensor(values).view(1, 1, 1, 2)
    assert grey_levels(x, resize_method("torch bilinear")) is x
    with pytest.raises(OperationError, match=r"uint8 holds whole numbers from 0 to 255.*\."):
        grey_levels(x, resize_method("torch bilinear"), resize_method("Pillow BOX uint8"))


def test_a_tensor_with_its_own_range_is_shown_in_it() -> None:
    lab = ResizeLab(image=torch.linspace(-3, 9, 64).view(1, 1, 8, 8), target=4)
    assert shown(lab)["x"].value_range == (-3, 9)
    lab.close()


def test_labels_that_were_made_up_are_counted() -> None:
    lab = ResizeLab(
        image="label_mask", size=64, a="torch bilinear antialias", b="torch nearest", target=13
    )
    merits = {merit.label: merit.value for merit in lab.shown.merits}
    y = lab.output
    classes = torch.tensor([0.0, 85.0, 170.0, 255.0])
    made_up = ~torch.isclose(y.flatten()[:, None], classes, atol=0.05).any(1)
    assert merits["new in a"] == f"{made_up.float().mean():.0%}" != "0%"
    assert merits["new in b"] == "0%"
    lab.close()
    photograph = ResizeLab(size=32, target=8)
    assert "new in a" not in {merit.label for merit in photograph.shown.merits}
    photograph.close()


# All against all


def test_the_table_holds_the_differences_of_all_pairs(lab: ResizeLab) -> None:
    table = lab.table()
    levels = grey_levels(lab.input)
    results = {one: one.resize(levels, (12, 12)) for one in table.methods_a}
    assert len(results) == len(NAMES)
    for row, one in enumerate(table.methods_a):
        for column, other in enumerate(table.methods_b):
            difference = (results[one] - results[other]).abs()
            assert table.largest[row, column] == pytest.approx(float(difference.max()), abs=1e-4)
            assert table.mean[row, column] == pytest.approx(float(difference.mean()), abs=1e-4)


def test_two_dtypes_make_a_table_with_other_columns(lab: ResizeLab) -> None:
    lab.set(dtype_a="float32", dtype_b="uint8")
    table = lab.table()
    assert {one.dtype for one in table.methods_a} == {"float32"}
    assert {one.dtype for one in table.methods_b} == {"uint8"}
    assert len(table.methods_a) == len(table.methods_b) + 1, "torch area takes no uint8"
    assert not table.largest.isnan().any()
    row = table.methods_a.index(resize_method("torch bilinear"))
    assert (
        0
        < table.largest[row, table.methods_b.index(resize_method("torch bilinear uint8"))]
        <= 1.001
    )


def test_a_way_that_refuses_leaves_its_row_without_numbers() -> None:
    methods = (
        resize_method("torch bilinear"),
        resize_method("torch bilinear antialias"),
        resize_method("Pillow BILINEAR"),
    )
    table = Table((None, (4, 1)), torch.rand(1, 1, 8, 8) * 255, methods, methods)
    for _ in compare_all(table):
        pass
    assert table.largest[1].isnan().all()
    assert table.largest[:, 1].isnan().all()
    assert not table.largest[0, 2].isnan()
    assert table.closest(methods[0], "Pillow") == methods[2]
    with pytest.raises(OperationError, match="no method of OpenCV"):
        table.closest(methods[0], "OpenCV")


def test_a_click_chooses_the_two(lab: ResizeLab) -> None:
    table = lab.table()
    row = table.methods_a.index(resize_method("torch lanczos antialias"))
    column = table.methods_b.index(resize_method("Pillow LANCZOS"))
    lab.stage.picked = {"panel": "table", "row": row, "col": column, "n": 1}
    assert (lab.operation.a, lab.operation.b) == (table.methods_a[row], table.methods_b[column])
    assert shown(lab)["table"].picked == (row, column)
    assert lab.shown.hint == "a and b are the same here, to float32 rounding."
    assert lab.table() is table, "the picture and the size are the same"


def test_a_click_outside_the_table_is_told_calmly(lab: ResizeLab) -> None:
    lab.stage.picked = {"panel": "table", "row": 999, "col": 0, "n": 1}
    assert "does not work here" in alert(lab)


@pytest.mark.parametrize(
    ("a", "b", "closest", "words"),
    [
        ("torch bilinear", "cv2 INTER_CUBIC", "OpenCV INTER_LINEAR float32", "is the same as"),
        ("Pillow BICUBIC uint8", "torch bilinear uint8", "torch bicubic antialias uint8", "is the"),
        ("torch bilinear", "Pillow BOX", "", "Nothing of Pillow's is the same as torch bilinear"),
    ],
)
def test_the_button_finds_the_closest_or_says_that_there_is_none(
    a: str, b: str, closest: str, words: str
) -> None:
    lab = ResizeLab(size=64, target=20, a=a, b=b)
    lab.controls.closest.click()
    assert alert(lab) == ""
    assert lab.operation.b.library == resize_method(b).library
    if closest:
        assert lab.operation.b == resize_method(closest)
    assert words in lab.shown.hint
    lab.close()


def test_on_a_loop_the_table_comes_later_and_moves_come_first() -> None:
    async def main() -> None:
        lab = ResizeLab(size=32, target=8)
        lab.set(target=12, wait=False)
        assert shown(lab)["table"].tensor.isnan().all()
        assert "being computed" in lab.shown.formula
        begun = lab.stage.progress
        for _ in range(8):
            await asyncio.sleep(0)
        assert lab.stage.progress != begun
        assert "all against all" in lab.stage.progress["text"]
        lab.set(a="torch bicubic", wait=False)  # a move, while the table is on its way
        assert not shown(lab)["a"].tensor.isnan().any()
        lab.controls._single["target"].height.widget.value = 10
        assert lab._background.running
        while lab._background.running:
            await asyncio.sleep(0)
        assert not shown(lab)["table"].tensor.isnan().any()
        assert lab.stage.progress == {}
        assert torch.equal(lab.table().largest, reference(10))
        lab.close()

    asyncio.run(main())


def reference(target: int) -> torch.Tensor:
    lab = ResizeLab(size=32, target=target)
    found = lab.table().largest
    lab.close()
    return found


def test_an_interrupted_table_is_finished_when_only_the_ways_change() -> None:
    async def main() -> None:
        lab = ResizeLab(size=32, target=8)
        lab.set(target=12, wait=False)
        for _ in range(6):
            await asyncio.sleep(0)
        table = lab._table
        lab.set(a="Pillow BOX", wait=False)
        assert lab._table is table
        while lab._background.running:
            await asyncio.sleep(0)
        assert not table.largest.isnan().any()
        assert lab.shown.formula.startswith("Closest to Pillow BOX float32 in each library:")
        lab.close()

    asyncio.run(main())


def test_closing_a_lab_ends_its_table() -> None:
    async def main() -> ResizeLab:
        lab = ResizeLab(size=32, target=8)
        lab.set(target=12, wait=False)
        table = lab._table
        await asyncio.sleep(0)
        lab.close()
        for _ in range(20):
            await asyncio.sleep(0)
        assert table.largest.isnan().all()
        return lab

    lab = asyncio.run(main())
    assert repr(lab) == "ResizeLab (closed)"
    assert lab._table.methods_a == ()


def test_the_static_face_has_the_whole_table() -> None:
    async def main() -> None:
        lab = ResizeLab(size=32, target=8)
        lab.set(target=12, wait=False)
        bundle = lab._repr_mimebundle_()
        assert "image/png" in bundle
        assert not shown(lab)["table"].tensor.isnan().any()
        lab.close()

    asyncio.run(main())


# The chart


@settings(max_examples=25)
@given(
    a=st.sampled_from(NAMES), b=st.sampled_from(NAMES), n=st.integers(2, 40), m=st.integers(2, 40)
)
def test_the_chart_says_in_words_what_it_draws(a: str, b: str, n: int, m: int) -> None:
    lab = ResizeLab(image=torch.rand(1, 1, n, n), target=m, a=a, b=b)
    alt = shown(lab)["weights"].alt
    for letter, name in (("a", a), ("b", b)):
        row = resize_method(name).axes((n, n), (m, m))[1][m // 2]
        used = (row.abs() > 1e-6).nonzero().flatten()
        assert f"{letter} mixes {len(used)} input columns, {used[0]} to {used[-1]}" in alt
    lab.close()


# Without OpenCV


def test_without_opencv_the_lab_works_and_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find = importlib.util.find_spec
    for module in (methods_module, libraries):
        monkeypatch.setattr(module, "find_spec", lambda name: None if name == "cv2" else find(name))
    lab = ResizeLab(size=32, target=12)
    assert not any("OpenCV" in name for name in lab.controls._single["a"].widget.options)
    assert not any(one.library == "OpenCV" for one in lab.table().methods_a)
    (warning,) = lab.stage.frame["warnings"]
    assert "pip install opencv-python-headless" in warning
    with pytest.raises(OperationError, match="OpenCV is not installed"):
        lab.set(b="OpenCV INTER_AREA")
    for preset in lab.presets:
        if "OpenCV" not in str(preset.settings):
            lab.set(preset=preset.name)
    buttons = lab.children[0].children[0].children
    next(one for one in buttons if one.description == "three kinds of area").click()
    assert "OpenCV is not installed" in alert(lab)
    lab.close()
