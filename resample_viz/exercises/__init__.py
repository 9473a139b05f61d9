"""The checks behind the exercises of the lessons: `check("01.2", answer)`.

A check says what is right, what is not, and gives a hint; it never prints the answer. Checks of
functions use random inputs and PyTorch as the judge.
"""

from resample_viz.exercises.checking import check

__all__ = ["check"]
