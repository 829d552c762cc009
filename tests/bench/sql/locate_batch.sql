\set batch random(0, :batches - 1)
SELECT p.lon, p.lat, coalesce(f.dedicated, f.basic) AS code, f.micro FROM bench.point p
CROSS JOIN LATERAL (
  SELECT min(v.code) FILTER (WHERE g.kind = 'dedicated') AS dedicated,
    min(v.code) FILTER (WHERE g.kind = 'basic') AS basic,
    min(v.code) FILTER (WHERE g.kind = 'micro') AS micro
  FROM grid_version v JOIN grid g USING (code)
  WHERE v.valid_to IS NULL AND ST_Covers(v.geom, p.location)) AS f
WHERE p.batch = :batch ORDER BY p.n;
