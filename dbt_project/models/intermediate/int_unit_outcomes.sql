{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['site_id', 'experiment_id', 'unit_id'],
        on_schema_change='fail',
        pre_hook=before_increment(),
        post_hook=after_increment(['fct_exposures', 'fct_conversions']),
    )
}}
{%- set mark = watermark() %}
{%- do keep(
    'changed_units',
    mark,
    'select distinct site_id, unit_id from ('
    ~ new_human_events(mark) ~ ') as new_events'
) %}

with

exposures as (

    select * from {{ ref('fct_exposures') }}
    {%- if mark is not none %}
    where {{ among_kept('changed_units', ['site_id', 'unit_id']) }}
    {%- endif %}

),

conversions as (

    select * from {{ ref('fct_conversions') }}
    {%- if mark is not none %}
    where {{ among_kept('changed_units', ['site_id', 'unit_id']) }}
    {%- endif %}

),

final as (

    select
        exposures.site_id,
        exposures.experiment_id,
        exposures.unit_id,
        conversions.goal_type,
        exposures.variant_id,
        exposures.variants_seen > 1 as is_multiple,
        count(*) as conversions,
        sum(cast(conversions.value_cents as {{ wide_integer() }})) as value_cents,
        min(conversions.converted_at) as first_converted_at
    from exposures
    inner join conversions
        on
            exposures.site_id = conversions.site_id
            and exposures.unit_id = conversions.unit_id
            and exposures.first_exposed_at <= conversions.converted_at
    group by
        exposures.site_id,
        exposures.experiment_id,
        exposures.unit_id,
        conversions.goal_type,
        exposures.variant_id,
        exposures.variants_seen

)

select * from final
