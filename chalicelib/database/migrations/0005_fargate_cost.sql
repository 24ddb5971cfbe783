-- The vCPUs that an attempt had on Fargate, which bills them beside the memory; NULL for attempts elsewhere.
ALTER TABLE attempts ADD COLUMN vcpu REAL;
