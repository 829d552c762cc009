\set n random(1, :cases)
WITH acted AS (
  UPDATE incident SET ${changes} WHERE id = ${case_id}
  RETURNING id, version, state, assignee_id)
INSERT INTO case_event (
  case_kind, case_id, seq, event, action, actor_id, actor_role, from_state, to_state, clauses,
  recorded_at, occurred_at, payload, prev_hash, hash)
SELECT 'incident', id, version, 'incident.handled', 'handle', assignee_id, 'grid_worker',
  'accepted', state, ARRAY['23.2'], now(), now(), ${payload},
  sha256('before'), sha256('after') FROM acted;
