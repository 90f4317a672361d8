{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        pre_hook=before_increment(['{{ delete_changed_days() }}']),
        post_hook=after_increment(['fct_sessions']),
    )
}}
{%- set mark = watermark() %}

with

sessions as (

    select
        *,
        cast(first_event_at as date) as date_day
    from {{ ref('fct_sessions') }}
    where first_event_at >= {{ first_changed_day(mark) }}

),

changed_days as (

    {{ changed_days(mark) }}

),

final as (

    select
        sessions.site_id,
        sessions.date_day,
        sessions.channel,
        count(*) as sessions,
        count(distinct sessions.visitor_id) as visitors,
        cast(sum(case when sessions.is_engaged then 1 else 0 end) as bigint)
            as engaged_sessions,
        cast(sum(sessions.page_views) as bigint) as page_views,
        cast(sum(sessions.conversions) as bigint) as conversions,
        cast(sum(sessions.value_cents) as bigint) as value_cents
    from sessions
    inner join changed_days
        on
            sessions.site_id = changed_days.site_id
            and sessions.date_day = changed_days.date_day
    group by sessions.site_id, sessions.date_day, sessions.channel

)

select * from final
