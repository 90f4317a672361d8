-- On each day of a site its channels have as many sessions as the site.
select
    site_days.site_id,
    site_days.date_day
from {{ ref('mart_site_daily') }} as site_days
left join {{ ref('mart_channel_daily') }} as channel_days
    on
        site_days.site_id = channel_days.site_id
        and site_days.date_day = channel_days.date_day
group by site_days.site_id, site_days.date_day, site_days.sessions
having site_days.sessions != coalesce(sum(channel_days.sessions), 0)
