-- Visitors hold every session, and what was done in it, once.
{{ disagreeing_sites(
    'select site_id, sum(sessions) as sessions, sum(page_views) as page_views, '
    ~ 'sum(engaged_seconds) as engaged_seconds from '
    ~ ref('dim_visitors') ~ ' group by site_id',
    'select site_id, count(*) as sessions, sum(page_views) as page_views, '
    ~ 'sum(engaged_seconds) as engaged_seconds from '
    ~ ref('fct_sessions') ~ ' group by site_id',
    ['sessions', 'page_views', 'engaged_seconds'],
) }}
