"""Settings of the whole test suite."""

import os

from hypothesis import settings

settings.register_profile("commit", derandomize=True, deadline=None, database=None)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "commit"))
