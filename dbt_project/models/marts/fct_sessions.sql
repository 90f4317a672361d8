{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        pre_hook=before_increment(['{{ delete_changed_sessions() }}']),
        post_hook=after_increment(['int_sessions']),
    )
}}
{%- set mark = watermark() %}

with

events as (

    {{ events_of_changed_sessions(mark) }}

),

page_events as (

    select
        *,
        row_number() over (
            partition by site_id, session_id
            order by event_at, event_id
        ) as position_from_start,
        row_number() over (
            partition by site_id, session_id
            order by case when event_type = 'page_view' then 0 else 1 end, event_at desc, event_id desc
        ) as position_from_end
    from events
    where
        page_view_id is not null
        and (event_type = 'page_view' or event_name = 'engagement')

),

pages as (

    select
        site_id,
        session_id,
        max(case when position_from_start = 1 then url end) as first_page_url,
        max(case when position_from_end = 1 then url end) as last_page_url,
        max(case when position_from_start = 1 then referrer end) as referrer,
        count(distinct page_view_id) as page_views,
        count(distinct case when event_name = 'engagement' then page_view_id end)
            as engaged_pages,
        count(
            distinct case
                when event_name = 'engagement'
                    then {{ dbt.concat(['page_view_id', "'|'", 'cast(' ~ heartbeat('event_at') ~ ' as ' ~ dbt.type_string() ~ ')']) }}
            end
        ) as heartbeats
    from page_events
    group by site_id, session_id

),

first_visitors as (

    select
        site_id,
        session_id,
        visitor_id
    from (
        select
            *,
            row_number() over (
                partition by site_id, session_id
                order by event_at, event_id
            ) as event_number
        from events
    ) as numbered
    where event_number = 1

),

totals as (

    select
        site_id,
        stream_id,
        session_id,
        session_started_at,
        min(event_at) as started_at,
        max(event_at) as ended_at,
        count(*) as events,
        sum(case when event_type = 'conversion' then 1 else 0 end) as conversions,
        sum(coalesce(value_cents, 0)) as value_cents
    from events
    group by site_id, stream_id, session_id, session_started_at

),

final as (

    select
        totals.site_id,
        totals.session_id,
        totals.stream_id,
        totals.session_started_at,
        first_visitors.visitor_id,
        totals.started_at,
        totals.ended_at,
        totals.events,
        coalesce(pages.page_views, 0) as page_views,
        coalesce({{ engaged_seconds('pages.heartbeats', 'pages.engaged_pages') }}, 0)
            as engaged_seconds,
        pages.first_page_url,
        pages.last_page_url,
        pages.referrer,
        cast(totals.conversions as bigint) as conversions,
        cast(totals.value_cents as bigint) as value_cents
    from totals
    inner join first_visitors
        on
            totals.site_id = first_visitors.site_id
            and totals.session_id = first_visitors.session_id
    left join pages
        on
            totals.site_id = pages.site_id
            and totals.session_id = pages.session_id

)

select * from final
