"""Read decision events from anywhere into DuckDB, exactly once.

A docstring only: importing `ingest.events` must need nothing but pydantic.
"""
