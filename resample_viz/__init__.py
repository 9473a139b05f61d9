"""See what PyTorch's resampling layers do to a real tensor, and what can be undone.

    import resample_viz as rv

    rv.UpsamplingLab(mode="bicubic", scale_factor=3)

What a learner types is here; all layers are also in `rv.ops`, all metrics in `rv.metrics`. The
names are listed in `__init__.pyi`, from which `lazy_loader` imports each one when it is first used:
`import resample_viz` costs next to nothing, and a script that needs no lab loads no widgets.
"""

import lazy_loader as _lazy

from resample_viz.deprecation import renamed as _renamed

_attribute, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
__getattr__ = _renamed(
    __name__,
    {
        "SuperResolution": "resample_viz.SuperResolutionNetwork",
        "edge_band": "resample_viz.metrics.edge_band",
        "enlarged": "resample_viz.upscale",
        "enlargement_score": "resample_viz.metrics.super_resolution_score",
        "iou": "resample_viz.metrics.iou",
        "made_consistent": "resample_viz.back_project",
        "mean_iou": "resample_viz.metrics.mean_iou",
    },
    otherwise=_attribute,
)
