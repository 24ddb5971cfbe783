"""What an administrator does without the API: access tokens, backups and the self-test.

access_tokens     create, list, revoke and check access tokens
backup            back up the database, and restore it
backup_retention  which backups to keep
backup_store      backups as objects of a bucket
commands          the commands of the function `admin`
self_test         send one task through every part of the installation
"""
