{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['site_id', 'experiment_id', 'unit_id'],
        on_schema_change='fail',
        pre_hook=before_increment(),
        post_hook=after_increment(['int_exposures']),
    )
}}
{%- set mark = watermark() %}
{%- set keys = ['site_id', 'experiment_id', 'unit_id'] %}
{%- do keep(
    'changed_units',
    mark,
    'select distinct site_id, experiment_id, unit_id from ('
    ~ rows_since(ref('int_exposures'), mark) ~ ') as new_exposures'
) %}

with

exposures as (

    select * from {{ ref('int_exposures') }}
    {%- if mark is not none %}
    where {{ among_kept('changed_units', keys) }}
    {%- endif %}

),

numbered as (

    select
        *,
        row_number() over (
            partition by site_id, experiment_id, unit_id
            order by exposed_at, event_id
        ) as exposure_number
    from exposures

),

final as (

    select
        site_id,
        experiment_id,
        unit_id,
        max(case when exposure_number = 1 then variant_id end) as variant_id,
        min(exposed_at) as first_exposed_at,
        max(exposed_at) as last_exposed_at,
        count(*) as exposures,
        count(distinct variant_id) as variants_seen,
        max(case when is_cookieless then 1 else 0 end) = 1 as is_cookieless
    from numbered
    group by site_id, experiment_id, unit_id

)

select * from final
