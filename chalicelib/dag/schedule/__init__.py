"""Schedules: fire times, cron expressions, time zones and durations. Pure.

clock_changes  local time, gaps and times that occur twice
cron           the expressions of `schedule`: cron, presets such as `@daily`, `@every`
durations      reads and writes durations such as `1h30m`
fire_times     the fire times of a DAG after or before a given time
"""
