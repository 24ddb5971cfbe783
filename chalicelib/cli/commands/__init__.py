"""What each verb does.

dags  lists and shows DAGs
"""
