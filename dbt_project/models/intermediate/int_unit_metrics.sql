{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        pre_hook=before_increment([
            "{{ delete_kept('changed_units', ['site_id', 'unit_id']) }}",
            "{{ delete_kept('changed_tests', ['experiment_id']) }}",
        ]),
        post_hook=after_increment(['fct_exposures', 'fct_conversions'])
        + save_metrics_read(),
    )
}}
{%- set mark = watermark() %}
{%- do keep_changed_exposures(mark) %}

with

metrics as (

    select * from {{ ref('stg_metrics') }}
    where not is_plain

),

measured_tests as (

    select distinct experiment_id from metrics

),

exposures as (

    select fct_exposures.*
    from {{ ref('fct_exposures') }} as fct_exposures
    inner join measured_tests
        on fct_exposures.experiment_id = measured_tests.experiment_id
    where {{ is_changed_exposure(mark, 'fct_exposures.') }}

),

conversions as (

    select * from {{ ref('fct_conversions') }}
    where {{ is_changed_unit(mark) }}

),

page_views as (

    select * from {{ ref('stg_events') }}
    where
        event_type = 'page_view'
        and not is_bot
        and {{ has_page_view_metrics() }}
        and {{ is_changed_unit(mark) }}

),

happenings as (

    select
        site_id,
        unit_id,
        'conversions' as measure,
        goal_type,
        converted_at as happened_at,
        1 as amount
    from conversions
    union all
    select
        site_id,
        unit_id,
        'value' as measure,
        goal_type,
        converted_at as happened_at,
        value_cents as amount
    from conversions
    union all
    select
        site_id,
        unit_id,
        'page_views' as measure,
        null as goal_type,
        event_at as happened_at,
        1 as amount
    from page_views

),

outcomes as (

    select
        exposures.site_id,
        exposures.experiment_id,
        exposures.unit_id,
        exposures.variant_id,
        exposures.first_exposed_at,
        exposures.variants_seen > 1 as is_multiple,
        happenings.measure,
        happenings.goal_type,
        cast(happenings.amount as {{ wide_integer() }}) as amount,
        {{ epoch_seconds('happenings.happened_at') }}
        - {{ epoch_seconds('exposures.first_exposed_at') }} as age_seconds
    from exposures
    inner join happenings
        on
            exposures.site_id = happenings.site_id
            and exposures.unit_id = happenings.unit_id

),

summed as (

    select
        outcomes.site_id,
        outcomes.experiment_id,
        metrics.metric_id,
        outcomes.unit_id,
        outcomes.variant_id,
        outcomes.first_exposed_at,
        outcomes.is_multiple,
        {{ measured_sum('measure', 'metrics.delay_hours * 3600', counted_until()) }}
            as amount,
        {{ measured_sum('per', 'metrics.delay_hours * 3600', counted_until()) }}
            as per_amount,
        {{ measured_sum('measure', '-metrics.covariate_days * 86400', '0') }}
            as earlier_amount
    from outcomes
    inner join metrics
        on outcomes.experiment_id = metrics.experiment_id
    group by
        outcomes.site_id,
        outcomes.experiment_id,
        metrics.metric_id,
        outcomes.unit_id,
        outcomes.variant_id,
        outcomes.first_exposed_at,
        outcomes.is_multiple

),

final as (

    select * from summed
    where amount != 0 or per_amount != 0 or earlier_amount != 0

)

select * from final
