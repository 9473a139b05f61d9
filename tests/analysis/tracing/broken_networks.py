"""Random encoders and decoders that run, and copies of them into which one fault is put."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from resample_viz.analysis.tracing.edits import SetLayers


class Crop(nn.Module):
    """Cuts cells off, or none."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = (0, 0)

    def forward(self, x: Tensor) -> Tensor:
        top, bottom = self.cells
        return x[..., top : x.shape[-2] - bottom, :] if any(self.cells) else x


def conv(inputs: int, outputs: int, taps: int = 3) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inputs, outputs, taps, padding=taps // 2), nn.ReLU())


def halving(rng: Random, channels: int) -> nn.Module:
    """A layer that makes n / 2 of an even n."""
    return rng.choice(
        [
            nn.MaxPool2d(2),
            nn.AvgPool2d(2),
            nn.MaxPool2d(3, stride=2, padding=1),
            nn.Conv2d(channels, channels, 3, stride=2, padding=1),
            nn.Conv2d(channels, channels, 4, stride=2, padding=1),
            nn.Conv2d(channels, channels, 2, stride=2),
            nn.Conv2d(channels, channels, 5, stride=2, padding=2),
        ]
    )


def doubling(rng: Random, inputs: int, outputs: int) -> nn.Module:
    return rng.choice(
        [
            nn.ConvTranspose2d(inputs, outputs, 2, stride=2),
            nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1),
            nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1),
            nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, 1)),
            nn.Sequential(nn.Conv2d(inputs, 4 * outputs, 3, padding=1), nn.PixelShuffle(2)),
        ]
    )


def widths(rng: Random, levels: int) -> list[int]:
    first = rng.choice([2, 3, 4])
    return [first * (level + 1) for level in range(levels)]


class UNet(nn.Module):
    def __init__(self, rng: Random) -> None:
        super().__init__()
        wide = widths(rng, rng.choice([2, 3, 4]))
        same = rng.getrandbits(32)  # all stages are built alike
        pairs = list(itertools.pairwise(wide))
        self.enc = nn.ModuleList(conv(a, b) for a, b in zip([3, *wide[:-1]], wide))
        self.down = nn.ModuleList(halving(Random(same), a) for a, _ in pairs)
        self.crop = nn.ModuleList(Crop() for _ in pairs)
        self.up = nn.ModuleList(doubling(Random(same), b, a) for a, b in pairs)
        self.dec = nn.ModuleList(conv(2 * a, a) for a, _ in pairs)
        self.size = 2 ** (len(pairs)) * rng.randint(2, 5)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for n, enc in enumerate(self.enc):
            x = enc(self.down[n - 1](x) if n else x)
            skips.append(x)
        for n in reversed(range(len(self.up))):
            x = self.dec[n](torch.cat([self.crop[n](skips[n]), self.up[n](x)], 1))
        return x


class OddUNet(nn.Module):
    """On odd sizes: pools that round down, and transposed convolutions that make up for it."""

    def __init__(self, rng: Random) -> None:
        super().__init__()
        wide = widths(rng, rng.choice([2, 3, 4]))
        pairs = list(itertools.pairwise(wide))
        taps, padding = rng.choice([(3, 0), (3, 1), (2, 0)])
        self.enc = nn.ModuleList(conv(a, b) for a, b in zip([3, *wide[:-1]], wide))
        self.down = nn.ModuleList(nn.MaxPool2d(taps, 2, padding) for _ in pairs)
        short = padding == 1
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(b, a, 3, stride=2, padding=int(short)) for a, b in pairs
        )
        self.crop = nn.ModuleList(Crop() for _ in pairs)
        self.dec = nn.ModuleList(conv(2 * a, a) for a, _ in pairs)
        self.size = rng.randint(4, 7)
        for _ in pairs:  # the size that comes out even at every level
            self.size = 2 * self.size + (-1 if short else 1)

    forward = UNet.forward


