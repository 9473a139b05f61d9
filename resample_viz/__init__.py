"""See what PyTorch's resampling layers do to a real tensor, and what can be undone.

    import resample_viz as rv

    rv.UpsamplingLab(mode="bicubic", scale_factor=3)

The names are listed in `__init__.pyi`, from which `lazy_loader` imports each one when it is first
used: `import resample_viz` costs next to nothing, and a script that needs no lab loads no widgets.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
