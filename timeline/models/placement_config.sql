-- The most patient timings that the schedulers of each run declared.
--
-- Each scheduler declares what it runs with at its start. A log in which nobody did has no row, and what needs one is unknown.
--
-- column run_id: the run
-- column lease_ttl_us: how long a node's lease is good for after each refresh
-- column replace_grace_us: how long after a node's expiry its slots are left alone
-- column tick_us: interval of a scheduler's pass
-- column stop_us: how long a container takes to stop at most
-- column victim_policy: whom a scale-down takes first; null where the schedulers disagree
SELECT
  run_id,
  max(lease_ttl_us) AS lease_ttl_us,
  max(replace_grace_us) AS replace_grace_us,
  max(tick_us) AS tick_us,
  max(stop_us) AS stop_us,
  CASE WHEN min(victim_policy) = max(victim_policy) THEN min(victim_policy) END AS victim_policy
FROM placement_configured
JOIN event_time USING (event_no, run_id)
GROUP BY run_id
