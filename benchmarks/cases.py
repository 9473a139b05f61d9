"""What is measured: the echo floor, every lab, and what other notebooks do instead.

To measure one more lab, add one line to `LABS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

Painted = Literal["stage", "image", "canvas"]


@dataclass(frozen=True)
class Case:
    """One notebook with one slider that is moved.

    Attributes:
        name: what the table calls it.
        cells: the notebook's code cells; the last one shows the slider and the picture.
        slider: CSS selector of the slider; the first match is moved.
        painted: what changes in the page when the result is on screen: a stage's frame counter,
            an output's <img>, or a canvas that was drawn on.
        panel: the panel to hover over, if hovering means anything here.
        steps: how many steps of the slider there are on both sides of where it stands.
    """

    name: str
    cells: tuple[str, ...]
    slider: str = ".noUi-target"
    painted: Painted = "stage"
    panel: str | None = None
    steps: int = 5


def lab(name: str, code: str, parameter: str, panel: str = "y", steps: int = 5) -> Case:
    """A lab of ours, moved by one of its parameters."""
    slider = f".rv-control-{parameter} .noUi-target"
    cells = ("import torch", "import resample_viz as rv", code)
    return Case(f"{name} lab", cells, slider, panel=panel, steps=steps)


RANDOM_LAYER = "image='astronaut', kernel='random', seed=50, padding=1"
"""A photograph through random weights: every seed changes every value of the output."""

FOUR_METHODS = """rv.DownsamplingLab(methods=(
    "every s-th pixel", "max pooling", "blur pooling, 3 taps", "bilinear, antialias"),
    shift=4)"""

LABS = (
    lab("upsampling", "rv.UpsamplingLab()", "scale_factor"),
    lab("downsampling", FOUR_METHODS, "shift", panel="y1", steps=4),
    lab("resize", "rv.ResizeLab()", "target", panel="a"),
    lab("convolution", f"rv.ConvolutionLab({RANDOM_LAYER})", "seed"),
    lab(
        "transposed convolution",
        f"rv.TransposedConvolutionLab({RANDOM_LAYER}, kernel_size=4)",
        "seed",
    ),
    lab("unpooling", "rv.UnpoolingLab(stride=3)", "stride", steps=2),
    lab("normalization", "rv.NormalizationLab()", "mean"),
    lab("operation", "rv.OperationLab(image='astronaut', stride=2)", "kernel_size", steps=2),
    lab("network", "rv.NetworkLab()", "input_size", panel="ladder"),
    lab("reconstruction", "rv.ReconstructionLab(image='faces', noise=0.1)", "noise"),
    lab("segmentation", "rv.SegmentationLab()", "noise"),
    lab("super-resolution", "rv.SuperResolutionLab(noise=0.05)", "noise"),
)


# The least that any widget has to do: slider → kernel → one number back to the browser.
FLOOR = Case(
    "echo floor",
    (
        '''
import anywidget, ipywidgets, traitlets

class Echo(anywidget.AnyWidget):
    _esm = """
    export default {
        render({model, el}) {
            el.className = 'rv-stage';
            model.on('change:n', () => requestAnimationFrame(() => {
                el.dataset.frame = model.get('n');
            }));
        }
    }
    """
    n = traitlets.Int(0).tag(sync=True)

echo = Echo()
slider = ipywidgets.FloatSlider(2, min=0.25, max=8, step=0.05)

def follow(change):
    echo.n += 1

slider.observe(follow, names="value")
ipywidgets.VBox([slider, echo])
''',
    ),
)

# The five panels of the upsampling lab, and its figures of merit, as a notebook without this
# package would compute and draw them: as large on the screen as the lab draws them.
PANELS = """
import ipywidgets
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

photo = torch.from_numpy(data.astronaut()).permute(2, 0, 1)[None].float() / 255
x = F.interpolate(photo, size=(128, 128), mode="area")
rows, columns = torch.meshgrid(torch.linspace(0, 1, 128), torch.linspace(0, 1, 128), indexing="ij")
position = torch.stack([rows, columns, 0.5 + 0 * rows])[None]

