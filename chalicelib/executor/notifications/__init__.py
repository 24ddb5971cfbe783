"""Delivering notifications, each kind by its own sender.

command    runs a shell command
delivery   picks the sender, and turns what came of it into a result
sender     what a sender is given, and the error it raises
sns        publishes to a topic
webhook    posts to a URL
"""
