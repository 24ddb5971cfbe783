"""One module per command of `python -m infra`, and what commands have in common.

deploy          installs or updates a stage, in eight steps
deploy_options  its options, and the stack's parameters that they set
down            removes a stage
queue           creates, lists and deletes the queues of workers
status          shows what is installed and whether it works
admin_function  tokens, backups and restores, by way of the function `admin`
self_test       sends a task through the whole installation
health          requests `/api/health`
cost_options    the options of `cost`: a workload and an installation
numbers         numbers on the command line
"""
