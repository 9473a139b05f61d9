"""Numbers from inside a network belong to the step that the trace has numbered."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from resample_viz.analysis import gradient_footprint, trace
from resample_viz.analysis.tracing.probe import activation


class Functions(nn.Module):
    """Steps that are no layers: a crop, a view, paths that meet, an interpolation."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.linear = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        y = F.interpolate(F.avg_pool2d(x, 2), size=x.shape[2:])
        x = torch.cat([x[..., 1:, 2:-1], y[:, :, :-1, 1:-2]], 1) * 2
        x = x[:, :4] + x[:, 4:]
        y = self.linear(x.flatten(2).transpose(1, 2)).transpose(1, 2).unflatten(2, x.shape[2:])
        return torch.add(y, x)


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.qkv = nn.Linear(8, 24)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x)
        size = x.shape[2:]
        x = x.flatten(2).transpose(1, 2)
        q, k, v = (
            one.unflatten(2, (2, -1)).transpose(1, 2) for one in self.qkv(x).chunk(3, dim=-1)
        )
        x = x + F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        return self.layer(x).transpose(1, 2).unflatten(2, size)


@pytest.mark.parametrize("kind", [Functions, Attention])
@settings(max_examples=4)
@given(height=st.integers(2, 5), width=st.integers(2, 5))
def test_every_step_of_a_trace_is_that_of_the_pass(
    kind: type[nn.Module], height: int, width: int
) -> None:
    model = kind().eval()
    x = torch.rand(1, 3, 4 * height, 4 * width)
    steps = trace(model, x.shape).steps
    for number, step in enumerate(steps):
        seen = activation(model, x, number)
        assert tuple(seen.output.shape) == step.shape
        assert tuple(tuple(one.shape) for one in seen.inputs) == step.inputs
        if step.extent is not None:
            assert seen.feature_map is not None
            assert tuple(seen.feature_map.shape[2:]) == step.extent
    torch.testing.assert_close(activation(model, x, len(steps) - 1).output, last_step(model, x))


def last_step(model: nn.Module, x: Tensor) -> Tensor:
    """What the last step makes: the output, or for attention what is then laid out as a map."""
    y: Tensor = model(x)
    return y.flatten(2).transpose(1, 2) if isinstance(model, Attention) else y


@settings(max_examples=4)
@given(data=st.data(), height=st.integers(2, 4), width=st.integers(2, 4))
def test_functions_have_gradients_within_their_fields(
    data: st.DataObject, height: int, width: int
) -> None:
    model, x = Functions().eval(), torch.rand(1, 3, 4 * height, 4 * width)
    for number, step in enumerate(trace(model, x.shape).steps):
        assert step.field is not None
        assert step.extent is not None
        row, col = (data.draw(st.integers(0, size - 1)) for size in step.extent)
        gradient = gradient_footprint(model, x, number, row, col)[0, 0]
        top, left, bottom, right = step.field.region(row, col)
        seen = gradient.nonzero()
        assert len(seen)
        assert (seen >= torch.tensor([top, left])).all()
        assert (seen <= torch.tensor([bottom, right])).all()


def test_what_has_no_gradient_has_an_empty_footprint() -> None:
    class Places(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.max_pool2d(x, 2, return_indices=True)[1][..., 1:].clone()

    x = torch.rand(1, 1, 8, 8)
    steps = trace(Places(), x.shape).steps
    assert not gradient_footprint(Places(), x, len(steps) - 1, 0, 0).any()


def test_a_gradient_behind_tokens_is_where_the_cell_looks() -> None:
    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4)
            self.last, self.linear = nn.LayerNorm(4), nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            x = self.norm(self.conv(x)).flatten(2).transpose(1, 2)
            return self.linear(self.last(x))

    model, x = Tokens().eval(), torch.rand(1, 1, 6, 7)
    for number, step in enumerate(trace(model, x.shape).steps):
        if step.name == "last":
            continue  # its channels have the sum 0, whatever the input
        seen = gradient_footprint(model, x, number, 3, 2)[0, 0].nonzero()
        assert seen.amin(0).tolist() == [2, 1]
        assert seen.amax(0).tolist() == [4, 3]
    assert not model.norm._forward_hooks
