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

exposed as (

    select
        site_id,
        experiment_id,
        variant_id,
        variants_seen > 1 as is_multiple,
        count(*) as units,
        min(first_exposed_at) as first_exposure_at,
        max(last_exposed_at) as last_exposure_at
    from exposures
    group by site_id, experiment_id, variant_id, variants_seen > 1

),

multiples as (

    select
        site_id,
        experiment_id,
        sum(units) as units_multiple
    from exposed
    where is_multiple
    group by site_id, experiment_id

),

converted as (

    select
        outcomes.site_id,
        outcomes.experiment_id,
        outcomes.variant_id,
        count(*) as conversions,
        sum(outcomes.value_cents) as value_sum,
        sum(outcomes.value_cents * outcomes.value_cents) as value_sum_sq
    from outcomes
    inner join experiments
        on
            outcomes.site_id = experiments.site_id
            and outcomes.experiment_id = experiments.experiment_id
            and outcomes.goal_type = experiments.goal_type
    where not outcomes.is_multiple
    group by outcomes.site_id, outcomes.experiment_id, outcomes.variant_id

),

totals as (

    select
        exposed.*,
        converted.conversions,
        converted.value_sum,
        converted.value_sum_sq
    from exposed
    left join converted
        on
            exposed.site_id = converted.site_id
            and exposed.experiment_id = converted.experiment_id
            and exposed.variant_id = converted.variant_id
    where not exposed.is_multiple

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
        cast(coalesce(multiples.units_multiple, 0) as bigint) as units_multiple
    from variants
    inner join experiments
        on variants.experiment_id = experiments.experiment_id
    cross join metrics
    left join totals
        on
            experiments.site_id = totals.site_id
            and variants.experiment_id = totals.experiment_id
            and variants.variant_id = totals.variant_id
    left join multiples
        on
            experiments.site_id = multiples.site_id
            and variants.experiment_id = multiples.experiment_id

)

select * from final
