"""Reads shell scripts, so that values are only put where the shell takes them as plain text.

source      the characters of a script, with continued lines joined as the shell joins them
syntax      what a script is made of: words, commands, loops, conditions
words       words and the quotation marks in them
heredocs    here-documents
simple      simple commands, assignments, redirections
grammar     lists, pipelines, compound commands, functions
conditions  `[[ ]]`
tables      the names that a shell itself gives a meaning: builtins, keywords, variables
arguments   which words of which commands are taken as plain text
variables   those whose values the shell does not simply keep
effects     commands that change how the rest is read
values      what is known of each value while it is read
expansions  variables, substitutions, arithmetic
places      where each value of a script stands, and whether it may
evaluated   where a script evaluates what is in a variable

Only what is known to be plain text is allowed. All else is not, whether anybody thought of it or
not: a script that cannot be followed to its end has no place for a value.
"""
