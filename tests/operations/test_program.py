"""A program is read, not searched: names are names, wherever they stand."""

from __future__ import annotations

import pytest

from resample_viz.operations import Program

CODE = """def unpool(y):
    row = y.row  # the row of y
    return f(y, row=row, text='row')"""


def test_only_names_are_renamed() -> None:
    renamed = Program(CODE, "unpool(row)").renamed({"row": "row_1", "unpool": "unpool_2", "y": "z"})
    assert (
        renamed.setup
        == """def unpool_2(z):
    row_1 = z.row  # the row of y
    return f(z, row=row_1, text='row')"""
    )
    assert renamed.expression == "unpool_2(row_1)"


def test_names_are_found_behind_letters_that_take_several_bytes() -> None:
    assert (
        Program(expression="{'×': a, 'ü': b}").renamed({"b": "c"}).expression == "{'×': a, 'ü': c}"
    )


def test_what_it_defines_and_what_it_needs_is_read_from_the_code() -> None:
    program = Program("a, b = torch.ones(2), nn.ReLU()\ndef c(v2): return v2", "F.relu(a)")
    assert program.defined >= {"a", "b", "c"}
    assert "import torch" in program.imports
    assert "import resample_viz as rv" not in program.imports
    assert program.complete("y").splitlines()[-1] == "y = F.relu(a)"


def test_a_word_in_a_string_is_no_import() -> None:
    assert Program("text = 'rv.psnr, nn.ReLU'").imports == ()


def test_code_that_does_not_parse_is_an_error() -> None:
    with pytest.raises(SyntaxError):
        _ = Program("a = ").imports
