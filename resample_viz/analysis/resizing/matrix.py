"""Resizing one axis, from scratch: every output cell is a weighted sum of input cells.

The functions below are the steps of that sentence, in the order in which they are explained:

1. `source_coordinates`: where does each output cell land between the input cells?
2. `field_of_view`: which input cells does the kernel reach from there?
3. `kernel_weights`: how much does each of them count, by its distance?
4. `drop_outside` or clamping, then `normalise`: what happens at the borders?
5. `matrix_from_taps`: the weights as one matrix, `y = R @ x`.

`resize_matrix` runs them. Two modes leave the path early: *nearest* has one tap
(`round_coordinates`) and *area* averages whole windows (`area_windows`). An image is resized by one
matrix per axis, `y = R_rows @ x @ R_columns.T`: all these kernels are separable.

The names of modes, coordinates and roundings are those of the ONNX operator Resize
(https://onnx.ai/onnx/operators/onnx__Resize.html), the most complete public specification.
Everything here is computed in float64.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

Kernel = Callable[[Tensor], Tensor]

MODES = ("nearest", "linear", "cubic", "area", "lanczos3")
COORDINATES = (
    "half_pixel",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "half_pixel_symmetric",
)
NEAREST_ROUNDINGS = ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")

# Beyond this many entries (0.5 GB in float64) a matrix is refused before memory is taken.
MAX_ENTRIES = 2**26


# ---------------------------------------------------------------- kernels: weight by distance


def box_kernel(t: Tensor) -> Tensor:
    """Weight 1 within half a cell, 0 elsewhere: the kernel behind *nearest*.

    `t` is the distance from the sampling point in cells, of any shape and sign. On a tie
    (`t = ±0.5`) the lower cell wins, as with `round_prefer_floor`.
    """
    return ((t >= -0.5) & (t < 0.5)).to(t.dtype)


def linear_kernel(t: Tensor) -> Tensor:
    """Triangle of half-width 1: `1 - |t|`, never below 0. `t` is a distance in cells, of any shape.

    >>> linear_kernel(torch.tensor([-0.25, 0.0, 0.5, 1.0])).tolist()
    [0.75, 1.0, 0.5, 0.0]
    """
    return (1 - t.abs()).clamp(min=0)


def cubic_kernel(t: Tensor, a: float = -0.75) -> Tensor:
    """Piecewise cubic of half-width 2 with negative lobes. `t` is a distance in cells.

    `a` is the slope at `|t| = 1`: the lower it is, the deeper the lobes. PyTorch uses -0.75, and
    -0.5 with `antialias=True`. R. Keys, *Cubic convolution interpolation for digital image
    processing*, IEEE Trans. ASSP 29 (1981), eq. (4), with `a` left free.

    >>> cubic_kernel(torch.tensor([0.0, 0.5, 1.0, 1.5])).tolist()
    [1.0, 0.59375, 0.0, -0.09375]
    """
    t = t.abs()
    near = ((a + 2) * t - (a + 3)) * t * t + 1
    far = a * (t - 1) * (t - 2) ** 2
    return torch.where(t <= 1, near, torch.where(t < 2, far, torch.zeros_like(far)))


def lanczos_kernel(t: Tensor, lobes: int = 3) -> Tensor:
    """`sinc(t) * sinc(t / lobes)` within `lobes` cells, 0 beyond. `t` is a distance in cells.

    C. Duchon, *Lanczos filtering in one and two dimensions*, J. Appl. Meteorology 18 (1979).

    >>> [round(w, 4) for w in lanczos_kernel(torch.tensor([0.0, 0.5, 1.0, 1.5])).tolist()]
    [1.0, 0.6079, 0.0, -0.1351]
    """
    weight = torch.sinc(t) * torch.sinc(t / lobes)
    # sin(k * pi) is not quite 0 in floating point, and a footprint must not show those 1e-17.
    zero = (t.abs() >= lobes) | ((t == t.round()) & (t != 0))
    return weight.masked_fill(zero, 0.0)


# ---------------------------------------------------------------- the steps


def source_coordinates(
    in_size: int, out_size: int, coordinates: str = "half_pixel", scale: float | None = None
) -> Tensor:
    """Where each output cell lands on the input axis: float64, shape `(out_size,)`.

    Coordinate 0 is the centre of the first input cell, 1 that of the second. Values may lie
    outside `[0, in_size - 1]`: borders are a later step. `scale` is the scale factor in the
    formula, `out_size / in_size` if not given; `align_corners` has none and ignores it. Formulas:
    ONNX Resize, attribute `coordinate_transformation_mode`. (For a fractional
    `in_size * scale`, ONNX's own reference code measures `align_corners` against that fraction;
    PyTorch, followed here, against `out_size`.)

    Raises ValueError for a size below 1, a scale that is not a positive number, or an unknown
    name.

    >>> source_coordinates(4, 8)[:3].tolist()
    [-0.25, 0.25, 0.75]
    >>> source_coordinates(4, 7, "align_corners")[:3].tolist()
    [0.0, 0.5, 1.0]
    """
    in_size, out_size = _size("in_size", in_size), _size("out_size", out_size)
    scale = _scale(scale)
    _one_of("coordinates", coordinates, COORDINATES)
    i = torch.arange(out_size, dtype=torch.float64)
    if coordinates == "align_corners":
        return i * (in_size - 1) / max(out_size - 1, 1)
    if coordinates == "pytorch_half_pixel" and out_size == 1:
        return torch.zeros_like(i)
    centre = 0.0 if coordinates == "asymmetric" else 0.5
    # From sizes, one division of exact numbers: whole coordinates come out whole, for nearest.
    x = ((i + centre) * in_size / out_size if scale is None else (i + centre) / scale) - centre
    if coordinates == "half_pixel_symmetric" and scale is not None:
        # What floor(in_size * scale) cut off the right end is shared between both ends.
        x = x + in_size / 2 * (1 - out_size / (in_size * scale))
    return x


def round_coordinates(x: Tensor, rounding: str = "round_prefer_floor") -> Tensor:
    """The one cell that *nearest* picks for each coordinate: int64, of the same shape as `x`.

    Coordinates pass through float32 first, as in PyTorch: 33 / 1.1 is 29.999999999999996 in
    float64, and the cell meant is 30 even when rounding down.

    Raises ValueError for an unknown rounding.

    >>> round_coordinates(torch.tensor([0.5, 1.2]), "round_prefer_ceil").tolist()
    [1, 1]
    """
    _one_of("nearest_rounding", rounding, NEAREST_ROUNDINGS)
    down = rounding in ("floor", "round_prefer_ceil")
    if rounding.startswith("round"):
        x = x + 0.5 if down else x - 0.5
    single = x.float()
    return (single.floor() if down else single.ceil()).long()


def area_windows(in_size: int, out_size: int) -> tuple[Tensor, Tensor]:
    """First cell and end (exclusive) of the window that each output cell averages under *area*.

    Two int64 tensors of shape `(out_size,)`. Windows are whole cells, so neighbours overlap when
    `in_size` is no multiple of `out_size`: the rule of `torch.nn.AdaptiveAvgPool1d`.

    >>> [w.tolist() for w in area_windows(5, 2)]
    [[0, 2], [3, 5]]
    """
    in_size, out_size = _size("in_size", in_size), _size("out_size", out_size)
    i = torch.arange(out_size)
    return i * in_size // out_size, -(-(i + 1) * in_size // out_size)


def kernel_stretch(
    in_size: int, out_size: int, scale: float | None = None, antialias: bool = False
) -> float:
    """How many times wider the kernel gets, at least 1: the step by which antialiasing works.

    Shrinking with `antialias` widens the kernel to cover all the cells that an output cell stands
    for, `1 / scale` of them; enlarging never narrows it.

    >>> kernel_stretch(8, 2, antialias=True), kernel_stretch(2, 8, antialias=True)
    (4.0, 1.0)
    """
    step = in_size / out_size if scale is None else 1 / scale
    return max(1.0, step) if antialias else 1.0


def field_of_view(x: Tensor, reach: float) -> Tensor:
    """The input cells within `reach` of each coordinate: int64, shape `(len(x), 2 * ceil(reach))`.

    Cells may lie outside the input.

    >>> field_of_view(torch.tensor([-0.25, 1.5]), 2).tolist()
    [[-2, -1, 0, 1], [0, 1, 2, 3]]
    """
    half = math.ceil(reach)
    return x.floor().long()[:, None] + torch.arange(1 - half, half + 1)


def kernel_weights(x: Tensor, cells: Tensor, kernel: Kernel, stretch: float = 1.0) -> Tensor:
    """The kernel at the distance of each cell from its coordinate.

    Coordinates (out_size,) and cells (out_size, taps) → weights (out_size, taps).
    """
    return kernel((cells - x[:, None]) / stretch)


def drop_outside(cells: Tensor, weights: Tensor, in_size: int) -> Tensor:
    """Weights with those of cells outside the input set to 0, before `normalise`.

    Cells and weights are (out_size, taps). A row that would lose everything is left as it is: there
    is nothing to normalise, so it falls back on the border cell.
    """
    kept = weights.masked_fill((cells < 0) | (cells >= in_size), 0.0)
    lost = kept.sum(dim=1, keepdim=True).abs() < 1e-12
    return torch.where(lost, weights, kept)


def normalise(weights: Tensor) -> Tensor:
    """Rows divided by their sums: a constant input then stays that constant.

    Weights (out_size, taps) → the same shape.
    """
    return weights / weights.sum(dim=1, keepdim=True)


def matrix_from_taps(cells: Tensor, weights: Tensor, in_size: int) -> Tensor:
    """The matrix with `weights[i, k]` added at `(i, cells[i, k])`: shape `(len(cells), in_size)`.

    A cell outside the input stands for the border cell next to it (the border is replicated).
    """
    matrix = torch.zeros(len(cells), in_size, dtype=weights.dtype)
    return matrix.scatter_add_(1, cells.clamp(0, in_size - 1), weights)


# ---------------------------------------------------------------- all of it


def resize_matrix(
    in_size: int,
    out_size: int,
    *,
    mode: str,
    coordinates: str = "half_pixel",
    scale: float | None = None,
    cubic_coeff: float = -0.75,
    nearest_rounding: str = "round_prefer_floor",
    exclude_outside: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """The matrix that resizes an axis: float64, shape `(out_size, in_size)`, rows sum to 1.

    - `mode`: `nearest`, `linear`, `cubic`, `area` or `lanczos3`.
    - `coordinates`, `scale`: see `source_coordinates`. (`area` has windows instead.)
    - `cubic_coeff`: `a` of `cubic_kernel`; `nearest_rounding`: see `round_coordinates`.
    - `antialias` (`linear`, `cubic`, `lanczos3`): see `kernel_stretch`.
    - `exclude_outside`: if True, cells outside the input get no weight and the others are scaled
      up; if False, the border cell stands in for them. None is what PyTorch and Pillow do: True
      with `antialias`, else False. ONNX has its own default, 0, with `antialias` as well: a file
      that is to give what PyTorch gives needs `exclude_outside=1` there.

    The modes of `torch.nn.functional.interpolate`, reproduced to rounding errors:

    ===============  =================================================================
    nearest          `nearest`, `coordinates="asymmetric"`, `nearest_rounding="floor"`
    nearest-exact    `nearest`, `nearest_rounding="round_prefer_ceil"`
    linear, bicubic  `linear`, `cubic`; `coordinates="align_corners"` if that is set
    with antialias   `linear`, `cubic` with `cubic_coeff=-0.5`, `lanczos3`; `antialias=True`
    area             `area`
    ===============  =================================================================

    With `size=` or `recompute_scale_factor=True` leave `scale` at None; with `scale_factor=s` pass
    `scale=s`. Like PyTorch, `linear` and everything antialiased copies an axis whose size does not
    change, whatever the scale (half-pixel coordinates). *Nearest* is what PyTorch computes for
    float64 input of 3 or 5 dimensions. Elsewhere PyTorch works in float32 and so picks a neighbour
    at some exact ties, and for 4-dimensional input whose size stays or doubles its `nearest`
    ignores the scale factor (pytorch/pytorch issue 62237): leave `scale` at None there.

    Raises ValueError for unknown names, sizes below 1, a scale that is not a positive number,
    arguments that contradict each other, and matrices of more than `MAX_ENTRIES` entries.

    >>> resize_matrix(2, 4, mode="linear").tolist()
    [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    >>> resize_matrix(4, 2, mode="area").tolist()
    [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]]
    """
    in_size, out_size, scale = _size("in_size", in_size), _size("out_size", out_size), _scale(scale)
    _one_of("mode", mode, MODES)
    _one_of("coordinates", coordinates, COORDINATES)
    _one_of("nearest_rounding", nearest_rounding, NEAREST_ROUNDINGS)
    _refuse_contradictions(mode, coordinates, antialias)
    stretch = kernel_stretch(in_size, out_size, scale, antialias)
    _refuse_what_does_not_fit(in_size, out_size, stretch)

    if mode == "area":
        return _area_matrix(in_size, out_size)
    if _is_copied(in_size, out_size, mode, coordinates, antialias):
        return torch.eye(in_size, dtype=torch.float64)

    x = source_coordinates(in_size, out_size, coordinates, scale)
    if mode == "nearest":
        cells = round_coordinates(x, nearest_rounding)[:, None]
        return matrix_from_taps(cells, torch.ones_like(x)[:, None], in_size)
    kernel, reach = _kernel_and_reach(mode, cubic_coeff)
    cells = field_of_view(x, reach * stretch)
    weights = kernel_weights(x, cells, kernel, stretch)
    if antialias if exclude_outside is None else exclude_outside:
        weights = drop_outside(cells, weights, in_size)
    return matrix_from_taps(cells, normalise(weights), in_size)


def _area_matrix(in_size: int, out_size: int) -> Tensor:
    first, end = area_windows(in_size, out_size)
    cells = torch.arange(in_size)
    inside = (cells >= first[:, None]) & (cells < end[:, None])
    return normalise(inside.double())


def _is_copied(in_size: int, out_size: int, mode: str, coordinates: str, antialias: bool) -> bool:
    """PyTorch's short cut: it looks at the sizes, not at the scale factor."""
    half_pixel = coordinates in ("half_pixel", "pytorch_half_pixel")
    return in_size == out_size and half_pixel and (mode == "linear" or antialias)


