"""The tables of the words of a DAG file, and the shape of their rows.

dag    the words of the DAG itself and of its params
field  what a word of the DAG file is made of
table  the one table of the words of a DAG file
task   the words of a task and of its sensor
"""
