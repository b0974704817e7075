"""Quota: the controllers of the replay lesson (seed document 001), from admission to repair, with caches that lag."""
