with

limits as (

    select * from {{ ref('int_metric_limits') }}

),

amounts as (

    select
        units.experiment_id,
        units.metric_id,
        units.variant_id,
        units.unit_id,
        limits.cap,
        limits.cap_share,
        units.per_amount,
        case
            when limits.kind not in ('conversion', 'retention') then units.amount
            when units.amount > 0 then 1
            else 0
        end as amount,
        units.earlier_amount
    from {{ ref('int_unit_metrics') }} as units
    inner join limits
        on
            units.experiment_id = limits.experiment_id
            and units.metric_id = limits.metric_id
            and units.site_id = limits.site_id
    where
        not units.is_multiple
        and (not limits.is_mature_only or {{ is_mature('units') }})

),

ranked as (

    select
        experiment_id,
        metric_id,
        amount,
        cap_share,
        cume_dist() over (
            partition by experiment_id, metric_id
            order by amount
        ) as share_up_to
    from amounts
    where cap_share is not null and amount > 0

),

quantile_caps as (

    select
        experiment_id,
        metric_id,
        min(amount) as quantile_cap
    from ranked
    where share_up_to >= cap_share
    group by experiment_id, metric_id

),

caps as (

    select
        limits.experiment_id,
        limits.metric_id,
        cast(
            coalesce(round(limits.cap), quantile_caps.quantile_cap) as decimal(38, 0)
        ) as cap_applied
    from limits
    left join quantile_caps
        on
            limits.experiment_id = quantile_caps.experiment_id
            and limits.metric_id = quantile_caps.metric_id

),

final as (

    select
        amounts.experiment_id,
        amounts.metric_id,
        amounts.variant_id,
        amounts.unit_id,
        amounts.per_amount,
        caps.cap_applied,
        cast(
            least(
                amounts.amount, coalesce(caps.cap_applied, amounts.amount)
            ) as {{ wide_integer() }}
        ) as amount,
        cast(
            least(
                amounts.earlier_amount,
                coalesce(caps.cap_applied, amounts.earlier_amount)
            ) as {{ wide_integer() }}
        ) as earlier_amount
    from amounts
    inner join caps
        on
            amounts.experiment_id = caps.experiment_id
            and amounts.metric_id = caps.metric_id

)

select * from final
