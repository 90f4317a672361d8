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
{%- set mark = watermark() %}
{%- set first_day = first_changed_day(mark) %}

with

changed_days as (

    {{ changed_days(mark) }}

),

events as (

    select
        site_id,
        cast(event_at as date) as date_day,
        sum(case when is_bot then 0 else 1 end) as events,
        sum(case when is_bot then 1 else 0 end) as bot_events,
        count(distinct case when not is_bot then visitor_id end) as visitors
    from {{ ref('stg_events') }}
    where event_at >= {{ first_day }}
    group by 1, 2

),

page_views as (

    select
        site_id,
        cast(started_at as date) as date_day,
        count(*) as page_views
    from {{ ref('fct_page_views') }}
    where started_at >= {{ first_day }}
    group by 1, 2

),

sessions as (

    select
        site_id,
        cast(first_event_at as date) as date_day,
        count(*) as sessions
    from {{ ref('fct_sessions') }}
    where first_event_at >= {{ first_day }}
    group by 1, 2

),

conversions as (

    select
        site_id,
        cast(converted_at as date) as date_day,
        count(*) as conversions,
        sum(value_cents) as conversion_value_cents
    from {{ ref('fct_conversions') }}
    where converted_at >= {{ first_day }}
    group by 1, 2

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
    inner join changed_days
        on
            events.site_id = changed_days.site_id
            and events.date_day = changed_days.date_day
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
