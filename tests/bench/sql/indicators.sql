SELECT count(*) FILTER (WHERE gw_china_day(i.reported_at) BETWEEN '${first}' AND '${last}'),
  count(*) FILTER (WHERE gw_china_day(i.reported_at) BETWEEN '${first}' AND '${last}'
    AND i.channel = 'grid_worker'),
  count(*) FILTER (WHERE gw_china_day(i.accepted_at) BETWEEN '${first}' AND '${last}'),
  count(*) FILTER (WHERE gw_china_day(i.accepted_at) BETWEEN '${first}' AND '${last}'
    AND i.closed_at IS NOT NULL),
  count(*) FILTER (WHERE gw_china_day(i.accepted_at) BETWEEN '${first}' AND '${last}'
    AND i.assignments > 0),
  count(*) FILTER (WHERE gw_china_day(i.accepted_at) BETWEEN '${first}' AND '${last}'
    AND i.returns > 0),
  count(*) FILTER (WHERE gw_china_day(i.accepted_at) BETWEEN '${first}' AND '${last}'
    AND i.verifications > 0),
  count(*) FILTER (WHERE gw_china_day(i.accepted_at) BETWEEN '${first}' AND '${last}'
    AND i.failed_verifications > 0),
  count(*) FILTER (WHERE gw_china_day(i.on_site_due) BETWEEN '${first}' AND '${last}'
    AND i.on_site_due <= now() AND i.level <= 2),
  count(*) FILTER (WHERE gw_china_day(i.on_site_due) BETWEEN '${first}' AND '${last}'
    AND i.on_site_due <= now() AND i.level <= 2 AND i.arrived_at <= i.on_site_due),
  count(*) FILTER (WHERE gw_china_day(i.finish_due) BETWEEN '${first}' AND '${last}'
    AND i.finish_due <= now()),
  count(*) FILTER (WHERE gw_china_day(i.finish_due) BETWEEN '${first}' AND '${last}'
    AND i.finish_due <= now() AND i.closed_at <= i.finish_due),
  count(*) FILTER (WHERE gw_china_day(i.finish_due) BETWEEN '${first}' AND '${last}'
    AND i.finish_due <= now() AND i.extensions > 0),
  count(*) FILTER (WHERE gw_china_day(i.closed_at) BETWEEN '${first}' AND '${last}'),
  count(*) FILTER (WHERE gw_china_day(i.closed_at) BETWEEN '${first}' AND '${last}'
    AND i.satisfaction IN ('satisfied', 'neutral', 'dissatisfied')),
  count(*) FILTER (WHERE gw_china_day(i.closed_at) BETWEEN '${first}' AND '${last}'
    AND i.satisfaction = 'satisfied'),
  percentile_disc(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY i.closed_at - i.reported_at)
    FILTER (WHERE gw_china_day(i.closed_at) BETWEEN '${first}' AND '${last}')
FROM incident i
WHERE i.county_code = '${county}' AND i.state NOT IN ('void', 'merged', 'rejected') AND NOT i.drill
  AND i.reported_at >= date '${first}' - 60 AND i.reported_at < date '${last}' + 2;
