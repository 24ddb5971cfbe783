// Made by tests/page/api_types.py from the OpenAPI document.
declare namespace Api {
  type Error = { error: { code: string; message: string; details: { [key: string]: any } } };
  type Attempt = { try_number: number; version: number | null; outcome: "success" | "failed" | "timeout" | "skipped" | "cancelled" | "lost"; queued_at: string | null; started_at: string | null; ended_at: string; duration: number | null; exit_code: number | null; signal: number | null; max_rss_bytes: number | null; log_bytes: number | null; pokes: number; billed_ms: number | null; memory_mb: number | null; reason: string };
  type AuditEntry = { id: number; at: string; who: string; action: string; target: string; details: { [key: string]: any } };
  type Backfill = { id: number; dag_id: string; from_date: string; to_date: string; next_date: string | null; is_reverse: boolean; reprocess: "none" | "failed" | "all"; max_active_runs: number; run_on_latest_version: boolean; state: "running" | "paused" | "cancelled" | "done"; counts: { [key: string]: number }; reason: string; active_runs: number; created_at: string; ended_at: string | null; actions: ("pause" | "resume" | "cancel" | "stop_running")[] };
  type BackfillPlan = { id: number | null; dates: (string)[]; total: number; already: number };
  type ChangedDags = { dag_ids: (string)[] };
  type ChangedRuns = { run_ids: (string)[] };
  type ClearedTask = { task_id: string; map_index: number; state: string };
  type ClearedTasks = { dry_run: boolean; run_on_latest_version: boolean; version: number; run_version: number; latest_version: number | null; has_import_error: boolean; changes: Api.VersionDiff; task_instances: (Api.ClearedTask)[] };
  type Cost = { billed_ms: number; gb_seconds: number; requests: number; dollars: number; basis: "billed" | "estimated" | "partly estimated"; prices: string; since: string | null };
  type Dag = { dag_id: string; name: string; description: string | null; owner: string | null; tags: (string)[]; schedule: (string)[]; timezone: string; is_paused: boolean; paused_reason: string | null; next_fire_at: string | null; last_run: (Api.LastRun) | (null); max_active_runs: number; max_active_tasks: number; version: number; file_key: string; problem: string | null; has_import_error: boolean; warning_count: number; created_at: string; updated_at: string; removed_at: string | null };
  type DagDefinition = { dag_id: string; name: string; tasks: (Api.Task)[]; description: string | null; doc_md: string | null; owner: string | null; tags: (string)[]; schedule: (string)[]; timezone: string; start_date: string | null; end_date: string | null; catchup: boolean; catchup_window: number; max_active_runs: number; overlap_policy: string; max_active_tasks: number; dagrun_timeout: number | null; max_consecutive_failed_dag_runs: number; is_paused_upon_creation: boolean; retention_days: number | null; rerun_with_latest_version: boolean; params: (Api.Param)[]; env: { [key: string]: string }; secrets: { [key: string]: string }; on_success: (Api.NotificationTarget)[]; on_failure: (Api.NotificationTarget)[] };
  type DagWithTasks = { dag_id: string; name: string; description: string | null; owner: string | null; tags: (string)[]; schedule: (string)[]; timezone: string; is_paused: boolean; paused_reason: string | null; next_fire_at: string | null; last_run: (Api.LastRun) | (null); max_active_runs: number; max_active_tasks: number; version: number; file_key: string; problem: string | null; has_import_error: boolean; warning_count: number; created_at: string; updated_at: string; removed_at: string | null; doc_md: string | null; start_date: string | null; end_date: string | null; catchup: boolean; catchup_window: number; overlap_policy: string; dagrun_timeout: number | null; max_consecutive_failed_dag_runs: number; retention_days: number | null; rerun_with_latest_version: boolean; params: (Api.Param)[]; env: { [key: string]: string }; secrets: { [key: string]: string }; on_success: (Api.NotificationTarget)[]; on_failure: (Api.NotificationTarget)[]; tasks: (Api.Task)[]; graph: Api.Graph; warnings: (Api.DagWarning)[] };
  type DagSource = { version: number; file_key: string; etag: string; created_at: string; is_active: boolean; dag_id: string; source: string };
  type DagVersion = { version: number; file_key: string; etag: string; created_at: string; is_active: boolean };
  type DagWarning = { line: number; column: number; path: string; code: "value_evaluated" | "value_in_code"; message: string };
  type DagWarnings = { dag_id: string; file_key: string; warnings: (Api.DagWarning)[]; updated_at: string };
  type DatabaseHealth = { reachable: boolean; commit_seq: number | null };
  type Edge = { source: string; target: string };
  type Graph = { nodes: (string)[]; edges: (Api.Edge)[] };
  type Health = { status: "ok" | "degraded"; database?: Api.DatabaseHealth; last_tick?: (Api.LastTick) | (null); queues?: Api.Queues; set_aside?: number; import_errors?: number };
  type Holder = { dag_id: string; run_id: string; task_id: string | null; map_index: number | null; state: string };
  type ImportError = { file_key: string; dag_id: string | null; problems: (Api.Problem)[]; lines: (Api.SourceLine)[]; recorded_at: string };
  type LastRun = { run_id: string; state: "queued" | "running" | "success" | "failed" | "cancelled"; logical_date: string; started_at: string | null; ended_at: string | null };
  type LastTick = { started_at: string; age_seconds: number };
  type LogPart = { content: string; next_offset: number; complete: boolean; try_number: number | null; poke: number | null };
  type NextFireTimes = { dag_id: string; timezone: string; next_fire_times: (string)[] };
  type Notification = { id: number; dag_id: string; run_id: string; task_id: string | null; event: "success" | "failure" | "retry"; kind: "sns" | "webhook" | "command"; target: string; payload: { [key: string]: any }; state: "pending" | "delivered" | "failed"; sends: number; reason: string; created_at: string; due_at: string | null };
  type NotificationTarget = { kind: string; target: string };
  type Param = { name: string; type: string | null; default: any; description: string | null; enum: ((any)[]) | (null); minimum: number | null; maximum: number | null; pattern: string | null; required: boolean };
  type Pool = { name: string; slots: number; description: string; used: number; waiting: number; updated_at: string };
  type Problem = { line: number; column: number; path: string; message: string };
  type QueueDepth = { visible: number; delayed: number; in_flight: number };
  type Queues = { tasks: (Api.QueueDepth) | (null); results: (Api.QueueDepth) | (null); dead_letters: (Api.QueueDepth) | (null) };
  type Run = { run_id: string; dag_id: string; run_type: "scheduled" | "manual" | "backfill" | "triggered"; state: "queued" | "running" | "success" | "failed" | "cancelled"; stopping: ("failed" | "cancelled") | (null); version: number; logical_date: string; data_interval_start: string; data_interval_end: string; note: string | null; idempotency_key: string | null; reason: string; backfill_id: number | null; created_at: string; admitted_at: string | null; started_at: string | null; ended_at: string | null; duration: number | null; acknowledged_at: string | null; acknowledged_by: string | null; acknowledged_note: string | null; waiting_for: ((Api.WaitingFor)[]) | (null); actions: ("cancel" | "clear" | "retry" | "rerun" | "note" | "acknowledge" | "unacknowledge")[] };
  type RunWithParams = { run_id: string; dag_id: string; run_type: "scheduled" | "manual" | "backfill" | "triggered"; state: "queued" | "running" | "success" | "failed" | "cancelled"; stopping: ("failed" | "cancelled") | (null); version: number; logical_date: string; data_interval_start: string; data_interval_end: string; note: string | null; idempotency_key: string | null; reason: string; backfill_id: number | null; created_at: string; admitted_at: string | null; started_at: string | null; ended_at: string | null; duration: number | null; acknowledged_at: string | null; acknowledged_by: string | null; acknowledged_note: string | null; waiting_for: ((Api.WaitingFor)[]) | (null); actions: ("cancel" | "clear" | "retry" | "rerun" | "note" | "acknowledge" | "unacknowledge")[]; params: { [key: string]: any }; ancestry: (string)[] };
  type Sensor = { poke_interval: number; timeout: number; soft_fail: boolean };
  type Session = { name: string; role: "viewer" | "operator"; auth: "token" | "iam" | "none" };
  type SourceLine = { line: number; text: string };
  type Tag = { tag: string; dag_count: number; paused_count: number };
  type Task = { id: string; command: string; dependencies: (string)[]; trigger_rule: string; when: string | null; retries: number; retry_delay: number; retry_exponential_backoff: number; max_retry_delay: number | null; retry_exit_codes: ((number)[]) | (null); skip_on_exit_code: (number)[]; execution_timeout: number | null; env: { [key: string]: string }; cwd: string | null; outputs: (string)[]; expand: { [key: string]: ((any)[]) | (string) }; max_active_tis_per_dagrun: number | null; sensor: (Api.Sensor) | (null); pool: string | null; pool_slots: number; priority_weight: number; depends_on_past: boolean; trigger_dag_id: string | null; conf: { [key: string]: any }; wait_for_completion: boolean; on_retry: (Api.NotificationTarget)[]; on_success: (Api.NotificationTarget)[]; on_failure: (Api.NotificationTarget)[] };
  type TaskChange = { task_id: string; fields: (string)[] };
  type TaskInstance = { dag_id: string; run_id: string; task_id: string; map_index: number; state: "none" | "scheduled" | "queued" | "running" | "success" | "failed" | "up_for_retry" | "up_for_reschedule" | "upstream_failed" | "skipped" | "cancelled"; try_number: number; version: number | null; poke: number; pool: string | null; pool_slots: number; priority: number; queued_at: string | null; not_before: string | null; started_at: string | null; heartbeat_at: string | null; ended_at: string | null; duration: number | null; exit_code: number | null; signal: number | null; max_rss_bytes: number | null; log_bytes: number | null; reason: string; waiting_for: ((Api.WaitingFor)[]) | (null); removed_at: string | null; actions: ("cancel" | "clear" | "mark_success" | "mark_failed" | "mark_skipped")[] };
  type TaskInstanceWithOutputs = { dag_id: string; run_id: string; task_id: string; map_index: number; state: "none" | "scheduled" | "queued" | "running" | "success" | "failed" | "up_for_retry" | "up_for_reschedule" | "upstream_failed" | "skipped" | "cancelled"; try_number: number; version: number | null; poke: number; pool: string | null; pool_slots: number; priority: number; queued_at: string | null; not_before: string | null; started_at: string | null; heartbeat_at: string | null; ended_at: string | null; duration: number | null; exit_code: number | null; signal: number | null; max_rss_bytes: number | null; log_bytes: number | null; reason: string; waiting_for: ((Api.WaitingFor)[]) | (null); removed_at: string | null; actions: ("cancel" | "clear" | "mark_success" | "mark_failed" | "mark_skipped")[]; item: ({ [key: string]: any }) | (null); outputs: { [key: string]: any } };
  type Tick = { started_at: string; duration: number; counts: { [key: string]: number }; errors: (string)[] };
  type ValidatedDag = { dag: Api.DagDefinition; next_fire_times: (string)[]; warnings: (Api.DagWarning)[] };
  type WaitingFor = { code: "not_before" | "paused" | "max_active_runs" | "dag_removed" | "stopping" | "run_not_started" | "upstream" | "depends_on_past" | "expanding" | "max_active_tasks" | "max_active_tis_per_dagrun" | "pool_full" | "pool_missing" | "pool_too_small" | "executor" | "retry_delay" | "poke_interval" | "triggered_run" | "scheduler"; message: string; until: string | null; position: number | null; holders: (Api.Holder)[]; holder_count: number };
  type VersionDiff = { added: (string)[]; removed: (string)[]; changed: (Api.TaskChange)[]; dag_fields: (string)[] };
  type AuditList = { audit: (Api.AuditEntry)[]; next_cursor: string | null };
  type BackfillList = { backfills: (Api.Backfill)[]; next_cursor: string | null };
  type DagDetail = (Api.DagWithTasks) & ({ cost: Api.Cost });
  type DagList = { dags: (Api.Dag)[]; next_cursor: string | null };
  type DagWarningsList = { dag_warnings: (Api.DagWarnings)[]; next_cursor: string | null };
  type DagVersionList = { versions: (Api.DagVersion)[]; next_cursor: string | null };
  type ImportErrorList = { import_errors: (Api.ImportError)[]; next_cursor: string | null };
  type JsonSchema = { [key: string]: any };
  type NotificationList = { notifications: (Api.Notification)[]; next_cursor: string | null };
  type OpenApi = { [key: string]: any };
  type PoolList = { pools: (Api.Pool)[]; next_cursor: string | null };
  type RunDetail = (Api.RunWithParams) & ({ cost: Api.Cost; task_instances: (Api.TaskInstance)[]; next_cursor: string | null });
  type RunList = { runs: (Api.Run)[]; next_cursor: string | null };
  type TaskInstanceDetail = (Api.TaskInstanceWithOutputs) & ({ attempts: (Api.Attempt)[] });
  type TaskInstanceList = { task_instances: (Api.TaskInstance)[]; next_cursor: string | null };
  type TagList = { tags: (Api.Tag)[]; next_cursor: string | null };
  type TickList = { ticks: (Api.Tick)[]; next_cursor: string | null };
  type UpcomingDags = { dags: (Api.Dag)[] };

