"""Maps without weak structure that fit into memory as a matrix: solved by a QR decomposition."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from resample_viz.threads import one_thread

MOST_CELLS = 3200
"""Of an input and of an output whose matrix, 80 MB at most, is decomposed in a second or two."""
_POWER_STEPS = 40
_LISTEN = 0.02  # seconds between two looks at whether the decomposition is there

Made = TypeVar("Made")


def elsewhere(work: Callable[[], Made], text: str) -> Generator[tuple[float, str], None, Made]:
    """Runs one long call of PyTorch's in a thread of its own, and yields until it is done.

    So controls are heard in between, and an interrupt ends the waiting; the call itself, which
    cannot be stopped, then ends unheard.
    """
    made: list[Made] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            made.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        yield 0.9, text
        thread.join(_LISTEN)
    if failed:
        raise failed[0]
    return made[0]


@dataclass(frozen=True, eq=False)
class Direct:
    """A Q R decomposition of an (out, in) matrix, or of its transpose if it has more columns.

    G. Golub and C. Van Loan, *Matrix computations* (4th edition, 2013), sections 5.3.3 and 5.6.
    For maps of full rank: `condition` says whether this is one.
    """

    shape: tuple[int, int]
    reflectors: Tensor
    tau: Tensor
    condition: float

    @classmethod
    def of(cls, matrix: Tensor) -> Direct:
        """Decomposes a float64 matrix (out, in)."""
        rows, columns = matrix.shape
        tall = matrix if rows >= columns else matrix.T
        reflectors, tau = torch.geqrf(tall)
        return cls((rows, columns), reflectors, tau, _condition(_upper(reflectors)))

    def pseudo_inverse(self, y: Tensor) -> Tensor:
        """A^+ y for y (N, out), (N, in), if A has full rank."""
        upper = _upper(self.reflectors)
        rows, columns = self.shape
        if rows >= columns:
            turned = torch.ormqr(self.reflectors, self.tau, y.T.contiguous(), transpose=True)
            x: Tensor = torch.linalg.solve_triangular(upper, turned[:columns], upper=True)
            return x.T
        part = torch.linalg.solve_triangular(upper.T, y.T, upper=False)
        whole = torch.cat([part, part.new_zeros(columns - rows, part.shape[1])])
        return torch.ormqr(self.reflectors, self.tau, whole).T


def _upper(reflectors: Tensor) -> Tensor:
    """R, square; what lies below its diagonal is not read."""
    return reflectors[: reflectors.shape[1]]


@one_thread()
def _condition(upper: Tensor) -> float:
    """The largest over the smallest singular value of R, by power iteration: a little too small."""
    r = upper.triu()
    if not bool((r.diagonal() != 0).all()):
        return math.inf
    generator = torch.Generator().manual_seed(0)
    v = torch.randn(len(r), 1, generator=generator, dtype=torch.float64)
    w, largest, inverse = v, 0.0, 0.0
    for _ in range(_POWER_STEPS):
        v = r.T @ (r @ (v / v.norm()))
        largest = float(v.norm())
        w = torch.linalg.solve_triangular(r.T, w / w.norm(), upper=False)
        w = torch.linalg.solve_triangular(r, w, upper=True)
        inverse = float(w.norm())
        if not math.isfinite(inverse):
            return math.inf
    return math.sqrt(largest * inverse)
