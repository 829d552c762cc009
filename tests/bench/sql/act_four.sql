\set n random(1, :cases)
BEGIN;
UPDATE incident SET ${changes} WHERE id = ${case_id}
RETURNING version AS seq, state AS now_state, assignee_id AS actor \gset
INSERT INTO case_event (
  case_kind, case_id, seq, event, action, actor_id, actor_role, from_state, to_state, clauses,
  recorded_at, occurred_at, payload, prev_hash, hash)
VALUES ('incident', ${case_id}, :seq, 'incident.handled', 'handle', :actor::uuid, 'grid_worker',
  'accepted', :now_state, ARRAY['23.2'], now(), now(), ${payload},
  sha256('before'), sha256('after'));
COMMIT;
