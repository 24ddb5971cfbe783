"""When a DAG fires: cron expressions, time zones, clock changes and durations. Pure.

clock_changes  aware moments, local clocks, and the days on which clocks are changed
cron           the expressions of `schedule`
durations      durations as people write them
fire_times     the fire times of a DAG, after or before a given time
"""
