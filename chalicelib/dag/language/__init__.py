"""From the text of a DAG file to a `Dag`, or to everything that is wrong with the file. Used at
registration only; no run depends on it.

command_warnings  warnings about commands that are legal and run what somebody gives to a run
cross_checks      what a DAG file says in one place and cannot mean together with another
json_schema       the JSON Schema of DAG files, for editors and for whoever writes them with a
mappings          mappings that have a table of words
parser            from the bytes of a DAG file to a `Dag`, or to all that is wrong with them
template_checks   what the templates of each place of a DAG file may name
yaml_nodes        YAML as a tree of texts with places
yaml_value        what a file says about one field, before it is known what it means
fields/           the tables of the words of a DAG file, and the shape of their rows
readers/          readers
"""
