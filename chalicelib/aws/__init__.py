"""The ports on AWS. The only room that knows boto3."""

from chalicelib.aws.s3 import S3Bucket
from chalicelib.aws.sqs import SqsQueue

__all__ = ["S3Bucket", "SqsQueue"]
