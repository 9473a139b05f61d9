"""What a picture is made of, by frequency; and which of it a coarser grid can still carry.

Frequencies are in cycles per pixel, along the height and along the width, from -0.5 to 0.5. A grid
that keeps every s-th pixel can carry those up to 0.5 / s, its Nyquist limit. What lies above comes
back as a lower frequency that was not there: it is folded, an alias.

Sources: C. E. Shannon, Communication in the presence of noise, Proc. IRE 37 (1949), theorem 1; A.
V. Oppenheim and R. W. Schafer, Discrete-Time Signal Processing, section 4.6.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from resample_viz.threads import one_thread

DECADES = 4.0
"""How many powers of ten lie between black and white in a spectrum on screen."""
FOLDED = (1.0, 0.45, 0.0)
"""The colour of what is folded, as RGB: the vermilion of outputs, lightened."""


def frequencies(size: int) -> Tensor:
    """The frequencies of a row of `size` pixels, the lowest in the middle: (size,) float32.

    >>> frequencies(4).tolist()
    [-0.5, -0.25, 0.0, 0.25]
    """
    cycles: Tensor = torch.fft.fftshift(torch.fft.fftfreq(size))
    return cycles


def folded_frequency(frequency: float, factor: int) -> float:
    """Where `frequency` is seen after every `factor`-th pixel was kept, in the old pixels' unit.

    The nearest multiple of the new sampling frequency, 1 / factor, is taken away.

    >>> round(folded_frequency(0.4, 2), 6)
    0.1
    """
    rate = 1 / factor
    return abs(frequency - rate * round(frequency / rate))


def amplitudes(x: Tensor) -> Tensor:
    """The amplitude of every frequency of the grey picture: (H, W), the lowest in the middle.

    x is (C, H, W); its channels are averaged, and its mean, which hides everything else, taken
    away. A Hann window fades the borders, where the picture would jump to its other side.
    """
    return _transform(x).abs()


@one_thread()
def _transform(x: Tensor) -> Tensor:
    """The complex amplitudes: they add up where pictures do."""
    grey = x.detach().to(torch.float32).mean(0)
    window = _hann(*grey.shape)
    total = window.sum()
    centred = grey - (grey * window).sum() / total
    spectrum: Tensor = torch.fft.fftshift(torch.fft.fft2(centred * window))
    return spectrum / total


def displayed(amplitude: Tensor, peak: float) -> Tensor:
    """Amplitudes (H, W) on a logarithmic scale, in [0, 1]: `peak` is 1, `DECADES` below it is 0."""
    floor = 10**-DECADES
    share = (amplitude / max(peak, 1e-12)).clamp(min=floor)
    return (share.log10() / DECADES + 1).clamp(0, 1)


def split_at_limit(x: Tensor, factor: float) -> tuple[Tensor, Tensor]:
    """(below, above): the parts of x, (..., H, W), on both sides of the limit 0.5 / factor.

    They add up to x; `factor` is 1 or more. The cut is sharp, by the discrete Fourier transform:
    the picture is taken to repeat beyond its borders. A frequency is below if it is so along both
    axes.
    """
    height, width = x.shape[-2:]
    below = torch.fft.irfft2(torch.fft.rfft2(x) * _kept(height, width, factor), s=(height, width))
    return below, x - below


def limit_map(x: Tensor, factor: float) -> Tensor:
    """The spectrum of x, (C, H, W), as RGB, (3, H, W): in colour what a coarser grid would fold.

    What a grid that keeps every `factor`-th pixel can carry is grey.
    """
    amplitude = amplitudes(x)
    rows, cols = (frequencies(n).abs() <= 0.5 / factor for n in amplitude.shape)
    above = ~(rows[:, None] & cols)
    return _coloured(displayed(amplitude, float(amplitude.max())), above.float())


def fold_map(true: Tensor, folded: Tensor) -> tuple[Tensor, float]:
    """The spectrum of true + folded as RGB, (3, H, W), and the share of its energy that is folded.

    `true` is what a downsampling makes of the frequencies that the new grid can carry, `folded`
    what the others add: both (C, H, W). Each frequency is coloured by the share of the folded one.
    """
    waves = [_transform(part) for part in (true, folded)]
    low, high = (wave.abs() for wave in waves)
    both = (waves[0] + waves[1]).abs()
    share = high / (low + high).clamp(min=1e-12)
    kept, added = (_energy(part) for part in (true, folded))
    picture = _coloured(displayed(both, float(both.max())), share)
    return picture, added / max(kept + added, 1e-12)


def _energy(x: Tensor) -> float:
    """The variance of the grey picture: without a window, all of it counts alike."""
    return float(x.detach().to(torch.float32).mean(0).var(correction=0))


def _coloured(brightness: Tensor, share: Tensor) -> Tensor:
    """Grey where `share` is 0, the colour of what is folded where it is 1; (H, W) each."""
    tint = torch.tensor(FOLDED)[:, None, None]
    return brightness * (1 - share + share * tint)


@lru_cache(maxsize=16)
def _hann(height: int, width: int) -> Tensor:
    # Longer by one on both sides: the outer pixels count a little, also in pictures of two.
    rows, cols = (torch.hann_window(n + 2, periodic=False)[1:-1] for n in (height, width))
    return rows[:, None] * cols


@lru_cache(maxsize=16)
def _kept(height: int, width: int, factor: float) -> Tensor:
    """Which entries of rfft2's result lie strictly below the limit, (H, W // 2 + 1)."""
    limit = 0.5 / factor - 1e-6
    rows = torch.fft.fftfreq(height).abs() < limit
    cols = torch.fft.rfftfreq(width) < limit
    below: Tensor = rows[:, None] & cols
    return below.float()
