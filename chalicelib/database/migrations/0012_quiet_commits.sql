-- The commits of only bookkeeping, such as a tick that found nothing to do: nobody who watches the page waits for them.
CREATE TABLE quiet_commits (seq INTEGER PRIMARY KEY) STRICT;
