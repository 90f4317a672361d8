{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['site_id', 'date_day'],
        on_schema_change='fail',
        pre_hook=before_increment(),
        post_hook=after_increment(['fct_page_views', 'fct_sessions', 'fct_conversions']),
    )
}}
{%- set first_day = keep_changed_days(watermark()) %}

with

events as (

    select
        site_id,
        date_day,
        sum(case when is_bot then 0 else 1 end) as events,
        sum(case when is_bot then 1 else 0 end) as bot_events,
        count(distinct case when not is_bot then visitor_id end) as visitors
    from (
        {{ rows_of_kept_days(ref('stg_events'), 'event_at', first_day) }}
    ) as events
    group by site_id, date_day

),

page_views as (

    select
        site_id,
        date_day,
        count(*) as page_views
    from (
        {{ rows_of_kept_days(ref('fct_page_views'), 'started_at', first_day) }}
    ) as page_views
    group by site_id, date_day

),

sessions as (

    select
        site_id,
        date_day,
        count(*) as sessions
    from (
        {{ rows_of_kept_days(ref('fct_sessions'), 'first_event_at', first_day) }}
    ) as sessions
    group by site_id, date_day

),

conversions as (

    select
        site_id,
        date_day,
        count(*) as conversions,
        sum(value_cents) as conversion_value_cents
    from (
        {{ rows_of_kept_days(ref('fct_conversions'), 'converted_at', first_day) }}
    ) as conversions
    group by site_id, date_day

),

final as (

    select
        events.site_id,
        events.date_day,
        coalesce(page_views.page_views, 0) as page_views,
        coalesce(sessions.sessions, 0) as sessions,
        events.visitors,
        coalesce(conversions.conversions, 0) as conversions,
        cast(coalesce(conversions.conversion_value_cents, 0) as bigint)
            as conversion_value_cents,
        cast(events.bot_events as bigint) as bot_events,
        cast(events.events as bigint) as events
    from events
    left join page_views
        on
            events.site_id = page_views.site_id
            and events.date_day = page_views.date_day
    left join sessions
        on
            events.site_id = sessions.site_id
            and events.date_day = sessions.date_day
    left join conversions
        on
            events.site_id = conversions.site_id
            and events.date_day = conversions.date_day

)

select * from final
