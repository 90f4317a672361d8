{{ config(tags=['hourly']) }}

with

variants as (

    select * from {{ ref('stg_variants') }}

),

experiments as (

    select * from {{ ref('stg_experiments') }}

),

exposures as (

    select * from {{ ref('fct_exposures') }}

),

outcomes as (

    select * from {{ ref('int_unit_outcomes') }}

),

happenings as (

    select
        site_id,
        experiment_id,
        variant_id,
        cast(first_exposed_at as date) as date_day,
        count(*) as units,
        0 as conversions
    from exposures
    where variants_seen = 1
    group by
        site_id, experiment_id, variant_id, cast(first_exposed_at as date)
    union all
    select
        outcomes.site_id,
        outcomes.experiment_id,
        outcomes.variant_id,
        cast(outcomes.first_converted_at as date) as date_day,
        0 as units,
        count(*) as conversions
    from outcomes
    inner join experiments
        on
            outcomes.site_id = experiments.site_id
            and outcomes.experiment_id = experiments.experiment_id
            and outcomes.goal_type = experiments.goal_type
    where not outcomes.is_multiple
    group by
        outcomes.site_id,
        outcomes.experiment_id,
        outcomes.variant_id,
        cast(outcomes.first_converted_at as date)

),

final as (

    select
        variants.experiment_id,
        happenings.date_day,
        variants.variation_index,
        experiments.site_id,
        variants.variant_id,
        cast(sum(happenings.units) as bigint) as units,
        cast(sum(happenings.conversions) as bigint) as conversions
    from happenings
    inner join experiments
        on
            happenings.site_id = experiments.site_id
            and happenings.experiment_id = experiments.experiment_id
    inner join variants
        on
            happenings.experiment_id = variants.experiment_id
            and happenings.variant_id = variants.variant_id
    group by
        variants.experiment_id,
        happenings.date_day,
        variants.variation_index,
        experiments.site_id,
        variants.variant_id

)

select * from final
