"""What a learner touches: controls, an operation, panels. One file per lab."""

from resample_viz.labs.base import Lab, Preset
from resample_viz.labs.convolution import ConvolutionLab
from resample_viz.labs.resize import ResizeLab
from resample_viz.labs.upsampling import UpsamplingLab

LABS: tuple[type[Lab], ...] = (UpsamplingLab, ResizeLab, ConvolutionLab)
"""Every lab of the suite."""

__all__ = ["LABS", "ConvolutionLab", "Lab", "Preset", "ResizeLab", "UpsamplingLab"]
