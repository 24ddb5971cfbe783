"""What the API reads: named queries, each bounded and served by an index.

Every function takes the read transaction of its caller and returns values with the API's own
names. A list returns one `Page`: at most `limit` items, and the key after which the next page
starts, None at the end. Nothing here changes a row.

If no index covers a combination of filters, a list reads a window of `WINDOW` rows and returns
the matches with the key to continue from. Such a page may be short, even empty, and still not be
the last; but no request reads a million rows to find three.

actions           what users may do to a run or a task in its state
activity          what runs and what waits, in all DAGs or in some
activity_values   what `activity` and `failures` return
artifacts         artifacts of runs, and where they are
backfills         backfills, newest first
changes           whether anything that people see has changed
costs             what attempts have used of what AWS charges for
dag_history       the past of one DAG: its grid, its days, how long its tasks took
dag_history_values  what `dag_history` returns
dag_scope         limits a transaction to some DAGs, for callers whose token is
dag_values        what reads of DAGs return, and which rules hold for all such classes
dags             DAGs, their versions and sources
failures          failures that need attention
files             the files beside a DAG file, as its versions have them
history           all of a small database, as a simulation leaves it; not for the API
journal           the audit log and the notifications
operation_values  what the other reads return
operations        import errors, warnings, ticks, and the signs of health
metrics           what a scrape of the metrics shows
page              a page of a list
pools             pools, and how many of their slots are taken
run_filters       which runs a list shows, and the index along which they are found
run_logs          the logs of all attempts of a run
run_values        what reads of runs and task instances return
runs              runs, newest first
task_instances    task instances, their attempts, and where an attempt's log is
wait_reasons      what a run or a task waits for, as the API returns it
window            reads a long list from its newest row down, with a bound on the rows read
workers           workers, and when each was last heard of
"""
