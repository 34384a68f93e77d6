"""ultralytics: YOLO of several generations and tasks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ultralytics.nn import tasks

from benchmarks.strangers.stranger import Stranger, noise, of


def networks() -> Iterator[Stranger]:
    for task, config in (
        ("Detection", "yolov3-tiny"),
        ("Detection", "yolov5n"),
        ("Detection", "yolov8n"),
        ("Detection", "yolov9t"),
        ("Detection", "yolov10n"),
        ("Detection", "yolo11n"),
        ("Detection", "yolo12n"),
        ("Segmentation", "yolov8n-seg"),
        ("Pose", "yolov8n-pose"),
        ("OBB", "yolov8n-obb"),
        ("Classification", "yolov8n-cls"),
        ("RTDETRDetection", "rtdetr-l"),
        ("World", "yolov8s-world"),
    ):
        make = partial(getattr(tasks, f"{task}Model"), f"{config}.yaml", verbose=False)
        yield of(config, make, noise(1, 3, 64, 64))
