"""What the routes do, one function each: from a checked `Call` to the value that is answered.

A handler makes one call of a use case, or one short read. It raises the errors of
`chalicelib.errors`; how they and the values look on the wire is not its business.

backfills       backfills
common          what several handlers need
dags            DAGs
operations      how the orchestrator itself fares
pools           pools
runs            runs
task_instances  task instances, their attempts and logs, and what people do to one
validation      DAG files that are not registered
wait_reasons    what runs and tasks wait for, added to what is answered about them
"""
