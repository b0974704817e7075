-- Which run the other gauges are about; always 1.
--
-- Its labels name the run, so that the other series stay the same from one run to the next.
--
-- column at_us: the moment
-- column run: the run
-- column value: 1
SELECT m.at_us, r.run_id AS run, 1 AS value
FROM moment AS m
CROSS JOIN shown_run AS r
