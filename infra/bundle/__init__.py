"""What Chalice packs and uploads, and how it is run.

build            prepares the bundle: packages, then byte code
wheels           downloads packages for the functions' Python and processor
bytecode         compiles the modules
byte_compiler    the script that does so, run by the functions' version of Python
interpreters     finds Python interpreters on this machine
project          the files in `.chalice`
chalice_command  Chalice's command line, with three changes
"""
