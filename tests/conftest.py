"""For every test: hypothesis without deadlines, because no test may depend on the machine's speed."""

from hypothesis import settings

settings.register_profile("skybeat", deadline=None)
settings.load_profile("skybeat")
