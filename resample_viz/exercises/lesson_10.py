"""The exercises of notebooks/10-reconstruct-images.ipynb."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from resample_viz.exercises.answers import fresh_generator, judge_function, judge_number
from resample_viz.exercises.checking import exercise

FLAT = 1e-4  # of the values' size: what float32 leaves of a constant
BORDER = 6  # cells at the border of a map that a block may treat differently


@exercise("10.1")
def bits_of_indices(answer: Any) -> str | None:
    """16 · 12² and 32 · 6² windows, and two bits for each."""
    return judge_number(
        answer,
        6912.0,
        {
            3456.0: "That many windows there are: how many bits say which of four cells it was?",
            13824.0: "Four cells can be told apart with fewer bits than four.",
            4608.0: "That is the first pooling alone: there are two.",
            2304.0: "That is the second pooling alone, or the windows of the first one.",
            360.0: "That is one channel of each pooling: how many channels are there?",
            5760.0: "The second pooling has twice as many channels as the first.",
            7424.0: "You added the code: the question is about the indices alone.",
            512.0: "That is the code: the question is about the indices.",
            27648.0: "A pooling leaves one window for four cells.",
            221184.0: "An index is stored in 64 bits, but how many of them can it fill?",
            768.0: "That is for digits, 8 × 8: faces have 24 × 24 pixels.",
        },
        "How many windows has each pooling, in all channels, and how many bits does one need?",
    )


@exercise("10.2")
def mended_decoder(answer: Any) -> str | None:
    """A layer from H to 2 H + 1 in which every cell of the output depends on the input."""
    objection = judge_function(answer)
    if objection:
        return objection
    for inputs, outputs, height, width in ((3, 2, 12, 12), (2, 4, 5, 8)):
        block = answer(inputs, outputs)
        objection = _judge_module(block)
        if objection:
            return objection
        x = torch.randn(1, inputs, height, width, generator=fresh_generator())
        objection = _judge_odd(block, x, outputs)
        if objection:
            return objection
    return None


def _judge_odd(block: nn.Module, x: Tensor, outputs: int) -> str | None:
    height, width = x.shape[-2:]
    y, other = block(x), block(x + 1)
    found = tuple(y.shape)
    if found[:2] != (1, outputs):
        return "The number of channels that come out is not the one that was asked for."
    if found[2:] != (2 * height + 1, 2 * width + 1):
        if found[2:] == (2 * height, 2 * width):
            return "That is one row and one column short: an odd size asks for one more."
        if found[2:] == (2 * height - 1, 2 * width - 1):
            return "That is two rows short, as given: write down the formula of the output size."
        return "The size is not twice the input's and one more: write down the formula."
    untouched = (y - other).detach().abs().amax((0, 1)) < 1e-7
    if bool(untouched.all(0).any() or untouched.all(1).any()):
        return (
            "The size is right, but a row and a column of it never see the input: they hold the "
            "bias alone. Take a window that reaches further."
        )
    return None


@exercise("10.3")
def block_without_grid(answer: Any) -> str | None:
    """A block that enlarges, can be trained, and leaves a constant map constant."""
    objection = judge_function(answer)
    if objection:
        return objection
    for inputs, outputs, factor in ((3, 2, 2), (2, 5, 3)):
        objection = _judge_block(answer(inputs, outputs, factor), inputs, outputs, factor)
        if objection:
            return objection
    return None


def _judge_block(block: Any, inputs: int, outputs: int, factor: int) -> str | None:
    objection = _judge_module(block)
    if objection:
        return objection
    constant = torch.rand(1, inputs, 1, 1, generator=fresh_generator()).expand(-1, -1, 12, 10)
    y = block(constant.contiguous())
    if not isinstance(y, Tensor):
        return "The block must give a tensor."
    if y.shape[1] != outputs:
        return "The number of channels that come out is not the one that was asked for."
    if tuple(y.shape[2:]) != (12 * factor, 10 * factor):
        return "The map does not grow by the factor that was asked for: try 2 and 3."
    if not any(parameter.requires_grad for parameter in block.parameters()):
        return "There is nothing in it that could be trained: add a convolution."
    inside = y.detach()[..., BORDER:-BORDER, BORDER:-BORDER]
    extent = inside.amax((-2, -1)) - inside.amin((-2, -1))
    if bool((extent > FLAT * (1 + inside.abs().amax())).any()):
        return (
            "Of a constant map it makes a pattern: with random weights its cells are not treated "
            "alike. Enlarge first, by a fixed rule."
        )
    if float((block(2 * constant.contiguous()) - y).detach().abs().max()) < FLAT:
        return "Its output does not depend on the map that comes in."
    return None


def _judge_module(block: Any) -> str | None:
    if block is None or block is ...:
        return "The function returns nothing yet: write its body, and return the module."
    if not isinstance(block, nn.Module):
        return "It must return a module, such as nn.Sequential(...)."
    return None
