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

heartbeats as (

    select distinct
        site_id,
        session_id,
        page_view_id,
        {{ heartbeat('event_at') }} as heartbeat
    from events
    where event_name = 'engagement' and is_page_event

),

engagements as (

    select
        site_id,
        session_id,
        {{ engaged_seconds('count(*)', 'count(distinct page_view_id)') }}
            as engaged_seconds
    from heartbeats
    group by site_id, session_id

),

totals as (

    select
        site_id,
        stream_id,
        session_id,
        first_event_at,
        max(event_at) as ended_at,
        count(*) as events,
        count(distinct case when is_page_event then page_view_id end) as page_views,
        sum(case when event_type = 'conversion' then 1 else 0 end) as conversions,
        sum(coalesce(value_cents, 0)) as value_cents,
        {{ first_of(
            ['event_name', 'visitor_id', 'url', 'referrer', 'metadata'],
            ['event_at', 'event_id'],
            'is_page_event'
        ) }} as first_page,
        {{ last_of(
            ['url', 'metadata'],
            ['event_at', 'event_id'],
            "event_type = 'page_view'"
        ) }} as last_view
    from events
    group by site_id, stream_id, session_id, first_event_at

),

visits as (

    select
        *,
        coalesce(last_view.metadata, first_page.metadata) as last_metadata,
        case
            when last_view is null then first_page.url
            else last_view.url
        end as last_page_url
    from totals
    where first_page is not null

),

joined as (

    select
        visits.site_id,
        visits.session_id,
        visits.stream_id,
        visits.first_page.visitor_id,
        visits.first_event_at,
        case
            when visits.first_page.event_name = 'engagement'
                then
                    {{ dbt.dateadd(
                        'second', -var('min_visit_seconds'), 'visits.first_event_at'
                    ) }}
            else visits.first_event_at
        end as started_at,
        visits.ended_at,
        visits.events,
        visits.page_views,
        coalesce(engagements.engaged_seconds, 0) as engaged_seconds,
        cast(visits.conversions as bigint) as conversions,
        cast(visits.value_cents as bigint) as value_cents,
        visits.first_page.url as first_page_url,
        {{ json_text('visits.first_page.metadata', 'title') }} as first_page_title,
        visits.last_page_url,
        {{ json_text('visits.last_metadata', 'title') }} as last_page_title,
        visits.first_page.referrer,
        {{ json_text('visits.first_page.metadata', 'device') }} as device,
        {{ json_text('visits.first_page.metadata', 'country') }} as country
    from visits
    left join engagements
        on
            visits.site_id = engagements.site_id
            and visits.session_id = engagements.session_id

),

final as (

    select
        *,
        {{ dbt.datediff(
            'started_at', 'ended_at', 'second'
        ) }} as absolute_seconds,
        page_views >= 2
        or engaged_seconds >= 2 * {{ var('heartbeat_seconds') }}
        or conversions > 0 as is_engaged
    from joined

)

select * from final
