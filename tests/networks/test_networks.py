"""The networks of the catalogue: shapes, weights that are the same twice, fixes."""

from __future__ import annotations

from typing import Any
from urllib.error import URLError

import pytest
import torch
from torch import nn

from resample_viz.networks import ESPCN, FIXES, NETWORKS, DCGANGenerator, Network, SegNet, UNet


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_built_without_weights_unless_they_are_asked_for(name: str) -> None:
    model = NETWORKS[name].build()
    assert all(parameter.is_meta for parameter in model.parameters())


def test_real_weights_are_the_same_every_time_and_leave_the_seed_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    one, two = (NETWORKS["ESPCN ×3"].build(real=True).state_dict() for _ in range(2))
    assert torch.equal(torch.rand(2), expected)
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("fix", FIXES[1:])
@pytest.mark.parametrize("size", [(32, 32), (33, 47)])
def test_a_mended_u_net_computes(fix: Any, size: tuple[int, int]) -> None:
    y = UNet(width=2, fix=fix)(torch.rand(1, 1, *size))
    cropped = fix == "crop the skip" and size != (32, 32)
    assert tuple(y.shape[2:]) == ((32, 32) if cropped else size)


def test_seg_net_brings_odd_sizes_back() -> None:
    assert SegNet(classes=4)(torch.rand(1, 3, 33, 47)).shape == (1, 4, 33, 47)


def test_generators_enlarge() -> None:
    picture = DCGANGenerator(width=4)(torch.randn(2, 100, 1, 1))
    assert picture.shape == (2, 3, 64, 64)
    assert picture.abs().max() <= 1
    assert ESPCN(factor=2, channels=3)(torch.rand(1, 3, 5, 7)).shape == (1, 3, 10, 14)


def test_weights_that_cannot_be_downloaded_are_told_in_a_sentence() -> None:
    def offline(*_: Any) -> nn.Module:
        raise URLError("no route to host")

    network = Network("Some", "", "", offline, "")
    with pytest.raises(ConnectionError, match=r"no route to host.*random weights\."):
        network.build(pretrained=True)
