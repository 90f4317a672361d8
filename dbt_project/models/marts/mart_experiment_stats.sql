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

units as (

    select
        experiments.experiment_id,
        exposures.variant_id,
        exposures.first_exposed_at,
        exposures.last_exposed_at,
        exposures.variants_seen > 1 as is_multiple,
        outcomes.conversions is not null as has_converted,
        coalesce(outcomes.value_cents, 0) as value_cents
    from exposures
    inner join experiments
        on
            exposures.site_id = experiments.site_id
            and exposures.experiment_id = experiments.experiment_id
    left join outcomes
        on
            exposures.site_id = outcomes.site_id
            and exposures.experiment_id = outcomes.experiment_id
            and exposures.unit_id = outcomes.unit_id
            and experiments.goal_type = outcomes.goal_type

),

multiples as (

    select
        experiment_id,
        count(*) as units_multiple
    from units
    where is_multiple
    group by experiment_id

),

totals as (

    select
        experiment_id,
        variant_id,
        count(*) as units,
        sum(case when has_converted then 1 else 0 end) as conversions,
        sum(value_cents) as value_sum,
        sum(value_cents * value_cents) as value_sum_sq,
        min(first_exposed_at) as first_exposure_at,
        max(last_exposed_at) as last_exposure_at
    from units
    where not is_multiple
    group by experiment_id, variant_id

),

metrics as (

    select 'conversion' as metric
    union all
    select 'value' as metric

),

final as (

    select
        variants.experiment_id,
        variants.variation_index,
        metrics.metric,
        experiments.site_id,
        experiments.goal_type,
        experiments.test_type,
        variants.variant_id,
        coalesce(totals.units, 0) as units,
        cast(coalesce(totals.conversions, 0) as bigint) as conversions,
        cast(
            coalesce(
                case
                    when metrics.metric = 'value' then totals.value_sum
                    else totals.conversions
                end,
                0
            ) as decimal(38, 0)
        ) as value_sum,
        cast(
            coalesce(
                case
                    when metrics.metric = 'value' then totals.value_sum_sq
                    else totals.conversions
                end,
                0
            ) as decimal(38, 0)
        ) as value_sum_sq,
        totals.first_exposure_at,
        totals.last_exposure_at,
        coalesce(multiples.units_multiple, 0) as units_multiple
    from variants
    inner join experiments
        on variants.experiment_id = experiments.experiment_id
    cross join metrics
    left join totals
        on
            variants.experiment_id = totals.experiment_id
            and variants.variant_id = totals.variant_id
    left join multiples
        on variants.experiment_id = multiples.experiment_id

)

select * from final
