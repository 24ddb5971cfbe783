"""A workflow orchestrator without servers: DAGs of shell commands, run by AWS Lambda.

dag/                the language of DAG files
database/           everything with SQL
scheduler/          the decisions: what is registered, what runs, and what becomes of it
admin/              access tokens, backups and the self-test, for administrators
fargate/            starts attempts in containers on Fargate
executor/           runs one attempt of one task
web/                the REST API and the page
aws/                queues, buckets, secrets and topics on AWS
worker/             runs the tasks of a queue, on a machine of your own
local/              the local cloud of `chalice local`
simulation/         the scheduler on a virtual clock, for tests and forecasts
cli/                the command line, `orchestrator`
utils/              logging, time and other small things without a room of their own

bootstrap           the composition root: which class is behind which port
config              the table of settings
ports               what the rooms need of the outside world, as protocols
messages            the messages that cross a queue
claims              the claim of an attempt: its key, its JSON, and its store in the runs bucket
artifact_inputs     the inputs of a task: which objects of the runs bucket go where
dag_files           the files beside a DAG file: their keys in the runs bucket, and a version's list
shebang             the first line of a script: which program runs it
lambda_programs     the programs that commands find on Lambda
places              the places where tasks can run, and which one a task goes to
notification_kinds  the ways to notify people, one row each
enums               every closed set of words, as StrEnums
errors              the errors that the API returns
metric_bounds       the bounds of the metrics
aws_prices          AWS's list prices
api_version         the version of the REST API
fargate_sizes       what Fargate sells
"""