class Pyramid(nn.Module):
    def __init__(self, rng: Random) -> None:
        super().__init__()
        levels, width = rng.choice([2, 3, 4]), rng.choice([4, 6])
        wide = widths(rng, levels)
        inputs = [3, *wide[:-1]]
        self.body = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1), nn.BatchNorm2d(b), nn.ReLU())
            for a, b in zip(inputs, wide)
        )
        self.lateral = nn.ModuleList(nn.Conv2d(b, width, 1) for b in wide)
        self.up = nn.ModuleList(nn.Upsample(scale_factor=2) for _ in wide[1:])
        self.crop = nn.ModuleList(Crop() for _ in wide)
        self.smooth = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in wide)
        self.size = 2**levels * rng.randint(2, 5)

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        for body in self.body:
            x = body(x)
            maps.append(x)
        tops = [self.lateral[-1](maps[-1])]
        for n in reversed(range(len(self.up))):
            tops.append(self.crop[n](self.lateral[n](maps[n])) + self.up[n](tops[-1]))
        return [smooth(top) for smooth, top in zip(self.smooth, tops[::-1])]


class SegNet(nn.Module):
    def __init__(self, rng: Random) -> None:
        super().__init__()
        wide = widths(rng, rng.choice([2, 3, 4]))
        self.enc = nn.ModuleList(conv(a, b) for a, b in zip([3, *wide[:-1]], wide))
        self.pool = nn.ModuleList(nn.MaxPool2d(2, return_indices=True) for _ in wide)
        self.unpool = nn.ModuleList(nn.MaxUnpool2d(2) for _ in wide)
        self.dec = nn.ModuleList(conv(b, a) for a, b in zip([3, *wide[:-1]], wide))
        self.keeps = [True for _ in wide]
        self.size = rng.randint(2 ** len(wide), 3 * 2 ** len(wide))

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for enc, pool in zip(self.enc, self.pool):
            x = enc(x)
            size = x.shape[2:]
            x, indices = pool(x)
            kept.append((indices, size))
        for n in reversed(range(len(self.dec))):
            indices, size = kept[n]
            x = self.dec[n](self.unpool[n](x, indices, output_size=size if self.keeps[n] else None))
        return x


class NestedUNet(nn.Module):
    def __init__(self, rng: Random) -> None:
        super().__init__()
        levels = rng.choice([3, 4])
        wide = widths(rng, levels)
        self.levels = levels
        self.enc = nn.ModuleList(conv(a, b) for a, b in zip([3, *wide[:-1]], wide))
        same = rng.getrandbits(32)
        self.down = nn.ModuleList(halving(Random(same), a) for a in wide[:-1])
        self.up, self.mix, self.crop = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        for row in range(levels - 1):
            for column in range(1, levels - row):
                key = f"x{row}{column}"
                self.up[key] = doubling(Random(same), wide[row + 1], wide[row])
                self.mix[key] = conv(wide[row] * (column + 1), wide[row])
                self.crop[key] = Crop()
        self.size = 2 ** (levels - 1) * rng.randint(2, 4)

    def forward(self, x: Tensor) -> Tensor:
        rows: list[list[Tensor]] = []
        for n, enc in enumerate(self.enc):
            x = enc(self.down[n - 1](rows[n - 1][0]) if n else x)
            rows.append([x])
        for column in range(1, self.levels):
            for row in range(self.levels - column):
                key = f"x{row}{column}"
                raised = self.crop[key](self.up[key](rows[row + 1][column - 1]))
                rows[row].append(self.mix[key](torch.cat([*rows[row], raised], 1)))
        return rows[0][-1]


