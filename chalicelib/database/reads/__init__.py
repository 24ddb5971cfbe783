"""What people look at: named queries for the API, each bounded and served by an index.

Every function takes the read transaction of its caller and answers values with the API's own
names. A list answers one `Page`: at most `limit` items and the key behind which the next page
begins, None at the end. Nothing here changes a row.

Where no index serves a combination of filters, a list looks through a window of `WINDOW` rows
and then answers what it found, with the key to go on from. Such a page may be short, even empty,
and still not be the last; but no request reads a million rows to find three.
"""
