"""`python -m resample_viz.page LAB FOLDER`: writes a lab as a page without a kernel.

The page opens from a disk or from any static host, offline. Its presets and one slider are alive.
"""

from __future__ import annotations

import argparse
import sys

from resample_viz.labs import LABS
from resample_viz.labs.core.page import EVERY, write_page
from resample_viz.labs.core.state import StatefulLab

SLIDERS = {"UpsamplingLab": "scale_factor"}
"""The number that a page of a lab can move, by the name of the lab."""


def main(arguments: list[str] | None = None) -> None:
    """Writes the page that the command line asks for, and says where it is."""
    labs = {lab.__name__: lab for lab in LABS if issubclass(lab, StatefulLab)}
    parser = argparse.ArgumentParser(prog="python -m resample_viz.page", description=__doc__)
    parser.add_argument("lab", choices=sorted(labs.keys() & SLIDERS.keys()))
    parser.add_argument("folder")
    parser.add_argument("--every", type=int, default=EVERY, help="steps between stored positions")
    asked = parser.parse_args(arguments)
    slider = SLIDERS[asked.lab]
    index = write_page(labs[asked.lab], asked.folder, parameter=slider, every=asked.every)
    sys.stdout.write(f"{index}\n")


if __name__ == "__main__":
    main()
