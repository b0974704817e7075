"""One process that owns a database: it takes events in, keeps what is known of them fresh, and shows it.

`intake` holds what was received until `writer` has committed it; `refresher` brings models and gauges up to date behind it;
`snapshots` gives readers a file of their own; `routes` and `pages` answer over HTTP, behind the `guard`.
Decision record 12 says why readers never share the database that is written.
"""
