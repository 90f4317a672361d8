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

with

conversions as (

    select
        *,
        cast(converted_at as date) as date_day
    from {{ ref('fct_conversions') }}
    {%- if mark is not none %} as conversions
    where
        exists (
            select 1
            from ({{ rows_since(ref('fct_conversions'), mark) }}) as new_conversions
            where
                new_conversions.site_id = conversions.site_id
                and cast(new_conversions.converted_at as date)
                = cast(conversions.converted_at as date)
        )
    {%- endif %}

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
