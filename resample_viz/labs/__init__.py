"""What a learner touches: controls, an operation, panels. One file per lab."""

from resample_viz.labs.convolution import ConvolutionLab
from resample_viz.labs.core.lab import Lab, Preset
from resample_viz.labs.downsampling import DownsamplingLab
from resample_viz.labs.explore import explore
from resample_viz.labs.network import NetworkLab
from resample_viz.labs.normalization import NormalizationLab
from resample_viz.labs.operation import OperationLab
from resample_viz.labs.reconstruction import ReconstructionLab
from resample_viz.labs.resize import ResizeLab
from resample_viz.labs.round_trip import RoundTripLab
from resample_viz.labs.segmentation import SegmentationLab
from resample_viz.labs.super_resolution import SuperResolutionLab
from resample_viz.labs.training import TrainingView, train
from resample_viz.labs.transposed_convolution import TransposedConvolutionLab
from resample_viz.labs.unpooling import UnpoolingLab
from resample_viz.labs.upsampling import UpsamplingLab

LABS: tuple[type[Lab], ...] = (
    UpsamplingLab,
    ResizeLab,
    DownsamplingLab,
    ConvolutionLab,
    TransposedConvolutionLab,
    UnpoolingLab,
    NormalizationLab,
    OperationLab,
    RoundTripLab,
    NetworkLab,
    ReconstructionLab,
    SegmentationLab,
    SuperResolutionLab,
)
"""Every lab of the suite, in the order of the lessons."""

__all__ = [
    "LABS",
    "ConvolutionLab",
    "DownsamplingLab",
    "Lab",
    "NetworkLab",
    "NormalizationLab",
    "OperationLab",
    "Preset",
    "ReconstructionLab",
    "ResizeLab",
    "RoundTripLab",
    "SegmentationLab",
    "SuperResolutionLab",
    "TrainingView",
    "TransposedConvolutionLab",
    "UnpoolingLab",
    "UpsamplingLab",
    "explore",
    "train",
]
