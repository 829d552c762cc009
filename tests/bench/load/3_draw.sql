-- One row for each case to make. Closed cases are numbered from the newest back over two years at
-- an even rate, so that a shorter history holds the same newest cases; what is open came in over
-- the last thirty days, most of it lately.
CREATE UNLOGGED TABLE bench.drawn AS
SELECT n, is_open, at, bench.case_id(at, n) AS id,
  bench.pick(n, 1, (SELECT count(*) FROM bench.place)::int) AS place,
  bench.pick(n, 2, (SELECT count(*) FROM bench.kind)::int) AS kind,
  bench.pick(n, 3, 100) AS state_chance, bench.pick(n, 4, 100) AS tier_chance,
  bench.pick(n, 5, 100) AS unit_chance, 1 + bench.pick(n, 6, {units}) AS unit
FROM (
  SELECT n, false AS is_open,
    timestamptz '{base}' - interval '1 day' - n * interval '63.072 seconds' AS at
  FROM generate_series({first}::bigint, {last}::bigint) AS n
  UNION ALL
  SELECT 1000000000 + n, true,
    timestamptz '{base}' - interval '30 days' * power(n / {opens}::float8, 2) - n * interval '1 ms'
  FROM generate_series(1::bigint, {opens_now}::bigint) AS n
) AS moments
ORDER BY at;
