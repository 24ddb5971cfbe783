"""What an installation creates on AWS.

By CloudFormation
  stack              creates, updates and deletes the stacks
  zones              the availability zones of a new stack
  place_stacks       a stack for each further place, and one for Fargate
  domain             the custom domain, a stack of its own

By Chalice
  inventory          lists what Chalice has deployed
  claims             how long claims of an older version count, which kept them on S3

By `python -m infra queue`
  worker_queues      the queues of workers

What neither of them sets
  function_settings  file system, IPv6, temporary storage, recursion
  concurrency        how many commands may run at once
  gateway_responses  the error responses of API Gateway itself
  throttling         the API's rate limit
  alarms             silences alarms during installation and removal
"""
