"""Delivering notifications, each kind by its own sender.

command    runs a shell command
delivery   picks the sender, and turns what came of it into a result
email      sends an e-mail
facts      the facts of an event as people read them
pagerduty  triggers and resolves incidents of PagerDuty
sender     what a sender is given, and the error it raises
slack      posts to a channel of Slack
smtp       an SMTP server, as the port `Mailer`
sns        publishes to a topic
teams      posts to a channel of Microsoft Teams
webhook    posts to a URL
"""
