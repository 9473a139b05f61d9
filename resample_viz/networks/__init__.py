"""Networks whose shapes lesson 09 follows: small ones to read, large ones from torchvision."""

from resample_viz.networks.catalogue import NETWORKS, Network
from resample_viz.networks.detector import PyramidDetector
from resample_viz.networks.generators import ESPCN, DCGANGenerator
from resample_viz.networks.segnet import SegNet
from resample_viz.networks.unet import MENDS, Mend, UNet

__all__ = [
    "ESPCN",
    "MENDS",
    "NETWORKS",
    "DCGANGenerator",
    "Mend",
    "Network",
    "PyramidDetector",
    "SegNet",
    "UNet",
]
