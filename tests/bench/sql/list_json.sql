\set n random(1, ${townships})
SELECT ${json} AS body, ${columns} FROM incident i
WHERE i.township_code = ${township} AND i.is_open
ORDER BY i.reported_at DESC, i.id DESC LIMIT 51;
