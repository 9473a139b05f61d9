"""Networks: those whose shapes lesson 09 follows, and the small ones that lessons 9 to 12 train."""

from resample_viz.deprecation import renamed
from resample_viz.networks.autoencoder import Autoencoder
from resample_viz.networks.catalogue import NETWORKS, Network
from resample_viz.networks.detector import PyramidDetector
from resample_viz.networks.generators import ESPCN, DCGANGenerator
from resample_viz.networks.location_detector import Detections, LocationDetector, locations
from resample_viz.networks.restoration import RestorationNetwork
from resample_viz.networks.segmenter import SegmentationNetwork
from resample_viz.networks.segnet import SegNet
from resample_viz.networks.super_resolution import SuperResolutionNetwork, upscale_bicubic
from resample_viz.networks.unet import FIXES, Fix, UNet
from resample_viz.networks.upsampling import (
    UPSAMPLINGS,
    BlockMaker,
    MaxUnpooling,
    Upsampling,
    enlarge,
    icnr_,
    upsampling_block,
)

__all__ = [
    "ESPCN",
    "FIXES",
    "NETWORKS",
    "UPSAMPLINGS",
    "Autoencoder",
    "BlockMaker",
    "DCGANGenerator",
    "Detections",
    "Fix",
    "LocationDetector",
    "MaxUnpooling",
    "Network",
    "PyramidDetector",
    "RestorationNetwork",
    "SegNet",
    "SegmentationNetwork",
    "SuperResolutionNetwork",
    "UNet",
    "Upsampling",
    "enlarge",
    "icnr_",
    "locations",
    "upsampling_block",
    "upscale_bicubic",
]

__getattr__ = renamed(
    __name__,
    {
        "MENDS": "resample_viz.networks.FIXES",
        "Mend": "resample_viz.networks.Fix",
        "SuperResolution": "resample_viz.networks.SuperResolutionNetwork",
        "enlarged_bicubic": "resample_viz.networks.upscale_bicubic",
    },
)
