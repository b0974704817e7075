"""The driver that answers effects from a heap of simulated time. Same seed, same bytes."""
