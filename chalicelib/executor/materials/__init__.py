"""Puts what a task brings along in place before its command starts. Imported only for such a task.

How it proceeds
  preparation    one attempt's materials: until all are in place, the time is over, or it is stopped
  watch          heartbeats, requests to cancel and the time limit, while the jobs are done
  jobs           fetches in parallel, in threads that can be told to stop
  context        what a kind is given: the folders, the runs bucket, the cache, the signal to stop

What it shares
  content_cache  contents that this sandbox has fetched, by their SHA-256, bounded

The kinds
  kinds          the kinds of materials, one row each
  files          the files beside the DAG file
  tools          single programs, on the PATH
  inputs         artifacts of earlier tasks

What tools need
  downloads      fetches a URL: redirects, limits, what is worth another try
  archives       unpacks .tar.gz and .zip, and nothing that could leave its folder
  tar_reader     reads a .tar.gz forwards, so much and no more
"""
