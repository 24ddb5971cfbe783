"""Implements the ports on AWS. The only room that knows boto3.

clients           makes boto3 clients, each once, and translates their errors
credentials       assumes the role that commands act as, with STS
dynamodb          implements Claims on a DynamoDB table
download_links    makes presigned URLs of S3
multipart_upload  uploads a large object to S3 in parts
notifications     publishes to SNS topics
ecs               starts containers on ECS
s3                implements Bucket on S3
sessions          makes and recognizes the sessions of sidecars, with STS
ses               sends e-mail by Amazon SES
secrets           reads secrets from Parameter Store, Secrets Manager and the environment
sqs               implements Queue on SQS
"""

from chalicelib.aws.s3 import S3Bucket
from chalicelib.aws.sqs import SqsQueue

__all__ = ["S3Bucket", "SqsQueue"]
