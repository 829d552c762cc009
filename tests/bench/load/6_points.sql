-- Positions to be located in batches: the same in SQL and over HTTP.
CREATE TABLE bench.point AS
SELECT batch, n, lon, lat, ST_SetSRID(ST_MakePoint(lon, lat), 4490)::geometry(Point, 4490) AS location
FROM (
  SELECT batch, n,
    round({west} + ({east} - {west}) * bench.pick(batch * 100000 + n, 11, 1000000) / 1e6, 7)::float8 AS lon,
    round({south} + ({north} - {south}) * bench.pick(batch * 100000 + n, 12, 1000000) / 1e6, 7)::float8 AS lat
  FROM generate_series(0::bigint, {batches} - 1) AS batch, generate_series(1::bigint, {size}) AS n
) AS drawn;
CREATE INDEX ON bench.point (batch);
ANALYZE bench.point;
