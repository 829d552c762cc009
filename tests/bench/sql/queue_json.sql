\set n random(1, ${townships})
SELECT ${json} AS body, ${columns}, o.due_at FROM (
  SELECT incident_id, due_at FROM open_incident
  WHERE township_code = ${township} AND tier = ANY (ARRAY[1, 2, 3, 4])
  ORDER BY due_at, incident_id LIMIT 51) AS o JOIN incident i ON i.id = o.incident_id
ORDER BY o.due_at, o.incident_id;
