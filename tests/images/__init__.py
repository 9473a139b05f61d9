"""Tests of `resample_viz.images`."""
