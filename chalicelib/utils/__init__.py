"""What every room may use and what has no room of its own: the log and the clock.

errors       what was raised, in words for people
lambda_env   whether this process runs on AWS Lambda
logging      one log for all rooms
ordered_set  A set that keeps the order of arrival, because what is taken from a plain set
time         moments, and how they are written
"""
