"""Resizing: its matrices step by step, and the resizes of five libraries, run and compared."""
