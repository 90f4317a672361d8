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
        ) as page_event_number,
        row_number() over (
            partition by site_id, session_id, event_type
            order by event_at desc, event_id desc
        ) as page_event_number_of_type_from_end
    from events
    where is_page_event

),

first_pages as (

    select
        site_id,
        session_id,
        visitor_id,
        event_name = 'engagement' as starts_with_engagement,
        url,
        {{ json_text('metadata', 'title') }} as title,
        referrer,
        {{ json_text('metadata', 'device') }} as device,
        {{ json_text('metadata', 'country') }} as country
    from page_events
    where page_event_number = 1

),

last_pages as (

    select
        site_id,
        session_id,
        url,
        {{ json_text('metadata', 'title') }} as title
    from page_events
    where
        event_type = 'page_view'
        and page_event_number_of_type_from_end = 1

),

heartbeats as (

    select distinct
        site_id,
        session_id,
        page_view_id,
        {{ heartbeat('event_at') }} as heartbeat
    from page_events
    where event_name = 'engagement'

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
        sum(coalesce(value_cents, 0)) as value_cents
    from events
    group by site_id, stream_id, session_id, first_event_at

),

joined as (

    select
        totals.site_id,
        totals.session_id,
        totals.stream_id,
        first_pages.visitor_id,
        totals.first_event_at,
        case
            when first_pages.starts_with_engagement
                then
                    {{ dbt.dateadd(
                        'second', -var('min_visit_seconds'), 'totals.first_event_at'
                    ) }}
            else totals.first_event_at
        end as started_at,
        totals.ended_at,
        totals.events,
        totals.page_views,
        coalesce(engagements.engaged_seconds, 0) as engaged_seconds,
        cast(totals.conversions as bigint) as conversions,
        cast(totals.value_cents as bigint) as value_cents,
        first_pages.url as first_page_url,
        first_pages.title as first_page_title,
        case
            when last_pages.session_id is null then first_pages.url
            else last_pages.url
        end as last_page_url,
        case
            when last_pages.session_id is null then first_pages.title
            else last_pages.title
        end as last_page_title,
        first_pages.referrer,
        first_pages.device,
        first_pages.country
    from totals
    inner join first_pages
        on
            totals.site_id = first_pages.site_id
            and totals.session_id = first_pages.session_id
    left join last_pages
        on
            totals.site_id = last_pages.site_id
            and totals.session_id = last_pages.session_id
    left join engagements
        on
            totals.site_id = engagements.site_id
            and totals.session_id = engagements.session_id

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
