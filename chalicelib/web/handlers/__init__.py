"""What the routes do, one function each: from a checked `Call` to the value that is answered.

A handler makes one call of a use case, or one short read. It raises the errors of
`chalicelib.errors`; how they and the values look on the wire is not its business.
"""