class Autoencoder(nn.Module):
    """With a linear code; its output is to be as large as its input."""

    def __init__(self, rng: Random) -> None:
        super().__init__()
        wide = widths(rng, rng.choice([2, 3]))
        side, same = rng.randint(2, 4), rng.getrandbits(32)
        features = wide[-1] * side * side
        self.enc = nn.ModuleList(conv(a, b) for a, b in zip([3, *wide[:-1]], wide))
        self.down = nn.ModuleList(halving(Random(same), b) for b in wide)
        self.flatten = nn.Flatten()
        self.code, self.decode = nn.Linear(features, 8), nn.Linear(8, features)
        self.unflatten = nn.Unflatten(1, (wide[-1], side, side))
        self.up = nn.ModuleList(doubling(Random(same), b, a) for a, b in zip([3, *wide[:-1]], wide))
        self.crop = Crop()
        self.size = side * 2 ** len(wide)

    def forward(self, x: Tensor) -> Tensor:
        for enc, down in zip(self.enc, self.down):
            x = down(enc(x))
        x = self.unflatten(self.decode(self.code(self.flatten(x))))
        for up in reversed(self.up):
            x = up(x)
        return self.crop(x)


class Fusion(nn.Module):
    """Branches of several resolutions, each of which gets the sum of all, as in HRNet."""

    def __init__(self, rng: Random) -> None:
        super().__init__()
        count = rng.choice([2, 3])
        wide = widths(rng, count)
        self.stem = nn.Conv2d(3, wide[0], 3, stride=2, padding=1)
        self.transition = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in itertools.pairwise(wide)
        )
        self.branch = nn.ModuleList(conv(a, a) for a in wide)
        self.fuse = nn.ModuleDict()
        self.crop = nn.ModuleList(Crop() for _ in wide)
        for i in range(count):
            for j in range(count):
                self.fuse[f"{j}_to_{i}"] = self.way(wide, i, j)
        self.count = count
        self.size = 2**count * rng.randint(2, 5)

    @staticmethod
    def way(wide: list[int], i: int, j: int) -> nn.Module:
        if i == j:
            return nn.Identity()
        if j > i:
            return nn.Sequential(
                nn.Conv2d(wide[j], wide[i], 1), nn.Upsample(scale_factor=2 ** (j - i))
            )
        steps = [(wide[j], wide[j])] * (i - j - 1) + [(wide[j], wide[i])]
        return nn.Sequential(*(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in steps))

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = [self.stem(x)]
        for transition in self.transition:
            maps.append(transition(maps[-1]))
        maps = [branch(y) for branch, y in zip(self.branch, maps)]
        sums = []
        for i in range(self.count):
            parts = [self.fuse[f"{j}_to_{i}"](maps[j]) for j in range(self.count)]
            total = self.crop[i](parts[0])
            for part in parts[1:]:
                total = total + part
            sums.append(total)
        return sums


NETWORKS = (UNet, OddUNet, Pyramid, SegNet, NestedUNet, Autoencoder, Fusion)

# Faults: each changes a copy, and returns the name of the step that is wrong; None if it cannot.

Fault = Callable[[nn.Module, Random], str | None]


def windows(model: nn.Module) -> dict[str, Any]:
    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.MaxPool2d, nn.AvgPool2d)
    return {name: one for name, one in model.named_modules() if isinstance(one, kinds)}


def set_one(model: nn.Module, name: str, **settings: Any) -> str:
    SetLayers((name,), tuple(settings.items())).change(model)
    return name


def first(value: Any) -> int:
    return value[0] if isinstance(value, tuple) else value


def wrong_stride(model: nn.Module, rng: Random) -> str | None:
    layers = {n: one for n, one in windows(model).items() if first(one.kernel_size) > 1}
    strided = [n for n, one in layers.items() if first(one.stride) == 2]
    name = rng.choice(strided or sorted(layers))
    now = first(layers[name].stride)
    return set_one(model, name, stride=rng.choice([n for n in (1, 2, 3) if n != now]))


def wrong_padding(model: nn.Module, rng: Random) -> str | None:
    layers = {n: one for n, one in windows(model).items() if isinstance(one.padding, tuple)}
    name = rng.choice(sorted(layers))
    now = first(layers[name].padding)
    return set_one(model, name, padding=rng.choice([n for n in (now - 1, now + 1) if n >= 0]))


def wrong_kernel(model: nn.Module, rng: Random) -> str | None:
    name = rng.choice(sorted(windows(model)))
    now = first(windows(model)[name].kernel_size)
    step = rng.choice([n for n in (now - 1, now + 1, now + 2) if n >= 1])
    return set_one(model, name, kernel_size=step)


