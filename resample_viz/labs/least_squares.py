"""The best way back there is, computed behind the frame that is shown, and remembered."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from resample_viz.analysis.linear.linear_maps import linear_map
from resample_viz.labs.background import Job
from resample_viz.operations import Operation


class Solved(NamedTuple):
    """x̂, and what has to be said about it ("" if it converged)."""

    tensor: Tensor
    note: str


class LeastSquares:
    """At most one solution: that of the last operation on the last input."""

    def __init__(self) -> None:
        self._key: tuple[Operation | None, Tensor | None] = (None, None)
        self._solved: Solved | None = None

    def of(self, operation: Operation, x: Tensor) -> Solved | None:
        """The shortest x̂ with operation(x̂) as near to operation(x) as can be, if it is there."""
        known, solved_x = self._key
        return self._solved if known == operation and solved_x is x else None

    def job(self, operation: Operation, x: Tensor, then: Callable[[], None]) -> Job | None:
        """What has to be done for `of` to have an answer, and `then`; None if it has one."""
        return None if self.of(operation, x) else self._solve(operation, x, then)

    def _solve(self, operation: Operation, x: Tensor, then: Callable[[], None]) -> Job:
        linear = linear_map(operation, x.shape)
        solution = yield from linear.solve_steps(linear(x))
        note = ""
        if not solution.converged:
            note = (
                f"not converged: after {solution.iterations} iterations off by about "
                f"{solution.error:.0%}"
            )
        self._key, self._solved = (operation, x), Solved(solution.tensor, note)
        then()
