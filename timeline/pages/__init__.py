"""What a notebook shows, so that its cells stay thin: words and rows of one question each, charts, and the way in which text gets shown.

`opening` is how every page begins, `display` the only way in which text reaches it, `charts` draws what `timeline.drawn` gives.
A notebook's own words are plain values in one module: `board` of what_leaked, `told` of what_happened, `led` of who_led, `capacity_words`
of capacity_and_queues, `replay_view` of replay_a_seed.
"""
