"""Random parameter sets and shapes for every operation: a new operation is added here, once.

A `Trial` is a parameter set with an input shape. `trials` gives some that PyTorch accepts,
`attempts` gives any, most of them impossible. `Entry.pytorch` is the oracle: the plain PyTorch
call that takes the same parameters without any of our checks.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor, nn

from resample_viz.compat import import_torchvision
from resample_viz.operations import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    BlurPool,
    Chain,
    Clip,
    Conv,
    ConvTranspose,
    LPPool,
    MaxPool,
    MaxUnpool,
    MinMax,
    Normalize,
    Operation,
    PixelShuffle,
    PixelUnshuffle,
    Quantize,
    SeparableFootprint,
    Standardize,
    Subsample,
    Upsample,
)
from resample_viz.operations.convolution import PADDING_MODES
from resample_viz.operations.kernels import AVERAGING, NAMED, random
from resample_viz.operations.upsample import ALIGNABLE, ANTIALIASED, MODE_RANKS

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Trial:
    """Parameters of one operation, perhaps impossible, and the shape of an input."""

    operation_type: type[Operation]
    parameters: dict[str, Any]
    shape: Shape

    @property
    def operation(self) -> Operation:
        return self.operation_type(**self.parameters)

    def pytorch(self, x: Tensor) -> Tensor:
        return REGISTRY[self.operation_type].pytorch(x, **self.parameters)

    @property
    def channelwise(self) -> bool:
        return REGISTRY[self.operation_type].channelwise

    def input(
        self, *, batch: int = 1, channels: int | None = None, dtype: Any = torch.float32
    ) -> Tensor:
        """The same random numbers every time, so that a failing trial fails again.

        The number of channels is that of `shape` where the operation does not take any other one.
        """
        generator = torch.Generator().manual_seed(1)
        if channels is None or not self.channelwise:
            channels = self.shape[1]
        shape = (batch, channels, *self.shape[2:])
        return torch.rand(shape, generator=generator, dtype=dtype)

    def cells(self, shape: Shape) -> Shape:
        """The sizes over which the cells of a footprint run, in an input or output of `shape`."""
        return tuple(shape[2:] if self.channelwise else shape[1:])


@dataclass(frozen=True)
class Entry:
    """What the tests have to know about one operation."""

    pytorch: Callable[..., Tensor]
    trials: st.SearchStrategy[Trial]
    attempts: st.SearchStrategy[Trial]
    channelwise: bool = True


def pytorch_upsample(
    x: Tensor,
    *,
    mode: str = "nearest",
    align_corners: bool = False,
    antialias: bool = False,
    **options: Any,
) -> Tensor:
    """F.interpolate, which wants align_corners=None for the modes that have no corners."""
    corners = align_corners if align_corners or mode in ALIGNABLE else None
    if options.get("scale_factor") is None and options.get("size") is None:
        options["scale_factor"] = 2.0
    return F.interpolate(x, mode=mode, align_corners=corners, antialias=antialias, **options)


MODES = (
    "nearest",
    "nearest-exact",
    "linear",
    "bilinear",
    "bicubic",
    "trilinear",
    "area",
    "lanczos",
)
LARGEST = {3: 12, 4: 6, 5: 4}  # cells per axis, by the number of tensor dimensions
STEEPEST = {3: 4.0, 4: 3.0, 5: 2.0}


def factors(most: float) -> st.SearchStrategy[float]:
    """The steps of a slider, thirds and sevenths, and anything else."""
    return st.one_of(
        st.integers(6, round(20 * most)).map(lambda twentieths: twentieths / 20),
        st.sampled_from((1 / 3, 2 / 3, 1.0, 5 / 3, 2.0, 1 / 7)),
        st.floats(0.3, most),
    )


@st.composite
def upsampling_trials(draw: st.DrawFn) -> Trial:
    ndim = draw(st.sampled_from((3, 4, 4, 5)))
    modes = [mode for mode in MODES if MODE_RANKS.allow(mode, ndim)]
    mode = draw(st.sampled_from(modes))
    parameters: dict[str, Any] = {"mode": mode}
    if mode in ALIGNABLE:
        parameters["align_corners"] = draw(st.booleans())
    if mode in ANTIALIASED:
        parameters["antialias"] = mode == "lanczos" or draw(st.booleans())
    extents = draw(st.lists(st.integers(1, LARGEST[ndim]), min_size=ndim - 2, max_size=ndim - 2))
    parameters |= draw(_output_size(extents, STEEPEST[ndim]))
    trial = Trial(Upsample, parameters, (1, 1, *extents))
    if parameters.get("antialias") and trial.pytorch(trial.input()).shape[-1] == 1:
        # torch 2.13 is wrong there, and that is refused: see the test of refusals.
        plain = {"mode": "bicubic"} if mode == "lanczos" else {}
        return replace(trial, parameters=parameters | {"antialias": False} | plain)
    return trial


def gradient_fits(trial: Trial) -> bool:
    """Whether PyTorch's backward pass is the transpose of its forward pass.

    In torch 2.13 it is not where a factor leaves an axis as long as it was (3 x 1.3 = 3), or makes
    it exactly twice as long (3 x 2.3 = 6): for some modes one pass goes by the sizes, as if the
    factor were 1 or 2, and the other one by the factor. Found by these tests; see the test that
    shows it.
    """
    if trial.operation_type is not Upsample:
        return True
    operation, mode = trial.operation, trial.parameters["mode"]
    scale = trial.parameters.get("scale_factor")
    if scale is None or trial.parameters.get("recompute_scale_factor"):
        return True
    sizes = trial.shape[2:]
    out = operation.output_shape(trial.shape)[2:]
    factors = scale if isinstance(scale, tuple) else (scale,) * len(sizes)
    rounded = [m // n for n, m, f in zip(sizes, out, factors) if m % n == 0 and f != m // n]
    if mode == "nearest" and len(trial.shape) != 4:
        return not {1, 2} & set(rounded)
    if trial.parameters.get("antialias"):
        return 1 not in rounded
    return not (mode == "bicubic" and out == sizes and rounded)


@st.composite
def _output_size(draw: st.DrawFn, extents: list[int], steepest: float) -> dict[str, Any]:
    if draw(st.booleans()):
        size = st.integers(1, round(steepest * max(extents)))
        return {"size": draw(st.one_of(size, st.tuples(*[size for _ in extents])))}
    # Factors below 1 / n would leave nothing: that is an attempt, not a trial.
    least = [math.nextafter(1 / n, math.inf) for n in extents]
    if draw(st.booleans()):
        scale: Any = max(draw(factors(steepest)), *least)
    else:
        scale = tuple(max(draw(factors(steepest)), low) for low in least)
    return {"scale_factor": scale, "recompute_scale_factor": draw(st.booleans())}


@st.composite
def upsampling_attempts(draw: st.DrawFn) -> Trial:
    ndim = draw(st.sampled_from((2, 3, 4, 4, 5, 6)))
    extents = draw(st.lists(st.integers(1, 5), min_size=ndim - 2, max_size=ndim - 2))
    scales = st.one_of(factors(3.0), st.sampled_from((0.0, -1.0, 0.1)))
    sizes = st.integers(-1, 6)
    parameters = draw(
        st.fixed_dictionaries(
            {"mode": st.sampled_from(MODES)},
            optional={
                "scale_factor": st.one_of(scales, _tuples(scales)),
                "size": st.one_of(sizes, _tuples(sizes)),
                "align_corners": st.booleans(),
                "antialias": st.booleans(),
                "recompute_scale_factor": st.booleans(),
            },
        )
    )
    return Trial(Upsample, parameters, (1, 1, *extents))


def _tuples(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, min_size=1, max_size=3).map(tuple)


def pytorch_conv(x: Tensor, **parameters: Any) -> Tensor:
    """nn.Conv2d with the weights put in."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # weights without a number, "same" with an even kernel
        return _pytorch_layer(nn.Conv2d, x, **parameters)


