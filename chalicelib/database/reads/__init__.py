"""What the API reads: named queries, each bounded and served by an index.

Every function takes the read transaction of its caller and answers values with the API's own
names. A list answers one `Page`: at most `limit` items and the key behind which the next page
begins, None at the end. Nothing here changes a row.

Where no index serves a combination of filters, a list looks through a window of `WINDOW` rows
and then answers what it found, with the key to go on from. Such a page may be short, even empty,
and still not be the last; but no request reads a million rows to find three.

actions         what people may do to a run or a task as it stands, read from the tables of
backfills       backfills, newest first
costs           what attempts have used of what AWS charges for
dags            DAGs, their versions and sources
journal         what was done and told
operations      how the program fares
pools           pools, and how full they are
runs            runs, newest first
task_instances  task instances, their attempts, and where an attempt's log is
values          what the reads answer
wait_reasons    what a run or a task waits for, as the API returns it
window          reading a long list from its newest row down, with a bound on the rows that are
"""
