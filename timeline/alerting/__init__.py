"""Who is woken, and when: alert rules for Prometheus with what proves them, the dashboard, and how the rules did on recordings.

An alert on findings comes from the header of its detector (`alerts`), one about the gauges is a file of `own/` (`own_alerts`);
`alert` is the shape of both. `alert_tests` proves each with promtool, `backtest` tries them on what happened, `deploy` writes what is
shipped below `deploy/`.
"""
