"""Many runs: every planted bug scored, interleavings searched. Simulates with `sim`, judges with the detectors of `timeline`."""
