"""A consistent copy of the database while others write to it, and the way back.

copy          A consistent copy of the database file while others write to it
copy_process  copies a file
restore       putting another database in the place of the live one, while processes have the
"""