def picture(tensor):
    return tensor[0].permute(1, 2, 0).clamp(0, 1).numpy()

def panels(scale_factor):
    y = F.interpolate(x, scale_factor=scale_factor, mode="bilinear")
    back = F.interpolate(y, size=x.shape[2:], mode="area")
    index = F.interpolate(position, scale_factor=scale_factor, mode="bilinear")
    error = (back - x).abs().mean(1)[0].numpy()
    return {"input": picture(x), "output": picture(y), "index map": picture(index), "error": error}

def merits(shown, scale_factor):
    y = F.interpolate(x, scale_factor=scale_factor, mode="bilinear")
    back = picture(F.interpolate(y, size=x.shape[2:], mode="area"))
    psnr = peak_signal_noise_ratio(shown["input"], back, data_range=1)
    ssim = structural_similarity(shown["input"], back, data_range=1, channel_axis=2)
    return f"{tuple(y.shape)}   PSNR {psnr:.1f} dB   SSIM {ssim:.2f}"

def profile(shown):
    row = shown["output"][len(shown["output"]) // 2, :, 0]
    places = [(i + 0.5) * 128 / len(row) - 0.5 for i in range(len(row))]
    return places, row

def layout():
    fig, axes = plt.subplot_mosaic(
        [["input", "output"], ["index map", "error"], ["row", "row"]],
        figsize=(7.2, 9), height_ratios=[3.2, 3.2, 1.7], layout="constrained", dpi=100)
    return fig, axes
"""

INTERACT = Case(
    "interact + plt.show()",
    (
        "%matplotlib inline\n" + PANELS,
        """
def draw(scale_factor):
    shown = panels(scale_factor)
    fig, axes = layout()
    for name, values in shown.items():
        axes[name].imshow(values, cmap="magma", vmin=0, vmax=0.25 if name == "error" else 1)
        axes[name].set_title(name)
    axes["row"].plot(*profile(shown), ".-")
    axes["row"].plot(range(128), shown["input"][64, :, 0], "o")
    axes["row"].set_xlim(57.4, 70.6)
    fig.suptitle(merits(shown, scale_factor))
    plt.show()

slider = ipywidgets.FloatSlider(2, min=0.25, max=8, step=0.05)
_ = ipywidgets.interact(draw, scale_factor=slider)
""",
    ),
    painted="image",
)

IPYMPL = Case(
    "ipympl, figure kept",
    (
        "%matplotlib widget\n" + PANELS,
        """
with plt.ioff():
    fig, axes = layout()
first = panels(2)
images = {}
for name, values in first.items():
    images[name] = axes[name].imshow(
        values, cmap="magma", vmin=0, vmax=0.25 if name == "error" else 1, extent=(0, 1, 0, 1))
    axes[name].set_title(name)
(line,) = axes["row"].plot(*profile(first), ".-")
axes["row"].plot(range(128), first["input"][64, :, 0], "o")
axes["row"].set_xlim(57.4, 70.6)

def redraw(change):
    shown = panels(change.new)
    for name, values in shown.items():
        images[name].set_data(values)
    line.set_data(*profile(shown))
    fig.suptitle(merits(shown, change.new))
    fig.canvas.draw_idle()

slider = ipywidgets.FloatSlider(2, min=0.25, max=8, step=0.05)
slider.observe(redraw, names="value")
ipywidgets.VBox([slider, fig.canvas])
""",
    ),
    painted="canvas",
)

# The memory floor: what a learner's kernel has before this package adds anything.
BARE_KERNEL = Case("ipykernel + import torch", ("import torch",))


def cases() -> tuple[Case, ...]:
    """Everything to time on this machine, the floor first and `interact` after the labs."""
    return (FLOOR, *LABS, INTERACT, *([IPYMPL] if find_spec("ipympl") else []))
