"""Commands issued by users. Each runs in one transaction, is idempotent and leaves an audit row.

acknowledgements  setting failures aside that somebody knows of, so that new ones stand out
audit             the audit log
backfills         backfills as people ask for them
lookup            look up what a user names, with an error that helps if it does not exist
pools             pools
runs              what people ask for
validation        judging a DAG file without registering it
"""
