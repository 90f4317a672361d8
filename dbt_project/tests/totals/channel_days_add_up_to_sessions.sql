-- A site's channels hold every session once, with all that happened in it.
{{ disagreeing_sites(
    'select site_id, sum(sessions) as sessions, sum(page_views) as page_views, '
    ~ 'sum(conversions) as conversions, sum(value_cents) as value_cents, '
    ~ 'sum(engaged_sessions) as engaged from '
    ~ ref('mart_channel_daily') ~ ' group by site_id',
    'select site_id, count(*) as sessions, sum(page_views) as page_views, '
    ~ 'sum(conversions) as conversions, sum(value_cents) as value_cents, '
    ~ 'sum(case when is_engaged then 1 else 0 end) as engaged from '
    ~ ref('fct_sessions') ~ ' group by site_id',
    ['sessions', 'page_views', 'conversions', 'value_cents', 'engaged'],
) }}
