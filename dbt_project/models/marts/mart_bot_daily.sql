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
{%- set first_day = keep_days(
    mark, rows_since(ref('stg_events'), mark), where='is_bot'
) %}

with

events as (

    {{ rows_of_kept_days(ref('stg_events'), 'event_at', first_day) }}

),

bot_events as (

    select * from events
    where is_bot

),

final as (

    select
        site_id,
        date_day,
        bot_reason,
        {{ dbt.split_part('bot_reason', "':'", 1) }} as detector,
        count(*) as events,
        count(distinct visitor_id) as visitors
    from bot_events
    group by site_id, date_day, bot_reason

)

select * from final
