"""What a run has to draw: lanes, stretches, steps, as plain frames, already cut to what fits on a screen. No page, no chart, no words."""
