with

variants as (

    select * from {{ ref('stg_variants') }}

),

limits as (

    select * from {{ ref('int_metric_limits') }}

),

amounts as (

    select * from {{ ref('int_metric_amounts') }}

),

exposed as (

    select
        limits.experiment_id,
        limits.metric_id,
        exposures.variant_id,
        count(*) as exposed_units,
        sum(case when {{ is_mature('exposures') }} then 0 else 1 end) as units_pending
    from {{ ref('fct_exposures') }} as exposures
    inner join limits
        on
            exposures.site_id = limits.site_id
            and exposures.experiment_id = limits.experiment_id
    where exposures.variants_seen = 1
    group by limits.experiment_id, limits.metric_id, exposures.variant_id

),

summed as (

    select
        experiment_id,
        metric_id,
        variant_id,
        sum(case when amount > 0 then 1 else 0 end) as units_with,
        max(cap_applied) as cap_applied,
        sum(amount) as value_sum,
        sum(amount * amount) as value_sum_sq,
        sum(per_amount) as per_sum,
        sum(per_amount * per_amount) as per_sum_sq,
        sum(amount * per_amount) as per_product_sum,
        sum(earlier_amount) as earlier_sum,
        sum(earlier_amount * earlier_amount) as earlier_sum_sq,
        sum(amount * earlier_amount) as earlier_product_sum
    from amounts
    group by experiment_id, metric_id, variant_id

),

final as (

    select
        limits.experiment_id,
        limits.metric_id,
        variants.variation_index,
        limits.site_id,
        variants.variant_id,
        cast(
            coalesce(exposed.exposed_units, 0)
            - case
                when limits.is_mature_only then coalesce(exposed.units_pending, 0)
                else 0
            end as bigint
        ) as units,
        cast(coalesce(exposed.units_pending, 0) as bigint) as units_pending,
        cast(coalesce(summed.units_with, 0) as bigint) as units_with,
        {{ or_zero('summed.value_sum') }} as value_sum,
        {{ or_zero('summed.value_sum_sq') }} as value_sum_sq,
        {{ or_zero('summed.per_sum') }} as per_sum,
        {{ or_zero('summed.per_sum_sq') }} as per_sum_sq,
        {{ or_zero('summed.per_product_sum') }} as per_product_sum,
        {{ or_zero('summed.earlier_sum') }} as earlier_sum,
        {{ or_zero('summed.earlier_sum_sq') }} as earlier_sum_sq,
        {{ or_zero('summed.earlier_product_sum') }} as earlier_product_sum,
        cast(summed.cap_applied as decimal(38, 0)) as cap_applied
    from limits
    inner join variants
        on limits.experiment_id = variants.experiment_id
    left join exposed
        on
            limits.experiment_id = exposed.experiment_id
            and limits.metric_id = exposed.metric_id
            and variants.variant_id = exposed.variant_id
    left join summed
        on
            limits.experiment_id = summed.experiment_id
            and limits.metric_id = summed.metric_id
            and variants.variant_id = summed.variant_id

)

select * from final
