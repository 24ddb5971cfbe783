"""Stores what a command leaves: its artifacts. Imported only for a task that has some.

storing         all artifacts of one attempt: until stored, the time is over, or it is stopped
sources         opens an artifact, and reads it piece by piece
folder_archive  a folder as one tar archive, written while it is read
unpacking       such an archive as a folder again
beneath         opens what lies below a folder, wherever a command's links may lead
"""
