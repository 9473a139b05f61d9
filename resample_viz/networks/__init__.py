"""Networks: those whose shapes lesson 09 follows, and the small ones of lessons 10 to 12."""

from resample_viz.networks.autoencoder import Autoencoder
from resample_viz.networks.catalogue import NETWORKS, Network
from resample_viz.networks.detector import PyramidDetector
from resample_viz.networks.generators import ESPCN, DCGANGenerator
from resample_viz.networks.segmenter import SegmentationNetwork
from resample_viz.networks.segnet import SegNet
from resample_viz.networks.super_resolution import SuperResolution, enlarged_bicubic
from resample_viz.networks.unet import MENDS, Mend, UNet
from resample_viz.networks.upsampling import (
    UPSAMPLINGS,
    BlockMaker,
    MaxUnpooling,
    Upsampling,
    enlarge,
    icnr_,
    upsampling_block,
)
from resample_viz.networks.way_back import WayBack

__all__ = [
    "ESPCN",
    "MENDS",
    "NETWORKS",
    "UPSAMPLINGS",
    "Autoencoder",
    "BlockMaker",
    "DCGANGenerator",
    "MaxUnpooling",
    "Mend",
    "Network",
    "PyramidDetector",
    "SegNet",
    "SegmentationNetwork",
    "SuperResolution",
    "UNet",
    "Upsampling",
    "WayBack",
    "enlarge",
    "enlarged_bicubic",
    "icnr_",
    "upsampling_block",
]
