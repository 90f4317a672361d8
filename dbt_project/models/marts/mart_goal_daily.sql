{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['site_id', 'date_day'],
        on_schema_change='fail',
        pre_hook=before_increment(),
        post_hook=after_increment(['fct_conversions']),
    )
}}
{%- set mark = watermark() %}
{%- set first_day = keep_days(
    mark, rows_since(ref('fct_conversions'), mark), 'converted_at'
) %}

with

conversions as (

    {{ rows_of_kept_days(ref('fct_conversions'), 'converted_at', first_day) }}

),

final as (

    select
        site_id,
        date_day,
        goal_type,
        count(*) as conversions,
        count(distinct visitor_id) as converting_visitors,
        cast(sum(value_cents) as bigint) as value_cents
    from conversions
    group by site_id, date_day, goal_type

)

select * from final
