"""The readers of fields: each turns what the file says about one field into its value.

A reader returns the value, or reports a problem and returns the field's default, so that the rest
of the file is checked as well.

json_data      JSON values: the default of a param, `enum`, `conf`
nested_kinds   the table of all readers, and those of `sensor` and `default_args`
notifications  `on_success`, `on_failure`, `on_retry`
numbers        booleans, numbers, exit codes, durations
params         `params`, and the checks of each param's own values
pools          `pools`
places         `image`, `memory`, `queue`
paths          paths in the working directory: `artifacts`, `inputs`
simple_kinds   the table of readers for kinds that have no fields of their own
strings        text: names, ids, commands, schedules, time zones, choices, and lists of them
tools          `tools`: programs by their URL and SHA-256
variables      environment variables: `env`, `secrets`, `expand`
"""
