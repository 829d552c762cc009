-- What is open stands in the projection, as the service would have put it there.
INSERT INTO open_incident (
  incident_id, county_code, township_code, village_code, grid_code, unit_code, co_units,
  concerns_unit, category_code, level, tier, state, reported_at, amber_at, due_at, supervise_at,
  next_alarm_at, drill)
SELECT id, county_code, township_code, village_code, grid_code, unit_code, co_units, concerns_unit,
  category_code, level, tier, state, reported_at, amber_at, due_at, supervise_at, next_alarm_at,
  drill
FROM incident WHERE is_open AND due_at IS NOT NULL
ON CONFLICT DO NOTHING;
