"""A reader of shell scripts that finds out where a template's value may stand.

Only a value that the shell is known to take as plain text is allowed. Everything else is refused,
whether anybody thought of it or not: a script that cannot be read to its end has no place for a
value.

arguments         the commands and the arguments that take values as plain text
conditions        the reader of `[[ ]]`
expansions        the reader of `$NAME`, `${ }`, `$( )` and arithmetic
grammar           the reader of a whole script: lists, pipelines, compound commands, functions
heredocs          the reader of here-documents
interpreters      which programs run scripts, and what a script of theirs cannot hold
insertion_points  where each value of a script stands, and whether it may stand there
mode_changes      commands that change how the rest of a script is read, and code kept for later
placeholders      the base of the readers: records where each placeholder of a value stands
programs          which programs a script needs on its PATH
shell_names       names with a meaning of their own: builtins, keywords, shell variables
simple_commands   the reader of simple commands, assignments and redirections
source            the characters of a script, with continued lines joined
syntax_tree       what the readers make of a script: words, commands, loops, conditions
taint             where a script evaluates a variable that a user can set
variables         variables whose values the shell evaluates
words             the reader of words and quotation marks
"""
