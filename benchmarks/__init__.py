"""Latency and memory of the labs, against their floor and their peers, in one run."""
