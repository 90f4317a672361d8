-- A site's days hold every page view once.
{{ disagreeing_sites(
    'select site_id, sum(page_views) as page_views from '
    ~ ref('mart_site_daily') ~ ' group by site_id',
    'select site_id, count(*) as page_views from '
    ~ ref('fct_page_views') ~ ' group by site_id',
    ['page_views'],
) }}
