"""The ports on AWS. The only room that knows boto3.

clients        boto3 clients, made at first use and once, and the one translation of their
credentials    the role that commands act as, assumed by STS
notifications  topics on SNS
s3             A Bucket on S3
secrets        secrets in Parameter Store, Secrets Manager and this process's environment
sqs            A Queue on SQS
"""

from chalicelib.aws.s3 import S3Bucket
from chalicelib.aws.sqs import SqsQueue

__all__ = ["S3Bucket", "SqsQueue"]
