// The DAG file that a new user begins with. It runs anywhere, and shows what most files need.

export const STARTER_NAME = "hello.yaml";

export const STARTER = `# Every key is explained under "Reference".
name: Hello
schedule: "@daily"
tasks:
  - id: greet
    command: echo "Hello from $DAG_ID, for the day {{ ds }}"
  - id: count
    command: |
      for number in 1 2 3; do
        echo "step $number"
      done
    dependencies: [greet]
    retries: 2
`;
