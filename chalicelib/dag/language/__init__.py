"""The parser: turns the bytes of a DAG file into a `Dag`, or reports every problem of the file.

Only registration uses it. Runs use the compiled `Dag`.

artifact_checks   inputs that are no artifact of an upstream task
command_warnings  warnings about commands that would run text supplied by users
cross_checks      fields that contradict each other, or need each other
field_reference   describes the keys of a DAG file for people
json_schema       the JSON Schema of DAG files, for editors and generators
mappings          reads a mapping by a table of fields
notification_checks  secrets that notifications name, and the templates of their texts
parser            the entry point: `parse` and `parse_file`
place_choice      chooses the place of each task
program_warnings  warnings about programs that commands call and Lambda lacks
shared_file       parses `_defaults.yaml`, what the DAGs of a folder share
template_checks   what templates may name, field by field
unlikely          warnings about what is legal but can hardly be meant
unknown_keys      suggestions for keys that are not known
yaml_nodes        YAML as a tree of nodes that know their line and column
yaml_value        one field's node, with the path at which its problems are reported
fields/           the table of all fields: names, types, defaults, help texts
readers/          turn nodes into values, one reader for each kind of field
"""
