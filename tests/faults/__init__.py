"""Faults: killed processes, full disks, clocks that jump, and what must be true of the store afterwards.

A slice of each runs in CI; `python -m benchmarks.faults` runs them for long.
"""