def pytorch_conv_transpose(x: Tensor, **parameters: Any) -> Tensor:
    """nn.ConvTranspose2d with the weights put in."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # weights without a number
        return _pytorch_layer(nn.ConvTranspose2d, x, **parameters)


def _pytorch_layer(
    layer_type: type[nn.Module],
    x: Tensor,
    *,
    kernel: Any = "gaussian",
    kernel_size: Any = 3,
    out_channels: int = 1,
    groups: int = 1,
    bias: bool = False,
    seed: int = 0,
    in_channels: int = 1,
    **options: Any,
) -> Tensor:
    if isinstance(kernel, Tensor):
        kernel_size = tuple(kernel.shape[-2:])
    arguments: Any = (in_channels, out_channels, kernel_size)
    layer: Any = layer_type(*arguments, groups=groups, bias=bias, **options).requires_grad_(False)
    if kernel == "random" and not isinstance(kernel, Tensor):
        layer.weight[:] = random(layer.weight.shape, seed)
    elif isinstance(kernel, Tensor):
        layer.weight[:] = kernel / (1 if kernel.ndim == 4 else in_channels // groups)
    else:
        plane = NAMED[kernel](tuple(layer.kernel_size))
        if layer_type is nn.ConvTranspose2d and kernel in AVERAGING:
            plane = plane * math.prod(layer.stride)
        layer.weight[:] = (plane / (in_channels // groups)).float()
    if bias:
        layer.bias[:] = 0.5
    return layer(x)


def one_or_two(numbers: st.SearchStrategy[int]) -> st.SearchStrategy[Any]:
    """One number for both axes, or (height, width)."""
    return st.one_of(numbers, st.tuples(numbers, numbers))


def both(value: Any) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


SIZES = st.integers(1, 3)
ANY_SIZE = ("gaussian", "box", "bilinear", "identity", "random")  # kernels of every size
OWN_NUMBERS = st.integers(-8, 8).map(lambda n: n / 4)


@st.composite
def _kernel_and_channels(draw: st.DrawFn, *, into_first: bool) -> dict[str, Any]:
    """A named kernel or an own one, with groups; `into_first`: a weight starts with in_channels."""
    kernel_size = draw(one_or_two(SIZES))
    groups, per_in, per_out = draw(
        st.sampled_from([(1, 1, 1), (1, 2, 3), (2, 1, 2), (2, 2, 1), (3, 1, 1)])
    )
    sizes = {"in_channels": groups * per_in, "out_channels": groups * per_out}
    names = [*ANY_SIZE]
    if both(kernel_size)[1] > 1:
        names.append("sobel")
    if both(kernel_size) == (3, 3):
        names += ["laplacian", "sharpen"]
    kind = draw(st.sampled_from(("named", "named", "two axes", "four axes")))
    kernel: Any = draw(st.sampled_from(names))
    if kind != "named":
        shape = both(kernel_size)
        if kind == "four axes":
            first = (groups * per_in, per_out) if into_first else (groups * per_out, per_in)
            shape = (*first, *shape)
        kernel = draw(own_kernels(shape))
    return {
        "kernel": kernel,
        "kernel_size": kernel_size,
        "groups": groups,
        "bias": draw(st.booleans()),
        "seed": draw(st.integers(0, 3)),
        **sizes,
    }


@st.composite
def own_kernels(draw: st.DrawFn, shape: Shape) -> Tensor:
    """Quarters, not all of them 0."""
    count = math.prod(shape)
    numbers = draw(st.lists(OWN_NUMBERS, min_size=count, max_size=count).filter(any))
    return torch.tensor(numbers).view(shape)


@st.composite
def conv_trials(draw: st.DrawFn) -> Trial:
    parameters = draw(_kernel_and_channels(into_first=False))
    parameters |= {
        "stride": draw(one_or_two(SIZES)),
        "padding": draw(
            st.one_of(one_or_two(st.integers(0, 3)), st.sampled_from(("same", "valid")))
        ),
        "padding_mode": draw(st.sampled_from(PADDING_MODES)),
        "dilation": draw(one_or_two(st.integers(1, 2))),
    }
    if parameters["padding"] == "same":
        parameters["stride"] = 1
    window = [
        d * (k - 1) + 1
        for d, k in zip(both(parameters["dilation"]), both(parameters["kernel_size"]))
    ]
    extents = []
    for axis, span in enumerate(window):
        before, after = padding_along(parameters["padding"], axis, span)
        least = max(1, span - before - after)
        if parameters["padding_mode"] in ("reflect", "circular"):
            least = max(least, after + 1)  # one more than "circular" needs
        extents.append(draw(st.integers(least, least + 3)))
    return Trial(Conv, parameters, (1, parameters["in_channels"], *extents))


def padding_along(padding: Any, axis: int, window: int) -> tuple[int, int]:
    """Cells before and after, as PyTorch documents them."""
    if padding == "same":
        return (window - 1) // 2, window // 2
    number = 0 if padding == "valid" else both(padding)[axis]
    return number, number


@st.composite
def conv_transpose_trials(draw: st.DrawFn) -> Trial:
    parameters = draw(_kernel_and_channels(into_first=True))
    parameters |= {"stride": draw(one_or_two(SIZES)), "dilation": draw(one_or_two(SIZES))}
    extents, paddings, extras = [], [], []
    for axis in (0, 1):
        stride, dilation, size = (
            both(parameters[name])[axis] for name in ("stride", "dilation", "kernel_size")
        )
        n, extra = draw(st.integers(1, 3)), draw(st.integers(0, max(stride, dilation) - 1))
        whole = (n - 1) * stride + dilation * (size - 1) + extra + 1
        paddings.append(draw(st.integers(0, min(3, (whole - 1) // 2))))
        extents.append(n)
        extras.append(extra)
    parameters |= {"padding": tuple(paddings), "output_padding": tuple(extras)}
    return Trial(ConvTranspose, parameters, (1, parameters["in_channels"], *extents))


def _attempted(operation_type: type[Operation]) -> st.SearchStrategy[Trial]:
    """Any numbers; the input has the right number of channels most of the time."""
    sizes = one_or_two(st.integers(1, 3) | st.integers(-1, 5))
    counts = st.sampled_from((1, 1, 1, 2, 2, 3, 4, 0, -1))
    options: dict[str, st.SearchStrategy[Any]] = {
        "kernel": st.sampled_from(ANY_SIZE),
        "kernel_size": sizes,
        "stride": sizes,
        "padding": sizes,
        "dilation": sizes,
        "groups": counts,
        "out_channels": counts,
        "bias": st.booleans(),
    }
    if operation_type is Conv:
        options["padding"] |= st.sampled_from(("same", "valid"))
        options["padding_mode"] = st.sampled_from(PADDING_MODES)
    else:
        options["output_padding"] = one_or_two(st.integers(-1, 4))
    return st.builds(
        lambda parameters, channels, extents, off: Trial(
            operation_type,
            {**parameters, "in_channels": max(1, channels + off)},
            (1, channels, *extents),
        ),
        st.fixed_dictionaries({}, optional=options),
        st.sampled_from((1, 1, 2, 3, 4)),
        st.integers(1, 3).flatmap(
            lambda axes: st.lists(
                st.integers(1, 6), min_size=(2, 1, 3)[axes - 1], max_size=(2, 2, 3)[axes - 1]
            )
        ),
        st.sampled_from((0, 0, 0, 0, 1, -1)),
    )


def pytorch_subsample(x: Tensor, *, stride: Any = 2, offset: Any = 0) -> Tensor:
    """The slice; PyTorch takes steps below 1 for a mistake, and an empty result for none."""
    (row, col), (first_row, first_col) = both(stride), both(offset)
    y = x[..., first_row::row, first_col::col]
    if y.numel() == 0:
        raise ValueError("nothing is left")
    return y


def pytorch_blur(
    x: Tensor, *, kernel_size: int = 3, stride: Any = 2, padding_mode: str = "reflect"
) -> Tensor:
    """Pascal's triangle by repeated convolution, then the depthwise convolution."""
    row = torch.ones(1)
    for _ in range(kernel_size - 1):
        row = (F.pad(row, (0, 1)) + F.pad(row, (1, 0))) / 2
    kernel = row.outer(row).to(x).expand(x.shape[1], 1, -1, -1)
    mode = "constant" if padding_mode == "zeros" else padding_mode
    padding = ((kernel_size - 1) // 2, kernel_size // 2) * 2
    return F.conv2d(F.pad(x, padding, mode), kernel, stride=stride, groups=x.shape[1])


def pytorch_unpool(
    y: Tensor,
    *,
    kernel_size: Any = 2,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """Values to the first cells of windows that start apart and inside."""
    stride = kernel_size if stride is None else stride
    numbers = zip(y.shape[2:], both(kernel_size), both(stride), both(padding))
    sizes = [(n - 1) * s - 2 * p + k for n, k, s, p in numbers]
    size = sizes if output_size is None else both(output_size)
    rows, cols = (
        [max(0, i * s - p) for i in range(n)]
        for n, s, p in zip(y.shape[2:], both(stride), both(padding))
    )
    if len(set(rows)) < len(rows) or len(set(cols)) < len(cols):
        raise ValueError("two windows start in one cell")
    if rows[-1] >= size[0] or cols[-1] >= size[1] or min(size) < 1:
        raise ValueError("a window starts outside")
    indices = torch.tensor([[row * size[1] + col for col in cols] for row in rows])
    indices = indices.expand(y.shape).contiguous()
    return F.max_unpool2d(y, indices, kernel_size, stride, padding, list(size))


def pictures(largest: int = 7, *, channels: int = 1, step: int = 1) -> st.SearchStrategy[Shape]:
    extent = st.integers(1, largest).map(lambda n: n * step)
    return st.tuples(st.just(1), st.just(channels), extent, extent)


WINDOWS, STEPS = st.integers(1, 4), st.integers(1, 4)
WINDOW: dict[str, st.SearchStrategy[Any]] = {
    "stride": st.one_of(st.none(), one_or_two(STEPS)),
    "padding": one_or_two(st.integers(0, 2)),
    "ceil_mode": st.booleans(),
}


def accepted(trials: st.SearchStrategy[Trial]) -> st.SearchStrategy[Trial]:
    """Those of them that neither PyTorch nor we refuse."""
    return trials.filter(lambda trial: not refused_on_purpose(trial) and _works(trial))


def _works(trial: Trial) -> bool:
    try:
        trial.pytorch(trial.input())
    except (RuntimeError, ValueError, TypeError, NotImplementedError):
        return False
    return True


def refused_on_purpose(trial: Trial) -> bool:
    """Whether PyTorch gives a result that nobody should get, and we say so instead.

    Empty results; outputs one pixel wide, which torch 2.13 antialiases wrongly; and -inf from
    dilated windows that read padding only.
    """
    try:
        result = trial.pytorch(trial.input())
    except (RuntimeError, ValueError, TypeError, NotImplementedError):
        return False
    one_wide = result.ndim == 4 and result.shape[-1] == 1 and result.shape[-2] != trial.shape[-2]
    wrong = bool(trial.parameters.get("antialias")) and one_wide
    return result.numel() == 0 or wrong or bool(torch.isinf(result).any())


def entry_of(
    kind: type[Operation],
    pytorch: Callable[..., Tensor],
    shapes: st.SearchStrategy[Shape],
    *,
    nonsense: dict[str, st.SearchStrategy[Any]],
    required: dict[str, st.SearchStrategy[Any]] | None = None,
    **optional: st.SearchStrategy[Any],
) -> Entry:
    """An entry whose trials are the attempts that work out, and whose attempts add nonsense."""

    def made(optional: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Trial]:
        parameters = st.fixed_dictionaries(required or {}, optional=optional)
        return st.builds(Trial, st.just(kind), parameters, shapes)

    worse = {name: st.one_of(optional[name], values) for name, values in nonsense.items()}
    return Entry(pytorch, accepted(made(optional)), st.one_of(made(optional), made(worse)))


ZERO = st.just(0)
KERNEL = {"kernel_size": one_or_two(WINDOWS)}
POOLING: dict[type[Operation], Entry] = {
    MaxPool: entry_of(
        MaxPool,
        F.max_pool2d,
        pictures(),
        required=KERNEL,
        dilation=one_or_two(st.integers(1, 3)),
        nonsense={"stride": ZERO, "dilation": ZERO, "padding": st.just(-1)},
        **WINDOW,
    ),
    AvgPool: entry_of(
        AvgPool,
        F.avg_pool2d,
        pictures(),
        required=KERNEL,
        count_include_pad=st.booleans(),
        divisor_override=st.one_of(st.none(), st.integers(1, 9)),
        nonsense={"stride": ZERO, "divisor_override": ZERO, "padding": st.just(-1)},
        **WINDOW,
    ),
    LPPool: entry_of(
        LPPool,
        F.lp_pool2d,
        pictures(),
        required=KERNEL | {"norm_type": st.sampled_from((1.0, 1.5, 2.0, 3.0, 4.0))},
        stride=WINDOW["stride"],
        ceil_mode=st.booleans(),
        nonsense={"stride": ZERO},
    ),
    AdaptiveAvgPool: entry_of(
        AdaptiveAvgPool,
        F.adaptive_avg_pool2d,
        pictures(),
        required={"output_size": one_or_two(st.integers(1, 9))},
        nonsense={},
    ),
    AdaptiveMaxPool: entry_of(
        AdaptiveMaxPool,
        F.adaptive_max_pool2d,
        pictures(),
        required={"output_size": one_or_two(st.integers(1, 9))},
        nonsense={},
    ),
    MaxUnpool: entry_of(
        MaxUnpool,
        pytorch_unpool,
        pictures(4),
        required=KERNEL,
        stride=WINDOW["stride"],
        padding=st.just(0),
        output_size=one_or_two(st.integers(1, 12)),
        nonsense={"stride": ZERO, "output_size": ZERO},
    ),
    Subsample: entry_of(
        Subsample,
        pytorch_subsample,
        pictures(),
        stride=one_or_two(STEPS),
        offset=one_or_two(st.integers(0, 3)),
        nonsense={"stride": ZERO},
    ),
    BlurPool: entry_of(
        BlurPool,
        pytorch_blur,
        pictures(),
        kernel_size=st.integers(1, 6),
        stride=one_or_two(STEPS),
        padding_mode=st.sampled_from(("reflect", "replicate", "zeros", "circular")),
        nonsense={"stride": ZERO},
    ),
    PixelShuffle: Entry(
        F.pixel_shuffle,
        st.integers(1, 3).flatmap(
            lambda r: st.builds(
                Trial,
                st.just(PixelShuffle),
                st.just({"upscale_factor": r}),
                pictures(3, channels=r * r),
            )
        ),
        st.builds(
            Trial,
            st.just(PixelShuffle),
            st.fixed_dictionaries({"upscale_factor": st.integers(0, 3)}),
            st.integers(1, 9).flatmap(lambda c: pictures(3, channels=c)),
        ),
        channelwise=False,
    ),
    PixelUnshuffle: Entry(
        F.pixel_unshuffle,
        st.integers(1, 3).flatmap(
            lambda r: st.builds(
                Trial,
                st.just(PixelUnshuffle),
                st.just({"downscale_factor": r}),
                pictures(3, step=r),
            )
        ),
        st.builds(
            Trial,
            st.just(PixelUnshuffle),
            st.fixed_dictionaries({"downscale_factor": st.integers(0, 3)}),
            pictures(6),
        ),
        channelwise=False,
    ),
}


def pytorch_normalize(x: Tensor, *, mean: Any = 0.5, std: Any = 0.5) -> Tensor:
    """torchvision's function; it takes negative spreads, and repeats a channel to fit the mean."""
    import_torchvision()
    from torchvision.transforms.v2.functional import normalize

    means, stds = (value if isinstance(value, tuple) else (value,) for value in (mean, std))
    if min(stds) < 0:
        raise ValueError("a spread is not negative")
    y = normalize(x, list(means), list(stds))
    if y.shape != x.shape:
        raise ValueError("another number of channels came out")
    return y


def pytorch_min_max(x: Tensor, *, by: str = "picture") -> Tensor:
    """Every channel, or every picture, by itself."""
    planes = x.flatten(0, 1) if by == "channel" else x
    scaled = [(plane - plane.min()) / (plane.max() - plane.min()) for plane in planes]
    y = torch.stack(scaled).view_as(x)
    if bool(y.isnan().any()):
        raise ValueError("no contrast")
    return y


def pytorch_quantize(x: Tensor, *, rounding: str = "truncate", overflow: str = "wrap") -> Tensor:
    """The arithmetic of uint8, in whole numbers of floats."""
    levels = (255 * x).round() if rounding == "round" else (255 * x).trunc()
    return (levels.clamp(0, 255) if overflow == "clip" else levels.remainder(256)) / 255


def pytorch_chain(x: Tensor, *, steps: Any = ()) -> Tensor:
    """The layers in nn.Sequential."""
    return nn.Sequential(*(step.module() for step in steps))(x)


LINKS = st.sampled_from(
    (
        Normalize(0.4, 0.25),
        Upsample(mode="bilinear"),
        Upsample(scale_factor=0.5, mode="area"),
        AvgPool(2, stride=1),
        Subsample(2),
    )
)
BY_CHANNEL = {"by": st.just("channel")}  # so that channels can be looked at one by one
VALUES: dict[type[Operation], Entry] = {
    Normalize: entry_of(
        Normalize,
        pytorch_normalize,
        pictures(),
        mean=st.floats(-2, 2),
        std=st.floats(0.1, 3),
        nonsense={
            "mean": st.lists(st.floats(-2, 2), min_size=2, max_size=3).map(tuple),
            "std": st.sampled_from((0.0, -1.0, (0.2, 0.0))),
        },
    ),
    MinMax: entry_of(MinMax, pytorch_min_max, pictures(), required=BY_CHANNEL, nonsense={}),
    Standardize: entry_of(
        Standardize,
        lambda x, by="channel": F.instance_norm(x),
        pictures(),
        required=BY_CHANNEL,
        nonsense={},
    ),
    Clip: entry_of(
        Clip,
        lambda x, low=0.0, high=1.0: F.hardtanh(x, low, high),
        pictures(),
        low=st.floats(-1, 0.4),
        high=st.floats(0.6, 2),
        nonsense={"low": st.floats(2, 3)},
    ),
    Quantize: entry_of(
        Quantize,
        pytorch_quantize,
        pictures(),
        rounding=st.sampled_from(("truncate", "round")),
        overflow=st.sampled_from(("wrap", "clip")),
        nonsense={},
    ),
    Chain: entry_of(
        Chain,
        pytorch_chain,
        pictures(),
        steps=st.lists(LINKS, max_size=3).map(tuple),
        nonsense={},
    ),
}
for kind in VALUES.keys() - {Normalize}:  # their footprints ask autograd, which knows channels
    VALUES[kind] = replace(VALUES[kind], channelwise=False)

REGISTRY: dict[type[Operation], Entry] = {
    Upsample: Entry(pytorch_upsample, upsampling_trials(), upsampling_attempts()),
    Conv: Entry(pytorch_conv, conv_trials(), _attempted(Conv), channelwise=False),
    ConvTranspose: Entry(
        pytorch_conv_transpose,
        conv_transpose_trials(),
        _attempted(ConvTranspose),
        channelwise=False,
    ),
    **POOLING,
    **VALUES,
}

trials = st.one_of([entry.trials for entry in REGISTRY.values()])
separable_trials = trials.filter(
    lambda trial: (
        trial.operation.linear
        and isinstance(trial.operation.footprint(trial.shape), SeparableFootprint)
    )
)
gradient_trials = trials.filter(gradient_fits)
attempts = st.one_of([entry.attempts for entry in REGISTRY.values()])
