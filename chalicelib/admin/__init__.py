"""What an administrator does without the API: access tokens, backups, and a self-test.

access_tokens     who may use the API
backup            the care of the data
backup_retention  which backups to keep
backup_store      backups in a bucket
commands          what an administrator can do without the API
self_test         one task, sent the whole way round
"""
