"""What holds for all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# An example that takes long says something of the machine, not of the code: it may have much else to do.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
