"""Reads shell scripts, so that values are only put where the shell takes them as plain text.

source      the characters of a script, with continued lines joined as the shell joins them
syntax      what a script is made of: words, commands, loops, conditions
words       words: quotation marks, expansions, arithmetic
heredocs    here-documents
grammar     commands: lists, pipelines, compound commands, functions
conditions  `[[ ]]`
tables      the names that a shell itself gives a meaning: builtins, keywords, variables
arguments   which words of which commands are taken as plain text
places      where each value of a script stands, and whether it may

Only what is known to be plain text is allowed. All else is not, whether anybody thought of it or
not: a script that cannot be followed to its end has no place for a value.
"""
