"""A database as an earlier program would have made it."""

from __future__ import annotations

from pathlib import Path

import duckdb

AGED = """
    UPDATE made_by SET schema_fingerprint = '0123456789abcdef';
    ALTER TABLE made_by DROP COLUMN schema_number;
    ALTER TABLE made_by DROP COLUMN hash_sample;
    ALTER TABLE event ADD COLUMN actor_again VARCHAR;
    UPDATE event SET actor_again = actor;
    ALTER TABLE event DROP COLUMN actor;
    ALTER TABLE event RENAME COLUMN actor_again TO actor;
    ALTER TABLE event ADD COLUMN shard VARCHAR;
    UPDATE event SET shard = 's-1' WHERE event_no = (SELECT min(event_no) FROM event);
    ALTER TABLE event ALTER COLUMN epoch TYPE INTEGER;
    ALTER TABLE follow_lag DROP COLUMN lag_us;
    DROP TABLE IF EXISTS election_event;
    ALTER TABLE warm_pool_event DROP COLUMN vcpu;
    DELETE FROM touched_run;
    CREATE TABLE remark (run_id VARCHAR, said VARCHAR);
    INSERT INTO remark VALUES ('run-1', 'look here')"""
"""Columns in another order, of another type, missing, and two things that nobody knows any more; and it says no number."""


def kept_by_migration(database: Path) -> Path:
    """Where the first migration of it keeps it."""
    return database.with_name(f"{database.stem}.before-0123456789abcdef.duckdb")


def make_older(database: Path) -> None:
    """Really change what a closed database of ours is made of."""
    with duckdb.connect(str(database), config={"threads": "1"}) as connection:
        connection.execute(AGED)
