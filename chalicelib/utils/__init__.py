"""What every room may use and what has no room of its own: the log and the clock.

content_disposition  the header that saves a download under its name
errors               words an exception for users
lambda_env           whether this process runs on AWS Lambda
logging              sets up the log that all rooms share
ordered_set          a set that keeps insertion order
time                 reads and writes times in UTC
"""
