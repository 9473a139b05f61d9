"""Training in the notebook: tasks, and a loop that can be read and stopped."""

from resample_viz.training.boxes import detection, detection_counts
from resample_viz.training.loop import Batch, Task, Training
from resample_viz.training.tasks import (
    class_picture,
    reconstruction,
    segmentation,
    super_resolution,
)

__all__ = [
    "Batch",
    "Task",
    "Training",
    "class_picture",
    "detection",
    "detection_counts",
    "reconstruction",
    "segmentation",
    "super_resolution",
]
