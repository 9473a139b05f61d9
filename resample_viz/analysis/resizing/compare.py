"""Do two resize methods agree, by how much do they differ, and which setting comes closest?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from resample_viz.analysis.resizing.libraries import installed_methods, resize_method
from resample_viz.analysis.resizing.methods import Levels, ResizeMethod, Size
from resample_viz.memory import return_freed
from resample_viz.operations import OperationError
from resample_viz.operations.validation import check_tensor, described
from resample_viz.progress import Progress
from resample_viz.threads import one_thread
from resample_viz.words import gettext as _

SAME = 0.05
"""Grey levels: up to here two float32 results differ by rounding errors only."""

Axes = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Comparison:
    """What `same_resize` found; true where the two methods agree.

    Attributes:
        a, b: the methods.
        in_size, size: (height, width) of the picture and of the results.
        worst, mean: largest and mean difference on the picture, in grey levels (0 to 255).
        at_worst: the largest difference on *any* picture, from the weights alone: what rounding to
            uint8 does comes on top.
        closest: the method of b's library, on b's dtype, that comes closest to `a`: one that
            agrees, or the one with the smallest mean difference on the picture.
        closest_worst, closest_at_worst: the same two figures for `closest`.
    """

    a: ResizeMethod
    b: ResizeMethod
    in_size: Size
    size: Size
    worst: float
    mean: float
    at_worst: float
    closest: ResizeMethod
    closest_worst: float
    closest_at_worst: float

    @property
    def agree(self) -> bool:
        """Same weights, and the same result: up to float32 rounding, or one level of uint8."""
        return _agree(self.a, self.b, self.worst, self.at_worst)

    def __bool__(self) -> bool:
        return self.agree

    def __str__(self) -> str:
        sizes = f"{_by(self.in_size)} to {_by(self.size)}"
        lines = [f"{self.a!r} and {self.b!r}, {sizes}: {self._verdict()}"]
        if not self.agree:
            lines.append(self._advice())
        return "\n".join(lines)

    def _verdict(self) -> str:
        if self.agree:
            rounding = "up to 8-bit rounding" if self.worst > SAME else "up to float32 rounding"
            return f"the same, {rounding}."
        here = f"{self.worst:.1f} grey levels at most here, {self.mean:.2f} in the mean"
        if self.at_worst <= SAME:
            return f"the same weights, but rounded or clipped differently: {here}."
        most = f"On the worst picture their weights make {self.at_worst:.1f}"
        more = "" if self.worst <= self.at_worst else "; the rest is clipping or rounding"
        return f"different. {here}. {most}{more}."

    def _advice(self) -> str:
        closest = _agree(self.a, self.closest, self.closest_worst, self.closest_at_worst)
        figures = f"{self.closest_worst:.1f} at most here, {self.closest_at_worst:.1f} at worst"
        if closest:
            return f"{self.closest!r} is the same as {self.a!r}: use it instead."
        if self.closest == self.b:
            return f"No setting of {self.b.library} comes closer."
        return f"No setting of {self.b.library} is the same. Closest: {self.closest!r} ({figures})."


def _agree(a: ResizeMethod, b: ResizeMethod, worst: float, at_worst: float) -> bool:
    rounding = 1.0 if "uint8" in (a.dtype, b.dtype) else SAME
    return at_worst <= SAME and worst <= rounding


def _by(size: Size) -> str:
    return f"{size[0]} × {size[1]}"


@one_thread()
def same_resize(
    a: str | ResizeMethod,
    b: str | ResizeMethod,
    size: int | Size = 64,
    of: int | Size = 512,
    picture: Tensor | None = None,
) -> Comparison:
    """Compares two resize methods, on one size; see `Comparison`.

    `a` and `b` are names, such as "torch bilinear antialias" and "Pillow BILINEAR uint8"; float32
    where no dtype is named. `resample_viz.analysis.RESIZE_METHODS` lists them. `size` and `of` are
    the sizes of the results and of the picture, a side or (height, width). `picture` replaces the
    seeded noise that is used otherwise, and `of`: a tensor (1, C, H, W), (C, H, W) or (H, W), with
    values in [0, 1], as `rv.photograph` and `rv.load_image` give them, or in grey levels from 0 to
    255; see `grey_levels`. Differences are in grey levels either way.

    Weights are asked of the libraries themselves; after a second, a line says at what it is.

    Raises OperationError for an unknown method, for a library that is not installed, for sizes that
    a method refuses, and for a picture that is no tensor (`rv.load_image` makes one) or has NaN or
    infinite values.

    >>> bool(same_resize("torch bilinear antialias", "Pillow BILINEAR", 20, of=50))
    True
    >>> same_resize("torch bilinear", "cv2 INTER_CUBIC", 20, of=50).closest
    OpenCV INTER_LINEAR float32
    """
    with Progress() as progress:
        return _compare(a, b, size, of, picture, progress.report)


def _compare(
    a: str | ResizeMethod,
    b: str | ResizeMethod,
    size: int | Size,
    of: int | Size,
    picture: Tensor | None,
    report: Callable[[str], None],
) -> Comparison:
    """`same_resize`, which tells `report` what it is at."""
    first, second = resize_method(a), resize_method(b)
    out = (size, size) if isinstance(size, int) else size
    x = _noise((of, of) if isinstance(of, int) else of) if picture is None else _batch_of(picture)
    in_size: Size = (x.shape[-2], x.shape[-1])
    levels = Levels(x)
    wanted = first.resize(levels, out)
    axes = first.measured_axes(in_size, out)

    def figures(other: ResizeMethod) -> tuple[float, float, float]:
        report(f"{first!r} beside {other!r}")
        difference = (other.resize(levels, out) - wanted).abs_()
        bound = max_difference(axes, other.measured_axes(in_size, out))
        return bound, float(difference.max()), float(difference.mean())

    differences = {second: figures(second)}
    for other in installed_methods(second.dtype):
        if other.library == second.library and other not in differences:
            differences[other] = figures(other)

    def distance(other: ResizeMethod) -> tuple[bool, float]:
        bound, most, mean = differences[other]
        return not _agree(first, other, most, bound), round(mean, 3)

    closest = min(differences, key=distance)
    return_freed()
    at_worst, worst, mean = differences[second]
    return Comparison(
        a=first,
        b=second,
        in_size=in_size,
        size=out,
        worst=worst,
        mean=mean,
        at_worst=at_worst,
        closest=closest,
        closest_worst=differences[closest][1],
        closest_at_worst=differences[closest][0],
    )


def grey_levels(picture: Tensor) -> Tensor:
    """A picture of any shape in grey levels from 0 to 255, float32, on the CPU.

    Floating-point values that lie in [0, 1], or leave it as little as an overshoot does (from -1 to
    2), are multiplied by 255, and so are True and False. Others, and whole numbers, are levels
    already.

    >>> grey_levels(torch.tensor([0.0, 0.5, 1.0])).tolist()
    [0.0, 127.5, 255.0]
    >>> grey_levels(torch.tensor([0, 1, 200], dtype=torch.uint8)).tolist()
    [0.0, 1.0, 200.0]
    """
    x = picture.detach().to("cpu", torch.float32)
    if picture.dtype == torch.bool:
        return x * 255
    if not picture.is_floating_point() or picture.numel() == 0:
        return x
    low, high = x.aminmax()
    return x * 255 if low >= -1 and high <= 2 else x


def _batch_of(picture: Tensor) -> Tensor:
    """The picture in grey levels as a batch of one. Raises OperationError for what is none."""
    if not isinstance(picture, Tensor):
        raise OperationError(
            _(
                "picture must be a tensor, (1, C, H, W), not {picture}: rv.load_image "
                "makes one of pictures, arrays and files.",
                picture=described(picture),
            )
        )
    check_tensor(picture)
    if not bool(picture.isfinite().all()):
        raise OperationError(
            _(
                "the picture has NaN or infinite values, which no library resizes "
                "alike: use torch.nan_to_num(x)."
            )
        )
    levels = grey_levels(picture)
    if levels.ndim == 2:
        return levels[None, None]
    return levels[None] if levels.ndim == 3 and len(levels) in (1, 3) else levels


def max_difference(a: Axes, b: Axes, white: float = 255.0) -> float:
    """The largest difference that one picture with values from 0 to `white` can make.

    `a` and `b` are the matrices of rows and of columns, each (out, in). The worst picture is white
    where one weight is larger and black where the other is, so that a cell differs by the sum of
    the positive differences: half the sum of all of them, as both sets of weights sum to 1.

    >>> half = torch.tensor([[0.5, 0.5]]).double()
    >>> first = torch.tensor([[1.0, 0.0]]).double()
    >>> max_difference((half, half), (first, first), white=1.0)
    0.75
    """
    rows_a, rows_b = (part.numpy() for part in _windows(a[0], b[0]))
    columns_a, columns_b = (part.numpy() for part in _windows(a[1], b[1]))
    worst = 0.0
    for one, other in zip(rows_a, rows_b):  # one row of outputs at a time: little memory
        weights = one[:, None, None] * columns_a - other[:, None, None] * columns_b
        worst = max(worst, float(weights.clip(min=0).sum(axis=(0, 2)).max()))
    return white * worst


def _windows(a: Tensor, b: Tensor) -> Axes:
    """Both matrices cut down to the columns around each row that either of them uses."""
    used = (a != 0) | (b != 0)
    places = torch.arange(a.shape[1])
    start = torch.where(used, places, a.shape[1]).min(dim=1).values
    end = torch.where(used, places + 1, 0).max(dim=1).values
    cells = start[:, None] + torch.arange(int((end - start).max()))
    inside = cells < a.shape[1]
    cells = cells.clamp(max=a.shape[1] - 1)
    return a.gather(1, cells) * inside, b.gather(1, cells) * inside


def _noise(size: Size) -> Tensor:
    """Whole grey levels, the same for the same size."""
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (1, 3, *size), generator=generator).to(torch.float32)