def wrong_ceil_mode(model: nn.Module, rng: Random) -> str | None:
    pools = [n for n, one in windows(model).items() if hasattr(one, "ceil_mode")]
    return set_one(model, rng.choice(pools), ceil_mode=True) if pools else None


def wrong_channels(model: nn.Module, rng: Random) -> str | None:
    convs = [n for n, one in windows(model).items() if isinstance(one, nn.Conv2d)]
    name = rng.choice(sorted(convs))
    side = rng.choice(["in_channels", "out_channels"])
    now = getattr(model.get_submodule(name), side)
    return set_one(model, name, **{side: rng.choice([n for n in (now - 1, now + 1, 2 * now) if n])})


def wrong_crop(model: nn.Module, rng: Random) -> str | None:
    crops = [n for n, one in model.named_modules() if isinstance(one, Crop)]
    if not crops:
        return None
    name = rng.choice(crops)
    model.get_submodule(name).cells = rng.choice([(1, 0), (0, 1), (1, 1), (2, 0), (0, 2)])
    return name


def missing_flatten(model: nn.Module, rng: Random) -> str | None:
    if not isinstance(model, Autoencoder):
        return None
    model.flatten = nn.Identity()
    return "code"


def wrong_unpooling(model: nn.Module, rng: Random) -> str | None:
    if not isinstance(model, SegNet):
        return None
    n = rng.randrange(len(model.keeps))
    model.keeps[n] = False
    return f"unpool.{n}"


def channels_last(model: nn.Module, rng: Random) -> str | None:
    return ""


FAULTS: dict[str, Fault] = {
    "stride": wrong_stride,
    "padding": wrong_padding,
    "kernel": wrong_kernel,
    "ceil_mode": wrong_ceil_mode,
    "channels": wrong_channels,
    "crop": wrong_crop,
    "flatten": missing_flatten,
    "layout": channels_last,
    "unpooling": wrong_unpooling,
}


ONLY: dict[str, tuple[Any, ...]] = {
    "flatten": (Autoencoder,),
    "unpooling": (SegNet,),
    "ceil_mode": (UNet, OddUNet, NestedUNet, Autoencoder),
}
"""Networks that can have a fault at all, where not all can."""


@dataclass
class Broken:
    """A network with one fault: what is wrong, at which step, and on which input."""

    seed: int
    kind: str
    step: str
    model: nn.Module
    shape: tuple[int, ...]
    same_size: bool

    def runs(self, model: nn.Module) -> bool:
        """Whether a repaired model runs on real numbers, with an output of the right size."""
        return runs(model, self.shape, self.same_size)


def runs(model: nn.Module, shape: tuple[int, ...], same_size: bool) -> bool:
    x = torch.rand(shape)
    try:
        with torch.no_grad():
            y = model(x)
    except Exception:
        return False
    return not same_size or y.shape[2:] == x.shape[2:]


def broken_network(seed: int) -> Broken:
    """A random network that runs, with a fault with which it does not."""
    rng = Random(seed)
    kind = list(FAULTS)[seed % len(FAULTS)]
    while True:
        with torch.random.fork_rng():
            torch.manual_seed(rng.getrandbits(32))
            case = _broken(rng, seed, kind)
        if case is not None:
            return case


def _broken(rng: Random, seed: int, kind: str) -> Broken | None:
    model = rng.choice(ONLY.get(kind, NETWORKS))(rng).eval()
    shape = (rng.choice([1, 2]), 3, model.size, model.size)
    same_size = isinstance(model, Autoencoder | SegNet | UNet | OddUNet | NestedUNet)
    if not runs(model, shape, same_size):
        return None
    faulty = copy.deepcopy(model)
    step = FAULTS[kind](faulty, rng)
    if kind == "layout":
        shape = (shape[0], *shape[2:], shape[1])
        same_size = False
    if step is None or runs(faulty, shape, same_size):
        return None
    return Broken(seed, kind, step, faulty, shape, same_size)
