-- A site's days hold every session once.
{{ disagreeing_sites(
    'select site_id, sum(sessions) as sessions from '
    ~ ref('mart_site_daily') ~ ' group by site_id',
    'select site_id, count(*) as sessions from '
    ~ ref('fct_sessions') ~ ' group by site_id',
    ['sessions'],
) }}
