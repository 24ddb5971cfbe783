"""The bounds of the metrics: of histograms, in seconds, and of the DAGs that are counted by name.

What the tick adds up is what a scrape shows.
"""

DURATION_BOUNDS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0)
"""Of runs and attempts."""

LATENESS_BOUNDS = (0.1, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 3600.0)
"""Of scheduled runs: from their time to the start of their first task."""

OTHER_DAGS = "_other"
"""Stands for the DAGs beyond those that are counted by name. No dag_id begins so."""

MAX_DAGS = 500
"""DAGs that are counted by name, the first that had a run."""
