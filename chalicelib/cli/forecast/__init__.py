"""The real scheduler on a virtual clock, for `test` and `simulate`.

driver     lets time pass from one thing that is due to the next, with ticks in between
workload   loads DAG files, and says how long commands take and what they write
history    what was simulated: runs and tasks with their waits, and what they waited for
findings   the busiest minutes, overlaps, missed fire times and the cost of a history
timeline   a history as one self-contained HTML page
review     what a change to DAG files means, as Markdown
test_file  reads NAME.test.yaml
test_case  plays one case of a test file, and compares
junit      the results of tests as JUnit's XML
"""
