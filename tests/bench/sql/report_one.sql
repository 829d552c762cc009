\set worker random(1, ${workers})
\set lon random(:west, :east)
\set lat random(:south, :north)
WITH stored AS (
  INSERT INTO incident (
    id, number, category_code, category_version, level, channel, description, occurred_at,
    reported_at, reporter_id, state, tier, version, head_hash, last_event_at, county_code,
    township_code, village_code, grid_code, location, raw_x, raw_y, raw_crs, accuracy_m, cell,
    handler_ids, returns, clauses)
  SELECT ${values} FROM ${place} RETURNING id)
INSERT INTO case_event (
  case_kind, case_id, seq, event, action, actor_id, actor_role, from_state, to_state, clauses,
  recorded_at, occurred_at, payload, prev_hash, hash)
SELECT 'incident', id, 1, ${event} FROM stored;
