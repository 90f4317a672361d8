{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['site_id', 'date_day'],
        on_schema_change='fail',
        pre_hook=before_increment(),
        post_hook=after_increment(['stg_events']),
    )
}}
{%- set mark = watermark() %}
{%- set first_day = first_new_bot_day(mark) %}

with

new_days as (

    {{ new_bot_days(mark) }}

),

bot_events as (

    select
        *,
        cast(event_at as date) as date_day
    from {{ ref('stg_events') }}
    where is_bot and event_at >= {{ first_day }}

),

final as (

    select
        bot_events.site_id,
        bot_events.date_day,
        bot_events.bot_reason,
        {{ dbt.split_part('bot_events.bot_reason', "':'", 1) }} as detector,
        count(*) as events,
        count(distinct bot_events.visitor_id) as visitors
    from bot_events
    inner join new_days
        on
            bot_events.site_id = new_days.site_id
            and bot_events.date_day = new_days.date_day
    group by bot_events.site_id, bot_events.date_day, bot_events.bot_reason

)

select * from final
