-- Fresh reports of workers in their own grids, each with its event, to be acted on.
WITH made AS (
  SELECT m.n, {case_id} AS id, p.code, p.worker, p.location, p.lon, p.lat, p.cell
  FROM generate_series({first}::bigint, {last}::bigint) AS m(n)
  JOIN bench.place p ON p.n = bench.pick(m.n, 7, (SELECT count(*) FROM bench.place)::int)
), kind AS (
  SELECT k.* FROM bench.kind k JOIN category c USING (version, code)
  WHERE c.evidence = 'none' ORDER BY k.n LIMIT 1
), stored AS (
  INSERT INTO incident (
    id, number, category_code, category_version, level, channel, description, occurred_at,
    reported_at, reporter_id, state, tier, version, head_hash, last_event_at, county_code,
    township_code, village_code, grid_code, location, raw_x, raw_y, raw_crs, accuracy_m, cell,
    assignee_id, handler_ids, returns, clauses)
  SELECT m.id, '511723-{name}-' || m.n, k.code, k.version, k.level, 'grid_worker',
    '路灯连续三晚不亮，老人出行不便（第' || m.n || '号）', now(), now(), m.worker, '{state}', 1, 1,
    sha256(uuid_send(m.id)), now(), left(m.code, 6), left(m.code, 9), left(m.code, 12), m.code,
    m.location, m.lon, m.lat, 'cgcs2000', 8, m.cell,
    CASE WHEN '{state}' <> 'reported' THEN m.worker END, '{{}}', 0, k.clauses
  FROM made m, kind k ORDER BY m.n
), logged AS (
  INSERT INTO case_event (
    case_kind, case_id, seq, event, action, actor_id, actor_role, from_state, to_state, clauses,
    recorded_at, occurred_at, payload, prev_hash, hash)
  SELECT 'incident', m.id, 1, 'incident.reported', 'report', m.worker, 'grid_worker', NULL,
    'reported', ARRAY['23.2'], now(), now(), '{{}}', decode(repeat('00', 32), 'hex'),
    sha256(uuid_send(m.id))
  FROM made m ORDER BY m.n
)
SELECT id, worker FROM made ORDER BY n;