  /** What the API answers to a method and a path below /api/. */
  type Answer<Method extends string, Path extends string> =
    [Method, Path] extends ["POST", `runs/${string}/tasks/${string}/cancel`] ? Api.Run :
    [Method, Path] extends ["POST", `runs/${string}/tasks/${string}/clear`] ? Api.ClearedTasks :
    [Method, Path] extends ["GET", `runs/${string}/tasks/${string}/logs`] ? Api.LogPart :
    [Method, Path] extends ["POST", `runs/${string}/tasks/${string}/mark`] ? Api.Run :
    [Method, Path] extends ["GET", `runs/${string}/tasks/${string}`] ? Api.TaskInstanceDetail :
    [Method, Path] extends ["POST", `backfills/${string}/cancel`] ? Api.Backfill :
    [Method, Path] extends ["POST", `backfills/${string}/pause`] ? Api.Backfill :
    [Method, Path] extends ["POST", `backfills/${string}/resume`] ? Api.Backfill :
    [Method, Path] extends ["POST", `dags/${string}/backfill`] ? Api.BackfillPlan :
    [Method, Path] extends ["GET", `dags/${string}/next`] ? Api.NextFireTimes :
    [Method, Path] extends ["POST", `dags/${string}/run`] ? Api.Run :
    [Method, Path] extends ["GET", `dags/${string}/runs`] ? Api.RunList :
    [Method, Path] extends ["GET", `dags/${string}/source`] ? Api.DagSource :
    [Method, Path] extends ["GET", `dags/${string}/versions`] ? Api.DagVersionList :
    [Method, Path] extends ["DELETE", `runs/${string}/acknowledge`] ? Api.Run :
    [Method, Path] extends ["POST", `runs/${string}/acknowledge`] ? Api.Run :
    [Method, Path] extends ["POST", `runs/${string}/cancel`] ? Api.Run :
    [Method, Path] extends ["POST", `runs/${string}/clear`] ? Api.ClearedTasks :
    [Method, Path] extends ["POST", `runs/${string}/rerun`] ? Api.Run :
    [Method, Path] extends ["POST", `runs/${string}/retry`] ? Api.ClearedTasks :
    [Method, Path] extends ["POST", `dags/pause`] ? Api.ChangedDags :
    [Method, Path] extends ["POST", `dags/validate`] ? Api.ValidatedDag :
    [Method, Path] extends ["POST", `runs/acknowledge`] ? Api.ChangedRuns :
    [Method, Path] extends ["GET", `backfills/${string}`] ? Api.Backfill :
    [Method, Path] extends ["GET", `dags/${string}`] ? Api.DagDetail :
    [Method, Path] extends ["PATCH", `dags/${string}`] ? Api.DagDetail :
    [Method, Path] extends ["DELETE", `pools/${string}`] ? null :
    [Method, Path] extends ["GET", `pools/${string}`] ? Api.Pool :
    [Method, Path] extends ["PUT", `pools/${string}`] ? Api.Pool :
    [Method, Path] extends ["GET", `runs/${string}`] ? Api.RunDetail :
    [Method, Path] extends ["PATCH", `runs/${string}`] ? Api.Run :
    [Method, Path] extends ["GET", `audit`] ? Api.AuditList :
    [Method, Path] extends ["GET", `backfills`] ? Api.BackfillList :
    [Method, Path] extends ["GET", `dag-schema.json`] ? Api.JsonSchema :
    [Method, Path] extends ["GET", `dag_warnings`] ? Api.DagWarningsList :
    [Method, Path] extends ["GET", `dags`] ? Api.DagList :
    [Method, Path] extends ["GET", `health`] ? Api.Health :
    [Method, Path] extends ["GET", `import_errors`] ? Api.ImportErrorList :
    [Method, Path] extends ["GET", `notifications`] ? Api.NotificationList :
    [Method, Path] extends ["GET", `openapi.json`] ? Api.OpenApi :
    [Method, Path] extends ["GET", `pools`] ? Api.PoolList :
    [Method, Path] extends ["GET", `runs`] ? Api.RunList :
    [Method, Path] extends ["GET", `session`] ? Api.Session :
    [Method, Path] extends ["GET", `tags`] ? Api.TagList :
    [Method, Path] extends ["GET", `task_instances`] ? Api.TaskInstanceList :
    [Method, Path] extends ["GET", `ticks`] ? Api.TickList :
    [Method, Path] extends ["GET", `upcoming`] ? Api.UpcomingDags :
    never;
}
