"""What a learner touches: controls, an operation, panels. One file per lab."""

from resample_viz.labs.base import Lab, Preset
from resample_viz.labs.convolution import ConvolutionLab
from resample_viz.labs.transposed_convolution import TransposedConvolutionLab
from resample_viz.labs.upsampling import UpsamplingLab

LABS: tuple[type[Lab], ...] = (
    UpsamplingLab,
    ConvolutionLab,
    TransposedConvolutionLab,
)
"""Every lab of the suite."""

__all__ = ["LABS", "ConvolutionLab", "Lab", "Preset", "TransposedConvolutionLab", "UpsamplingLab"]
