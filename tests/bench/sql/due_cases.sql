-- The cases numbered by name are open, and each has one mark that was reached: of every two, one
-- has used up its tier's time and one is over its finish. What is warned of already is done.
WITH due AS (
  UPDATE incident i SET policy_version = 1,
    next_alarm_at = now() - interval '1 hour' + d.n * interval '1 ms',
    amber_at = now() - interval '5 hours', due_at = now() - interval '1 hour',
    clocks = CASE WHEN d.n % 2 = 0 THEN jsonb_build_object(
        'tier', jsonb_build_array(s - 90000, s - 18000, s - 3600, s + 9000, 1, '24h'),
        'finish', jsonb_build_array(s - 90000, s - 1800, s + 86400, s + 90000, 1, '3wd'))
      ELSE jsonb_build_object(
        'tier', jsonb_build_array(s - 90000, s - 18000, s + 3600, s + 9000, 1, '24h'),
        'finish', jsonb_build_array(s - 90000, s - 18000, s - 3600, s + 90000, 1, '3wd')) END
  FROM (SELECT id, row_number() OVER (ORDER BY id) AS n, extract(epoch FROM now())::bigint AS s
    FROM incident WHERE reported_at > (SELECT built FROM bench.made) AND next_alarm_at IS NULL
      AND policy_version IS NULL AND number LIKE '511723-DUE-%') AS d
  WHERE i.id = d.id RETURNING i.*)
INSERT INTO open_incident (
  incident_id, county_code, township_code, village_code, grid_code, unit_code, co_units,
  concerns_unit, category_code, level, tier, state, reported_at, amber_at, due_at, supervise_at,
  next_alarm_at, drill)
SELECT id, county_code, township_code, village_code, grid_code, unit_code, co_units, concerns_unit,
  category_code, level, tier, state, reported_at, amber_at, due_at, supervise_at, next_alarm_at,
  drill
FROM due
