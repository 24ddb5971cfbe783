"""Installs the orchestrator on AWS, shows its state and cost, and removes it.

`python -m infra --help` lists the commands. Nothing here is part of the bundle on Lambda.

Definitions, without access to AWS
  functions    the seven functions, and Chalice's configuration of a stage
  policies     the IAM policy of each function
  worker_policy  the IAM policy of a worker, and its settings
  permissions  what the person who installs needs to be allowed
  layers       the Lambda layers that bring programs for commands
  runtime      the functions' Python version and processor architecture
  names        the names of everything that belongs to a stage
  cost         estimates the monthly bill

What runs
  commands/    what users type: deploy, status, down, ...
  resources/   what is created on AWS: the stack, and what CloudFormation and Chalice leave open
  bundle/      what Chalice packs, and how it is run

Shared
  aws          access to the account
  output       prints lines for the user
  errors       the errors that end a command
"""