def _kernel_and_reach(mode: str, cubic_coeff: float) -> tuple[Kernel, int]:
    if mode == "linear":
        return linear_kernel, 1
    if mode == "cubic":
        return partial(cubic_kernel, a=_finite("cubic_coeff", cubic_coeff)), 2
    return lanczos_kernel, 3


# ---------------------------------------------------------------- refusals


def _one_of(name: str, value: str, valid: tuple[str, ...]) -> None:
    if value not in valid:
        raise ValueError(f"{name} must be one of {', '.join(valid)}; got {value!r}.")


def _size(name: str, value: int) -> int:
    try:
        size = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} must be a whole number of cells; got {value!r}.") from None
    if size < 1:
        raise ValueError(f"{name} must be at least 1; got {size}.")
    return size


def _finite(name: str, value: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a finite number; got {value!r}.")
    return number


def _scale(value: float | None) -> float | None:
    if value is None:
        return None
    scale = _finite("scale", value)
    if scale <= 0:
        raise ValueError(f"scale must be greater than 0; got {value!r}: 0.5 halves, 2 doubles.")
    return scale


def _refuse_contradictions(mode: str, coordinates: str, antialias: bool) -> None:
    if antialias and mode in ("nearest", "area"):
        raise ValueError(
            f"antialias=True widens a kernel, and mode={mode!r} has none to widen: "
            "use linear, cubic or lanczos3, or antialias=False."
        )
    if antialias and coordinates == "align_corners":
        raise ValueError(
            "antialias=True needs cells of equal width, and coordinates='align_corners' cuts the "
            "outer ones in half: use coordinates='half_pixel', or antialias=False."
        )
    if mode == "area" and coordinates != "half_pixel":
        raise ValueError(
            f"mode='area' averages windows and has no use for coordinates={coordinates!r}: "
            "leave it at 'half_pixel', or choose another mode."
        )


def _refuse_what_does_not_fit(in_size: int, out_size: int, stretch: float) -> None:
    # Three lobes to each side are the widest kernel.
    entries = out_size * max(in_size, 6 * stretch)
    if entries > MAX_ENTRIES:
        raise ValueError(
            f"resizing {in_size} cells to {out_size} takes {entries:.2g} weights, "
            f"and the limit is {MAX_ENTRIES:.2g}: use smaller sizes, or a larger scale."
        )
