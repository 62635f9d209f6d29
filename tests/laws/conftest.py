"""How laws are tested: the same cases in every run, and no clock that a busy machine could trip."""

from hypothesis import settings

settings.register_profile("laws", deadline=None, derandomize=True)
settings.load_profile("laws")
