\set lon random(:west, :east)
\set lat random(:south, :north)
SELECT v.code, v.name, g.kind FROM grid_version v JOIN grid g USING (code)
WHERE v.valid_to IS NULL AND ST_Covers(v.geom, ${point}) ORDER BY length(v.code), v.code;
