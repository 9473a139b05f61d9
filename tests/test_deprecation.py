"""Old names work for one release, and name the new one where they are used."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import pytest

import resample_viz
from resample_viz import analysis, datasets, deprecation, networks, operations

OLD_NAMES = [
    (resample_viz, "enlarged", "resample_viz.upscale"),
    (resample_viz, "made_consistent", "resample_viz.back_project"),
    (resample_viz, "mean_iou", "resample_viz.metrics.mean_iou"),
    (resample_viz, "SuperResolution", "resample_viz.SuperResolutionNetwork"),
    (analysis, "twin", "resample_viz.analysis.metamer"),
    (analysis, "way", "resample_viz.analysis.resize_method"),
    (datasets, "shrunk", "resample_viz.datasets.downscale"),
    (networks, "MENDS", "resample_viz.networks.FIXES"),
    (operations, "Rung", "resample_viz.operations.ShapeStep"),
]


@pytest.mark.parametrize(("module", "old", "new"), OLD_NAMES, ids=lambda value: str(value)[-30:])
def test_an_old_name_is_the_new_object_and_warns_where_it_is_used(
    module: Any, old: str, new: str
) -> None:
    with pytest.warns(DeprecationWarning, match=rf"{old} is now {new}: ") as caught:
        value = getattr(module, old)
    parent, _, name = new.rpartition(".")
    assert value is getattr(importlib.import_module(parent), name)
    assert caught[0].filename == __file__


def test_old_keywords_and_attributes_warn_where_they_are_used() -> None:
    with pytest.warns(DeprecationWarning, match=r"UNet\(mend=...\) is now") as caught:
        network = networks.UNet(width=2, mend="interpolate")
    assert network.fix == "interpolate"
    with pytest.warns(DeprecationWarning, match=r"mend=... is now fix=...") as of_lab:
        lab = resample_viz.NetworkLab(network="U-Net, padded", mend="interpolate")
    assert lab.operation.fix == "interpolate"
    lab.close()
    assert caught[0].filename == of_lab[0].filename == __file__


def test_importing_an_old_name_warns_as_well() -> None:
    with pytest.warns(DeprecationWarning, match="analysis.metamer"):
        exec("from resample_viz.analysis import twin")


def test_any_other_name_is_missing_as_ever() -> None:
    for module in (resample_viz, analysis):
        with pytest.raises(AttributeError, match="nonsense"):
            _ = module.nonsense
        assert not hasattr(module, "nonsense")


def test_new_names_warn_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in resample_viz.__all__:
            getattr(resample_viz, name)


def test_a_keyword_can_warn_at_the_call() -> None:
    def call() -> None:
        deprecation.warn("f(old=)", "f(new=)", stacklevel=2)

    with pytest.warns(DeprecationWarning, match=r"f\(old=\) is now f\(new=\)") as caught:
        call()
    assert caught[0].filename == __file__
