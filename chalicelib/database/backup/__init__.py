"""A consistent copy of the database while others write to it, and the way back.

copy          copies the database file consistently while others write to it
copy_process  copies one file in a process of its own
restore       replaces the live database by another file while processes have it open

`chalicelib/admin/backup.py` chooses a backup and restores it from the bucket with these.
"""
