-- What a sweep does to 500 cases, decided by nobody: found by their alarms, locked, changed, moved
-- in the projection, one event each.
WITH due AS MATERIALIZED (
  SELECT i.id, i.version, i.state, i.clocks ->> 'tier' AS tier_clock,
    (i.clocks #>> '{tier,2}')::bigint < extract(epoch FROM now()) AS climbs
  FROM open_incident o JOIN incident i ON i.id = o.incident_id
  WHERE o.next_alarm_at <= now() ORDER BY o.next_alarm_at LIMIT 500 FOR UPDATE OF i SKIP LOCKED
), changed AS (
  UPDATE incident i SET version = i.version + 1, head_hash = sha256('event'), last_event_at = now(),
    tier = i.tier + d.climbs::int, assignee_id = NULL,
    state = CASE WHEN d.climbs THEN 'reported' ELSE i.state END,
    clocks = jsonb_set(i.clocks, '{finish,4}', '2'), amber_at = now(), due_at = now(),
    supervise_at = now(), next_alarm_at = now() + interval '1 hour'
  FROM due d WHERE i.id = d.id RETURNING i.*
), mirrored AS (
  UPDATE open_incident o SET tier = c.tier, state = c.state, amber_at = c.amber_at,
    due_at = c.due_at, supervise_at = c.supervise_at, next_alarm_at = c.next_alarm_at
  FROM changed c WHERE o.incident_id = c.id
), logged AS (
  INSERT INTO case_event (
    case_kind, case_id, seq, event, action, actor_id, actor_role, from_state, to_state, clauses,
    recorded_at, occurred_at, payload, prev_hash, hash)
  SELECT 'incident', d.id, d.version + 1,
    CASE WHEN d.climbs THEN 'incident.escalated' ELSE 'incident.overdue' END,
    CASE WHEN d.climbs THEN 'escalate' ELSE 'mark-overdue' END,
    '00000000-0000-0000-0000-000000000000', 'service', d.state,
    CASE WHEN d.climbs THEN 'reported' ELSE d.state END, ARRAY['23.2'], now(), now(),
    '{"automatic": true, "rule": "finish.due", "policy_version": 1, "limit": "3wd", "began_at": "2026-11-24T08:00:00+00:00", "reached_at": "2026-11-25T08:00:00+00:00", "due_at": "2026-11-25T08:00:00+00:00"}',
    sha256('before'), sha256('event')
  FROM due d RETURNING 1
)
SELECT count(*) FROM logged
