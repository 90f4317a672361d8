{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        pre_hook=before_increment(['{{ delete_changed_days() }}']),
        post_hook=after_increment(['fct_sessions']),
    )
}}
{%- set first_day = keep_changed_days(watermark()) %}

with

sessions as (

    {{ rows_of_kept_days(ref('fct_sessions'), 'first_event_at', first_day) }}

),

final as (

    select
        site_id,
        date_day,
        channel,
        count(*) as sessions,
        count(distinct visitor_id) as visitors,
        cast(sum(case when is_engaged then 1 else 0 end) as bigint)
            as engaged_sessions,
        cast(sum(page_views) as bigint) as page_views,
        cast(sum(conversions) as bigint) as conversions,
        cast(sum(value_cents) as bigint) as value_cents
    from sessions
    group by site_id, date_day, channel

)

select * from final
