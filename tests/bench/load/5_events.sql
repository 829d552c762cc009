-- The report of every open case and of one closed case in {closed_per_event}. The chain is not
-- that of the service: this is bulk to be found among, not history to be verified.
INSERT INTO case_event (
  case_kind, case_id, seq, event, action, actor_id, actor_role, from_state, to_state, clauses,
  recorded_at, occurred_at, payload, prev_hash, hash)
SELECT 'incident', d.id, 1, 'incident.reported', 'report', p.worker,
  'grid_worker', NULL, 'reported', k.clauses, d.at, d.at - interval '20 minutes',
  jsonb_build_object('category', k.code, 'grid', p.code, 'level', k.level),
  decode(repeat('00', 32), 'hex'), sha256(uuid_send(d.id))
FROM bench.drawn d
JOIN bench.place p ON p.n = d.place
JOIN bench.kind k ON k.n = d.kind
WHERE d.is_open OR d.n % {closed_per_event} = 0;
