\set batch random(0, :batches - 1)
SELECT p.n, v.code FROM bench.point p
LEFT JOIN LATERAL (
  SELECT v.code FROM grid_version v JOIN grid g USING (code)
  WHERE v.valid_to IS NULL AND g.kind = 'basic' AND ST_Covers(v.geom, p.location)
  ORDER BY v.code LIMIT 1) AS v ON true
WHERE p.batch = :batch;
