"""Runs one DAG in this process, for `orchestrator run`.

engine         the real scheduler and executor on a throwaway database
log_tap        prints logs while they are written
log_files      keeps logs as files that people can read
view           a live tree of tasks, or lines
shared_files   the `_defaults.yaml` files that hold for a DAG file
source_folder  a DAG file on disk, as the object of a bucket
"""
