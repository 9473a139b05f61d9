"""Detection by shapes: a ResNet-50, its feature pyramid, and a head for a few classes."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from resample_viz.compat import import_torchvision

ANCHORS = 9
"""Boxes that are tried at each cell: three sizes in three shapes."""


class PyramidDetector(nn.Module):
    """The part of torchvision's RetinaNet that decides shapes: body, feature pyramid, head.

    Left out is what turns the head's numbers into boxes (decoding, non-maximum suppression): it
    needs torchvision's compiled operators, and no map changes its size there. T.-Y. Lin et al.,
    Feature Pyramid Networks for Object Detection, CVPR 2017, https://arxiv.org/abs/1612.03144, and
    Focal Loss for Dense Object Detection, ICCV 2017, https://arxiv.org/abs/1708.02002.
    """

    def __init__(self, classes: int = 3, *, pretrained: bool = False) -> None:
        super().__init__()
        import_torchvision()
        from torchvision.models import ResNet50_Weights
        from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
        from torchvision.models.detection.retinanet import RetinaNetHead
        from torchvision.ops.feature_pyramid_network import LastLevelP6P7

        weights: Any = ResNet50_Weights.DEFAULT if pretrained else None
        self.backbone = resnet_fpn_backbone(
            backbone_name="resnet50",
            weights=weights,
            returned_layers=[2, 3, 4],
            extra_blocks=LastLevelP6P7(2048, 256),
        )
        self.head = RetinaNetHead(256, ANCHORS, classes)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """(N, 3, H, W) → a score per class, and four numbers per box, for all anchors together."""
        levels: dict[str, Tensor] = self.backbone(x)
        predictions: dict[str, Tensor] = self.head(list(levels.values()))
        return predictions
